"""cycle_sqlite and resume: a pause, a person's decision, and the agent that goes on."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from pullcord import AsyncPullcord
from pullcord.bench.figure import Figure, Setting, share
from pullcord.bench.floors import Floor, rate
from pullcord.bench.town import HOST, POLICY, opening, payload
from pullcord.console.hosting import listening, served, url_of
from pullcord.engine.house import House, furnish, opened
from pullcord.path.escalation import person
from pullcord.store.port import AgentKey
from pullcord.store.sqlite import SqliteStore
from pullcord.wire import requests as wire

IN_FLIGHT = 64
REACH = 0.35
#: seconds in which the agent's long poll is surely there
SETTLED_SECONDS = 0.02


@asynccontextmanager
async def house_in(folder: Path) -> AsyncIterator[tuple[House, AgentKey, str]]:
    """A house in this process: what peers do in theirs."""
    house = furnish(SqliteStore(folder / "cycle.db"), master=bytes(32))
    async with opened(house, runs=False):
        await house.office.apply(POLICY, by="bench")
        shown, key = await house.office.mint_key(
            "bench", agent="support", environment="production", creator="dana"
        )
        yield house, key, shown


async def cycle_sqlite(setting: Setting) -> list[Figure]:
    """Cycles a second with 64 in flight, in one process like every peer."""
    with tempfile.TemporaryDirectory(dir=setting.folder) as name:
        folder = Path(name)
        raw = await _floor(folder, setting.seconds)
        async with house_in(folder) as (house, key, _):

            async def cycle(name: str) -> None:
                request = msgspec.convert(opening(name), wire.OpenIn)
                found = await house.desk.open(key, request)
                assert found.row is not None, "the benchmark's call was not stopped"
                escalation = found.row.escalation.id
                decision = wire.DecideIn(kind="approve")
                await house.desk.act("bench", escalation, person("maria"), decision, via="bench")
                await house.desk.collect(key, escalation, wire.CollectIn(attempt="bench"))

            own, n = await rate(
                cycle,
                workers=IN_FLIGHT,
                seconds=setting.seconds,
            )
    ratio = own / raw
    return [
        Figure(
            name="cycle_sqlite",
            value=own,
            unit="cycles/s",
            n=n,
            floor=raw,
            ratio=ratio,
            peer="hand-written floor",
            reach=f"ratio ≥ {REACH}",
            has_reached=ratio >= REACH,
        )
    ]


async def _floor(folder: Path, seconds: float) -> float:
    floor = Floor(folder / "floor.db")
    body = payload()

    async def cycle(name: str) -> None:
        await floor.open(name, body)
        waiting = asyncio.create_task(floor.decided(name))
        await asyncio.sleep(0)
        await floor.decide(name)
        await waiting

    raw, _ = await rate(
        cycle,
        workers=IN_FLIGHT,
        seconds=seconds,
    )
    await floor.close()
    return raw


async def resume(setting: Setting) -> list[Figure]:
    """From a person's decision to the waiting agent that goes on, over HTTP on loopback."""
    with tempfile.TemporaryDirectory(dir=setting.folder) as name:
        async with _live(Path(name)) as (house, cord):
            spans = sorted(await _resumptions(house, cord, setting.seconds))
    p50, p99 = share(spans, 0.5) * 1e3, share(spans, 0.99) * 1e3
    return [
        Figure("resume_p50", p50, "ms", len(spans), reach="≤ 2 ms", has_reached=p50 <= 2),
        Figure("resume_p99", p99, "ms", len(spans), reach="≤ 10 ms", has_reached=p99 <= 10),
    ]


@asynccontextmanager
async def _live(folder: Path) -> AsyncIterator[tuple[House, AsyncPullcord]]:
    """A served house in this process, and a client of its own."""
    listener = listening(HOST, 0)
    async with house_in(folder) as (house, _, shown), served(house, listener):
        cord = AsyncPullcord(url=url_of(listener), key=shown)
        try:
            yield house, cord
        finally:
            await cord.close()


async def _resumptions(house: House, cord: AsyncPullcord, seconds: float) -> list[float]:
    spans: list[float] = []
    resumed = asyncio.Event()
    at = 0.0

    @cord.guard(wait="30s")
    async def issue_refund(order: str, amount: float) -> str:
        nonlocal at
        at = time.perf_counter()
        resumed.set()
        return f"{order} {amount}"

    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        resumed.clear()
        listener = house.bus.listen("bench")
        waiting: asyncio.Future[str] = asyncio.ensure_future(issue_refund("H-1", 480.0))
        signal = await listener.next()
        while signal.topic != "escalation":
            signal = await listener.next()
        listener.close()
        await asyncio.sleep(SETTLED_SECONDS)
        decided = wire.DecideIn(kind="approve")
        began = time.perf_counter()
        await house.desk.act("bench", signal.id, person("maria"), decided, via="bench")
        await resumed.wait()
        spans.append(at - began)
        await waiting
    return spans
