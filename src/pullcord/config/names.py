"""Everything a policy names must be in it: people, teams, schedules, ladders."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pullcord.config.configuration import AgentTerms
from pullcord.config.fields import Problems
from pullcord.config.yaml import Place
from pullcord.errors import InvalidPolicy
from pullcord.owner.ladder import Ladder
from pullcord.owner.roster import Person, Team
from pullcord.owner.schedule import Schedule

#: stands where a mistake was told already; no id can look like it
NOBODY = "(nobody)"
#: names listed in a message
LISTED_MAX = 20


@dataclass(frozen=True, slots=True)
class Names:
    """What a policy defines, by id."""

    people: Mapping[str, Person]
    teams: Mapping[str, Team]
    schedules: Mapping[str, Schedule]
    ladders: Mapping[str, Ladder]
    agents: Mapping[str, AgentTerms]


def check_names(
    problems: Problems,
    names: Names,
    *,
    rules: Sequence[Mapping[str, Any]],
    stewards: Sequence[tuple[str, Place]],
) -> None:
    """Note every reference that leads nowhere."""
    known: dict[str, Mapping[str, Any]] = {
        "person": names.people,
        "team": names.teams,
        "schedule": names.schedules,
        "ladder": names.ladders,
    }
    for path, kind, name in (*_of_people(names), *_of_duties(names), *_of_rules(rules)):
        if name and name != NOBODY and name not in known[kind]:
            problems.add(path, name, **_unknown(kind, name, known[kind]))
    for name, place in stewards:
        if name not in names.people:
            said = _unknown("person", name, names.people)
            problems.note(
                InvalidPolicy("steward", value=name, file=place.file, line=place.line, **said)
            )
    if not names.ladders:
        problems.add("ladders", None, limit="at least one ladder", remedy="Write who is asked.")
    _one_address_each(problems, names.people)


def _unknown(kind: str, name: str, known: Mapping[str, Any]) -> dict[str, str]:
    near = difflib.get_close_matches(name, known, n=1)
    listed = ", ".join(sorted(known)[:LISTED_MAX]) or "none yet"
    remedy = f"Did you mean {near[0]}?" if near else f"Known: {listed}."
    return {"limit": f"a {kind} of this policy", "remedy": remedy}


def _of_people(names: Names) -> Iterator[tuple[str, str, str]]:
    for team in names.teams.values():
        yield f"teams.{team.id}.lead", "person", team.lead
        for at, member in enumerate(team.members):
            yield f"teams.{team.id}.members[{at}]", "person", member
    for agent in names.agents.values():
        yield f"agents.{agent.id}.contact", "person", agent.contact
        yield f"agents.{agent.id}.ladder", "ladder", agent.ladder


def _of_duties(names: Names) -> Iterator[tuple[str, str, str]]:
    for schedule in names.schedules.values():
        path = f"schedules.{schedule.id}"
        for at, who in enumerate(schedule.rotation.people):
            yield f"{path}.people[{at}]", "person", who
        for at, override in enumerate(schedule.overrides):
            yield f"{path}.overrides[{at}].add", "person", override.add
            yield f"{path}.overrides[{at}].remove", "person", override.remove
    for ladder in names.ladders.values():
        path = f"ladders.{ladder.id}"
        for at, rung in enumerate(ladder.rungs):
            yield f"{path}.rungs[{at}].ask", rung.target.kind, rung.target.id
        yield f"{path}.catch_all", "person", ladder.catch_all


def _of_rules(rules: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    for at, rule in enumerate(rules):
        yield f"rules[{at}].ladder", "ladder", rule.get("ladder", "")
        yield f"rules[{at}].steward", "person", rule.get("steward", "")


def _one_address_each(problems: Problems, people: Mapping[str, Person]) -> None:
    """Two people behind one e-mail address could not be told apart when they sign in."""
    seen: dict[str, str] = {}
    for person in people.values():
        first = seen.setdefault(person.email, person.id) if person.email else person.id
        if first != person.id:
            problems.add(
                f"people.{person.id}.email",
                person.email,
                limit="an address of their own",
                remedy=f"{first} has it already.",
            )
