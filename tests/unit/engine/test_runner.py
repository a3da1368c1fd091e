"""The runner: goes on whatever happens, hears hints at once, and stops when it is told to."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pullcord.engine import courier as courier_module
from pullcord.engine import runner as runner_module
from pullcord.engine.house import House, furnish, opened
from pullcord.errors import StoreBusy
from pullcord.store.sqlite import SqliteStore
from pullcord.testing import SeededIds, Town
from pullcord.testing.town import MASTER
from tests.unit.engine.counter import POLICY, refund, shop, stopped
from tests.unit.engine.pigeons import Pigeons, post

#: pauses in which nothing comes by itself: only a hint wakes a loop
ONLY_HINTS = dict.fromkeys(runner_module.PAUSES, 60.0)
#: pauses so short that polling alone does it
ONLY_POLLS = dict.fromkeys(runner_module.PAUSES, 0.01)


async def until(is_so: Callable[[], Any], *, within: float = 10.0) -> None:
    """Let the loops run until something is so."""
    async with asyncio.timeout(within):
        while not is_so():  # noqa: ASYNC110  # what is awaited has no event of its own
            await asyncio.sleep(0)


async def owner_is(town: Town, name: str, who: str) -> None:
    """Let the loops run until this person is asked."""
    async with asyncio.timeout(10):
        while (await town.row(name)).escalation.owner != who:  # noqa: ASYNC110  # as above
            # a small read lets nobody else go on
            await asyncio.sleep(0)


async def test_a_hint_wakes_the_engine_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who is asked hears of it now, not at the next poll."""
    monkeypatch.setattr(runner_module, "PAUSES", ONLY_HINTS)
    pigeons = Pigeons()
    async with post({"webhook": pigeons}) as (town, key):
        await town.house.runner.start()
        await until(lambda: town.house.watchdog.pulse.at)

        await stopped(town, key)

        await until(lambda: pigeons.told() == ["person:maria"])
        assert pigeons.told() == ["person:maria"]


async def test_without_any_hint_the_engine_finds_what_is_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Hints are lost with processes; polling is the truth."""
    monkeypatch.setattr(runner_module, "PAUSES", ONLY_POLLS)
    async with shop() as (town, key):
        name = await stopped(town, key)
        await town.house.runner.start()

        town.clock.turn(timedelta(minutes=11))

        await owner_is(town, name, "tom")
        assert (await town.row(name)).escalation.owner == "tom"


async def test_starting_twice_runs_once() -> None:
    """Two sets of loops would do everything twice."""
    async with shop() as (town, _):
        await town.house.runner.start()
        await town.house.runner.start()

        names = [each.get_name() for each in asyncio.all_tasks()]
        assert len([each for each in names if each.startswith("pullcord-")]) == 5


async def test_a_stopped_engine_has_no_tasks_left_and_may_start_again() -> None:
    """A server that restarts in one process must not leave loops behind."""
    async with shop() as (town, _):
        await town.house.runner.start()
        await town.house.runner.stop()
        await town.house.runner.stop()
        left = [each for each in asyncio.all_tasks() if each.get_name().startswith("pullcord-")]

        await town.house.runner.start()

        assert not left
        assert [each for each in asyncio.all_tasks() if each.get_name() == "pullcord-timers"]


async def test_a_loop_that_breaks_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that hiccups or a bug in one round is no reason to stop asking people."""
    monkeypatch.setattr(runner_module, "PAUSES", ONLY_POLLS)
    async with shop() as (town, key):
        name = await stopped(town, key)
        tick = town.house.timers.tick
        troubles = iter([StoreBusy("try again."), ZeroDivisionError()])

        async def troubled() -> int:
            trouble = next(troubles, None)
            if trouble is not None:
                raise trouble
            return await tick()

        monkeypatch.setattr(town.house.timers, "tick", troubled)
        await town.house.runner.start()
        town.clock.turn(timedelta(minutes=11))

        await owner_is(town, name, "tom")
        assert next(troubles, None) is None


async def test_a_stop_waits_for_what_is_under_way() -> None:
    """A message on its way is settled before the store closes."""
    pigeons = Pigeons()
    pigeons.may_land.clear()
    async with post({"webhook": pigeons}) as (town, key):
        name = await stopped(town, key)
        await town.house.runner.start()
        await until(lambda: pigeons.in_flight)

        stop = asyncio.create_task(town.house.runner.stop())
        await asyncio.sleep(0)
        pigeons.may_land.set()
        await stop

        kept = await town.house.store.receipts("shop", name)
        assert "asked: on the roof" in [each.detail for each in kept]


