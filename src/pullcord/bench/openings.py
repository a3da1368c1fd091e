"""open_sqlite and open_postgres: durable openings over HTTP, beside raw writes of the bytes."""

import itertools
import json
import time

from pullcord.bench.figure import Figure, Round, Setting, paired, share
from pullcord.bench.floors import rate
from pullcord.bench.ground import POSTGRES, SQLITE, ground
from pullcord.bench.plain_http import Connection
from pullcord.bench.town import opening, payload, served

IN_FLIGHT = 32
REACH = {SQLITE: 0.30, POSTGRES: 0.45}
FLOOR = {SQLITE: "raw group commit", POSTGRES: "raw asyncpg, one statement"}


async def open_sqlite(setting: Setting) -> list[Figure]:
    """Openings a second with 32 in flight; the full handler, every reply after the flush."""
    return await _openings(setting, SQLITE)


async def open_postgres(setting: Setting) -> list[Figure]:
    """The same on PostgreSQL, synchronous_commit on."""
    return await _openings(setting, POSTGRES)


async def _openings(setting: Setting, kind: str) -> list[Figure]:
    rounds: list[Round] = []
    body = payload()
    async with ground(setting, kind) as place, served(place.folder, db=place.db) as town:
        floor = await place.floor()
        caller = Caller([await town.connection() for _ in range(IN_FLIGHT)])
        await rate(caller.open, workers=IN_FLIGHT, seconds=setting.seconds / 3)
        caller.spans.clear()
        for turn in range(setting.rounds):
            raw, _ = await rate(
                lambda name, turn=turn: floor.open(f"{turn}-{name}", body),  # type: ignore[misc]
                workers=IN_FLIGHT,
                seconds=setting.seconds,
            )
            own, n = await rate(caller.open, workers=IN_FLIGHT, seconds=setting.seconds)
            rounds.append(Round(own, raw, n))
        await caller.close()
        await floor.close()
    spans = sorted(caller.spans)
    name = f"open_{kind}"
    p50, p99 = share(spans, 0.5) * 1e3, share(spans, 0.99) * 1e3
    return [
        paired(name, rounds, unit="opens/s", peer=FLOOR[kind], reach=REACH[kind]),
        Figure(f"{name}_p99", p99, "ms", len(spans), peer=f"p50 {p50:.1f} ms"),
    ]


class Caller:
    """Sends openings over kept connections and remembers how long each took, in seconds."""

    def __init__(self, connections: list[Connection]) -> None:
        self._connections = connections
        self._numbers = itertools.count()
        self.spans: list[float] = []

    async def open(self, name: str) -> None:
        """One opening, over the connection of its worker."""
        connection = self._connections[int(name.partition("-")[0])]
        began = time.perf_counter()
        body = json.dumps(opening(f"k{next(self._numbers)}")).encode()
        status, reply = await connection.send("POST", "/v1/escalations", body)
        if status != 201:
            raise RuntimeError(f"{status}: {reply[:300]!r}")
        self.spans.append(time.perf_counter() - began)

    async def close(self) -> None:
        """Let go of the connections."""
        for connection in self._connections:
            await connection.close()
