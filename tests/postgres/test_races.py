"""Two processes with a server and an engine each do the same thing at the same instant.

`PULLCORD_RACES` says how many races are run.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import cycle, islice

import pytest

from pullcord.engine.house import House, furnish, opened
from pullcord.store.port import AgentKey
from pullcord.store.postgres import PostgresStore
from tests.postgres.crowd import MASTER, founded, request
from tests.postgres.racer import Racer
from tests.postgres.referee import fault_of
from tests.postgres.rival import Rival, rival_on

RACES = int(os.environ.get("PULLCORD_RACES", "1000"))
#: races that are on at once
AT_ONCE = 8
#: beyond every deadline of the policy
THREE_HOURS = "10800"

Race = Callable[[str], Awaitable[tuple[str, str]]]


class Track:
    """This process, the other one, and the other one's engine that sees every deadline passed."""

    def __init__(self, house: House, key: AgentKey, rival: Rival, late: Rival) -> None:
        self.house = house
        self.key = key
        self.here = Racer(house)
        self.rival = rival
        self.late = late

    async def opened(self, name: str) -> str:
        found = await self.house.desk.open(self.key, request(name))
        assert found.row is not None
        return found.row.escalation.id

    async def decide_decide(self, it: str) -> tuple[str, str]:
        return await both(
            self.here.run("decide", it, who="maria"), self.rival.do("decide", it, who="tom")
        )

    async def decide_fall_back(self, it: str) -> tuple[str, str]:
        return await both(self.here.run("decide", it, who="maria"), self.late.do("fall_back", it))

    async def withdraw_decide(self, it: str) -> tuple[str, str]:
        return await both(
            self.here.run("withdraw", it, key=self.key.id), self.rival.do("decide", it, who="tom")
        )

    async def collect_collect(self, it: str) -> tuple[str, str]:
        await self.here.run("decide", it, who="maria")
        return await both(
            self.here.run("collect", it, key=self.key.id, attempt="here"),
            self.rival.do("collect", it, key=self.key.id, attempt="there"),
        )


async def both(here: Awaitable[str], there: Awaitable[str]) -> tuple[str, str]:
    told = await asyncio.gather(here, there)
    return told[0], told[1]


@pytest.fixture
async def track(dsn: str, owner_dsn: str) -> AsyncIterator[Track]:
    _, key = await founded(dsn)
    store = PostgresStore(dsn, connect_seconds=20, write_seconds=20, read_seconds=20)
    house = furnish(store, master=MASTER)
    async with (
        opened(house),
        rival_on(dsn, "--engine") as rival,
        rival_on(dsn, "--ahead", THREE_HOURS) as late,
    ):
        yield Track(house, key, rival, late)


@pytest.mark.promise("one-winner")
async def test_every_race_has_one_winner_and_both_are_told_the_same(track: Track) -> None:
    """Two people, a person and the clock, an agent and a person, two attempts of an agent."""
    races: dict[str, Race] = {
        "decide/decide": track.decide_decide,
        "decide/fall back": track.decide_fall_back,
        "withdraw/decide": track.withdraw_decide,
        "collect/collect": track.collect_collect,
    }
    told: list[tuple[str, str, tuple[str, str]]] = []
    entries = iter(islice(enumerate(cycle(races)), RACES))

    async def run() -> None:
        for number, kind in entries:
            escalation = await track.opened(f"race-{number}")
            told.append((kind, escalation, await races[kind](escalation)))

    await asyncio.gather(*(run() for _ in range(AT_ONCE)))

    odd = [each for each in told if each[2].count("won") != 1]
    assert odd == []
    faults = [fault for each in told for fault in await fault_of(track.house, *each)]
    assert faults == []
    won_here = Counter(kind for kind, _, pair in told if pair[0] == "won")
    assert set(won_here) == set(races), f"one side always lost: {won_here}"
