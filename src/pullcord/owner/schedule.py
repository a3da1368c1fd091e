"""A schedule: who is on duty at any instant, from a rotation and what overrides it.

Order: overrides and taken swaps above the rotation. An override adds somebody, removes somebody,
or replaces one by another; replacements and removals apply in one pass, so they never chain.
"""

from dataclasses import dataclass
from datetime import datetime

from pullcord.owner.rotation import Rotation, turn_at

#: shifts one listing may compute
SHIFTS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Override:
    """From `start_at` until `end_at` (half-open), `add` is on duty, `remove` is not, or both."""

    start_at: datetime
    end_at: datetime
    add: str = ""
    remove: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A named duty."""

    id: str
    rotation: Rotation
    overrides: tuple[Override, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Shift:
    """Who is on duty together, [start_at, end_at); at `end_at` anything may change."""

    people: tuple[str, ...]
    start_at: datetime
    end_at: datetime


def on_call(schedule: Schedule, at: datetime) -> Shift:
    """Who is on duty at an instant, and until when that is certain."""
    turn = turn_at(schedule.rotation, at)
    start_at, end_at = turn.start_at, turn.end_at
    replaced: dict[str, str] = {}
    added: list[str] = []
    for override in schedule.overrides:
        if override.end_at <= at:
            start_at = max(start_at, override.end_at)
        elif override.start_at > at:
            end_at = min(end_at, override.start_at)
        else:
            start_at = max(start_at, override.start_at)
            end_at = min(end_at, override.end_at)
            if override.remove:
                replaced[override.remove] = override.add
            elif override.add:
                added.append(override.add)
    people = [replaced.get(turn.person, turn.person), *added]
    return Shift(tuple(dict.fromkeys(each for each in people if each)), start_at, end_at)


def shifts(
    schedule: Schedule, start_at: datetime, end_at: datetime, *, limit: int = SHIFTS_MAX
) -> list[Shift]:
    """The shifts from `start_at` until `end_at`, clipped to it, at most `limit`."""
    found: list[Shift] = []
    at = start_at
    while at < end_at and len(found) < limit:
        shift = on_call(schedule, at)
        found.append(Shift(shift.people, at, min(shift.end_at, end_at)))
        at = shift.end_at
    return found
