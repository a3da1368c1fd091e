"""Rotations and wall clocks at every kind of clock change, against worked examples and brute force.

The examples are computed by hand from the zone data; rows 1 to 10 of the list the design names.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullcord.owner.rotation import Rotation, Unit, turn_at
from pullcord.owner.wall import instant, wall_clock
from tests.unit.owner.scenes import HOUR, MINUTE, rotation, turns, utc, wall

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
LORD_HOWE, APIA = ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Pacific/Apia")


# --- worked examples ----------------------------------------------------------------------------


def test_row_1_a_hand_off_in_a_gap_is_the_first_instant_after_it() -> None:
    """Berlin, daily 02:30, 2027-03-28: 03:00+02:00, and both shifts around it last 23.5 hours."""
    daily = rotation("Europe/Berlin", "2027-03-01T02:30", Unit.DAY)

    before, after = turns(daily, "2027-03-27T12:00", 2)

    assert before[2] == after[1] == utc("2027-03-28T01:00")
    assert before[2] - before[1] == after[2] - after[1] == timedelta(hours=23.5)


def test_row_2_an_ambiguous_hand_off_is_its_first_occurrence() -> None:
    """New York, daily 01:30, 2027-11-07: 05:30Z, not 06:30Z; that shift lasts 25 hours."""
    daily = rotation("America/New_York", "2027-11-01T01:30", Unit.DAY)

    ((_, start_at, end_at),) = turns(daily, "2027-11-07T05:30", 1)

    assert start_at == utc("2027-11-07T05:30")
    assert end_at - start_at == timedelta(hours=25)
    assert instant(wall("2027-11-07T01:30"), NEW_YORK, last=True) == utc("2027-11-07T06:30")


def test_row_3_a_hand_off_does_not_flip_back_in_the_repeated_hour() -> None:
    """Berlin, weekly from 2027-10-03 02:30: from 01:00Z to 01:29Z the wall reads 02:xx again."""
    weekly = rotation("Europe/Berlin", "2027-10-03T02:30", Unit.WEEK, people="abcde")

    people = [turn_at(weekly, utc(f"2027-10-31T{at}")).person for at in ("00:29", "00:30", "01:15")]

    assert people == ["d", "e", "e"]
    assert turn_at(weekly, utc("2027-10-31T01:15")).start_at == utc("2027-10-31T00:30")


def test_row_4_half_hour_changes_are_no_exception() -> None:
    """Lord Howe moves its clocks by thirty minutes."""
    assert instant(wall("2027-10-03T02:15"), LORD_HOWE) == utc("2027-10-02T15:30")
    assert instant(wall("2027-04-04T01:45"), LORD_HOWE) == utc("2027-04-03T14:45")
    assert instant(wall("2027-04-04T01:45"), LORD_HOWE, last=True) == utc("2027-04-03T15:15")

    daily = rotation("Australia/Lord_Howe", "2027-01-01T09:00", Unit.DAY)
    hourly = rotation("Australia/Lord_Howe", "2027-01-01T00:00", Unit.HOUR)

    spring, autumn = (
        turn_at(daily, utc("2027-10-02T15:00")),
        turn_at(daily, utc("2027-04-03T15:00")),
    )
    assert spring.end_at - spring.start_at == timedelta(hours=23.5)
    assert autumn.end_at - autumn.start_at == timedelta(hours=24.5)
    short, long = turn_at(hourly, utc("2027-10-02T15:45")), turn_at(hourly, utc("2027-04-03T15:20"))
    assert short.end_at - short.start_at == 30 * MINUTE
    assert long.end_at - long.start_at == 90 * MINUTE


def test_row_5_an_hour_that_does_not_exist_is_skipped_and_not_passed_on() -> None:
    """New York, hourly A, B, C, D from midnight of 2027-03-14: C's hour has no length."""
    hourly = rotation("America/New_York", "2027-03-14T00:00", Unit.HOUR, people="ABCD")

    assert turns(hourly, "2027-03-14T05:00", 3) == [
        ("A", utc("2027-03-14T05:00"), utc("2027-03-14T06:00")),
        ("B", utc("2027-03-14T06:00"), utc("2027-03-14T07:00")),
        ("D", utc("2027-03-14T07:00"), utc("2027-03-14T08:00")),
    ]


