"""Who is there: read once however many ask, never from before a change."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pullcord.engine.floors import FRESH_FOR, KEPT_MAX, Floors
from pullcord.engine.policies import Policies
from pullcord.store.sqlite import SqliteStore
from tests.unit.engine.counter import shop


class SlowStore(SqliteStore):
    """A real store whose reading of loads waits until it is let go, and counts."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.reads = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.began = asyncio.Event()

    async def load_of_people(self, workspace: str) -> Mapping[str, int]:
        """The loads, once the gate is open."""
        self.reads += 1
        self.began.set()
        await self.gate.wait()
        return await super().load_of_people(workspace)


async def test_a_hundred_who_ask_at_once_cost_one_read() -> None:
    """A burst of openings must not count all open escalations once each."""
    async with shop() as (town, _):
        store = SlowStore(town.house.store.path)  # type: ignore[attr-defined]
        await store.start()
        floors = Floors(store, town.clock, Policies(store))

        found = await asyncio.gather(*(floors.now("shop") for _ in range(100)))

        assert store.reads == 1
        assert {each.version for each in found} == {1}
        await store.close()


async def test_while_it_is_read_anew_others_are_served_the_one_before() -> None:
    """Loads are soft; nobody waits for a count of them that somebody else is making."""
    async with shop() as (town, _):
        store = SlowStore(town.house.store.path)  # type: ignore[attr-defined]
        await store.start()
        floors = Floors(store, town.clock, Policies(store))
        before = await floors.now("shop")
        await town.turn(FRESH_FOR)
        store.gate.clear()
        store.began.clear()
        renewing = asyncio.create_task(floors.now("shop"))
        await store.began.wait()

        meanwhile = await floors.now("shop")
        store.gate.set()
        renewed = await renewing

        assert meanwhile is before
        assert renewed.version > before.version
        assert await floors.now("shop") is renewed
        await store.close()


async def test_a_change_of_people_is_seen_even_while_a_read_is_under_way() -> None:
    """A read that began before the change must not be kept after it."""
    async with shop() as (town, _):
        store = SlowStore(town.house.store.path)  # type: ignore[attr-defined]
        await store.start()
        floors = Floors(store, town.clock, Policies(store))
        store.gate.clear()
        early = asyncio.create_task(floors.now("shop"))
        await store.began.wait()
        maria = (await town.house.office.people("shop"))["maria"]
        await town.house.office.put_person("shop", replace(maria, is_active=False), by="dana")

        floors.stale("shop")
        store.gate.set()
        await early
        now = await floors.now("shop")

        assert not now.people["maria"].is_active
        assert store.reads == 2
        await store.close()


async def test_who_gives_up_waiting_takes_nothing_from_the_others() -> None:
    """A cancelled request must not cancel the read everybody waits for."""
    async with shop() as (town, _):
        store = SlowStore(town.house.store.path)  # type: ignore[attr-defined]
        await store.start()
        floors = Floors(store, town.clock, Policies(store))
        store.gate.clear()
        impatient = asyncio.create_task(floors.now("shop"))
        await store.began.wait()
        patient = asyncio.create_task(floors.now("shop"))
        await asyncio.sleep(0)

        impatient.cancel()
        store.gate.set()

        assert "maria" in (await patient).people
        with pytest.raises(asyncio.CancelledError):
            await impatient
        await store.close()


async def test_memory_for_floors_is_bounded() -> None:
    """Pinned versions come and go; only so many snapshots stay."""
    async with shop() as (town, _):
        floors: Any = Floors(town.house.store, town.clock, Policies(town.house.store))
        kept = await floors.now("shop")
        floors._kept.update({("shop", str(at)): kept for at in range(KEPT_MAX)})
        await town.turn(FRESH_FOR)

        again = await floors.now("shop")

        assert floors._kept == {("shop", ""): again}
