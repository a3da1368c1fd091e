"""cycle_sqlite and cycle_postgres: a pause, a person's decision, and the agent that goes on."""

import asyncio
import itertools

import msgspec

from pullcord.bench.figure import Figure, Round, Setting, paired
from pullcord.bench.floors import rate
from pullcord.bench.ground import POSTGRES, SQLITE, AnyFloor, ground
from pullcord.bench.town import opening, payload
from pullcord.engine.house import House
from pullcord.path.escalation import person
from pullcord.store.port import AgentKey
from pullcord.wire import requests as wire

IN_FLIGHT = 64
REACH = 0.35


async def cycle_sqlite(setting: Setting) -> list[Figure]:
    """Cycles a second with 64 in flight, in one process like every peer."""
    return await _cycles(setting, SQLITE)


async def cycle_postgres(setting: Setting) -> list[Figure]:
    """The same on PostgreSQL."""
    return await _cycles(setting, POSTGRES)


async def _cycles(setting: Setting, kind: str) -> list[Figure]:
    rounds: list[Round] = []
    async with ground(setting, kind) as place, place.house() as (house, key, _):
        bare, full = Bare(await place.floor()), Full(house, key)
        await rate(full.cycle, workers=IN_FLIGHT, seconds=setting.seconds / 3)
        for _ in range(setting.rounds):
            raw, _ = await rate(bare.cycle, workers=IN_FLIGHT, seconds=setting.seconds)
            own, n = await rate(full.cycle, workers=IN_FLIGHT, seconds=setting.seconds)
            rounds.append(Round(own, raw, n))
        await bare.floor.close()
    peer = "hand-written floor"
    return [paired(f"cycle_{kind}", rounds, unit="cycles/s", peer=peer, reach=REACH)]


class Full:
    """The whole way: opened, decided, collected; every step durable before the next."""

    def __init__(self, house: House, key: AgentKey) -> None:
        self._house = house
        self._key = key
        self._numbers = itertools.count()

    async def cycle(self, _: str) -> None:
        """One of them."""
        desk, key = self._house.desk, self._key
        request = msgspec.convert(opening(f"k{next(self._numbers)}"), wire.OpenIn)
        found = await desk.open(key, request)
        assert found.row is not None, "the benchmark's call was not stopped"
        escalation = found.row.escalation.id
        decision = wire.DecideIn(kind="approve")
        await desk.act("bench", escalation, person("maria"), decision, via="bench")
        await desk.collect(key, escalation, wire.CollectIn(attempt="bench"))


class Bare:
    """The floor's way: written, decided, woken."""

    def __init__(self, floor: AnyFloor) -> None:
        self.floor = floor
        self._numbers = itertools.count()
        self._body = payload()

    async def cycle(self, _: str) -> None:
        """One of them."""
        name = f"k{next(self._numbers)}"
        await self.floor.open(name, self._body)
        waiting = asyncio.create_task(self.floor.decided(name))
        await asyncio.sleep(0)
        await self.floor.decide(name)
        await waiting
