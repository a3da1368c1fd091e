"""Reading a policy: what is meant is taken, what is wrong is told with line, field and remedy."""

# ruff: noqa: E501 - one mistake and its message a line, to be read as a table

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pullcord.config.configuration import AgentTerms, Defaults
from pullcord.config.fields import PROBLEMS_MAX
from pullcord.config.read import FIRST_MONDAY, read, read_again
from pullcord.errors import InvalidPolicies, InvalidPolicy
from pullcord.owner.ladder import Ladder, Rung, Target
from pullcord.owner.roster import Absence, Person, Role, Team
from pullcord.owner.rotation import Rotation, Unit
from pullcord.owner.schedule import Override, Schedule, on_call
from pullcord.trigger.evaluate import CompiledPolicy
from pullcord.trigger.rules import Mode, Verdict
from pullcord.trigger.signals import Call
from tests.unit.config.policies import SHOP, SMALL, read_rule, small, told, with_rule

# --- what is right ------------------------------------------------------------------------------


def test_the_policy_of_the_documentation_is_read_as_it_stands() -> None:
    """The face to keep: this text must work for years."""
    shop = read(SHOP)

    assert (shop.workspace, shop.name, shop.timezone) == (
        "example-shop",
        "example-shop",
        "Europe/Berlin",
    )
    assert shop.warnings == ()
    assert shop.people["maria"] == Person(
        id="maria",
        name="Maria Lopez",
        shown_as="Maria from Billing",
        email="maria@example.com",
        timezone="Europe/Berlin",
    )
    assert shop.people["tom"].shown_as == "Tom Ode"
    assert shop.people["tom"].phone == "+491510000001"
    assert shop.people["dana"].role is Role.LEAD
    assert shop.schedules["billing"].rotation == Rotation(
        people=("maria", "tom"),
        zone="Europe/Berlin",
        anchor=datetime.combine(FIRST_MONDAY, time(9)),
        unit=Unit.WEEK,
    )
    assert shop.ladders["billing"] == Ladder(
        id="billing",
        rungs=(
            Rung(Target("schedule", "billing"), timedelta(minutes=10)),
            Rung(Target("person", "tom"), timedelta(minutes=10), wakes=True),
        ),
        catch_all="dana",
    )
    assert shop.agents == {"support": AgentTerms("support", "billing", contact="tom")}
    assert shop.policy.tools["issue_refund"].reversible == "no"
    assert shop.policy.tools["issue_refund"].money == "args.amount"
    assert shop.defaults == Defaults()
    over, wants = shop.policy.rules
    assert (over.id, over.tools, over.mode) == ("refund-over-limit", ("issue_refund",), Mode.GATE)
    assert (wants.ask_kind, wants.fallback, wants.tools) == ("take_over", "keep_waiting", ("*",))


def test_the_policy_of_the_documentation_stops_what_it_says() -> None:
    """From text to verdict, whole."""
    compiled = CompiledPolicy(read(SHOP).policy)

    def verdict(args: dict[str, Any], end_user: dict[str, Any]) -> Verdict:
        return compiled.judge(Call("production", "support", "issue_refund", args, end_user)).verdict

    assert verdict({"amount": 20}, {}) is Verdict.ALLOW
    assert verdict({"amount": 480}, {}) is Verdict.GATE
    assert verdict({"amount": 20}, {"asks_for_person": True}) is Verdict.GATE


def test_the_smallest_policy_is_enough() -> None:
    """One person and one ladder: everything else has a default."""
    found = read(SMALL)

    assert found.timezone == "UTC"
    assert found.people["ann"].timezone == "UTC"
    assert found.ladders["all"].remind_every == timedelta(minutes=15)
    assert found.policy.rules == ()
    assert found.teams == {}


