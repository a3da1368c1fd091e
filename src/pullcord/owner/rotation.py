"""A rotation: people in turn, with hand-offs at wall-clock times, computed in closed form.

Stored as an IANA zone, a naive local anchor, a unit and a length; never as an offset or a stored
position. Shifts touch: each ends in the instant the next begins, at clock changes too.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from pullcord.owner.wall import instant, wall_clock

#: corrections of the estimate at clock changes and month ends; more would be a bug
CORRECTIONS_MAX = 64


class Unit(StrEnum):
    """What a rotation counts in."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


SPANS = {
    Unit.HOUR: timedelta(hours=1),
    Unit.DAY: timedelta(days=1),
    Unit.WEEK: timedelta(weeks=1),
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One person's time on duty, half-open [start_at, end_at), aware UTC."""

    person: str
    start_at: datetime
    end_at: datetime


@dataclass(frozen=True, slots=True)
class Rotation:
    """People in turn. `anchor` is the naive local time at which the first of them begins."""

    people: tuple[str, ...]
    zone: str
    anchor: datetime
    unit: Unit = Unit.WEEK
    length: int = 1


def turn_at(rotation: Rotation, at: datetime) -> Turn:
    """Whose turn it is at an instant, and from when to when; nobody's when it has no people."""
    zone = ZoneInfo(rotation.zone)
    index = _estimate(rotation, wall_clock(at, zone))
    for _ in range(CORRECTIONS_MAX):
        start_at = instant(_grid(rotation, index), zone)
        end_at = instant(_grid(rotation, index + 1), zone)
        if start_at > at:
            index -= 1
        elif end_at <= at:
            index += 1
        else:
            people = rotation.people or ("",)
            person = people[index % len(people)]
            return Turn(person, start_at, end_at)
    raise AssertionError(f"no turn of {rotation} holds {at}")


def _estimate(rotation: Rotation, wall: datetime) -> int:
    """Which turn the wall clock suggests; at clock changes it may be off by a few."""
    anchor = rotation.anchor
    if rotation.unit is Unit.MONTH:
        months = (wall.year * 12 + wall.month) - (anchor.year * 12 + anchor.month)
        return months // rotation.length
    return (wall - anchor) // (SPANS[rotation.unit] * rotation.length)


def _grid(rotation: Rotation, index: int) -> datetime:
    """The naive wall time of the `index`-th hand-off, always counted from the anchor."""
    anchor = rotation.anchor
    steps = index * rotation.length
    if rotation.unit is not Unit.MONTH:
        return anchor + SPANS[rotation.unit] * steps
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + steps, 12)
    day = min(anchor.day, monthrange(year, month + 1)[1])
    return anchor.replace(year=year, month=month + 1, day=day)
