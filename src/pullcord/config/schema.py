"""The JSON Schema of pullcord.yaml, for editors: completion, descriptions, mistakes while typing.

It says what single fields look like. What only the whole policy shows, such as a ladder that
nobody defined or a test that does not compile, is told by `read`, which alone decides.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pullcord.config.configuration import FALLBACKS
from pullcord.config.fields import ENTRIES_MAX, NAME_PATTERN, SPAN_PATTERN
from pullcord.config.reach import CLOCK_PATTERN, QUIET_PATTERN
from pullcord.config.read import DAYS, ROTATIONS
from pullcord.config.rules import MODES, OPTIONS_MAX, SEVERITIES
from pullcord.owner.ladder import KINDS, RUNGS_MAX
from pullcord.owner.reach import STEPS_MAX
from pullcord.owner.roster import Role
from pullcord.trigger.expression import SOURCE_LENGTH_MAX
from pullcord.trigger.rules import QUESTION_MAX, RULES_MAX

Schema = dict[str, Any]

_SPANS = {
    "decide_within": "How long people have to decide, from the opening; the end user's promise.",
    "hold_for": "How long an acceptance holds before others are asked again.",
    "extend_at_most": "How far the time to decide may be moved in all.",
}
_MORE_SPANS = {
    "collect_within": "How long a decision waits for its agent.",
    "report_within": "How long the agent has to say what it executed.",
    "reassign_within": "How long somebody has to accept what was passed to them.",
    "call_back_every": "How often a person who has taken over is reminded.",
}


def json_schema() -> Schema:
    """The schema of one file (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "pullcord.yaml",
        **_object(
            "When agents stop, who is asked, and what they may decide.",
            {
                "workspace": _name("The workspace this policy is for."),
                "name": _text("The name people read, such as the company's."),
                "timezone": _text("IANA time zone where nothing else is said.", "Europe/Berlin"),
                "steward": _text("Who looks after the rules of this file: a person's id."),
                "people": _each("People who can be asked; seeds for the console.", _person()),
                "teams": _each("People who answer together.", _team()),
                "schedules": _each("Who is on duty when.", _schedule()),
                "ladders": _each("Who is asked first, and who next.", _ladder()),
                "agents": _each("The AI programs, by the name their key carries.", _agent()),
                "tools": _each("What is known about the tools agents call.", _tool()),
                "defaults": _defaults(),
                "rules": _list("When a call stops.", _rule(), RULES_MAX),
            },
            needed=("workspace", "ladders"),
        ),
    }


# --- sections -----------------------------------------------------------------------------------


def _person() -> Schema:
    return _object(
        "Somebody who can be asked; needs an e-mail address or a phone.",
        {
            "name": _text("Their full name."),
            "shown_as": _text("How agents and end users see them: Maria from Billing."),
            "role": _choice("What they may do in the console.", Role),
            "email": _text("Where they are written to; may be ${env:NAME}.", "dana@example.com"),
            "phone": _text("Where they are called; may be ${env:NAME}.", "+491510000001"),
            "timezone": _text("Their IANA time zone.", "Europe/Berlin"),
            "capacity": _count("Living escalations before others are asked first.", 1_000_000),
            "can_sign_in": _flag("Whether they may open the console."),
            "absences": _list("When they are away.", _absence(), 200),
            "reach": _reach(),
        },
        needed=("name",),
        one_of=("email", "phone"),
    )


def _reach() -> Schema:
    quiet = _text("When they are not to be disturbed, on their own clock.", "22:00-07:00")
    return _object(
        "Their own rules: which way after how long, and when they are left to sleep.",
        {
            "steps": _reach_steps("Which way is tried after how long."),
            "urgent": _reach_steps("The same for high and critical, if they differ."),
            "quiet": {**quiet, "pattern": f"^({QUIET_PATTERN})?$"},
            "quiet_below": _choice("From this severity on quiet hours do not count.", SEVERITIES),
            "wakes_per_day": {**_count("How often they may be woken by day.", 100), "minimum": 0},
            "wakes_per_night": {**_count("How often by night.", 100), "minimum": 0},
            "digest_every": _span("News and reminders go together so often."),
            "daily_at": {
                **_text("One letter a day at this time: what waits, what happened.", "08:00"),
                "pattern": f"^({CLOCK_PATTERN})?$",
            },
        },
    )


def _reach_steps(said: str) -> Schema:
    step = _object(
        "One way to try.",
        {
            "by": _name("A channel, such as email, slack or voice."),
            "after": _span("How long after being asked; at once if absent."),
        },
        needed=("by",),
    )
    return _list(said, step, STEPS_MAX)


