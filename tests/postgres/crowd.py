"""People and agents who work through every fault, and write down what they were told.

Everybody repeats under the same key until the store acknowledges; what was acknowledged is checked
against the database that is left.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeVar

from pullcord.engine.clock import SystemClock
from pullcord.engine.desk import Opened
from pullcord.engine.house import House, furnish, opened
from pullcord.errors import AlreadyDecided, OutsideFailed
from pullcord.path.escalation import person
from pullcord.path.timeline import broken, fold, public
from pullcord.store.port import AgentKey, Head, Row
from pullcord.store.postgres import PostgresStore
from pullcord.wire.requests import CollectIn, DecideIn, OpenIn

POLICY = """
workspace: shop
people:
  maria: {name: Maria Lopez, email: maria@example.com, capacity: 1000000}
  tom: {name: Tom Ode, email: tom@example.com, capacity: 1000000}
teams:
  desk: {members: [maria, tom]}
ladders:
  billing:
    rungs: [{ask: team/desk, accept_within: 1h}]
    catch_all: person/tom
agents:
  support: {ladder: billing}
tools:
  refund: {reversible: no, money: args.amount}
defaults: {mode: gate, decide_within: 2h}
rules:
  - {id: over, tool: refund, when: args.amount > 250, ask: "Refund {args.amount}?"}
"""
MASTER = bytes(range(32))
#: seconds between two tries, and within which everybody must come to an end after the last fault
AGAIN_SECONDS = 0.05
END_SECONDS = 40.0

T = TypeVar("T")
CLOCK = SystemClock()


def house_on(dsn: str) -> House:
    """A house on the database, with limits as in production."""
    return furnish(PostgresStore(dsn), master=MASTER)


async def founded(dsn: str, policy: str = POLICY) -> tuple[str, AgentKey]:
    """Make the schema, apply the policy and mint a key; (what the agent shows, the key)."""
    house = house_on(dsn)
    async with opened(house, runs=False):
        await house.office.apply(policy, by="test")
        return await house.office.mint_key(
            "shop", agent="support", environment="production", creator="maria"
        )


def request(key: str, *, run: str = "") -> OpenIn:
    """An agent stops before a refund."""
    return OpenIn(key=key, tool="refund", args={"amount": 480.0, "order": key}, run=run)


@dataclass
class Crowd:
    """Agents and people on one house."""

    house: House
    key: AgentKey
    name: str = "w"
    #: what was acknowledged: key to escalation, escalation to deciders that were named
    opened: dict[str, str] = field(default_factory=dict)
    decided: dict[str, set[str]] = field(default_factory=dict)
    collected: dict[str, str] = field(default_factory=dict)
    #: instants of acknowledged writes, by the loop's clock
    written_at: list[float] = field(default_factory=list)
    refused: int = 0
    is_over: bool = False

    @asynccontextmanager
    async def at_work(self, writers: int = 4) -> AsyncIterator[None]:
        """Work until the block ends, then finish what was begun."""
        tasks = [asyncio.create_task(self._work(n)) for n in range(writers)]
        try:
            yield
            self.is_over = True
            async with asyncio.timeout(END_SECONDS):
                await asyncio.gather(*tasks)
        finally:
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, number: int) -> None:
        count = 0
        while not self.is_over:
            count += 1
            await self._one(f"{self.name}{number}-{count}")

    async def _one(self, key: str) -> None:
        """One stop from opening to collecting; two people decide at the same time."""
        found: Opened = await self._insist(lambda: self.house.desk.open(self.key, request(key)))
        self._wrote()
        assert found.row is not None
        escalation = found.row.escalation.id
        self.opened[key] = escalation
        told = await asyncio.gather(*(self._decide(escalation, who) for who in ("maria", "tom")))
        self.decided[escalation] = set(told)
        attempt = f"attempt-{key}"
        await self._insist(
            lambda: self.house.desk.collect(self.key, escalation, CollectIn(attempt=attempt))
        )
        self.collected[escalation] = attempt
        self._wrote()

    def _wrote(self) -> None:
        self.written_at.append(asyncio.get_running_loop().time())

    async def _decide(self, escalation: str, who: str) -> str:
        """Who decided, as this person was told."""

        async def act() -> str:
            try:
                row = await self.house.desk.act(
                    "shop", escalation, person(who), DecideIn(kind="approve"), via="test"
                )
            except AlreadyDecided as late:
                return late.by
            return decider(row)

        return await self._insist(act)

    async def _insist(self, act: Callable[[], Awaitable[T]]) -> T:
        """Repeat until it is acknowledged."""
        while True:
            try:
                told = await act()
            except OutsideFailed:
                self.refused += 1
                await CLOCK.sleep(AGAIN_SECONDS)
                continue
            return told

    # --- what they say ------------------------------------------------------------------------
    def gap(self, since: float) -> float:
        """Seconds of the longest silence since then."""
        times = [since, *(each for each in self.written_at if each > since)]
        return max(after - before for before, after in pairwise(times))

    async def wrote_since(self, since: float, *, count: int = 20) -> None:
        """Wait until acknowledged writes came after this instant."""
        async with asyncio.timeout(END_SECONDS):
            while sum(each > since for each in self.written_at[-count:]) < count:
                await CLOCK.sleep(AGAIN_SECONDS)

    async def faults(self, dsn: str) -> list[str]:
        """What somebody was told and is not so in the database that is left."""
        store = PostgresStore(dsn, connect_seconds=20, read_seconds=20)
        await store.start()
        try:
            return [
                fault
                for key, escalation in self.opened.items()
                for fault in await self._faults_of(store, key, escalation)
            ]
        finally:
            await store.close()

    async def _faults_of(self, store: PostgresStore, key: str, escalation: str) -> list[str]:
        row = await store.by_key("shop", self.key.id, key)
        if row is None:
            return [f"{key} was acknowledged as {escalation} and is lost"]
        found = [] if row.escalation.id == escalation else [f"{key} is not {escalation}"]
        links = await store.timeline("shop", escalation)
        pairs = [(each.body, each.hash) for each in links]
        found += broken(pairs, workspace="shop", chain=escalation)
        if fold(each.body for each in links) != public(row.escalation):
            found.append(f"{escalation} is not what its timeline tells")
        if Head(links[-1].seq, links[-1].hash) != row.head:
            found.append(f"{escalation} does not end where its timeline ends")
        if sum(each.kind == "decided" for each in links) != 1:
            found.append(f"{escalation} was decided {[each.kind for each in links]}")
        if self.decided.get(escalation, {decider(row)}) != {decider(row)}:
            found.append(f"{escalation}: {self.decided[escalation]} were told, {decider(row)} is")
        if self.collected.get(escalation, row.escalation.attempt) != row.escalation.attempt:
            found.append(f"{escalation} was collected by {row.escalation.attempt}")
        return found


def decider(row: Row) -> str:
    """Who decided."""
    decision = row.escalation.decision
    return decision.by if decision is not None else ""