def test_row_6_two_hour_slots_stay_on_even_hours() -> None:
    """New York, 2-hourly, 2027-11-07: slot 00-02 lasts three hours, then 02:00 and 04:00 EST."""
    slots = rotation("America/New_York", "2027-11-01T00:00", Unit.HOUR, length=2)

    listed = turns(slots, "2027-11-07T04:00", 3)

    assert [end_at - start_at for _, start_at, end_at in listed] == [3 * HOUR, 2 * HOUR, 2 * HOUR]
    assert [start_at for _, start_at, _ in listed[1:]] == [
        utc("2027-11-07T07:00"),
        utc("2027-11-07T09:00"),
    ]


def window(zone: ZoneInfo, start: str, end: str) -> tuple[datetime, datetime]:
    """A clock window: from the first occurrence of its start to the last of its end."""
    return instant(wall(start), zone), instant(wall(end), zone, last=True)


def test_row_7_a_window_over_night_is_as_long_as_the_night() -> None:
    """Berlin, Saturday 22:00 to 06:00: 8 hours, 7 in spring, 9 in autumn."""
    normal = window(BERLIN, "2027-06-05T22:00", "2027-06-06T06:00")
    spring = window(BERLIN, "2027-03-27T22:00", "2027-03-28T06:00")
    autumn = window(BERLIN, "2027-10-30T22:00", "2027-10-31T06:00")

    assert normal[1] - normal[0] == 8 * HOUR
    assert spring == (utc("2027-03-27T21:00"), utc("2027-03-28T04:00"))
    assert autumn == (utc("2027-10-30T20:00"), utc("2027-10-31T05:00"))
    sunday, saturday = (instant(wall(f"2027-06-0{day}T05:59"), BERLIN) for day in (6, 5))
    assert normal[0] <= sunday < normal[1]
    assert not normal[0] <= saturday < normal[1]


def test_row_8_windows_that_meet_in_the_repeated_hour_overlap_and_leave_no_gap() -> None:
    """New York, 22:00-01:30 and 01:30-09:00 overlap by an hour; 02:00-03:00 in spring is empty."""
    evening = window(NEW_YORK, "2027-11-06T22:00", "2027-11-07T01:30")
    morning = window(NEW_YORK, "2027-11-07T01:30", "2027-11-07T09:00")
    nothing = window(NEW_YORK, "2027-03-14T02:00", "2027-03-14T03:00")

    assert evening == (utc("2027-11-07T02:00"), utc("2027-11-07T06:30"))
    assert morning == (utc("2027-11-07T05:30"), utc("2027-11-07T14:00"))
    assert evening[1] - morning[0] == HOUR
    assert nothing[0] == nothing[1]


def test_row_9_a_monthly_hand_off_is_clamped_and_never_sticks() -> None:
    """From 2027-01-31: 28 Feb, 31 Mar, 30 Apr, and 29 Feb in the leap year."""
    monthly = rotation("UTC", "2027-01-31T09:00", Unit.MONTH)

    starts = [f"{start_at:%Y-%m-%d}" for _, start_at, _ in turns(monthly, "2027-01-31T09:00", 14)]

    assert starts[:4] == ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]
    assert starts[13] == "2028-02-29"


def test_row_10_a_day_that_was_skipped_is_a_gap_of_a_whole_day() -> None:
    """Apia had no 30 December 2011: the hand-off of that day is the first instant of the 31st."""
    daily = rotation("Pacific/Apia", "2011-12-01T09:00", Unit.DAY)

    found = instant(wall("2011-12-30T09:00"), APIA)

    assert found == utc("2011-12-30T10:00")
    assert wall_clock(found, APIA) == wall("2011-12-31T00:00")
    before, after = turns(daily, "2011-12-30T05:00", 2)
    assert before[2] == after[1] == found
    assert after[2] == utc("2011-12-30T19:00")


def test_weeks_over_a_clock_change_are_an_hour_shorter_or_longer() -> None:
    """Berlin: 167 hours in spring, 169 in autumn."""
    weekly = rotation("Europe/Berlin", "2027-01-04T09:00", Unit.WEEK)

    lengths = [
        turn_at(weekly, utc(at)).end_at - turn_at(weekly, utc(at)).start_at
        for at in ("2027-03-27T12:00", "2027-10-30T12:00")
    ]

    assert lengths == [167 * HOUR, 169 * HOUR]


