"""The workspace as the console lists it: who is on call, the people, the keys, the policies."""

import json
from collections.abc import Mapping
from datetime import datetime

from pullcord.engine.readers import person_out
from pullcord.owner.floor import Floor
from pullcord.owner.ladder import Ladder
from pullcord.owner.reach_words import summary
from pullcord.owner.resolve import Resolution, named_by, resolve
from pullcord.owner.roster import Person
from pullcord.owner.schedule import on_call
from pullcord.path.wording import Reader, listed, span
from pullcord.store.port import AgentKey, PolicyVersion
from pullcord.wire.views import KeyLine, OnCallLine, PersonLine, PolicyLine


def duty_of(who: str, floor: Floor, reader: Reader) -> str:
    """What somebody is on call for now: "Maria is on call for billing until Mon 30 Nov 09:00"."""
    duties: list[str] = []
    for schedule in floor.schedules.values():
        shift = on_call(schedule, reader.now)
        if who in shift.people:
            duties.append(f"{schedule.id} until {reader.clock(shift.end_at)}")
    return f"{reader.subject(who)} is on call for {listed(duties)}" if duties else ""


def on_call_line(ladder: Ladder, floor: Floor, reader: Reader) -> OnCallLine:
    """Who would be asked first on this ladder now, who after them, and what is missing."""
    found = resolve(ladder, floor, reader.now)
    return OnCallLine(
        ladder=ladder.id,
        person=person_out(reader, found.owner),
        reason=reader.local(found.reason),
        until=_until(ladder, found, floor, reader.now),
        then=_then(ladder, found, floor, reader),
        gaps=[f"{skip.target}: {reader.local(skip.why)}" for skip in found.skipped],
    )


def _until(ladder: Ladder, found: Resolution, floor: Floor, now: datetime) -> datetime | None:
    """When the shift of who is asked first ends; None where no schedule asks them."""
    if found.is_catch_all:
        return None
    target = ladder.rungs[found.rung].target
    schedule = floor.schedules.get(target.id) if target.kind == "schedule" else None
    return on_call(schedule, now).end_at if schedule else None


def _then(ladder: Ladder, found: Resolution, floor: Floor, reader: Reader) -> list[str]:
    """The rungs after the first ask, with the time after which each is asked."""
    if found.is_catch_all:
        return []
    lines: list[str] = []
    after = ladder.rungs[found.rung].accept_within
    for rung in ladder.rungs[found.rung + 1 :]:
        named, _ = named_by(rung.target, floor, reader.now)
        people = listed([reader.name(who) for who in named]) or str(rung.target)
        lines.append(f"{people} after {span(after)}")
        after += rung.accept_within
    return [*lines, f"{reader.name(ladder.catch_all)} (catch-all) after {span(after)}"]


def person_line(someone: Person, floor: Floor, reader: Reader, *, has_account: bool) -> PersonLine:
    """One person as the console lists them."""
    return PersonLine(
        person=person_out(reader, someone.id),
        name=someone.name,
        role=str(someone.role),
        email=someone.email,
        phone=someone.phone,
        timezone=someone.timezone,
        is_active=someone.is_active,
        has_account=has_account,
        holds=floor.load.get(someone.id, 0),
        availability=_availability(someone, floor, reader),
        reach=summary(someone.reach),
    )


def _availability(someone: Person, floor: Floor, reader: Reader) -> str:
    if not someone.is_active:
        return "no longer active"
    if not floor.has_contact(someone.id):
        return "no contact"
    away_until = someone.absent_until(reader.now)
    if away_until is not None:
        return f"absent until {reader.clock(away_until)}"
    holds = floor.load.get(someone.id, 0)
    return f"holds {holds}, as many as they can" if holds >= someone.capacity else "available"


def key_line(key: AgentKey, reader: Reader) -> KeyLine:
    """One API key; the secret is never shown again."""
    return KeyLine(
        id=key.id,
        agent=key.agent,
        environment=key.environment,
        creator=reader.name(key.creator),
        created_at=key.created_at,
        revoked_at=key.revoked_at,
        note=key.note,
    )


def policy_line(policy: PolicyVersion, reader: Reader, *, current: str) -> PolicyLine:
    """One applied version."""
    document: Mapping[str, object] = json.loads(policy.document)
    rules = document.get("rules")
    return PolicyLine(
        version=policy.version,
        by=reader.name(policy.by),
        at=policy.at,
        is_current=policy.version == current,
        rules=len(rules) if isinstance(rules, list) else 0,
    )
