"""open_sqlite: durable openings over HTTP, against raw writes of the same bytes."""

import asyncio
import json
import tempfile
import time
from pathlib import Path

from pullcord.bench.figure import Figure, Setting, share
from pullcord.bench.floors import Floor, rate
from pullcord.bench.town import opening, payload, served

IN_FLIGHT = 32
REACH = 0.30


async def open_sqlite(setting: Setting) -> list[Figure]:
    """Openings a second with 32 in flight; the full handler, every reply after the flush."""
    with tempfile.TemporaryDirectory(dir=setting.folder) as name:
        folder = Path(name)
        floor = Floor(folder / "floor.db")
        body = payload()
        raw, _ = await rate(
            lambda key: floor.open(key, body),
            workers=IN_FLIGHT,
            seconds=setting.seconds,
        )
        await floor.close()
        own, latencies = await _openings(folder, setting.seconds)
    ratio = own / raw
    return [
        Figure(
            name="open_sqlite",
            value=own,
            unit="opens/s",
            n=len(latencies),
            floor=raw,
            ratio=ratio,
            peer="raw group commit",
            reach=f"ratio ≥ {REACH}",
            has_reached=ratio >= REACH,
        ),
        Figure(
            name="open_sqlite_p99",
            value=share(latencies, 0.99) * 1e3,
            unit="ms",
            n=len(latencies),
            peer=f"p50 {share(latencies, 0.5) * 1e3:.1f} ms",
        ),
    ]


async def _openings(folder: Path, seconds: float) -> tuple[float, list[float]]:
    """(per second, sorted seconds of each) through a server in a process of its own."""
    latencies: list[float] = []
    async with served(folder) as place:
        connections = [await place.connection() for _ in range(IN_FLIGHT)]
        for connection in connections:
            await connection.send("POST", "/v1/escalations", _body(f"warm-{id(connection)}"))
        until = time.perf_counter() + seconds

        async def work(worker: int) -> None:
            turn = 0
            while time.perf_counter() < until:
                began = time.perf_counter()
                body = _body(f"{worker}-{turn}")
                status, reply = await connections[worker].send("POST", "/v1/escalations", body)
                if status != 201:
                    raise RuntimeError(f"{status}: {reply[:300]!r}")
                latencies.append(time.perf_counter() - began)
                turn += 1

        started = time.perf_counter()
        await asyncio.gather(*(work(worker) for worker in range(IN_FLIGHT)))
        spent = time.perf_counter() - started
        for connection in connections:
            await connection.close()
    return len(latencies) / spent, sorted(latencies)


def _body(key: str) -> bytes:
    return json.dumps(opening(key)).encode()
