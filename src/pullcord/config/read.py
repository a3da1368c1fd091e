"""Read a pullcord.yaml into a `Configuration`; everything in it is checked before it is used."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pullcord.briefing.digest import NotCanonical, digest
from pullcord.config.cautions import cautions
from pullcord.config.configuration import AgentTerms, Configuration, Defaults
from pullcord.config.fields import Problems, Section
from pullcord.config.names import NOBODY, Names, check_names
from pullcord.config.reach import read_reach, read_steps
from pullcord.config.rules import read_rules, read_tools
from pullcord.config.sources import merged, parts_of, source_of
from pullcord.errors import InvalidPolicy
from pullcord.owner.ladder import ACCEPT_WITHIN_MAX, RUNGS_MAX, Ladder, Rung, Target, parse_target
from pullcord.owner.roster import CAPACITY_DEFAULT, Absence, Person, Role, Team
from pullcord.owner.rotation import Rotation, Unit
from pullcord.owner.schedule import Override, Schedule
from pullcord.trigger.document import policy_of

_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_PHONE = re.compile(r"\+?[0-9][0-9 ()/.-]{2,30}")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HAND_OFF = re.compile(rf"(?:(?P<day>{'|'.join(DAYS)}) +)?(?P<clock>([01][0-9]|2[0-3]):[0-5][0-9])")
#: stands where a time could not be read; the policy is refused anyway
NEVER = datetime(2000, 1, 1, tzinfo=UTC)
#: the Monday all rotations without a start of their own count from
FIRST_MONDAY = date(2024, 1, 1)
ROTATIONS = {"hourly": Unit.HOUR, "daily": Unit.DAY, "weekly": Unit.WEEK, "monthly": Unit.MONTH}


def read_path(path: Path, *, environ: Mapping[str, str] | None = None) -> tuple[Configuration, str]:
    """Read a file, or all *.yaml of a directory; returns the text as well, to be applied.

    Raises:
        InvalidPolicy, InvalidPolicies: what is wrong and where.
        InvalidInput: there is no such file, or it is no text.
    """
    source = source_of(path)
    return read(source, file=str(path), environ=environ), source


def read(
    source: str, *, file: str = "pullcord.yaml", environ: Mapping[str, str] | None = None
) -> Configuration:
    """Read the text of a policy file, or of a stream of files; variables come from `environ`.

    Raises:
        InvalidPolicy: one mistake; `InvalidPolicies` for several. Both name file and line.
    """
    return _read(source, file, environ or {})


def read_again(source: str, *, file: str) -> Configuration:
    """Read a text that was applied before: the same version in every process and environment.

    Contacts that came from the environment stay as written; people are kept elsewhere.

    Raises:
        InvalidPolicy, InvalidPolicies: it was written for another version of Pullcord.
    """
    return _read(source, file, None)


def _read(source: str, file: str, environ: Mapping[str, str] | None) -> Configuration:
    whole = merged(parts_of(source, file))
    problems = Problems(whole.places, environ)
    for problem in whole.problems:
        problems.note(problem)
    root = Section(whole.values, "", problems)
    workspace = root.name("workspace", needed=True)
    title = root.text("name", workspace)
    timezone = _zone(root, "timezone", "UTC")
    names = Names(
        people=root.each("people", lambda key, part: _person(key, part, timezone)),
        teams=root.each("teams", _team),
        schedules=root.each("schedules", lambda key, part: _schedule(key, part, timezone)),
        ladders=root.each("ladders", _ladder),
        agents=root.each("agents", _agent),
    )
    tools = read_tools(root)
    defaults, mode = _defaults(root)
    rules = read_rules(root, mode=mode)
    root.close()
    check_names(problems, names, rules=rules, stewards=whole.stewards)
    problems.settle()
    version = _version(whole.values, file)
    document = {"workspace": workspace, "tools": tools, "rules": rules, "version": version}
    found = Configuration(
        workspace=workspace,
        name=title,
        timezone=timezone,
        people=names.people,
        teams=names.teams,
        schedules=names.schedules,
        ladders=names.ladders,
        agents=names.agents,
        policy=policy_of(document),
        defaults=defaults,
        document=document,
    )
    return replace(found, warnings=(*whole.warnings, *cautions(found)))


def _version(value: Any, file: str) -> str:
    try:
        return f"p_{digest(value)[:12]}"
    except NotCanonical as error:
        raise InvalidPolicy("file", value=str(error), file=file, line=1) from None


def _zone(part: Section, name: str, default: str) -> str:
    zone = part.text(name, default)
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        part.refuse(name, zone, limit="an IANA time zone", remedy="Write e.g. Europe/Berlin.")
        return "UTC"
    return zone


def _person(key: str, part: Section, timezone: str) -> Person:
    name = part.text("name", needed=True)
    person = Person(
        id=key,
        name=name,
        shown_as=part.text("shown_as", name),
        role=Role(part.choice("role", list(Role), Role.OPERATOR)),
        email=part.contact("email").lower(),
        phone=part.contact("phone"),
        timezone=_zone(part, "timezone", timezone),
        capacity=part.count("capacity", CAPACITY_DEFAULT, high=1_000_000),
        can_sign_in=part.flag("can_sign_in", default=True),
        absences=tuple(_absence(each) for each in part.items("absences", limit=200)),
        reach=read_reach(part.section("reach")),
    )
    if not part.get("email") and not part.get("phone"):
        part.refuse("email", None, limit="at least one contact", remedy="Write email: or phone:")
    if person.email and not _is_contact(person.email, _ADDRESS):
        part.refuse("email", person.email, limit="an e-mail address", remedy="Write NAME@HOST.")
    if person.phone and not _is_contact(person.phone, _PHONE):
        remedy = 'Write it as "+491510000001", in quotes.'
        part.refuse("phone", person.phone, limit="a phone number", remedy=remedy)
    return person


def _is_contact(text: str, pattern: re.Pattern[str]) -> bool:
    """Whether it looks like one; a variable nobody filled in yet is not looked at."""
    return pattern.fullmatch(text) is not None or "${env:" in text


def _absence(part: Section) -> Absence:
    start_at, end_at = _stretch(part)
    note = part.text("note")
    part.close()
    return Absence(start_at, end_at, note)


def _stretch(part: Section) -> tuple[datetime, datetime]:
    """From when until when."""
    start_at, end_at = _moment(part, "from"), _moment(part, "until")
    if start_at and end_at and end_at <= start_at:
        remedy = "Write a later time."
        part.refuse("until", part.get("until"), limit=f"after {part.get('from')}", remedy=remedy)
    return start_at or NEVER, end_at or NEVER


def _moment(part: Section, name: str) -> datetime | None:
    """A time, in UTC; none when it cannot be read."""
    text = part.text(name, needed=True)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise ValueError(text)
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        limit = "a time with its zone, such as 2027-01-05T09:00+01:00"
        part.refuse(name, text, limit=limit, remedy="Write date, time and zone.")
        return None


def _team(key: str, part: Section) -> Team:
    members, lead = part.texts("members"), part.text("lead")
    if not members and not lead:
        remedy = "Write members: [one, two]"
        part.refuse("members", None, limit="at least one person", remedy=remedy)
    return Team(id=key, members=members, lead=lead, name=part.text("name", key))


def _schedule(key: str, part: Section, timezone: str) -> Schedule:
    unit = ROTATIONS[part.choice("rotate", ROTATIONS, "weekly")]
    people = part.texts("people")
    if not people:
        remedy = "Write people: [one, two]"
        part.refuse("people", None, limit="at least one person", remedy=remedy)
        people = (NOBODY,)
    zone = _zone(part, "timezone", timezone)
    rotation = Rotation(
        people=people,
        zone=zone,
        anchor=_anchor(part, unit),
        unit=unit,
        length=part.count("every", 1, high=366),
    )
    overrides = tuple(_override(each) for each in part.items("overrides", limit=500))
    return Schedule(id=key, rotation=rotation, overrides=overrides, name=part.text("name", key))


def _override(part: Section) -> Override:
    start_at, end_at = _stretch(part)
    found = Override(start_at, end_at, part.text("add"), part.text("remove"))
    part.close()
    if not found.add and not found.remove:
        limit = "add, remove or both"
        part.refuse("add", None, limit=limit, remedy="Write who is on duty instead.")
    return found


def _anchor(part: Section, unit: Unit) -> datetime:
    """Where counting begins: `starts` if given, and the weekday and time of `hand_off`."""
    weekday, at = _hand_off(part, unit)
    starts = part.text("starts", FIRST_MONDAY.isoformat())
    try:
        first = date.fromisoformat(starts)
    except ValueError:
        part.refuse("starts", starts, limit="a date such as 2027-01-04", remedy="Write a date.")
        first = FIRST_MONDAY
    if unit is Unit.WEEK:
        first += timedelta(days=(weekday - first.weekday()) % 7)
    return datetime.combine(first, at)


def _hand_off(part: Section, unit: Unit) -> tuple[int, time]:
    """Weekday (0 = Monday) and wall-clock time at which duty changes hands."""
    text = part.text("hand_off", "Mon 09:00" if unit is Unit.WEEK else "09:00")
    match = _HAND_OFF.fullmatch(text)
    if match is None:
        limit = 'a time such as "09:00", with the day before it in a weekly rotation: "Mon 09:00"'
        part.refuse("hand_off", text, limit=limit, remedy=f"Days are {', '.join(DAYS)}.")
        return 0, time(9)
    if match["day"] and unit is not Unit.WEEK:
        limit = f"a time without a day: duty changes every {unit}"
        part.refuse("hand_off", text, limit=limit, remedy=f'Write "{match["clock"]}".')
    weekday = DAYS.index(match["day"]) if match["day"] else 0
    return weekday, time.fromisoformat(match["clock"])


def _ladder(key: str, part: Section) -> Ladder:
    rungs = tuple(_rung(each) for each in part.items("rungs", limit=RUNGS_MAX))
    if not rungs:
        part.refuse("rungs", None, limit="at least one rung", remedy="Write who is asked first.")
    remind_every = part.span("remind_every") or timedelta(minutes=15)
    return Ladder(id=key, rungs=rungs, catch_all=_catch_all(part), remind_every=remind_every)


def _catch_all(part: Section) -> str:
    """The named person at whom the ladder ends."""
    text = part.text("catch_all", needed=True)
    if not text:
        return NOBODY
    kind, _, name = text.partition("/")
    if kind == "person" and name:
        return name
    remedy = "Name one person: a ladder must end at somebody."
    part.refuse("catch_all", text, limit="person/NAME", remedy=remedy)
    return NOBODY


def _rung(part: Section) -> Rung:
    within = part.span("accept_within") or timedelta(minutes=10)
    if within > ACCEPT_WITHIN_MAX:
        given = part.get("accept_within")
        part.refuse("accept_within", given, limit="at most 7d", remedy="Ask the next one earlier.")
    rung = Rung(
        target=_target(part),
        accept_within=within,
        wakes=part.flag("wake"),
        reach=read_steps(part, "reach", within=within),
    )
    part.close()
    return rung


def _target(part: Section) -> Target:
    """Whom a rung asks."""
    text = part.text("ask", needed=True)
    try:
        return parse_target(text)
    except ValueError:
        if text:
            limit = "person/NAME, schedule/NAME or team/NAME"
            part.refuse("ask", text, limit=limit, remedy="Write whom to ask.")
        return Target("person", NOBODY)


def _agent(key: str, part: Section) -> AgentTerms:
    return AgentTerms(id=key, ladder=part.text("ladder", needed=True), contact=part.text("contact"))


def _defaults(root: Section) -> tuple[Defaults, str]:
    part = root.section("defaults")
    mode = part.choice("mode", ("gate", "veto", "sample", "deny", "observe"), "gate")
    found = Defaults(fallback=part.choice("fallback", ("reject", "keep_waiting"), "reject"))
    names = (
        "decide_within",
        "hold_for",
        "collect_within",
        "report_within",
        "extend_at_most",
        "reassign_within",
        "call_back_every",
    )
    for name in names:
        span = part.span(name)
        if span is not None:
            changes: dict[str, Any] = {name: span}
            found = replace(found, **changes)
    part.close()
    return found, mode
