"""resume: from a person's decision to the waiting agent that goes on, alone and in a crowd."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import msgspec

from pullcord import AsyncPullcord
from pullcord.bench.figure import Figure, Setting, share
from pullcord.bench.ground import SQLITE, ground
from pullcord.bench.plain_http import Connection
from pullcord.bench.town import HOST, opening
from pullcord.console.hosting import listening, served, url_of
from pullcord.engine.house import House
from pullcord.path.escalation import person
from pullcord.store.port import AgentKey
from pullcord.wire import requests as wire

#: seconds in which the agent's long poll is surely there
SETTLED_SECONDS = 0.02
#: agents of the crowd, each with a held poll of its own
CROWD = 2_000


@dataclass(frozen=True, slots=True)
class Live:
    """A served house in this process, and an agent's client of its own."""

    house: House
    key: AgentKey
    shown: str
    port: int
    cord: AsyncPullcord


async def resume(setting: Setting) -> list[Figure]:
    """Over HTTP on loopback, one at a time; then the same while two thousand others wait."""
    async with _live(setting) as live:
        await _resumptions(live, setting.seconds / 3)
        alone = sorted(await _resumptions(live, setting.seconds * 2))
        async with crowd(live, CROWD):
            beside = sorted(await _resumptions(live, setting.seconds * 2))
    p50, p99 = share(alone, 0.5) * 1e3, share(alone, 0.99) * 1e3
    crowded = share(beside, 0.99) * 1e3
    peer = f"beside {CROWD:,} others; p50 {share(beside, 0.5) * 1e3:.1f} ms"
    return [
        Figure("resume_p50", p50, "ms", len(alone), reach="≤ 2 ms", has_reached=p50 <= 2),
        Figure("resume_p99", p99, "ms", len(alone), reach="≤ 10 ms", has_reached=p99 <= 10),
        Figure(
            "resume_crowd_p99",
            crowded,
            "ms",
            len(beside),
            peer=peer,
            reach="≤ 15 ms",
            has_reached=crowded <= 15,
        ),
    ]


@asynccontextmanager
async def _live(setting: Setting) -> AsyncIterator[Live]:
    listener = listening(HOST, 0)
    port = listener.getsockname()[1]
    async with (
        ground(setting, SQLITE) as place,
        place.house() as (house, key, shown),
        served(house, listener),
    ):
        cord = AsyncPullcord(url=url_of(listener), key=shown)
        try:
            yield Live(house, key, shown, port, cord)
        finally:
            await cord.close()


@asynccontextmanager
async def crowd(live: Live, count: int) -> AsyncIterator[None]:
    """So many held polls, each on its own connection, for something nobody decides."""
    found = await live.house.desk.open(live.key, msgspec.convert(opening("crowd"), wire.OpenIn))
    assert found.row is not None, "the benchmark's call was not stopped"
    path = f"/v1/decisions?wait=55&escalation={found.row.escalation.id}"
    headers = {"authorization": f"Bearer {live.shown}"}
    async with AsyncExitStack() as stack:
        polls: list[asyncio.Task[tuple[int, bytes]]] = []
        for _ in range(count):
            connection = await Connection.connect(HOST, live.port, headers)
            stack.push_async_callback(connection.close)
            polls.append(asyncio.create_task(connection.send("GET", path)))
        await asyncio.sleep(1)
        assert not any(each.done() for each in polls), "a poll of the crowd was not held"
        yield
        for each in polls:
            each.cancel()
        await asyncio.gather(*polls, return_exceptions=True)


async def _resumptions(live: Live, seconds: float) -> list[float]:
    spans: list[float] = []
    resumed = asyncio.Event()
    at = 0.0

    @live.cord.guard(wait="30s")
    async def issue_refund(order: str, amount: float) -> str:
        nonlocal at
        at = time.perf_counter()
        resumed.set()
        return f"{order} {amount}"

    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        resumed.clear()
        listener = live.house.bus.listen("bench")
        waiting: asyncio.Future[str] = asyncio.ensure_future(issue_refund("H-1", 480.0))
        signal = await listener.next()
        while signal.topic != "escalation":
            signal = await listener.next()
        listener.close()
        await asyncio.sleep(SETTLED_SECONDS)
        decided = wire.DecideIn(kind="approve")
        began = time.perf_counter()
        await live.house.desk.act("bench", signal.id, person("maria"), decided, via="bench")
        await resumed.wait()
        spans.append(at - began)
        await waiting
    return spans