def test_people_teams_and_absences_are_read() -> None:
    """Numbers a person wrote as text stay as written: a phone keeps its plus."""
    found = read(
        small(
            people="""
  ann:
    name: 42
    phone: +491510000001
    email: Ann@Example.COM
    role: admin
    timezone: America/New_York
    capacity: 3
    can_sign_in: no
    absences:
      - {from: "2027-01-05T09:00+01:00", until: "2027-01-06T09:00Z", note: skiing}
  bo: {name: Bo, email: bo@example.com}""",
            teams="{night: {members: [ann, bo], lead: bo, name: The night}, solo: {lead: ann}, "
            "one: {members: bo}}",
        )
    )

    assert found.people["ann"] == Person(
        id="ann",
        name="42",
        shown_as="42",
        role=Role.ADMIN,
        email="ann@example.com",
        phone="+491510000001",
        timezone="America/New_York",
        can_sign_in=False,
        capacity=3,
        absences=(
            Absence(
                datetime(2027, 1, 5, 8, tzinfo=UTC), datetime(2027, 1, 6, 9, tzinfo=UTC), "skiing"
            ),
        ),
    )
    assert found.teams == {
        "night": Team("night", ("ann", "bo"), "bo", "The night"),
        "solo": Team("solo", (), "ann", "solo"),
        "one": Team("one", ("bo",), "", "one"),
    }


@pytest.mark.parametrize(
    ("said", "unit", "anchor"),
    [
        ("", Unit.WEEK, datetime(2024, 1, 1, 9)),
        ("rotate: weekly, hand_off: Wed 17:30", Unit.WEEK, datetime(2024, 1, 3, 17, 30)),
        ("rotate: weekly, hand_off: 17:30", Unit.WEEK, datetime(2024, 1, 1, 17, 30)),
        ("rotate: daily, hand_off: 10:30", Unit.DAY, datetime(2024, 1, 1, 10, 30)),
        ("rotate: hourly, every: 12", Unit.HOUR, datetime(2024, 1, 1, 9)),
        ("rotate: monthly, starts: 2027-02-01", Unit.MONTH, datetime(2027, 2, 1, 9)),
        ("starts: 2027-01-06, hand_off: Mon 09:00", Unit.WEEK, datetime(2027, 1, 11, 9)),
    ],
)
def test_rotations_begin_where_people_say(said: str, unit: Unit, anchor: datetime) -> None:
    """`hand_off: 10:30` is half past ten, never 630."""
    found = read(small(schedules=f"{{s: {{people: [ann], {said}}}}}"))

    rotation = found.schedules["s"].rotation
    assert (rotation.unit, rotation.anchor) == (unit, anchor)


def test_an_override_is_read_and_holds() -> None:
    """Somebody else on duty for a day."""
    found = read(
        small(
            people="{ann: {name: Ann, email: a@example.com}, bo: {name: Bo, email: b@example.com}}",
            schedules="{s: {people: [ann], name: Duty, timezone: Europe/Berlin, overrides: "
            "[{from: 2027-01-05T00:00Z, until: 2027-01-06T00:00Z, add: bo, remove: ann}]}}",
        )
    )

    schedule = found.schedules["s"]
    override = Override(
        datetime(2027, 1, 5, tzinfo=UTC), datetime(2027, 1, 6, tzinfo=UTC), "bo", "ann"
    )
    assert schedule == Schedule(
        "s",
        Rotation(("ann",), "Europe/Berlin", datetime.combine(FIRST_MONDAY, time(9))),
        (override,),
        "Duty",
    )
    assert on_call(schedule, datetime(2027, 1, 5, 12, tzinfo=UTC)).people == ("bo",)


def test_everything_a_rule_can_say_is_read() -> None:
    """The document keeps it as JSON; spans become seconds."""
    found = read_rule(
        mode="veto",
        tool="a",
        tools="[b]",
        agents="bot",
        environments="[production, test]",
        when='"money > 5"',
        ask='"{money}?"',
        ask_kind="choose",
        options="[{id: x, label: X, consequence: more, safe: yes}, {id: y, label: Y}]",
        fallback="safe_option",
        severity="high",
        ladder="all",
        steward="ann",
        quorum="2",
        on_error="deny",
        decide_within="1h",
        hold_for="5m",
        extend_at_most="2h",
    )

    assert found.document["rules"] == [
        {
            "id": "r",
            "mode": "veto",
            "ask_kind": "choose",
            "severity": "high",
            "quorum": 2,
            "tools": ["a", "b"],
            "agents": ["bot"],
            "environments": ["production", "test"],
            "when": "money > 5",
            "ladder": "all",
            "steward": "ann",
            "fallback": "safe_option",
            "decide_within": 3_600,
            "hold_for": 300,
            "extend_at_most": 7_200,
            "on_error": "deny",
            "ask": "{money}?",
            "options": [
                {"id": "x", "label": "X", "consequence": "more", "is_safe": True},
                {"id": "y", "label": "Y", "consequence": "", "is_safe": False},
            ],
        }
    ]


