"""Who is asked: one function for router, preview, console and API, and it never says nobody."""

from dataclasses import dataclass
from datetime import datetime

from pullcord.owner.floor import Floor
from pullcord.owner.ladder import Ladder, Rung, Target
from pullcord.owner.roster import Role
from pullcord.owner.schedule import on_call


@dataclass(frozen=True, slots=True)
class Skip:
    """A rung that could not be asked, and why."""

    rung: int
    target: str
    why: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """Whom to ask: `owner` first, all `candidates` at once, until `until`.

    `rung` is the index into the ladder; its length means the catch-all. `reason` is a sentence.
    """

    owner: str
    candidates: tuple[str, ...]
    rung: int
    until: datetime
    wakes: bool
    reason: str
    skipped: tuple[Skip, ...] = ()
    is_catch_all: bool = False


def resolve(
    ladder: Ladder,
    floor: Floor,
    now: datetime,
    *,
    start: int = 0,
    declined: frozenset[str] = frozenset(),
    excluding: frozenset[str] = frozenset(),
) -> Resolution:
    """The first rung from `start` on with somebody to ask, else the catch-all.

    People in `declined` and `excluding` are not asked; the catch-all is asked even when they
    declined. Rungs with nobody to ask are in `skipped`.
    """
    skipped: list[Skip] = []
    out = declined | excluding
    for index in range(start, len(ladder.rungs)):
        rung = ladder.rungs[index]
        named, duty = named_by(rung.target, floor, now)
        free = [each for each in named if each not in out]
        able = [each for each in free if not floor.why_unavailable(each, now)]
        if not able:
            why = _why_nobody(named, free, floor, now)
            skipped.append(Skip(index, str(rung.target), why))
            continue
        ordered = able if rung.target.kind == "schedule" else _fair(able, floor)
        return _at_rung(ordered, index, rung, now, duty, floor, skipped)
    return _at_catch_all(ladder, floor, now, excluding, skipped)


def named_by(target: Target, floor: Floor, now: datetime) -> tuple[list[str], str]:
    """The people a target means now, and how to say why: "is on call for billing"."""
    if target.kind == "schedule":
        schedule = floor.schedules.get(target.id)
        if schedule is None:
            return [], ""
        shift = on_call(schedule, now)
        until = f"{shift.end_at:%Y-%m-%d %H:%M} UTC"
        return list(shift.people), f"is on call for {target.id} until {until}"
    if target.kind == "team":
        team = floor.teams.get(target.id)
        return (list(team.members) if team else []), f"is in the team {target.id}"
    return [target.id], "is named by the ladder"


def _fair(people: list[str], floor: Floor) -> list[str]:
    """Longest not asked first, never asked before all; then who holds least."""

    def order(who: str) -> tuple[bool, datetime, int, str]:
        asked_at = floor.last_asked_at.get(who)
        return asked_at is not None, asked_at or floor.at, floor.load.get(who, 0), who

    return sorted(people, key=order)


def _why_nobody(named: list[str], free: list[str], floor: Floor, now: datetime) -> str:
    if not named:
        return "nobody is on it"
    if not free:
        return "everybody on it declined or may not decide this"
    return "; ".join(floor.why_unavailable(each, now) for each in free)


def _at_rung(
    people: list[str],
    index: int,
    rung: Rung,
    now: datetime,
    duty: str,
    floor: Floor,
    skipped: list[Skip],
) -> Resolution:
    return Resolution(
        owner=people[0],
        candidates=tuple(people),
        rung=index,
        until=now + rung.accept_within,
        wakes=rung.wakes,
        reason=f"{floor.people[people[0]].name} {duty}",
        skipped=tuple(skipped),
    )


def _at_catch_all(
    ladder: Ladder,
    floor: Floor,
    now: datetime,
    excluding: frozenset[str],
    skipped: list[Skip],
) -> Resolution:
    who, reason = last_resort(ladder, floor, excluding)
    return Resolution(
        owner=who,
        candidates=(who,),
        rung=len(ladder.rungs),
        until=now + ladder.remind_every,
        wakes=True,
        reason=reason,
        skipped=tuple(skipped),
        is_catch_all=True,
    )


def last_resort(
    ladder: Ladder, floor: Floor, excluding: frozenset[str] = frozenset()
) -> tuple[str, str]:
    """Who stands at the end of a ladder, and the reason; nobody away or full is passed over.

    The catch-all; if they are gone, leads of the ladder's teams, the workspace's last resort, a
    lead, an admin, and then anybody who is still there.
    """
    leads = [
        floor.teams[rung.target.id].lead
        for rung in ladder.rungs
        if rung.target.kind == "team" and rung.target.id in floor.teams
    ]
    by_role = {
        role: sorted(each.id for each in floor.people.values() if each.role is role)
        for role in (Role.LEAD, Role.ADMIN)
    }
    others = sorted(floor.people)
    ways = [
        ([ladder.catch_all], "is the catch-all of the ladder"),
        (leads, "leads a team of the ladder, whose catch-all cannot be asked"),
        ([floor.workspace_catch_all], "is the last resort of the workspace"),
        (by_role[Role.LEAD], "is a lead, and the catch-all cannot be asked"),
        (by_role[Role.ADMIN], "is an admin, and the catch-all cannot be asked"),
        (others, "is still here, and nobody who should be asked before can be"),
    ]
    for people, reason in ways:
        for who in people:
            person = floor.people.get(who)
            if person is not None and person.is_active and who not in excluding:
                return who, f"{person.name} {reason}"
    return ladder.catch_all, f"{ladder.catch_all} is the catch-all, and nobody else is left"
