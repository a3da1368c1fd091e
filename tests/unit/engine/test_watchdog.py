"""The watchdog: silence alarms whoever listens, so it pings only while all is well."""

from datetime import timedelta

import pytest

from pullcord.engine.settings import Settings
from pullcord.engine.watchdog import LATE_AFTER, Pulse, Watchdog
from pullcord.errors import InvalidInput
from pullcord.store.keeping import Hold
from pullcord.testing import NOON, running_house
from tests.unit.channels.receiver import receiver
from tests.unit.engine.counter import POLICY, shop, stopped


async def test_while_all_is_well_the_heartbeat_address_is_called() -> None:
    """The plainest sign of life, understood by every monitoring service."""
    async with receiver(200) as place:
        settings = Settings(heartbeat_url=place.url)
        async with running_house(POLICY, settings=settings) as town:
            pulse = await town.house.watchdog.check()

    assert place.heard[0].line == "GET /hook HTTP/1.1"
    assert pulse.pinged_at == NOON
    assert pulse.ping_failed == ""


async def test_an_engine_that_is_late_keeps_silent() -> None:
    """A heartbeat that goes on while people wait would be a lie."""
    async with receiver(200) as place:
        settings = Settings(heartbeat_url=place.url)
        async with running_house(POLICY, settings=settings) as town:
            key = await town.house.office.key_of(await town.key(agent="support"))
            await stopped(town, key)
            town.clock.turn(timedelta(minutes=10) + LATE_AFTER + timedelta(seconds=1))

            pulse = await town.house.watchdog.check()

    assert not place.heard
    assert pulse.late_for == LATE_AFTER + timedelta(seconds=1)
    assert "31 s ago unattended" in pulse.why_not_ready(town.clock.now())


@pytest.mark.parametrize(("answer", "says"), [(500, "answered 500"), (0, "no answer")])
async def test_a_heartbeat_nobody_takes_is_noted_and_stops_nothing(answer: int, says: str) -> None:
    """The monitoring being down is no reason for the engine to be."""
    async with receiver(answer) as place:
        settings = Settings(heartbeat_url=place.url)
        async with running_house(POLICY, settings=settings) as town:
            pulse = await town.house.watchdog.check()

    assert says in pulse.ping_failed
    assert pulse.why_not_ready(NOON) == ""


async def test_without_an_address_nothing_is_called() -> None:
    """The heartbeat is an offer."""
    async with shop() as (town, _):
        pulse = await town.house.watchdog.check()

        assert pulse.at == NOON
        assert pulse.pinged_at is None


def test_an_address_that_is_none_is_refused_at_the_start() -> None:
    """A heartbeat that cannot be sent would alarm somebody every night."""
    with pytest.raises(InvalidInput, match="heartbeat_url"):
        Watchdog(None, None, holding=None, heartbeat_url="uptime.example")  # type: ignore[arg-type]


def test_an_engine_that_never_ran_or_stands_still_is_not_ready() -> None:
    """A process that answers but does not work must not get traffic."""
    never, once = Pulse(), Pulse(at=NOON)

    assert "has not finished a first cycle" in never.why_not_ready(NOON)
    assert once.why_not_ready(NOON + LATE_AFTER) == ""
    assert "2027-01-05 12:00:00" in once.why_not_ready(NOON + 5 * LATE_AFTER)


async def test_a_server_without_an_engine_knows_whether_one_beats() -> None:
    """Serving on while nobody acts on deadlines would be a lie to every load balancer."""
    async with shop() as (town, _):
        watchdog, clock = town.house.watchdog, town.clock
        never = (await watchdog.look()).what_is_missing(clock.now())
        own = (await watchdog.check()).what_is_missing(clock.now())
        well = (await watchdog.look()).what_is_missing(clock.now())
        clock.turn(timedelta(seconds=40))
        silent = await watchdog.look()

        assert never == ["no engine has beaten on this database yet; start `pullcord engine`"]
        assert own == well == []
        assert silent.what_is_missing(clock.now()) == [
            "no engine has beaten for 40 s; start `pullcord engine`"
        ]
        assert silent.why_not_ready(clock.now()) == "", "taking it away would mend nothing"


async def test_a_server_without_an_engine_sees_that_deadlines_pass() -> None:
    """An engine that beats and does nothing is found out by what it leaves undone."""
    async with shop() as (town, key):
        await stopped(town, key)
        town.clock.turn(timedelta(minutes=11))
        await town.house.store.beat("another", town.clock.now(), forget_before=NOON)

        pulse = await town.house.watchdog.look()

        assert pulse.what_is_missing(town.clock.now()) == ["a deadline passed 60 s ago unattended"]


def test_a_server_that_no_longer_looks_says_so() -> None:
    """What it believes about the engine is old."""
    never = Pulse(is_engine=False)
    once = Pulse(at=NOON, is_engine=False, beat_at=NOON)

    assert "has not looked at the database yet" in never.why_not_ready(NOON)
    assert "its last look" in once.why_not_ready(NOON + 5 * LATE_AFTER)


async def test_while_held_nothing_is_late_and_the_heartbeat_keeps_silent() -> None:
    """A hold that is forgotten must alarm somebody outside, and no deadline is to blame."""
    async with receiver(200) as place:
        settings = Settings(heartbeat_url=place.url)
        async with running_house(POLICY, settings=settings) as town:
            key = await town.house.office.key_of(await town.key(agent="support"))
            await stopped(town, key)
            await town.house.store.hold(Hold(town.clock.now(), "Dana", "a move"))
            town.clock.turn(timedelta(hours=1))

            pulse = await town.house.watchdog.check()

    assert not place.heard
    assert pulse.is_held
    assert pulse.why_not_ready(town.clock.now()) == ""