def test_everything_a_tool_can_say_is_read() -> None:
    """`reversible: no`, `reversible: true` and a version 1.10 mean what people mean."""
    found = read(
        small(
            tools="{a: {reversible: partly, money: args.sum.total, currency: EUR, version: 1.10, "
            "consequence: Gone., writes: no, zones: [pii, money], schema: {type: object, "
            "properties: {n: {type: [integer, 'null'], minimum: 1}}, required: [n]}}, "
            "b: , c: {reversible: true}, d: {reversible: no}}"
        )
    )

    assert found.document["tools"] == {
        "a": {
            "reversible": "partly",
            "money": "args.sum.total",
            "currency": "EUR",
            "version": "1.10",
            "consequence": "Gone.",
            "writes": False,
            "zones": ["pii", "money"],
            "schema": {
                "type": "object",
                "properties": {"n": {"type": ["integer", "null"], "minimum": 1}},
                "required": ["n"],
            },
        },
        "b": {"reversible": "no", "writes": True},
        "c": {"reversible": "yes", "writes": True},
        "d": {"reversible": "no", "writes": True},
    }


def test_defaults_reach_rules_that_say_nothing() -> None:
    """One place to make a whole policy gentler."""
    found = read(
        small(
            defaults="{mode: observe, decide_within: 4h, hold_for: 1h, fallback: keep_waiting, "
            "collect_within: 1d, report_within: 2h, extend_at_most: 1w, reassign_within: 5m, "
            "call_back_every: 30m}",
            rules="[{id: r}]",
        )
    )

    assert found.policy.rules[0].mode is Mode.OBSERVE
    assert found.defaults == Defaults(
        decide_within=timedelta(hours=4),
        hold_for=timedelta(hours=1),
        fallback="keep_waiting",
        collect_within=timedelta(days=1),
        report_within=timedelta(hours=2),
        extend_at_most=timedelta(weeks=1),
        reassign_within=timedelta(minutes=5),
        call_back_every=timedelta(minutes=30),
    )


def test_the_version_is_of_what_is_meant() -> None:
    """Spaces and comments change nothing; a number does."""
    version = read(SMALL).policy.version

    assert read(SMALL + "# a comment\n").policy.version == version
    assert read(SMALL.replace("ann@", "amy@")).policy.version != version
    assert read(SMALL).document["version"] == version


# --- variables ------------------------------------------------------------------------------------

WITH_VARIABLE = SMALL.replace("ann@example.com", '"${env:ANN}@example.com"')


def test_a_contact_may_come_from_the_environment() -> None:
    """Private numbers need not stand in a repository."""
    found = read(WITH_VARIABLE, environ={"ANN": "Secret.Ann"})

    assert found.people["ann"].email == "secret.ann@example.com"


def test_a_variable_that_is_not_set_is_told_by_name() -> None:
    """A contact that silently becomes empty would be found out at night."""
    assert told(WITH_VARIABLE) == [
        "pullcord.yaml:3: people.ann.email: '${env:ANN}@example.com' is not accepted. "
        "allowed: a variable that is set. Set the variable ANN, or write the value itself."
    ]


def test_a_stored_policy_is_the_same_in_every_environment() -> None:
    """What was applied once must be readable in any process; the version is of the text."""
    applied = read(WITH_VARIABLE, environ={"ANN": "ann"})

    again = read_again(WITH_VARIABLE, file="policy p_1")

    assert again.policy == applied.policy
    assert again.people["ann"].email == "${env:ann}@example.com"


@pytest.mark.parametrize(
    ("source", "field"),
    [
        (with_rule(ask='"${env:KEY}"'), "rules[0].ask"),
        (small(name='"${env:KEY}"'), "name"),
        (small(tools='{a: {consequence: "${env:KEY}"}}'), "tools.a.consequence"),
    ],
)
def test_variables_stand_for_contacts_only(source: str, field: str) -> None:
    """Whoever may write a policy must not read the server's secrets on a page."""
    (problem,) = told(source)

    assert f"{field}: '${{env:KEY}}' is not accepted. Variables stand for contacts only" in problem


