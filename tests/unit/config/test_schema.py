"""The published JSON Schema: an editor refuses what the reader refuses, field by field."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pullcord.config.fields import Section
from pullcord.config.read import read
from pullcord.config.schema import json_schema
from pullcord.config.yaml import load
from tests.unit.config.policies import SHOP, SMALL, small, told, with_rule

JUDGE = jsonschema.Draft202012Validator(json_schema())

EVERYTHING = """\
workspace: all
name: Everything
timezone: Europe/Berlin
steward: ann
people:
  ann:
    name: Ann
    shown_as: Ann
    role: lead
    email: ${env:ANN}
    phone: +491510000001
    timezone: UTC
    capacity: 3
    can_sign_in: yes
    absences: [{from: 2027-01-05T09:00Z, until: 2027-01-06T09:00Z, note: away}]
    reach: {steps: [{by: slack}, {by: voice, after: 5m}], urgent: [{by: sms, after: 1s}],
            quiet: "22:00-07:00", quiet_below: critical, wakes_per_day: 0, wakes_per_night: 100,
            digest_every: 15m, daily_at: "23:59"}
  bo: {name: Bo, phone: "+4930 12345"}
teams:
  night: {name: Night, members: [ann], lead: bo}
  one: {members: ann}
schedules:
  duty:
    name: Duty
    rotate: weekly
    every: 2
    hand_off: Wed 17:00
    starts: 2027-01-04
    timezone: UTC
    people: [ann, bo]
    overrides: [{from: 2027-01-05T09:00Z, until: 2027-01-06T09:00Z, add: bo, remove: ann}]
ladders:
  main:
    rungs:
      - {ask: schedule/duty, accept_within: 5m, wake: no, reach: [{by: sms, after: 4m}]}
      - {ask: team/night}
    catch_all: person/ann
    remind_every: 20m
agents: {bot: {ladder: main, contact: ann}}
tools:
  pay: {reversible: no, money: args.sum, currency: EUR, version: 1.10, consequence: Gone.,
        writes: true, zones: [money], schema: {type: object}}
  look:
defaults: {mode: gate, fallback: reject, decide_within: 2h, hold_for: 30m, extend_at_most: 1d,
           collect_within: 7d, report_within: 1h, reassign_within: 10m, call_back_every: 1h}
rules:
  - {id: r, mode: gate, when: args.sum > 5, tool: pay, tools: [look], agents: bot,
     environments: [production], ask: "Pay {args.sum}?", ask_kind: choose, fallback: safe_option,
     options: [{id: a, label: A, consequence: none, safe: true}, {id: b, label: B}],
     severity: high, ladder: main, steward: ann, quorum: 2, on_error: deny, decide_within: 1h,
     hold_for: 5m, extend_at_most: 1h}
  - {id: s, fallback: approve}
  - {id: t, ask_kind: take_over, fallback: no_answer}
