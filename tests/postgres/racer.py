"""Another process on the same database: does what it is told on standard input, a line each.

    python -m tests.postgres.racer DSN [--ahead SECONDS] [--engine]

Every line is JSON {"id", "verb", …}; every answer {"id", "told"}. Its clock may be ahead, so that
it sees deadlines that others do not see yet.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import structlog

from pullcord.engine.clock import SystemClock
from pullcord.engine.house import House, furnish, opened
from pullcord.errors import PullcordError
from pullcord.path.escalation import Actor, ActorKind, person
from pullcord.store.port import AgentKey, Row
from pullcord.store.postgres import PostgresStore
from pullcord.wire.requests import CollectIn, DecideIn, WithdrawIn
from tests.postgres.crowd import MASTER


class Ahead(SystemClock):
    """The machine's clock, so many seconds ahead."""

    def __init__(self, seconds: float) -> None:
        self._by = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return super().now() + self._by


class Racer:
    """Acts on a house, and says what came of it in one word."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def run(self, verb: str, escalation: str, **more: Any) -> str:
        """The word of what came of it: "won", or the name of the error."""
        act: Callable[..., Awaitable[str]] = getattr(self, verb)
        try:
            return await act(escalation, **more)
        except PullcordError as problem:
            return type(problem).__name__

    async def decide(self, escalation: str, *, who: str) -> str:
        request = DecideIn(kind="approve")
        await self.house.desk.act("shop", escalation, person(who), request, via="test")
        return "won"

    async def withdraw(self, escalation: str, *, key: str) -> str:
        by = Actor(ActorKind.AGENT, "support")
        await self.house.desk.act("shop", escalation, by, WithdrawIn(), via="test", agent_key=key)
        return "won"

    async def fall_back(self, escalation: str) -> str:
        """What the engine does when it has claimed this one and its time has come."""
        row = await self._row(escalation)
        return "won" if await self.house.desk.step(row) else "lost"

    async def collect(self, escalation: str, *, key: str, attempt: str) -> str:
        agent_key = await self._key(key)
        await self.house.desk.collect(agent_key, escalation, CollectIn(attempt=attempt))
        return "won"

    async def claim(self, escalation: str) -> str:
        """Claim what is due and hold it; `release` steps it."""
        now = self.house.clock.now()
        lease_until = now + timedelta(seconds=20)
        self._held = await self.house.store.claim_due(now, lease_until=lease_until, limit=1000)
        return str(len(self._held))

    async def release(self, escalation: str) -> str:
        """Step what was claimed, however long ago: how many of them still moved."""
        moved = [await self.house.desk.step(row) for row in self._held]
        return str(sum(moved))

    async def _row(self, escalation: str) -> Row:
        row = await self.house.store.load("shop", escalation)
        assert row is not None
        return row

    async def _key(self, key: str) -> AgentKey:
        found = await self.house.store.key(key)
        assert found is not None
        return found


async def serve(dsn: str, *, ahead: float, runs: bool) -> None:
    """Answer until standard input ends."""
    store = PostgresStore(dsn, connect_seconds=20, write_seconds=20, read_seconds=20)
    house = furnish(store, master=MASTER, clock=Ahead(ahead) if ahead else None)
    loop = asyncio.get_running_loop()
    async with opened(house, runs=runs):
        racer = Racer(house)
        jobs: set[asyncio.Task[None]] = set()
        print(json.dumps({"id": 0, "told": "ready"}), flush=True)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            job = loop.create_task(answer(racer, json.loads(line)))
            jobs.add(job)
            job.add_done_callback(jobs.discard)


async def answer(racer: Racer, wanted: dict[str, Any]) -> None:
    number = wanted.pop("id")
    told = await racer.run(**wanted)
    print(json.dumps({"id": number, "told": told}), flush=True)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    given = sys.argv[2:]
    seconds = float(given[given.index("--ahead") + 1]) if "--ahead" in given else 0.0
    asyncio.run(serve(sys.argv[1], ahead=seconds, runs="--engine" in given))
