"""Rotations, people and a floor these tests play on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pullcord.owner.floor import Floor
from pullcord.owner.roster import Absence, Person, Role, Team
from pullcord.owner.rotation import Rotation, Unit, turn_at
from pullcord.owner.schedule import Schedule

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def utc(text: str) -> datetime:
    """An instant, from `2027-03-28T01:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def wall(text: str) -> datetime:
    """A time on a wall, without a zone: `2027-03-28T02:30`."""
    return datetime.fromisoformat(text)


def rotation(
    zone: str, anchor: str, unit: Unit, *, length: int = 1, people: str = "abcd"
) -> Rotation:
    """People a, b, c, d in turn."""
    return Rotation(tuple(people), zone, wall(anchor), unit, length)


def turns(found: Rotation, start: str, count: int) -> list[tuple[str, datetime, datetime]]:
    """So many turns one after another from an instant on."""
    at = utc(start)
    listed = []
    for _ in range(count):
        turn = turn_at(found, at)
        listed.append((turn.person, turn.start_at, turn.end_at))
        at = turn.end_at
    return listed


def somebody(who: str, role: Role = Role.OPERATOR, **changes: Any) -> Person:
    """A person who can be asked."""
    return Person(who, who.title(), f"{who.title()} from Billing", role, **changes)


def floor(*people: Person, **changes: Any) -> Floor:
    """These people are there at noon."""
    return replace(Floor(1, NOON, {each.id: each for each in people}), **changes)


def away(hours: int = 24) -> tuple[Absence, ...]:
    """Away since an hour ago, for so many hours."""
    return (Absence(NOON - HOUR, NOON + hours * HOUR),)


def always(who: str, schedule: str = "billing") -> Schedule:
    """A schedule with one person on it."""
    weekly = Rotation((who,), "UTC", datetime(2026, 11, 23, 9), Unit.WEEK)
    return Schedule(schedule, weekly)


def team(*members: str, lead: str = "") -> Team:
    """A team named support."""
    return Team("support", members, lead)
