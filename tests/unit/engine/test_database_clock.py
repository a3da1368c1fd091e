"""The time of a shared database: followed, never going back, whatever this machine believes."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog.testing

from pullcord.engine.clock import DatabaseClock

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Machine:
    """A machine whose own clock and counter are turned by hand."""

    def __init__(self) -> None:
        self.time = NOON
        self.counted = 100.0
        self.clock = DatabaseClock(machine=lambda: self.time, counted=lambda: self.counted)

    def passes(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        self.counted += seconds

    def answer(self, told: datetime, *, after: float = 0.0) -> Callable[[], Awaitable[datetime]]:
        async def ask() -> datetime:
            self.passes(after)
            return told

        return ask


async def test_it_follows_the_database_and_not_the_machine() -> None:
    """Two servers with different clocks agree on every deadline."""
    machine = Machine()

    await machine.clock.follow(machine.answer(NOON + timedelta(minutes=5)))
    machine.time -= timedelta(hours=2)  # somebody sets the machine's clock
    machine.counted += 10

    assert machine.clock.now() == NOON + timedelta(minutes=5, seconds=10)
    assert machine.clock.offset == 300.0


async def test_half_the_way_of_the_answer_is_added() -> None:
    """The database read its clock about in the middle of the question."""
    machine = Machine()

    await machine.clock.follow(machine.answer(NOON, after=0.5))

    assert machine.clock.now() == NOON + timedelta(seconds=0.25)


async def test_an_answer_that_took_long_tells_nothing() -> None:
    """After a pause of seconds nobody knows when the clock was read."""
    machine = Machine()

    await machine.clock.follow(machine.answer(NOON + timedelta(hours=1), after=2.0))

    assert machine.clock.now() == NOON + timedelta(seconds=2)


async def test_it_stands_still_rather_than_go_back_a_little() -> None:
    """Entries of one timeline stay in order when the two clocks drift."""
    machine = Machine()
    await machine.clock.follow(machine.answer(NOON + timedelta(seconds=1)))
    before = machine.clock.now()

    await machine.clock.follow(machine.answer(NOON + timedelta(seconds=0.5)))
    during = machine.clock.now()
    machine.passes(1.0)

    assert during == before
    assert machine.clock.now() == NOON + timedelta(seconds=1.5)


async def test_it_follows_a_database_whose_clock_was_set_back() -> None:
    """Standing still for an hour would hold every deadline up."""
    machine = Machine()
    await machine.clock.follow(machine.answer(NOON + timedelta(hours=1)))
    machine.clock.now()

    await machine.clock.follow(machine.answer(NOON))

    assert machine.clock.now() == NOON


async def test_somebody_is_told_when_the_clocks_are_far_apart() -> None:
    """A machine without time synchronisation is found before an incident finds it."""
    machine = Machine()

    with structlog.testing.capture_logs() as logs:
        await machine.clock.follow(machine.answer(NOON + timedelta(seconds=31)))
        await machine.clock.follow(machine.answer(NOON + timedelta(seconds=29)))

    assert [each["event"] for each in logs] == ["clocks_differ"]


async def test_it_waits_in_real_time() -> None:
    """Waiting needs no agreement."""
    machine = Machine()

    assert await machine.clock.sleep(0) is None  # type: ignore[func-returns-value]