# --- what is wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "message"),
    [
        # the whole file
        ("[]", "pullcord.yaml:1: file: [] is not accepted. allowed: a mapping of fields"),
        ("just text", "pullcord.yaml:1: file: 'just text' is not accepted"),
        (SMALL.replace("workspace: small\n", ""), "workspace: missing or wrong. allowed: text. Write workspace: …"),
        (small(workspace="'two words'"), "workspace: 'two words' is not accepted. allowed: letters, digits, . _ -"),
        (small(ruels="[]"), "pullcord.yaml:6: ruels: 'ruels' is not accepted. allowed: a known field. Did you mean rules?"),
        (small(xyzzy="1"), "Known here: agents, defaults, ladders, name, people,"),
        (small(timezone="Mars/Olympus"), "timezone: 'Mars/Olympus' is not accepted. allowed: an IANA time zone"),
        (small(name="[]"), "name: [] is not accepted. allowed: text. Write text, in quotes if need be."),
        (small(name="true"), "name: True is not accepted. allowed: text. Write text, in quotes"),
        (small(name="x" * 501), "allowed: at most 500 characters. Shorten it."),
        (small(name='"\\u0085"', rules="[{id: r, decide_within: 1e300}]"), "rules[0].decide_within: 1e+300"),
        # people
        (small(people="[ann]"), "people: ['ann'] is not accepted. allowed: a mapping of fields"),
        (small(people="{ann: Ann}"), "people.ann: 'Ann' is not accepted. allowed: a mapping of fields"),
        (small(people="{ann: {email: a@b.c}}"), "people.ann.name: missing or wrong. allowed: text"),
        (small(people="{ann: {name: Ann}}"), "people.ann.email: missing or wrong. allowed: at least one contact. Write email: or phone:"),
        (small(people="{ann: {name: Ann, email: nowhere}}"), "people.ann.email: 'nowhere' is not accepted. allowed: an e-mail address. Write NAME@HOST."),
        (small(people="{ann: {name: Ann, phone: call me}}"), 'people.ann.phone: \'call me\' is not accepted. allowed: a phone number. Write it as "+491510000001"'),
        (small(people="{ann: {name: Ann, email: a@b.c, role: boss}}"), "people.ann.role: 'boss' is not accepted. allowed: operator, lead, developer, auditor, admin. Write one of"),
        (small(people="{ann: {name: Ann, email: a@b.c, role: laed}}"), "Did you mean lead?"),
        (small(people="{ann: {name: Ann, email: a@b.c, role: [lead]}}"), "people.ann.role: ['lead'] is not accepted"),
        (small(people="{ann: {name: Ann, email: a@b.c, capacity: 0}}"), "people.ann.capacity: 0 is not accepted. allowed: a whole number from 1 to 1000"),
        (small(people="{ann: {name: Ann, email: a@b.c, capacity: true}}"), "people.ann.capacity: True is not accepted"),
        (small(people="{ann: {name: Ann, email: a@b.c, can_sign_in: maybe}}"), "people.ann.can_sign_in: 'maybe' is not accepted. allowed: true or false. Write yes or no."),
        (small(people="{ann: {name: Ann, email: a@b.c, emial: x}}"), "people.ann.emial: 'emial' is not accepted. allowed: a known field. Did you mean email?"),
        (small(people="{ann: {name: Ann, email: a@b.c}, bo: {name: Bo, email: A@b.c}}"), "people.bo.email: 'a@b.c' is not accepted. allowed: an address of their own. ann has it already."),
        (small(people="{ann: {name: Ann, email: a@b.c}, 'b o': {name: B, email: b@b.c}}"), "people.b o: 'b o' is not accepted. allowed: letters"),
        (small(people="{ann: {name: Ann, email: a@b.c, absences: {}}}"), "people.ann.absences: {} is not accepted. allowed: a list of at most 200"),
        (small(people="{ann: {name: Ann, email: a@b.c, absences: [{until: 2027-01-05T09:00Z}]}}"), "people.ann.absences[0].from: missing or wrong"),
        (small(people="{ann: {name: Ann, email: a@b.c, absences: [{from: tomorrow, until: 2027-01-05T09:00Z}]}}"), "people.ann.absences[0].from: 'tomorrow' is not accepted. allowed: a time with its zone"),
        (small(people="{ann: {name: Ann, email: a@b.c, absences: [{from: 2027-01-04T09:00, until: 2027-01-05T09:00Z}]}}"), "absences[0].from: '2027-01-04T09:00' is not accepted. allowed: a time with its zone"),
        (small(people="{ann: {name: Ann, email: a@b.c, absences: [{from: 0001-01-01T00:00+14:00, until: 2027-01-05T09:00Z}]}}"), "absences[0].from: '0001-01-01T00:00+14:00' is not accepted"),
        (small(people="{ann: {name: Ann, email: a@b.c, absences: [{from: 2027-01-06T09:00Z, until: 2027-01-05T09:00Z}]}}"), "absences[0].until: '2027-01-05T09:00Z' is not accepted. allowed: after 2027-01-06T09:00Z"),
        # teams
        (small(teams="{t: {name: T}}"), "teams.t.members: missing or wrong. allowed: at least one person. Write members: [one, two]"),
        (small(teams="{t: }"), "teams.t.members: missing or wrong"),
        (small(teams="{t: {members: [anne]}}"), "teams.t.members[0]: 'anne' is not accepted. allowed: a person of this policy. Did you mean ann?"),
        (small(teams="{t: {lead: zoe}}"), "teams.t.lead: 'zoe' is not accepted. allowed: a person of this policy. Known: ann."),
        (small(teams="{t: {members: ['']}}"), "teams.t.members: [''] is not accepted. allowed: a list of texts. Write members: [one, two]"),
        (small(teams="{t: {members: [1]}}"), "teams.t.members: [1] is not accepted"),
        (small(teams="{t: {members: 5}}"), "teams.t.members: 5 is not accepted"),
        # schedules
        (small(schedules="{s: {people: []}}"), "schedules.s.people: missing or wrong. allowed: at least one person. Write people: [one, two]"),
        (small(schedules="{s: {people: [ann], rotate: yearly}}"), "schedules.s.rotate: 'yearly' is not accepted. allowed: hourly, daily, weekly, monthly"),
        (small(schedules="{s: {people: [ann], hand_off: 25:00}}"), 'schedules.s.hand_off: \'25:00\' is not accepted. allowed: a time such as "09:00"'),
        (small(schedules="{s: {people: [ann], hand_off: Monday 09:00}}"), "Days are Mon, Tue, Wed, Thu, Fri, Sat, Sun."),
        (small(schedules="{s: {people: [ann], rotate: daily, hand_off: Mon 09:00}}"), "schedules.s.hand_off: 'Mon 09:00' is not accepted. allowed: a time without a day: duty changes every day. Write \"09:00\"."),
        (small(schedules="{s: {people: [ann], starts: soon}}"), "schedules.s.starts: 'soon' is not accepted. allowed: a date such as 2027-01-04"),
        (small(schedules="{s: {people: [ann], every: 400}}"), "schedules.s.every: 400 is not accepted. allowed: a whole number from 1 to 366"),
        (small(schedules="{s: {people: [ann], timezone: Here}}"), "schedules.s.timezone: 'Here' is not accepted"),
        (small(schedules="{s: {people: [bob]}}"), "schedules.s.people[0]: 'bob' is not accepted"),
        (small(schedules="{s: {people: [ann], overrides: [{from: 2027-01-05T00:00Z, until: 2027-01-06T00:00Z}]}}"), "schedules.s.overrides[0].add: missing or wrong. allowed: add, remove or both"),
        (small(schedules="{s: {people: [ann], overrides: [{from: 2027-01-05T00:00Z, until: 2027-01-06T00:00Z, add: bob}]}}"), "schedules.s.overrides[0].add: 'bob' is not accepted"),
        (small(schedules="{s: {people: [ann], overrides: [{from: 2027-01-05T00:00Z, until: 2027-01-06T00:00Z, remove: bob}]}}"), "schedules.s.overrides[0].remove: 'bob' is not accepted"),
        (small(schedules="{s: {people: [ann], overrides: [5]}}"), "schedules.s.overrides[0]: 5 is not accepted. allowed: a mapping of fields"),
        # ladders
        (SMALL.split("ladders")[0], "ladders: missing or wrong. allowed: at least one ladder. Write who is asked."),
        (small(ladders="{all: {catch_all: person/ann}}"), "ladders.all.rungs: missing or wrong. allowed: at least one rung. Write who is asked first."),
        (small(ladders="{all: {rungs: [{ask: person/ann}]}}"), "ladders.all.catch_all: missing or wrong. allowed: text. Write catch_all: …"),
        (small(ladders="{all: {rungs: [{ask: person/ann}], catch_all: person/}}"), "ladders.all.catch_all: 'person/' is not accepted. allowed: person/NAME. Name one person: a ladder must end at somebody."),
        (small(ladders="{all: {rungs: [{ask: person/ann}], catch_all: team/ann}}"), "ladders.all.catch_all: 'team/ann' is not accepted. allowed: person/NAME"),
        (small(ladders="{all: {rungs: [{ask: person/ann}], catch_all: ann}}"), "ladders.all.catch_all: 'ann' is not accepted. allowed: person/NAME"),
        (small(ladders="{all: {rungs: [{ask: person/ann}], catch_all: person/nobody}}"), "ladders.all.catch_all: 'nobody' is not accepted. allowed: a person of this policy. Known: ann."),
        (small(ladders="{all: {rungs: [{ask: person/bob}], catch_all: person/ann}}"), "ladders.all.rungs[0].ask: 'bob' is not accepted. allowed: a person of this policy"),
        (small(ladders="{all: {rungs: [{ask: team/t}], catch_all: person/ann}}"), "ladders.all.rungs[0].ask: 't' is not accepted. allowed: a team of this policy. Known: none yet."),
        (small(ladders="{all: {rungs: [{ask: schedule/s}], catch_all: person/ann}}"), "ladders.all.rungs[0].ask: 's' is not accepted. allowed: a schedule of this policy"),
        (small(ladders="{all: {rungs: [{ask: everybody}], catch_all: person/ann}}"), "ladders.all.rungs[0].ask: 'everybody' is not accepted. allowed: person/NAME, schedule/NAME or team/NAME"),
        (small(ladders="{all: {rungs: [{wake: yes}], catch_all: person/ann}}"), "ladders.all.rungs[0].ask: missing or wrong. allowed: text. Write ask: …"),
        (small(ladders="{all: {rungs: [{ask: person/ann, accept_within: 8d}], catch_all: person/ann}}"), "ladders.all.rungs[0].accept_within: '8d' is not accepted. allowed: at most 7d. Ask the next one earlier."),
        (small(ladders="{all: {rungs: [{ask: person/ann, accept_within: 10}], catch_all: person/ann}}"), "accept_within: 10 is not accepted. allowed: a span such as 30s, 10m, 2h, 7d. Write a number and its unit."),
        (small(ladders="{all: {rungs: [{ask: person/ann, accept_within: 10:30}], catch_all: person/ann}}"), "accept_within: '10:30' is not accepted. allowed: a span such as 30s"),
        (small(ladders="{all: {rungs: [{ask: person/ann, wakes: yes}], catch_all: person/ann}}"), "ladders.all.rungs[0].wakes: 'wakes' is not accepted. allowed: a known field. Did you mean wake?"),
        (small(ladders="{all: {rungs: [{ask: person/ann}], catch_all: person/ann, remind_every: 0s}}"), "ladders.all.remind_every: '0s' is not accepted. allowed: 1s to 31d"),
        (small(ladders="{all: {rungs: [{ask: person/ann}], catch_all: person/ann, remind_every: 9w}}"), "ladders.all.remind_every: '9w' is not accepted. allowed: 1s to 31d"),
        # agents
        (small(agents="{bot: }"), "agents.bot.ladder: missing or wrong. allowed: text. Write ladder: …"),
        (small(agents="{bot: {ladder: al}}"), "agents.bot.ladder: 'al' is not accepted. allowed: a ladder of this policy. Did you mean all?"),
        (small(agents="{bot: {ladder: all, contact: bob}}"), "agents.bot.contact: 'bob' is not accepted. allowed: a person of this policy"),
        # tools
        (small(tools="{a: {reversible: maybe}}"), "tools.a.reversible: 'maybe' is not accepted. allowed: yes, partly, no"),
        (small(tools="{a: {money: amount}}"), "tools.a.money: 'amount' is not accepted. allowed: a path such as args.amount"),
        (small(tools="{a: {money: args}}"), "tools.a.money: 'args' is not accepted. allowed: a path such as args.amount"),
        (small(tools="{a: {writes: 1}}"), "tools.a.writes: 1 is not accepted. allowed: true or false"),
        (small(tools="{a: {zones: [1]}}"), "tools.a.zones: [1] is not accepted. allowed: a list of texts"),
        (small(tools="{a: {schema: text}}"), "tools.a.schema: 'text' is not accepted. allowed: a JSON Schema"),
        (small(tools="{a: {schema: {properties: [n]}}}"), "tools.a.schema.properties: ['n'] is not accepted. allowed: a mapping of properties"),
        (small(tools="{a: {schema: {properties: {n: 5}}}}"), "tools.a.schema.properties.n: 5 is not accepted. allowed: a JSON Schema"),
        (small(tools="{a: {schema: {properties: {n: {maximum: true}}}}}"), "tools.a.schema.properties.n.maximum: True is not accepted. allowed: a number"),
        (small(tools="{a: {schema: {required: n}}}"), "tools.a.schema.required: 'n' is not accepted. allowed: a list of names"),
        # defaults
        (small(defaults="{mode: stop}"), "defaults.mode: 'stop' is not accepted. allowed: gate, veto, sample, deny, observe"),
        (small(defaults="{fallback: approve}"), "defaults.fallback: 'approve' is not accepted. allowed: reject, keep_waiting"),
        (small(defaults="{decide_within: 2 hours}"), "defaults.decide_within: '2 hours' is not accepted"),
        (small(defaults="{decide: 2h}"), "defaults.decide: 'decide' is not accepted. allowed: a known field. Did you mean decide_within?"),
        # rules
        (small(rules="{a: b}"), "rules: {'a': 'b'} is not accepted. allowed: a list of at most 2000. Begin with -."),
        (small(rules="[{when: 'true'}]"), "rules[0].id: missing or wrong. allowed: text. Write id: …"),
        (small(rules="[{id: a}, {id: b}, {id: a}]"), "rules[2].id: 'a' is not accepted. allowed: an id of its own. It stands in pullcord.yaml line 6 already."),
        (with_rule(id="'a b'"), "rules[0].id: 'a b' is not accepted. allowed: letters, digits, . _ -"),
        (with_rule(when="args.amount > "), "rules[0].when: 'args.amount >' is not accepted. allowed: a test. column 14: expected a value before 'the end'"),
        (with_rule(when="agrs.amount > 5"), "column 1: there is no 'agrs.amount'; did you mean"),
        (with_rule(when="tool > 5"), "rules[0].when: 'tool > 5' is not accepted. allowed: a test. column 6: text is compared with number"),
        (with_rule(when="size(tool)"), "column 1: gives number; a rule must give true or false"),
        (with_rule(when="'tool.matches(\"(\")'"), "the pattern '(' does not compile"),
        (with_rule(when="true"), "rules[0].when: True is not accepted. allowed: text. Write text, in quotes if need be."),
        (with_rule(ask='"{agrs.amount}"'), "rules[0].ask: '{agrs.amount}' is not accepted. allowed: a field rules know. there is no 'agrs.amount'"),
        (with_rule(ask='"{end_user.nmae}"'), "did you mean 'end_user.name'?"),
        (with_rule(ask="x" * 281), "rules[0].ask: "),
        (with_rule(ask_kind="beg"), "rules[0].ask_kind: 'beg' is not accepted. allowed: approve, answer, choose, take_over"),
        (with_rule(fallback="no_answer"), "rules[0].fallback: 'no_answer' is not accepted. allowed: reject, keep_waiting, approve"),
        (with_rule(ask_kind="answer", fallback="approve"), "rules[0].fallback: 'approve' is not accepted. allowed: no_answer, keep_waiting"),
        (with_rule(ask_kind="choose"), "rules[0].options: '0 options' is not accepted. allowed: at least two, exactly one with safe: yes"),
        (with_rule(ask_kind="choose", options="[{id: a, label: A, safe: yes}]"), "rules[0].options: '1 options' is not accepted"),
        (with_rule(ask_kind="choose", options="[{id: a, label: A, safe: yes}, {id: b, label: B, safe: yes}]"), "rules[0].options: '2 options' is not accepted"),
        (with_rule(ask_kind="choose", options="[{id: a, label: A, safe: yes}, {id: a, label: B}]"), "rules[0].options[1].id: 'a' is not accepted. allowed: an id of its own"),
        (with_rule(ask_kind="choose", options="[{id: a, label: A, safe: yes}, {id: b, label: B, is_safe: no}]"), "rules[0].options[1].is_safe: 'is_safe' is not accepted. allowed: a known field. Did you mean safe?"),
        (with_rule(options="[{id: a, label: A}]"), "rules[0].options: '1 options' is not accepted. allowed: no options unless ask_kind: choose"),
        (with_rule(ladder="night"), "rules[0].ladder: 'night' is not accepted. allowed: a ladder of this policy. Known: all."),
        (with_rule(steward="bob"), "rules[0].steward: 'bob' is not accepted. allowed: a person of this policy"),
        (with_rule(quorum="9"), "rules[0].quorum: 9 is not accepted. allowed: a whole number from 1 to 5"),
        (with_rule(severity="awful"), "rules[0].severity: 'awful' is not accepted. allowed: low, normal, high, critical"),
        (with_rule(on_error="ignore"), "rules[0].on_error: 'ignore' is not accepted"),
        (with_rule(tool="5"), "rules[0].tool: 5 is not accepted. allowed: a list of texts"),
        (with_rule(mdoe="deny"), "rules[0].mdoe: 'mdoe' is not accepted. allowed: a known field. Did you mean mode?"),
        (small(steward="zoe"), "steward: 'zoe' is not accepted. allowed: a person of this policy. Known: ann."),
        (small(steward="[ann]"), "steward: ['ann'] is not accepted. allowed: the id of a person"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_field_value_and_remedy(source: str, message: str) -> None:
    """Each in words of its own, at a line of the file, for somebody who did not read the manual."""
    problems = told(source)

    assert any(message in each for each in problems), "\n".join(problems)
    assert all(each.startswith("pullcord.yaml:") for each in problems)


def test_lines_are_those_of_the_file() -> None:
    """An editor jumps there."""
    problems = told(
        SHOP.replace("args.amount > 250", "args.amount >").replace("[maria, tom]", "[mara, tom]")
    )

    assert [each.split(": ")[0] for each in problems] == ["pullcord.yaml:23", "pullcord.yaml:8"]


def test_what_is_missing_has_the_line_of_what_should_hold_it() -> None:
    """`catch_all` is missing in the ladder of line 5."""
    (problem,) = told(small(ladders="\n  all:\n    rungs: [{ask: person/ann}]"))

    assert problem.startswith("pullcord.yaml:5: ladders.all.catch_all:")


def test_all_mistakes_are_told_at_once_up_to_a_limit() -> None:
    """Nobody mends one mistake at a time; nobody reads ten thousand."""
    with pytest.raises(InvalidPolicies) as caught:
        read(small(rules="[" + "{id: r, when: 5}," * 100 + "]"))

    assert len(caught.value.problems) == PROBLEMS_MAX
    assert str(caught.value).count("\n") == PROBLEMS_MAX - 1


def test_one_mistake_is_raised_alone() -> None:
    """The error itself carries file, line, field, limit and remedy."""
    with pytest.raises(InvalidPolicy) as caught:
        read(small(timezone="Nowhere"), file="shop.yaml")

    problem = caught.value
    assert (problem.file, problem.line, problem.field) == ("shop.yaml", 6, "timezone")
    assert problem.remedy == "Write e.g. Europe/Berlin."


def test_too_many_entries_are_refused() -> None:
    """A limit on everything a file can hold."""
    many = ", ".join(f"t{at}: " for at in range(5_001))

    (problem,) = told(small(tools=f"{{{many}}}"))

    assert "tools: '5001 entries' is not accepted. allowed: at most 5000" in problem


def test_a_number_no_other_party_reads_the_same_way_is_refused() -> None:
    """The version is a digest over exact JSON."""
    (problem,) = told(small(tools="{a: {schema: {default: 99999999999999999}}}"))

    assert "integers beyond 2^53-1 are not exact" in problem


def test_the_berlin_night_of_the_clock_change_belongs_to_somebody() -> None:
    """What is read can be resolved at once; zones are names, never offsets."""
    schedule = read(SHOP).schedules["billing"]

    night = datetime(2027, 3, 28, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)

    assert on_call(schedule, night).people[0] in {"maria", "tom"}
    assert date(2024, 1, 1) == FIRST_MONDAY