def _absence() -> Schema:
    fields = {**_stretch(), "note": _text("Why, for colleagues.")}
    return _object("A time away.", fields, needed=("from", "until"))


def _stretch() -> dict[str, Schema]:
    return {
        "from": _text("When it begins, with its zone.", "2027-01-05T09:00+01:00"),
        "until": _text("When it has ended, with its zone.", "2027-01-06T09:00+01:00"),
    }


def _team() -> Schema:
    return _object(
        "People who answer together; a member or a lead at least.",
        {
            "name": _text("The name people read."),
            "members": _texts("Ids of people."),
            "lead": _text("Who answers when no member does: a person's id."),
        },
        one_of=("members", "lead"),
    )


def _schedule() -> Schema:
    override = _object(
        "Who is on duty instead, for a time.",
        {
            **_stretch(),
            "add": _text("Who is on duty: a person's id."),
            "remove": _text("Who is not: a person's id."),
        },
        needed=("from", "until"),
        one_of=("add", "remove"),
    )
    hand_off = rf"^(({'|'.join(DAYS)}) +)?([01][0-9]|2[0-3]):[0-5][0-9]$"
    return _object(
        "A duty that rotates.",
        {
            "name": _text("The name people read."),
            "rotate": _choice("How often duty changes hands.", ROTATIONS),
            "every": _count("Every how many of these.", 366),
            "hand_off": {**_text("When duty changes hands.", "Mon 09:00"), "pattern": hand_off},
            "starts": _text("The date the first of the people begins.", "2027-01-04"),
            "timezone": _text("IANA time zone of the hand-off.", "Europe/Berlin"),
            "people": _texts("Ids of people, in turn."),
            "overrides": _list("Exceptions.", override, 500),
        },
        needed=("people",),
    )


def _ladder() -> Schema:
    asked = rf"^({'|'.join(KINDS)})/.+"
    rung = _object(
        "One ask.",
        {
            "ask": {**_text("Whom.", "schedule/billing", "person/tom"), "pattern": asked},
            "accept_within": _span("How long they have to say that they have it."),
            "wake": _flag("Whether they may be woken."),
            "reach": _reach_steps("Which way is tried after how long, before their own rules."),
        },
        needed=("ask",),
    )
    return _object(
        "Ordered asks that end at one named person.",
        {
            "rungs": _list("Who is asked, in order.", rung, RUNGS_MAX),
            "catch_all": {
                **_text("The person at whom it ends.", "person/dana"),
                "pattern": "^person/.+",
            },
            "remind_every": _span("How often the catch-all is reminded."),
        },
        needed=("rungs", "catch_all"),
    )


def _agent() -> Schema:
    return _object(
        "An AI program.",
        {
            "ladder": _text("Who is asked when no rule says otherwise: a ladder's id."),
            "contact": _text("Who is told when the agent goes missing: a person's id."),
        },
        needed=("ladder",),
    )


def _tool() -> Schema:
    return _object(
        "What is known about a tool; an empty entry registers it.",
        {
            "reversible": _choice("Whether its effect can be undone.", ("yes", "partly", "no")),
            "money": _text("Where the amount at stake stands.", "args.amount"),
            "currency": _text("The currency of that amount.", "EUR"),
            "version": _text("Changes whenever the tool's meaning does."),
            "consequence": _text("What happens on approval, for whoever decides."),
            "writes": _flag("Whether it changes anything."),
            "zones": _texts("Named sensitive areas it belongs to."),
            "schema": {"type": "object", "description": "JSON Schema of its arguments."},
        },
    )


def _defaults() -> Schema:
    spans = {name: _span(said) for name, said in {**_SPANS, **_MORE_SPANS}.items()}
    return _object(
        "What rules take when they say nothing themselves.",
        {
            "mode": _choice("What a rule does when it fires.", MODES),
            "fallback": _choice("What nobody deciding means.", ("reject", "keep_waiting")),
            **spans,
        },
    )