"""

GOOD = {
    "the documentation's": SHOP,
    "the smallest": SMALL,
    "everything": EVERYTHING,
    "empty sections": small(teams="", schedules="", agents="", tools="", defaults="", rules=""),
    "no contact by mail": small(people='{ann: {name: Ann, email: "", phone: 12345}}'),
    "no members": small(teams="{t: {members: [], lead: ann}}"),
}

BAD = {
    "a list": "[]",
    "no workspace": SMALL.replace("workspace: small", "name: x"),
    "an empty workspace": small(workspace=""),
    "a workspace of two words": small(workspace="two words"),
    "no ladders": SMALL.split("ladders")[0],
    "empty ladders": small(ladders="{}"),
    "an unknown section": small(ruels="[]"),
    "an unknown field of a person": small(people="{ann: {name: A, email: a@b.c, x: 1}}"),
    "a person without a name": small(people="{ann: {email: a@b.c}}"),
    "a person without contact": small(people="{ann: {name: Ann}}"),
    "a person with empty contacts": small(people='{ann: {name: Ann, email: "", phone: }}'),
    "a person who is text": small(people="{ann: Ann}"),
    "a bad id": small(people="{'a b': {name: Ann, email: a@b.c}, ann: {name: A, email: b@b.c}}"),
    "an unknown role": small(people="{ann: {name: A, email: a@b.c, role: boss}}"),
    "a capacity of zero": small(people="{ann: {name: A, email: a@b.c, capacity: 0}}"),
    "a capacity in words": small(people="{ann: {name: A, email: a@b.c, capacity: many}}"),
    "a flag that is neither": small(people="{ann: {name: A, email: a@b.c, can_sign_in: maybe}}"),
    "a step without a channel": small(
        people="{ann: {name: A, email: a@b.c, reach: {steps: [{after: 5m}]}}}"
    ),
    "quiet hours without an end": small(
        people="{ann: {name: A, email: a@b.c, reach: {quiet: '22:00'}}}"
    ),
    "more wakes than a night has": small(
        people="{ann: {name: A, email: a@b.c, reach: {wakes_per_night: 101}}}"
    ),
    "an unknown rule of reach": small(people="{ann: {name: A, email: a@b.c, reach: {loud: no}}}"),
    "an absence without end": small(
        people="{ann: {name: A, email: a@b.c, absences: [{from: 2027-01-05T09:00Z}]}}"
    ),
    "a name that is a list": small(name="[a]"),
    "a name that is true": small(name="true"),
    "a name that is a book": small(name="x" * 501),
    "a team of nobody": small(teams="{t: {name: T}}"),
    "an empty team": small(teams="{t: }"),
    "members that are numbers": small(teams="{t: {members: [1]}}"),
    "an empty member": small(teams='{t: {members: [""]}}'),
    "a schedule of nobody": small(schedules="{s: {people: []}}"),
    "an unknown rotation": small(schedules="{s: {people: [ann], rotate: yearly}}"),
    "an impossible time": small(schedules="{s: {people: [ann], hand_off: 25:00}}"),
    "an override of nobody": small(
        schedules="{s: {people: [ann], overrides: "
        "[{from: 2027-01-05T09:00Z, until: 2027-01-06T09:00Z}]}}"
    ),
    "a ladder without rungs": small(ladders="{all: {catch_all: person/ann}}"),
    "a ladder with no rung": small(ladders="{all: {rungs: [], catch_all: person/ann}}"),
    "a ladder without end": small(ladders="{all: {rungs: [{ask: person/ann}]}}"),
    "a catch-all that is a team": small(
        ladders="{all: {rungs: [{ask: person/ann}], catch_all: team/t}}"
    ),
    "a catch-all without a name": small(
        ladders="{all: {rungs: [{ask: person/ann}], catch_all: person/}}"
    ),
    "a rung that asks nobody": small(
        ladders="{all: {rungs: [{wake: yes}], catch_all: person/ann}}"
    ),
    "a rung that asks everybody": small(
        ladders="{all: {rungs: [{ask: everybody}], catch_all: person/ann}}"
    ),
    "a span without a unit": small(
        ladders="{all: {rungs: [{ask: person/ann, accept_within: 10}], catch_all: person/ann}}"
    ),
    "a span that is a time": small(defaults="{decide_within: 10:30}"),
    "an agent without a ladder": small(agents="{bot: {contact: ann}}"),
    "an agent of nothing": small(agents="{bot: }"),
    "maybe reversible": small(tools="{a: {reversible: maybe}}"),
    "a schema that is text": small(tools="{a: {schema: text}}"),
    "an unknown field of a tool": small(tools="{a: {cost: 5}}"),
    "defaults that approve": small(defaults="{fallback: approve}"),
    "rules that are a mapping": small(rules="{a: 1}"),
    "a rule without an id": small(rules="[{mode: gate}]"),
    "a rule with an unknown field": with_rule(mdoe="deny"),
    "a rule of an unknown mode": with_rule(mode="stop"),
    "a fallback that does not fit": with_rule(ask_kind="answer", fallback="approve"),
    "a fallback that does not fit the usual ask": with_rule(fallback="no_answer"),
    "a quorum of nine": with_rule(quorum="9"),
    "an option without a label": with_rule(
        ask_kind="choose", options="[{id: a, safe: yes}, {id: b, label: B}]"
    ),
    "a question that is a page": with_rule(ask="x" * 281),
}


ROOT = Path(__file__).resolve().parents[3]
FENCED = re.compile(r"^```yaml[^\n]*\n(workspace:.*?)^```", re.MULTILINE | re.DOTALL)


def published() -> dict[str, str]:
    """Every whole policy that documentation, examples, starters and demo show."""
    found: dict[str, str] = {}
    for path in (*ROOT.glob("examples/**/*.yaml"), *ROOT.glob("src/**/*.yaml")):
        text = path.read_text(encoding="utf-8")
        if re.search("^workspace:", text, re.MULTILINE):
            found[str(path.relative_to(ROOT))] = text
    for path in (ROOT / "README.md", *ROOT.glob("docs/**/*.md")):
        for at, match in enumerate(FENCED.finditer(path.read_text(encoding="utf-8"))):
            found[f"{path.relative_to(ROOT)}, policy {at + 1}"] = match[1]
    return found


def errors(source: str) -> list[str]:
    """What an editor would underline."""
    value, _ = load(source, file="a.yaml")
    return [each.message for each in JUDGE.iter_errors(value)]


def test_the_schema_is_a_schema() -> None:
    """Draft 2020-12, and plain JSON that can be published."""
    jsonschema.Draft202012Validator.check_schema(json_schema())

    assert json.loads(json.dumps(json_schema())) == json_schema()


@pytest.mark.parametrize("name", GOOD)
def test_what_the_reader_takes_the_schema_takes(name: str) -> None:
    """An editor that underlines what is right is switched off."""
    read(GOOD[name], environ={"ANN": "ann@example.com"})

    assert errors(GOOD[name]) == []


def test_every_published_policy_is_taken_by_both() -> None:
    """Nobody begins with an example that their editor underlines."""
    policies = published()

    wrong = {name: told(text) or errors(text) for name, text in policies.items()}

    assert len(policies) >= 3
    assert {name: said for name, said in wrong.items() if said} == {}


@pytest.mark.parametrize("name", BAD)
def test_what_the_reader_refuses_the_schema_refuses(name: str) -> None:
    """A mistake is seen while it is typed."""
    assert told(BAD[name])
    assert errors(BAD[name])


def known_to(schema: dict[str, Any], path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Every field of the schema; `*` stands for an entry of a mapping or list."""
    found: set[tuple[str, ...]] = set()
    for name, inner in schema.get("properties", {}).items():
        found |= {(*path, name)} | known_to(inner, (*path, name))
    for entries in ("items", "additionalProperties"):
        if isinstance(schema.get(entries), dict):
            found |= known_to(schema[entries], (*path, "*"))
    return found


