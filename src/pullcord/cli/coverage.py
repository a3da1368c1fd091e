"""Coverage ahead: when would a ladder have nobody but its catch-all?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pullcord.config.configuration import Configuration
from pullcord.owner.floor import Floor
from pullcord.owner.ladder import Ladder
from pullcord.owner.resolve import resolve
from pullcord.owner.schedule import on_call

#: instants looked at for one ladder; more would be a schedule that changes every minute
LOOKS_MAX = 50_000


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which every rung of a ladder is skipped, and why."""

    ladder: str
    start_at: datetime
    end_at: datetime
    why: str


def gaps_of(configuration: Configuration, now: datetime, ahead: timedelta) -> list[Gap]:
    """The gaps of every ladder from now on; uses the resolver the engine uses."""
    until = now + ahead
    moments = _moments(configuration, now, until)
    found: list[Gap] = []
    for ladder in configuration.ladders.values():
        found += _gaps(configuration, ladder, moments, until)
    return found


def _moments(configuration: Configuration, now: datetime, until: datetime) -> list[datetime]:
    """Every instant at which the answer may change: shifts and absences."""
    found = {now}
    for schedule in configuration.schedules.values():
        at = now
        while at < until and len(found) < LOOKS_MAX:
            at = on_call(schedule, at).end_at
            found.add(at)
    for person in configuration.people.values():
        for absence in person.absences:
            found |= {absence.start_at, absence.end_at}
    return sorted(each for each in found if now <= each < until)


def _gaps(
    configuration: Configuration, ladder: Ladder, moments: list[datetime], until: datetime
) -> list[Gap]:
    gaps: list[Gap] = []
    for at, following in zip(moments, [*moments[1:], until], strict=True):
        floor = Floor(
            version=0,
            at=at,
            people=configuration.people,
            teams=configuration.teams,
            schedules=configuration.schedules,
            workspace_catch_all=ladder.catch_all,
        )
        resolution = resolve(ladder, floor, at)
        if not resolution.is_catch_all:
            continue
        why = "; ".join(f"{skip.target}: {skip.why}" for skip in resolution.skipped)
        if gaps and gaps[-1].end_at == at and gaps[-1].why == why:
            gaps[-1] = Gap(ladder.id, gaps[-1].start_at, following, why)
        else:
            gaps.append(Gap(ladder.id, at, following, why))
    return gaps