# --- rules --------------------------------------------------------------------------------------


def test_turns_before_the_anchor_count_backwards() -> None:
    """A rotation has no beginning: who was on duty before its anchor has an answer too."""
    weekly = rotation("UTC", "2027-01-04T09:00", Unit.WEEK)

    assert turn_at(weekly, utc("2026-12-31T12:00")).person == "d"
    assert turn_at(weekly, utc("2027-01-04T09:00")).person == "a"


def test_a_rotation_without_people_has_nobody_and_does_not_fail() -> None:
    """The resolver asks whatever it is given, and must always come to a name."""
    assert (
        turn_at(Rotation((), "UTC", wall("2027-01-04T09:00")), utc("2027-01-05T00:00")).person == ""
    )


def test_a_grid_that_holds_no_instant_is_a_bug() -> None:
    """Corrections are bounded; a rotation that runs away is found and not looped over."""
    backwards = rotation("UTC", "2027-01-04T09:00", Unit.DAY, length=-1)

    with pytest.raises(AssertionError, match="no turn of"):
        turn_at(backwards, utc("2027-02-01T00:00"))


# --- properties ---------------------------------------------------------------------------------

#: zones of every kind: whole, half and quarter hours, both hemispheres, no changes, odd changes
ZONES = [
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Lisbon",
    "Europe/Moscow",
    "Europe/Istanbul",
    "Europe/Athens",
    "Europe/Chisinau",
    "Europe/Helsinki",
    "Europe/Kyiv",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/El_Aaiun",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "Africa/Nairobi",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "America/Adak",
    "America/Halifax",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/Asuncion",
    "America/Bogota",
    "America/Caracas",
    "America/Havana",
    "America/Mexico_City",
    "America/Tijuana",
    "America/Nuuk",
    "America/Scoresbysund",
    "America/Miquelon",
    "Antarctica/Troll",
    "Antarctica/Macquarie",
    "Antarctica/Casey",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Asia/Jerusalem",
    "Asia/Gaza",
    "Asia/Beirut",
    "Asia/Damascus",
    "Asia/Amman",
    "Asia/Tokyo",
    "Asia/Shanghai",
    "Asia/Dubai",
    "Asia/Tashkent",
    "Asia/Almaty",
    "Asia/Pyongyang",
    "Australia/Sydney",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Australia/Eucla",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Apia",
    "Pacific/Easter",
    "Pacific/Fiji",
    "Pacific/Norfolk",
    "Pacific/Kiritimati",
]


@cache
def transitions(zone: str) -> tuple[datetime, ...]:
    """The instants from 2020 to 2040 at which a zone's offset changes, to the minute."""
    info = ZoneInfo(zone)
    found: list[datetime] = []
    at, end = datetime(2020, 1, 1, tzinfo=UTC), datetime(2041, 1, 1, tzinfo=UTC)
    day = timedelta(days=1)
    while at < end:
        if at.astimezone(info).utcoffset() != (at + day).astimezone(info).utcoffset():
            low, high = at, at + day
            while high - low > MINUTE:
                middle = low + (high - low) // 2
                same = middle.astimezone(info).utcoffset() == low.astimezone(info).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            found.append(high.replace(second=0, microsecond=0))
        at += day
    return tuple(found)


def brute_force(found: Rotation, at: datetime, back: int) -> tuple[str, datetime]:
    """Whose turn it is, by walking every hand-off's instants minute by minute before `at`.

    Counts, from a hand-off long before, every boundary of the grid whose first instant has passed.
    """
    zone = ZoneInfo(found.zone)
    step = {Unit.HOUR: HOUR, Unit.DAY: 24 * HOUR, Unit.WEEK: 168 * HOUR}[found.unit] * found.length
    first = (wall_clock(at, zone) - found.anchor) // step - back
    index, begun = first, datetime.min.replace(tzinfo=UTC)
    for each in range(first, first + 2 * back + 3):
        boundary = first_minute(found.anchor + each * step, zone)
        if boundary <= at:
            index, begun = each, boundary
    return found.people[index % len(found.people)], begun


