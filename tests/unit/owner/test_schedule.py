"""Schedules: overrides apply in one pass, and who is on duty is certain until a known instant."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pullcord.owner.rotation import Unit
from pullcord.owner.schedule import Override, Schedule, Shift, on_call, shifts
from tests.unit.owner.scenes import HOUR, MINUTE, rotation, utc

WEEKLY = rotation("UTC", "2027-01-04T09:00", Unit.WEEK)
MONDAY = utc("2027-01-04T09:00")
WEEK = timedelta(weeks=1)


def on(*overrides: Override) -> Schedule:
    """The weekly rotation a, b, c, d with these overrides."""
    return Schedule("billing", WEEKLY, overrides)


def during(add: str = "", remove: str = "", *, start: int = 0, end: int = 24) -> Override:
    """From so many hours after Monday nine until so many."""
    return Override(MONDAY + start * HOUR, MONDAY + end * HOUR, add, remove)


def test_without_overrides_the_rotation_speaks() -> None:
    """One person, from hand-off to hand-off."""
    assert on_call(on(), MONDAY) == Shift(("a",), MONDAY, MONDAY + WEEK)


def test_an_override_adds_a_person() -> None:
    """Both are on duty, the rotation's person first."""
    assert on_call(on(during(add="x")), MONDAY) == Shift(("a", "x"), MONDAY, MONDAY + 24 * HOUR)


def test_an_override_removes_a_person_and_may_leave_nobody() -> None:
    """Nobody is an answer of a schedule; the resolver goes on from there."""
    assert on_call(on(during(remove="a")), MONDAY).people == ()
    assert on_call(on(during(remove="b")), MONDAY).people == ("a",)


def test_an_override_replaces_one_by_another() -> None:
    """The replacement stands where the person stood."""
    assert on_call(on(during(add="x", remove="a")), MONDAY).people == ("x",)


def test_an_override_that_says_nothing_changes_nobody() -> None:
    """Configuration refuses it; one that comes from elsewhere must not empty a duty."""
    assert on_call(on(during()), MONDAY).people == ("a",)


def test_replacements_never_chain() -> None:
    """A by B and B by C in one pass: B stands in for A, whatever stands in for B."""
    chain = (during(add="b", remove="a"), during(add="c", remove="b"))

    assert on_call(on(*chain), MONDAY).people == ("b",)
    assert on_call(on(*reversed(chain)), MONDAY).people == ("b",)


def test_two_who_stand_in_for_one_another_swap() -> None:
    """A by B and B by A is a swap, not a return to the beginning."""
    swap = (during(add="b", remove="a"), during(add="a", remove="b"))

    assert on_call(on(*swap), MONDAY).people == ("b",)


def test_who_is_added_and_on_duty_already_is_there_once() -> None:
    """People on duty are a set."""
    assert on_call(on(during(add="a"), during(add="x"), during(add="x")), MONDAY).people == (
        "a",
        "x",
    )


def test_an_added_person_is_not_removed_by_an_override_of_the_rotation() -> None:
    """Adds join after replacements and removals."""
    assert on_call(on(during(add="x"), during(remove="x")), MONDAY).people == ("a", "x")


def test_an_override_holds_from_its_start_until_just_before_its_end() -> None:
    """Half-open, so that two which touch neither overlap nor leave a gap."""
    schedule = on(during(add="x", remove="a", start=10, end=20))

    assert on_call(schedule, MONDAY + 10 * HOUR - MINUTE).people == ("a",)
    assert on_call(schedule, MONDAY + 10 * HOUR).people == ("x",)
    assert on_call(schedule, MONDAY + 20 * HOUR - MINUTE).people == ("x",)
    assert on_call(schedule, MONDAY + 20 * HOUR).people == ("a",)


def test_an_answer_ends_where_anything_may_change() -> None:
    """Until then it may be kept; then it is asked again."""
    schedule = on(during(add="x", start=10, end=20))

    assert on_call(schedule, MONDAY).end_at == MONDAY + 10 * HOUR
    inside = on_call(schedule, MONDAY + 12 * HOUR)
    assert (inside.start_at, inside.end_at) == (MONDAY + 10 * HOUR, MONDAY + 20 * HOUR)
    assert on_call(schedule, MONDAY + 21 * HOUR).start_at == MONDAY + 20 * HOUR


def test_a_listing_is_clipped_and_bounded() -> None:
    """A calendar shows what was asked for, and never runs away."""
    schedule = on(during(add="x", remove="a", start=10, end=20))

    listed = shifts(schedule, MONDAY + HOUR, MONDAY + 30 * HOUR)

    assert [(each.people, each.start_at, each.end_at) for each in listed] == [
        (("a",), MONDAY + HOUR, MONDAY + 10 * HOUR),
        (("x",), MONDAY + 10 * HOUR, MONDAY + 20 * HOUR),
        (("a",), MONDAY + 20 * HOUR, MONDAY + 30 * HOUR),
    ]
    assert len(shifts(schedule, MONDAY, MONDAY + 500 * WEEK, limit=7)) == 7


def test_a_recorded_answer_is_never_recomputed() -> None:
    """Changing a schedule changes no shift somebody has written down."""
    recorded = on_call(on(), MONDAY)

    later = on_call(on(during(remove="a")), MONDAY)

    assert recorded.people == ("a",)
    assert later.people != recorded.people
    assert replace(recorded) == recorded


OVERRIDES = st.lists(
    st.tuples(
        st.integers(0, 300),
        st.integers(1, 200),
        st.sampled_from(["", *"abxyz"]),
        st.sampled_from("ab"),
    ).map(lambda each: during(each[2], each[3], start=each[0], end=each[0] + each[1])),
    max_size=6,
).map(tuple)


@given(overrides=OVERRIDES)
def test_a_listing_agrees_with_asking_every_hour(overrides: tuple[Override, ...]) -> None:
    """Calendar and router give the same answer at every instant, and shifts touch."""
    schedule = on(*overrides)

    listed = shifts(schedule, MONDAY, MONDAY + 2 * WEEK)

    assert listed[0].start_at == MONDAY
    assert listed[-1].end_at == MONDAY + 2 * WEEK
    for one, next_one in pairwise(listed):
        assert one.end_at == next_one.start_at
    for each in listed:
        at = each.start_at
        while at < each.end_at:
            assert on_call(schedule, at).people == each.people
            at += HOUR
