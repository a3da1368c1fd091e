"""Duties that come back: when a shift ends, whoever comes on duty is asked."""

from datetime import UTC, datetime, timedelta

from pullcord.engine.duties import LOOK_AGAIN, SHIFTS
from pullcord.path.escalation import Status
from pullcord.testing import Town, TurnableClock, running_house
from tests.unit.engine.counter import POLICY, refund, shop

ON_SHIFTS = POLICY.replace(
    "ladders:\n",
    'schedules:\n  desk: {rotate: daily, hand_off: "13:00", people: [maria, tom]}\nladders:\n',
).replace("ask: person/maria, accept_within: 10m", "ask: schedule/desk, accept_within: 90m")

#: five minutes before the shift ends, on a day that is Maria's or Tom's
BEFORE = datetime(2027, 1, 5, 12, 55, tzinfo=UTC)


async def stopped(town: Town) -> str:
    key = await town.house.office.key_of(await town.key(agent="support", creator="dana"))
    opened = await town.house.desk.open(key, refund())
    assert opened.row is not None
    return opened.row.escalation.id


async def test_at_the_end_of_a_shift_whoever_comes_on_duty_is_asked() -> None:
    """Nobody answers for a shift that is over, and nobody waits for somebody who went home."""
    async with running_house(ON_SHIFTS, clock=TurnableClock(BEFORE)) as town:
        name = await stopped(town)
        await town.settle()
        first = (await town.row(name)).escalation.owner

        town.clock.turn(timedelta(minutes=5))
        await town.settle()

        assert {first, (await town.row(name)).escalation.owner} == {"maria", "tom"}
        assert (await town.row(name)).escalation.rung == 0


async def test_somebody_who_accepted_keeps_it_after_the_shift() -> None:
    """ "I have it" is a promise of a person, not of a shift."""
    async with running_house(ON_SHIFTS, clock=TurnableClock(BEFORE)) as town:
        name = await stopped(town)
        first = (await town.row(name)).escalation.owner
        await town.person(first).accept(name)

        town.clock.turn(timedelta(minutes=5))
        await town.settle()

        found = (await town.row(name)).escalation
        assert (found.owner, found.status) == (first, Status.ACCEPTED)


async def test_a_duty_rests_until_the_next_change_of_a_schedule() -> None:
    """One row a workspace; looking every second would be a busy loop with a database."""
    async with running_house(ON_SHIFTS, clock=TurnableClock(BEFORE)) as town:
        store = town.house.store
        await town.settle()
        now = town.clock.now()

        early = await store.claim_duties(now + timedelta(seconds=299), lease_until=now)
        due = await store.claim_duties(now + timedelta(minutes=5), lease_until=now)

        assert early == []
        assert due == [("shop", SHIFTS)]


async def test_without_any_schedule_it_still_looks_every_hour() -> None:
    """Absences and people change without a schedule saying so."""
    async with shop() as (town, _):
        store = town.house.store
        await town.settle()
        now = town.clock.now()

        early = await store.claim_duties(now + LOOK_AGAIN / 2, lease_until=now)
        due = await store.claim_duties(now + LOOK_AGAIN, lease_until=now)

        assert early == []
        assert due == [("shop", SHIFTS)]