def first_minute(naive: datetime, zone: ZoneInfo) -> datetime:
    """The first minute at which the wall shows this time or later: the rule, read off the clock."""
    at = naive.replace(tzinfo=UTC) - 15 * HOUR
    while wall_clock(at, zone) < naive:
        at += max(MINUTE, (naive - wall_clock(at, zone)) // 2 // MINUTE * MINUTE)
    while wall_clock(at - MINUTE, zone) >= naive:
        at -= MINUTE
    return at


@pytest.mark.parametrize("zone", ZONES)
def test_around_every_clock_change_shifts_touch_and_hold_their_instant(zone: str) -> None:
    """No gap, no overlap, no empty shift, no flip-back: twenty years, every change, every unit."""
    checked = 0
    for change in transitions(zone) or (datetime(2030, 6, 1, tzinfo=UTC),):
        for unit, length in ((Unit.HOUR, 1), (Unit.HOUR, 3), (Unit.DAY, 1), (Unit.WEEK, 1)):
            found = Rotation(tuple("abcde"), zone, datetime(2019, 12, 30, 2, 30), unit, length)
            at = change - 3 * HOUR
            while at < change + 3 * HOUR:
                turn = turn_at(found, at)
                assert turn.start_at <= at < turn.end_at
                assert turn_at(found, turn.end_at).start_at == turn.end_at
                assert turn_at(found, turn.end_at - timedelta(seconds=1)) == turn
                at = turn.end_at
                checked += 1

    assert checked >= 8


@given(
    zone=st.sampled_from(ZONES),
    minute=st.integers(0, 240),
    unit=st.sampled_from([Unit.HOUR, Unit.DAY, Unit.WEEK]),
    length=st.integers(1, 5),
    hour=st.integers(0, 23),
    half=st.sampled_from([0, 15, 30]),
    which=st.integers(0, 10**6),
)
def test_the_closed_form_agrees_with_the_clock_on_the_wall(
    zone: str, minute: int, unit: Unit, length: int, hour: int, half: int, which: int
) -> None:
    """Somebody who watches the wall clock minute by minute comes to the same person."""
    changes = transitions(zone) or (datetime(2030, 6, 1, tzinfo=UTC),)
    at = changes[which % len(changes)] + (minute - 120) * MINUTE
    found = Rotation(tuple("abcde"), zone, datetime(2019, 12, 30, hour, half), unit, length)

    turn = turn_at(found, at)

    assert (turn.person, turn.start_at) == brute_force(found, at, 30 if unit is Unit.HOUR else 2)


@given(
    zone=st.sampled_from(ZONES),
    day=st.integers(1, 31),
    length=st.integers(1, 13),
    days=st.integers(0, 7_500),
)
def test_months_touch_and_begin_on_the_anchors_day_or_the_last(
    zone: str, day: int, length: int, days: int
) -> None:
    """Clamped always from the anchor: a short month never shortens those after it."""
    found = Rotation(("a", "b", "c"), zone, datetime(2020, 1, day, 9), Unit.MONTH, length)
    at = datetime(2020, 6, 1, tzinfo=UTC) + timedelta(days=days)

    turn = turn_at(found, at)

    assert turn.start_at <= at < turn.end_at
    assert turn_at(found, turn.end_at).start_at == turn.end_at
    begun = wall_clock(turn.start_at, ZoneInfo(zone))
    assert begun.day == day or (begun + timedelta(days=1)).day == 1 or zone == "Pacific/Apia"


@given(zone=st.sampled_from(ZONES), minutes=st.integers(0, 60 * 24 * 365 * 20))
def test_wall_and_instant_are_inverse_up_to_the_repeated_hour(zone: str, minutes: int) -> None:
    """Going to the wall and back is the same instant, or the other of its two."""
    info = ZoneInfo(zone)
    at = datetime(2020, 1, 1, tzinfo=UTC) + minutes * MINUTE
    shown = wall_clock(at, info)

    first, last = instant(shown, info), instant(shown, info, last=True)

    assert first <= at <= last
    assert at in (first, last)
    assert wall_clock(first, info) == wall_clock(last, info) == shown
