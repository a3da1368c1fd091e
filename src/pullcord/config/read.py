"""Read a pullcord.yaml into a `Configuration`; everything in it is checked before it is used."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pullcord.briefing.digest import NotCanonical, digest
from pullcord.config.configuration import AgentTerms, Configuration, Defaults
from pullcord.config.fields import Problems, Section
from pullcord.config.rules import read_rules, read_tools
from pullcord.config.yaml import load
from pullcord.errors import InvalidInput, InvalidPolicy
from pullcord.owner.ladder import (
    ACCEPT_WITHIN_MAX,
    RUNGS_MAX,
    Ladder,
    Rung,
    Target,
    parse_target,
)
from pullcord.owner.roster import CAPACITY_DEFAULT, Absence, Person, Role, Team
from pullcord.owner.rotation import Rotation, Unit
from pullcord.owner.schedule import Override, Schedule
from pullcord.trigger.document import policy_of

PEOPLE_MAX = 5_000
FILES_MAX = 100
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
#: the Monday all rotations without a start of their own count from
FIRST_MONDAY = date(2024, 1, 1)
ROTATIONS = {"hourly": Unit.HOUR, "daily": Unit.DAY, "weekly": Unit.WEEK, "monthly": Unit.MONTH}


def read_path(path: Path, *, environ: Mapping[str, str] | None = None) -> tuple[Configuration, str]:
    """Read a file, or all *.yaml of a directory as one; returns the text as well.

    Raises:
        InvalidPolicy, InvalidPolicies: what is wrong and where.
        InvalidInput: there is no such file.
    """
    if path.is_dir():
        files = sorted(path.glob("*.yaml"))[:FILES_MAX]
        source = "\n".join(each.read_text(encoding="utf-8") for each in files)
    elif path.is_file():
        source = path.read_text(encoding="utf-8", errors="surrogateescape")
    else:
        raise InvalidInput(
            "file", value=str(path), limit="a file or directory", remedy="Check the path."
        )
    return read(source, file=str(path), environ=environ), source


def read(
    source: str, *, file: str = "pullcord.yaml", environ: Mapping[str, str] | None = None
) -> Configuration:
    """Read the text of a policy file.

    Raises:
        InvalidPolicy: one mistake; `InvalidPolicies` for several. Both name file and line.
    """
    value, lines = load(source, file=file, environ=environ or {})
    problems = Problems(file, lines)
    root = Section(value, "", problems)
    workspace = root.name("workspace", needed=True)
    title = root.text("name", workspace)
    timezone = _zone(root, "timezone", "UTC")
    people = root.each("people", lambda key, part: _person(key, part, timezone))
    teams = root.each("teams", _team)
    schedules = root.each("schedules", lambda key, part: _schedule(key, part, timezone))
    ladders = root.each("ladders", _ladder)
    agents = root.each("agents", _agent)
    tools = read_tools(root)
    defaults, mode = _defaults(root)
    rules = read_rules(root, mode=mode)
    root.close()
    _known_people(problems, people, teams, schedules, ladders, agents)
    _known_targets(problems, ladders, schedules, teams)
    _known_ladders(problems, ladders, agents, rules)
    problems.settle()
    document = {"workspace": workspace, "tools": tools, "rules": rules}
    version = _version(value, file)
    policy = policy_of({**document, "version": version})
    return Configuration(
        workspace=workspace,
        name=title,
        timezone=timezone,
        people=people,
        teams=teams,
        schedules=schedules,
        ladders=ladders,
        agents=agents,
        policy=policy,
        defaults=defaults,
        document={**document, "version": version},
        warnings=tuple(_warnings(ladders, policy, defaults)),
    )


def _version(value: Any, file: str) -> str:
    try:
        return f"p_{digest(value)[:12]}"
    except NotCanonical as error:
        raise InvalidPolicy("file", value=str(error), file=file) from None


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
        email=part.text("email").lower(),
        phone=part.text("phone"),
        timezone=_zone(part, "timezone", timezone),
        capacity=part.count("capacity", CAPACITY_DEFAULT, high=1_000),
        can_sign_in=part.flag("can_sign_in", default=True),
        absences=tuple(_absence(each) for each in part.items("absences", limit=200)),
    )
    if not person.is_reachable or not (person.email or person.phone):
        part.refuse("email", None, limit="at least one contact", remedy="Write email: or phone:")
    if person.email and "@" not in person.email:
        part.refuse("email", person.email, limit="an e-mail address")
    return person


def _absence(part: Section) -> Absence:
    start_at, end_at = _moment(part, "from"), _moment(part, "until")
    note = part.text("note")
    part.close()
    if end_at <= start_at:
        part.refuse("until", end_at.isoformat(), limit="after from")
    return Absence(start_at, end_at, note)


def _moment(part: Section, name: str) -> datetime:
    text = part.text(name, needed=True)
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise ValueError(text)
    except ValueError:
        part.refuse(name, text, limit="a time with its zone, such as 2027-01-05T09:00+01:00")
        return datetime.fromisoformat("2000-01-01T00:00+00:00")
    return found


def _team(key: str, part: Section) -> Team:
    return Team(
        id=key, members=part.texts("members"), lead=part.text("lead"), name=part.text("name", key)
    )


def _schedule(key: str, part: Section, timezone: str) -> Schedule:
    unit = ROTATIONS[part.choice("rotate", ROTATIONS, "weekly")]
    people = part.texts("people")
    if not people:
        part.refuse("people", None, limit="at least one person", remedy="Write people: [...]")
        people = ("nobody",)
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
    found = Override(
        _moment(part, "from"), _moment(part, "until"), part.text("add"), part.text("remove")
    )
    part.close()
    if found.end_at <= found.start_at:
        part.refuse("until", found.end_at.isoformat(), limit="after from")
    if not found.add and not found.remove:
        part.refuse("add", None, limit="add, remove or both")
    return found


def _anchor(part: Section, unit: Unit) -> datetime:
    """Where counting begins: `starts` if given, and the weekday and time of `hand_off`."""
    text = part.text("hand_off", "Mon 09:00" if unit is Unit.WEEK else "09:00")
    day, _, clock = text.rpartition(" ")
    try:
        at = time.fromisoformat(clock)
        weekday = DAYS.index(day.strip()) if day else 0
    except ValueError:
        part.refuse("hand_off", text, limit='a time such as "09:00" or "Mon 09:00"')
        return datetime.combine(FIRST_MONDAY, time(9))
    starts = part.text("starts", FIRST_MONDAY.isoformat())
    try:
        first = date.fromisoformat(starts)
    except ValueError:
        part.refuse("starts", starts, limit="a date such as 2027-01-04")
        first = FIRST_MONDAY
    if unit is Unit.WEEK:
        first += timedelta(days=(weekday - first.weekday()) % 7)
    return datetime.combine(first, at)


def _ladder(key: str, part: Section) -> Ladder:
    rungs = tuple(_rung(each) for each in part.items("rungs", limit=RUNGS_MAX))
    if not rungs:
        part.refuse("rungs", None, limit="at least one rung", remedy="Write who is asked first.")
    catch_all = part.text("catch_all", needed=True)
    if catch_all.startswith("person/"):
        catch_all = catch_all.removeprefix("person/")
    elif catch_all:
        part.refuse("catch_all", catch_all, limit="person/NAME", remedy="Name one person.")
    remind_every = part.span("remind_every") or timedelta(minutes=15)
    return Ladder(id=key, rungs=rungs, catch_all=catch_all, remind_every=remind_every)


def _rung(part: Section) -> Rung:
    text = part.text("ask", needed=True)
    try:
        target = parse_target(text)
    except ValueError as error:
        part.refuse("ask", text, remedy=str(error))
        target = Target("person", "nobody")
    within = part.span("accept_within") or timedelta(minutes=10)
    if within > ACCEPT_WITHIN_MAX:
        part.refuse("accept_within", str(within), limit="at most 7d")
    wakes = part.flag("wake")
    part.close()
    return Rung(target=target, accept_within=within, wakes=wakes)


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


# --- what refers to what ----------------------------------------------------------------------


def _known_people(
    problems: Problems,
    people: Mapping[str, Person],
    teams: Mapping[str, Team],
    schedules: Mapping[str, Schedule],
    ladders: Mapping[str, Ladder],
    agents: Mapping[str, AgentTerms],
) -> None:
    named: list[tuple[str, str]] = []
    for team in teams.values():
        named += [(f"teams.{team.id}.members", each) for each in team.members]
        named += [(f"teams.{team.id}.lead", team.lead)] if team.lead else []
    for schedule in schedules.values():
        named += [(f"schedules.{schedule.id}.people", each) for each in schedule.rotation.people]
    for ladder in ladders.values():
        named.append((f"ladders.{ladder.id}.catch_all", ladder.catch_all))
    named += [(f"agents.{each.id}.contact", each.contact) for each in agents.values()]
    for path, who in named:
        if who and who not in people and who != "nobody":
            known = ", ".join(sorted(people)) or "nobody yet"
            problems.add(path, who, limit=f"a person of this file: {known}")


def _known_targets(
    problems: Problems,
    ladders: Mapping[str, Ladder],
    schedules: Mapping[str, Schedule],
    teams: Mapping[str, Team],
) -> None:
    known = {"schedule": schedules, "team": teams}
    for ladder in ladders.values():
        for at, rung in enumerate(ladder.rungs):
            names = known.get(rung.target.kind)
            if names is not None and rung.target.id not in names:
                listed = ", ".join(sorted(names)) or "none"
                path = f"ladders.{ladder.id}.rungs[{at}].ask"
                problems.add(path, str(rung.target), limit=f"{rung.target.kind}s: {listed}")


def _known_ladders(
    problems: Problems,
    ladders: Mapping[str, Ladder],
    agents: Mapping[str, AgentTerms],
    rules: list[dict[str, Any]],
) -> None:
    if not ladders:
        problems.add("ladders", None, limit="at least one ladder", remedy="Write who is asked.")
    known = ", ".join(sorted(ladders)) or "none"
    for agent in agents.values():
        if agent.ladder and agent.ladder not in ladders:
            problems.add(f"agents.{agent.id}.ladder", agent.ladder, limit=f"ladders: {known}")
    for at, rule in enumerate(rules):
        name = rule.get("ladder", "")
        if name and name not in ladders:
            problems.add(f"rules[{at}].ladder", name, limit=f"ladders: {known}")


def _warnings(
    ladders: Mapping[str, Ladder],
    policy: Any,
    defaults: Defaults,
) -> list[str]:
    found: list[str] = []
    for ladder in ladders.values():
        whole = sum((rung.accept_within for rung in ladder.rungs), timedelta())
        if whole >= defaults.decide_within:
            found.append(
                f"ladder {ladder.id}: its rungs take {whole} in all, so the catch-all is asked "
                f"only after decide_within ({defaults.decide_within}) has passed"
            )
    for rule in policy.rules:
        missing = [t for t in rule.tools if "*" not in t and t not in policy.tools]
        if missing:
            found.append(
                f"rule {rule.id}: {', '.join(missing)} is not under tools:, so it is shown raw"
            )
    return found