async def test_a_stop_gives_back_what_waits_for_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment during a flood: the next process goes on at once, not when leases are over."""
    monkeypatch.setattr(courier_module, "IN_FLIGHT_MAX", 1)
    pigeons = Pigeons()
    pigeons.may_land.clear()
    async with post({"webhook": pigeons}) as (town, key):
        await stopped(town, key)
        await stopped(town, key, refund(key="k2", run="r2"))
        await town.house.runner.start()
        await until(lambda: pigeons.in_flight)
        await until(lambda: town.house.courier._slots["webhook"].waiting("shop"))

        stop = asyncio.create_task(town.house.runner.stop())
        await asyncio.sleep(0)
        pigeons.may_land.set()
        await stop
        flown = len(pigeons.letters)
        await town.settle()

        assert flown == 1
        assert len(pigeons.told()) == 2


async def test_a_server_without_an_engine_looks_and_leaves_the_work_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It takes up a policy that another process applied, and acts on no deadline."""
    monkeypatch.setattr(runner_module, "PAUSES", ONLY_POLLS)
    async with shop() as (town, key), opened(beside(town), runs=False) as other:
        name = await stopped(town, key)
        await other.policies.current("shop")
        await other.runner.look()
        await other.runner.look()
        listener = other.bus.listen("shop")

        await town.house.office.apply(POLICY.replace("> 250", "> 1000"), by="dana")
        town.clock.turn(timedelta(minutes=11))
        async with asyncio.timeout(10):
            while (await listener.next()).topic != "policy":
                pass
        listener.close()
        await until(lambda: other.watchdog.pulse.late_for)
        names = {each.get_name() for each in asyncio.all_tasks()}

        assert {each for each in names if each.startswith("pullcord-")} == {
            "pullcord-watchdog",
            "pullcord-policy",
        }
        assert (await town.row(name)).escalation.owner == "maria"
        assert other.watchdog.pulse.what_is_missing(town.clock.now())


async def test_a_stop_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """What hangs is let go; its lease brings it back in the next process."""
    monkeypatch.setattr(runner_module, "STOP_SECONDS", 0.05)
    pigeons = Pigeons()
    pigeons.may_land.clear()
    async with post({"webhook": pigeons}) as (town, key):
        name = await stopped(town, key)
        await town.house.runner.start()
        await until(lambda: pigeons.in_flight)

        await town.house.runner.stop()
        await until(lambda: not pigeons.in_flight)
        pigeons.may_land.set()
        town.clock.turn(timedelta(seconds=31))
        await town.settle()

        kept = await town.house.store.receipts("shop", name)
        assert "asked: on the roof" in [each.detail for each in kept]


async def test_work_that_never_comes_to_rest_is_a_bug_and_said_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A verb that is due again at the same instant would spin for ever."""
    monkeypatch.setattr(runner_module, "ROUNDS_MAX", 3)
    async with shop() as (town, _):

        async def always() -> int:
            return 1

        monkeypatch.setattr(town.house.timers, "tick", always)

        with pytest.raises(AssertionError, match="still work after 3 rounds"):
            await town.house.runner.settle()


async def test_a_step_that_fails_delays_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two are due, one cannot be stepped now: its lease brings it back."""
    async with shop() as (town, key):
        first = await stopped(town, key)
        second = await stopped(town, key, refund(key="k2"))
        step = town.house.desk.step

        async def hiccup(row: Any) -> bool:
            if row.escalation.id == first:
                raise StoreBusy("try again.")
            return await step(row)

        with monkeypatch.context() as patched:
            patched.setattr(town.house.desk, "step", hiccup)
            town.clock.turn(timedelta(minutes=11))
            await town.settle()
        held = (await town.row(first)).escalation.owner
        town.clock.turn(timedelta(seconds=21))
        await town.settle()

        assert held == "maria"
        assert (await town.row(second)).escalation.owner == "tom"
        assert (await town.row(first)).escalation.owner == "tom"


def beside(town: Town) -> House:
    """Another process on the same database."""
    assert isinstance(town.house.store, SqliteStore)
    store = SqliteStore(Path(town.house.store.path))
    ids = SeededIds(town.clock, seed=8)
    return furnish(store, master=MASTER, clock=town.clock, ids=ids)


async def test_a_policy_another_process_applied_is_taken_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`pullcord apply` beside a running server needs no restart."""
    monkeypatch.setattr(runner_module, "PAUSES", ONLY_POLLS)
    async with shop() as (town, key), opened(beside(town), runs=False) as other:
        await town.house.runner.start()
        before = await town.house.policies.current("shop")
        listener = town.house.bus.listen("shop")

        await other.office.apply(POLICY.replace("> 250", "> 1000"), by="dana")
        async with asyncio.timeout(10):
            while (await listener.next()).topic != "policy":
                pass
        listener.close()

        assert (await town.house.policies.current("shop")).version != before.version
        assert (await town.house.desk.open(key, refund())).row is None


async def test_before_a_policy_was_used_nobody_asks_whether_it_changed() -> None:
    """A workspace this process never served costs no reads of its policy."""
    async with shop() as (town, _), opened(beside(town), runs=False) as other:
        assert not await other.policies.has_changed("shop")

        await other.policies.current("shop")

        assert not await other.policies.has_changed("shop")
