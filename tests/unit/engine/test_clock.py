"""Time, ids and chance of the machine: the one place where the engine meets the world."""

from datetime import UTC, datetime, timedelta

from pullcord.engine.clock import SystemClock, SystemIds, sortable
from pullcord.testing import NOON, TurnableClock


async def test_the_machines_clock_is_aware_and_waits() -> None:
    """A naive time would mean another instant on every machine."""
    clock = SystemClock()
    before = datetime.now(UTC)

    await clock.sleep(0)

    assert before <= clock.now() <= datetime.now(UTC)
    assert clock.now().tzinfo is UTC


def test_ids_sort_by_time_and_cannot_be_guessed() -> None:
    """Listings page by id; an id is no permission but should not be a counter either."""
    clock = TurnableClock()
    ids = SystemIds(clock)

    early = [ids.new("esc") for _ in range(100)]
    clock.turn(timedelta(milliseconds=1))
    late = ids.new("esc")

    assert len({*early, late}) == 101
    assert max(early) < late
    assert all(each.startswith("esc_") and len(each) == 29 for each in early)
    assert len(ids.chance(24)) == 24


def test_the_same_instant_and_chance_give_the_same_name() -> None:
    """Two runs of one seed must be equal."""
    assert sortable(NOON, bytes(10)) == sortable(NOON, bytes(10))