def asked_for(source: str, monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, ...]]:
    """Every field the reader looks for while it reads a policy that has them all."""
    mappings = {"people", "teams", "schedules", "ladders", "agents", "tools"}
    found: set[tuple[str, ...]] = set()
    get = Section.get

    def spy(self: Section, name: str) -> Any:
        parts = self.at(name).replace("[", ".*[").split(".")
        path = [part if not part.startswith("*[") else "*" for part in parts]
        if path[0] in mappings and len(path) > 1:
            path[1] = "*"
        if path[-1] != "*":
            found.add(tuple(path))
        return get(self, name)

    monkeypatch.setattr(Section, "get", spy)
    read(source, environ={"ANN": "ann@example.com"})
    return found


def test_every_field_the_reader_knows_is_in_the_schema_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A new field cannot be forgotten on either side; `steward` of a file goes to its rules."""
    asked = asked_for(EVERYTHING, monkeypatch) | {("steward",)}

    assert known_to(json_schema()) == asked


def test_every_field_says_what_it_is_for() -> None:
    """Editors show the description while somebody types."""

    def silent(schema: dict[str, Any], path: str) -> list[str]:
        found = [] if schema.get("description") else [path]
        for name, inner in schema.get("properties", {}).items():
            found += silent(inner, f"{path}.{name}")
        for entries in ("items", "additionalProperties"):
            if isinstance(schema.get(entries), dict):
                found += silent(schema[entries], f"{path}.*")
        return found

    assert silent(json_schema(), "") == []
