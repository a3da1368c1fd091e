"""Who is reached how: what asks is never held, sleep is kept, and nothing is ever dropped."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from pullcord.owner.reach import (
    Errand,
    QuietHours,
    Reach,
    ReachStep,
    Way,
    next_digest,
    period_since,
    plan,
    wakes_allowed,
)

BERLIN = ZoneInfo("Europe/Berlin")
#: 14:00 and 02:00 in Berlin
DAY = datetime(2027, 3, 1, 13, tzinfo=UTC)
NIGHT = datetime(2027, 3, 2, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

CONSOLE = Way("console", "maria")
SLACK = Way("slack", "U1")
VOICE = Way("voice", "+49", wakes=True)
HOOK = Way("webhook", "maria", is_shared=True)
ALL = (CONSOLE, SLACK, VOICE, HOOK)

QUIET = QuietHours(time(22), time(7))
ASK = Errand(asks=True)


def planned(
    reach: Reach = Reach(),  # noqa: B008 - a frozen value
    errand: Errand = ASK,
    *,
    ways: tuple[Way, ...] = ALL,
    now: datetime = DAY,
    woken: int = 0,
) -> list[tuple[str, timedelta]]:
    """(channel, wait) of every step, in order."""
    steps = plan(reach, errand, ways=ways, now=now, zone=BERLIN, woken=woken)
    return [(each.way.channel, each.at - now) for each in steps]


def at_once(*channels: str) -> list[tuple[str, timedelta]]:
    return [(channel, timedelta(0)) for channel in channels]


# --- asks --------------------------------------------------------------------------------------


def test_without_rules_every_quiet_way_is_used_at_once() -> None:
    """Whoever set nothing up is still told where they look first."""
    assert planned() == at_once("console", "slack", "webhook")


def test_a_rung_that_may_wake_uses_what_wakes() -> None:
    """Somebody asleep does not see a push."""
    errand = Errand(asks=True, wakes=True)

    assert planned(errand=errand) == at_once("console", "slack", "voice", "webhook")


def test_who_has_only_loud_ways_is_asked_by_these() -> None:
    """A call is better than nobody who knows."""
    assert planned(ways=(VOICE,)) == at_once("voice")


def test_nobody_is_planned_for_where_there_is_no_way() -> None:
    """Then the ladder must go on, and only the courier can say so."""
    assert planned(ways=()) == []
    assert planned(ways=(HOOK,)) == at_once("webhook")


def test_ones_own_steps_are_followed_in_time() -> None:
    """Slack first, a call after five minutes: as they wrote it."""
    reach = Reach(steps=(ReachStep("slack"), ReachStep("voice", 5 * MINUTE)))

    assert planned(reach) == [*at_once("slack", "webhook"), ("voice", 5 * MINUTE)]


def test_steps_of_channels_that_are_not_there_are_passed_over() -> None:
    """A rule that names a channel nobody set up silences nobody."""
    reach = Reach(steps=(ReachStep("pager"),))

    assert planned(reach) == at_once("console", "slack", "webhook")


@pytest.mark.parametrize("severity", ["high", "critical"])
def test_the_urgent_has_steps_of_its_own(severity: str) -> None:
    """What is bad may ring at once."""
    reach = Reach(steps=(ReachStep("slack"),), urgent=(ReachStep("voice"),))

    assert planned(reach, Errand(asks=True, severity=severity)) == at_once("voice", "webhook")
    assert planned(reach) == at_once("slack", "webhook")


def test_the_steps_of_a_rung_come_before_ones_own() -> None:
    """The ladder of a risky tool does not depend on everybody's settings."""
    reach = Reach(steps=(ReachStep("console"),))
    errand = Errand(asks=True, steps=(ReachStep("slack"),))

    assert planned(reach, errand) == at_once("slack", "webhook")


def test_a_wait_that_outlasts_the_ask_is_halved() -> None:
    """A call that comes when somebody else is asked already never helps."""
    reach = Reach(steps=(ReachStep("slack"), ReachStep("voice", 30 * MINUTE)))
    errand = Errand(asks=True, until=DAY + 10 * MINUTE)

    assert planned(reach, errand)[-1] == ("voice", 5 * MINUTE)
    late = Errand(asks=True, until=DAY - MINUTE)
    assert ("voice", timedelta(0)) in planned(reach, late)


def test_a_rung_that_wakes_hastens_ones_own_loud_step() -> None:
    """The rung was told to wake them, not to wait politely first."""
    reach = Reach(steps=(ReachStep("slack"), ReachStep("voice", 5 * MINUTE)))
    errand = Errand(asks=True, wakes=True)

    assert planned(reach, errand) == at_once("slack", "voice", "webhook")


def test_a_rung_that_wakes_adds_a_loud_way_where_none_was_named() -> None:
    """Steps that only whisper do not undo the ladder's word."""
    reach = Reach(steps=(ReachStep("slack"),))
    errand = Errand(asks=True, wakes=True)

    assert planned(reach, errand) == at_once("slack", "voice", "webhook")


def test_a_loud_step_that_is_first_anyway_stays_first() -> None:
    """Nothing to hasten."""
    reach = Reach(steps=(ReachStep("voice"), ReachStep("slack", MINUTE)))
    errand = Errand(asks=True, wakes=True)

    assert planned(reach, errand) == [*at_once("voice", "webhook"), ("slack", MINUTE)]


# --- quiet hours and the budget -----------------------------------------------------------------