def _rule() -> Schema:
    when = _text("The test, in a subset of CEL; none means always.", "args.amount > 250")
    question = _text("The question to a person.", "Refund EUR {args.amount}?")
    schema = _object(
        "One reason to stop.",
        {
            "id": _name("Its name in every escalation it opens; keep it stable."),
            "mode": _choice("What it does when it fires.", MODES),
            "when": {**when, "maxLength": SOURCE_LENGTH_MAX},
            "tool": _texts("Tools it concerns; * stands for anything."),
            "tools": _texts("The same."),
            "agents": _texts("Agents it concerns; * stands for anything."),
            "environments": _texts("Environments it concerns; * stands for anything."),
            "ask": {**question, "maxLength": 2 * QUESTION_MAX},
            "ask_kind": _choice("What kind of answer is asked for.", FALLBACKS),
            "options": _list("What can be chosen; one is safe.", _option(), OPTIONS_MAX),
            "fallback": _choice("What nobody deciding means.", _fallbacks()),
            "severity": _choice("How bad it may be.", SEVERITIES),
            "ladder": _text("Who is asked: a ladder's id."),
            "steward": _text("Who looks after this rule: a person's id."),
            "quorum": _count("How many people must agree.", 5),
            "on_error": _choice("What counts when the test has no answer.", MODES),
            **{name: _span(said) for name, said in _SPANS.items()},
        },
        needed=("id",),
    )
    return {**schema, "allOf": [_fits(kind, allowed) for kind, allowed in FALLBACKS.items()]}


def _option() -> Schema:
    return _object(
        "One thing that can be chosen.",
        {
            "id": _name("Its name for the agent."),
            "label": _text("What people read."),
            "consequence": _text("What follows from it."),
            "safe": _flag("Whether it is chosen when nobody decides."),
        },
        needed=("id", "label"),
    )


def _fallbacks() -> list[str]:
    return list(dict.fromkeys(each for allowed in FALLBACKS.values() for each in allowed))


def _fits(kind: str, allowed: Iterable[str]) -> Schema:
    """The fallbacks that fit a kind of ask; approve is the kind of rules that name none."""
    asked: Schema = {"properties": {"ask_kind": {"const": kind}}}
    if kind != "approve":
        asked["required"] = ["ask_kind"]
    return {"if": asked, "then": {"properties": {"fallback": {"enum": [*allowed, None]}}}}


# --- single fields; an empty one is as good as none ----------------------------------------------


def _object(
    said: str,
    fields: Mapping[str, Schema],
    *,
    needed: Iterable[str] = (),
    one_of: Iterable[str] = (),
) -> Schema:
    """A mapping; `needed` fields must be there, and at least one of `one_of`."""
    known = {**fields, **{name: _filled(fields[name]) for name in needed}}
    found: Schema = {
        "type": "object" if needed or one_of else ["object", "null"],
        "description": said,
        "properties": known,
        "required": list(needed),
        "additionalProperties": False,
    }
    ways = [{"required": [name], "properties": {name: _filled({})}} for name in one_of]
    return {**found, "anyOf": ways} if ways else found


def _filled(field: Schema) -> Schema:
    """The same, and not empty."""
    return {**field, "not": {"enum": [None, "", [], {}]}}


def _each(said: str, entry: Schema) -> Schema:
    return {
        "type": ["object", "null"],
        "description": said,
        "propertyNames": {"pattern": f"^{NAME_PATTERN}$"},
        "additionalProperties": entry,
        "maxProperties": ENTRIES_MAX,
    }


def _list(said: str, entry: Schema, limit: int) -> Schema:
    return {"type": ["array", "null"], "description": said, "items": entry, "maxItems": limit}


def _text(said: str, *examples: str) -> Schema:
    found: Schema = {"type": ["string", "number", "null"], "description": said, "maxLength": 500}
    return {**found, "examples": list(examples)} if examples else found


def _name(said: str) -> Schema:
    return {**_text(said), "pattern": f"^{NAME_PATTERN}$"}


def _texts(said: str) -> Schema:
    text = {"type": "string", "minLength": 1}
    return {
        "description": said,
        "anyOf": [{"type": "array", "items": text}, {"type": ["string", "null"]}],
    }


def _choice(said: str, allowed: Iterable[str]) -> Schema:
    words: list[Any] = [str(each) for each in allowed]
    booleans = [True, False] if "yes" in words else []
    return {"enum": [*words, *booleans, None], "description": said}


def _flag(said: str) -> Schema:
    return {"enum": [True, False, "yes", "no", None], "description": said}


def _count(said: str, high: int) -> Schema:
    kind = ["integer", "null"]
    return {"type": kind, "minimum": 1, "maximum": high, "description": said}


def _span(said: str) -> Schema:
    kind = ["string", "null"]
    examples = ["30s", "10m", "2h", "7d"]
    return {"type": kind, "pattern": f"^{SPAN_PATTERN}$", "examples": examples, "description": said}