LOUD = Reach(steps=(ReachStep("slack"), ReachStep("voice")), quiet=QUIET)


def test_in_quiet_hours_an_ask_goes_by_quiet_ways_only() -> None:
    """It is in the inbox in the morning; meanwhile the ladder goes on."""
    assert planned(LOUD, now=NIGHT) == at_once("slack", "webhook")
    assert planned(LOUD) == at_once("slack", "voice", "webhook")


@pytest.mark.parametrize(
    "errand",
    [
        Errand(asks=True, severity="high"),
        Errand(asks=True, severity="critical"),
        Errand(asks=True, wakes=True),
    ],
)
def test_what_is_bad_or_may_wake_ends_the_quiet(errand: Errand) -> None:
    """Quiet hours are by severity, and a rung's word counts more."""
    assert ("voice", timedelta(0)) in planned(LOUD, errand, now=NIGHT)


def test_who_would_hear_nothing_is_told_by_another_quiet_way() -> None:
    """Left out at night is the call, not the person."""
    reach = Reach(steps=(ReachStep("voice"),), quiet=QUIET)

    assert planned(reach, now=NIGHT) == at_once("console", "slack", "webhook")


def test_who_has_only_loud_ways_is_rung_even_at_night() -> None:
    """A ring at night is better than nobody who hears of it."""
    reach = Reach(quiet=QUIET)

    assert planned(reach, ways=(VOICE,), now=NIGHT) == at_once("voice")


def test_a_used_up_budget_leaves_the_quiet_ways() -> None:
    """The fifth ring of a night reaches nobody who can still think."""
    errand = Errand(asks=True, severity="high", wakes=True)

    assert planned(LOUD, errand, now=NIGHT, woken=4) == at_once("slack", "webhook")
    assert ("voice", timedelta(0)) in planned(LOUD, errand, now=NIGHT, woken=3)


def test_the_worst_wakes_whatever_the_budget_says() -> None:
    """A budget is for comfort, not for catastrophes."""
    errand = Errand(asks=True, severity="critical")

    assert ("voice", timedelta(0)) in planned(LOUD, errand, now=NIGHT, woken=99)


def test_night_and_day_have_budgets_of_their_own() -> None:
    """Twenty calls a day are work, twenty a night are a breakdown."""
    reach = Reach(wakes_per_day=9, wakes_per_night=2)

    assert wakes_allowed(reach, DAY, BERLIN) == 9
    assert wakes_allowed(reach, NIGHT, BERLIN) == 2


@pytest.mark.parametrize(
    ("now", "since"),
    [
        (DAY, datetime(2027, 3, 1, 6, tzinfo=UTC)),
        (NIGHT, datetime(2027, 3, 1, 21, tzinfo=UTC)),
        (datetime(2027, 3, 1, 22, tzinfo=UTC), datetime(2027, 3, 1, 21, tzinfo=UTC)),
    ],
)
def test_a_period_begins_where_night_or_day_did(now: datetime, since: datetime) -> None:
    """Rings before midnight count for the same night."""
    assert period_since(Reach(), now, BERLIN) == since


def test_quiet_hours_may_lie_within_a_day() -> None:
    """Somebody who works nights sleeps by day."""
    noon = QuietHours(time(8), time(16))

    assert time(12) in noon
    assert time(16) not in noon
    assert time(7, 59) not in noon


# --- news ---------------------------------------------------------------------------------------

NEWS = Errand(asks=False)


def test_news_goes_by_quiet_ways() -> None:
    """Nobody is rung because somebody else has it."""
    errand = Errand(asks=False, severity="critical", wakes=True)

    assert planned(errand=errand) == at_once("console", "slack", "webhook")


def test_news_goes_by_the_ways_they_named() -> None:
    """Whoever reads Slack need not read it twice."""
    reach = Reach(steps=(ReachStep("slack"), ReachStep("voice")))

    assert planned(reach, NEWS) == at_once("slack", "webhook")


def test_news_waits_for_the_end_of_quiet_hours() -> None:
    """07:00 on their clock, on the same or the next morning."""
    evening = datetime(2027, 3, 1, 22, tzinfo=UTC)

    assert ("slack", timedelta(hours=5)) in planned(Reach(quiet=QUIET), NEWS, now=NIGHT)
    assert ("slack", timedelta(hours=8)) in planned(Reach(quiet=QUIET), NEWS, now=evening)
    assert ("slack", timedelta(0)) in planned(Reach(quiet=QUIET), NEWS)


def test_news_waits_for_the_next_digest() -> None:
    """One letter every four hours instead of forty a day."""
    reach = Reach(digest_every=timedelta(hours=4))

    assert ("slack", timedelta(hours=2)) in planned(reach, NEWS)


def test_news_by_loud_ways_only_never_comes_at_night() -> None:
    """Told, but not woken for it."""
    assert planned(errand=NEWS, ways=(VOICE,), now=NIGHT) == [("voice", timedelta(hours=5))]
    assert planned(errand=NEWS, ways=(VOICE,)) == at_once("voice")


def test_a_digest_never_skips_midnight() -> None:
    """Days with 23 or 25 hours still have their first digest at the usual time."""
    before_the_gap = datetime(2027, 3, 27, 22, 30, tzinfo=UTC)

    found = next_digest(timedelta(hours=7), before_the_gap, BERLIN)

    assert found == datetime(2027, 3, 27, 23, tzinfo=UTC)
