"""What a person filled in, on the page or in a channel, becomes one act of the wire, checked."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from pullcord.briefing.difference import Changed, difference
from pullcord.briefing.digest import digest
from pullcord.briefing.forms import Field, FormProblem, fields, parse_form
from pullcord.errors import InvalidInput
from pullcord.wire import requests as wire
from pullcord.wire.views import DetailView, FormField

Flat = Mapping[str, str]
T = TypeVar("T", bound=wire.Request)

#: shortest reason for a rejection, in characters: "ok" and "." tell an agent nothing
REASON_MIN = 4
#: what the script sends instead of a digest: the difference was on the screen, live
SEEN_LIVE = "live"
MINUTES_MAX = 31 * 24 * 60

_JSON_TYPES = {"number": "number", "integer": "integer", "boolean": "boolean"}


def act_of(verb: str, flat: Flat) -> wire.Act:
    """The act a form asks for; a decision is built by `decision_of`.

    Raises:
        InvalidInput: a field is missing or does not fit.
    """
    make, names = ACTS[verb]
    body: dict[str, Any] = {name: flat[name] for name in names if name in flat}
    if "minutes" in flat:
        body["seconds"] = _seconds(flat["minutes"])
    if verb == "hand-back":
        body = {"note": body}
    return checked(make, {**body, **guard(flat)})


#: verb in the address → request and the names of its fields
ACTS: Mapping[str, tuple[type[wire.Act], tuple[str, ...]]] = {
    "accept": (wire.AcceptIn, ()),
    "decline": (wire.DeclineIn, ("reason",)),
    "release": (wire.ReleaseIn, ("reason",)),
    "reassign": (wire.ReassignIn, ("to", "reason")),
    "snooze": (wire.SnoozeIn, ()),
    "extend": (wire.ExtendIn, ("reason",)),
    "ask": (wire.QuestionIn, ("to", "text")),
    "comment": (wire.CommentIn, ("text",)),
    "context": (wire.ContextIn, ("text",)),
    "take-over": (wire.TakeOverIn, ()),
    "hand-back": (wire.HandBackIn, ("decided", "done_outside", "may_assume", "must_not")),
}


def guard(flat: Flat) -> dict[str, Any]:
    """What was on the screen, so that an act on something else is refused."""
    found: dict[str, Any] = {}
    if flat.get("generation", "").isdigit():
        found["generation"] = int(flat["generation"])
    if flat.get("shown_digest"):
        found["shown_digest"] = flat["shown_digest"]
    return found


def checked(make: type[T], body: Mapping[str, Any]) -> T:
    """A request within its bounds.

    Raises:
        InvalidInput: names the field that does not fit.
    """
    try:
        return msgspec.convert(body, make)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$.")
        name = place.rstrip("`") or _missing(what)
        value = body.get(name, "")
        raise InvalidInput(name, value=value, remedy=f"{what}.") from None


def _missing(what: str) -> str:
    """The name in "Object missing required field `text`"."""
    return what.split("`")[1] if "`" in what else ""


def _seconds(minutes: str) -> int:
    compact = minutes.strip()
    if not compact.isdigit() or not 1 <= int(compact) <= MINUTES_MAX:
        raise InvalidInput(
            "seconds",
            value=minutes,
            limit=f"whole minutes from 1 to {MINUTES_MAX}",
            remedy="Write a number such as 15.",
        )
    return int(compact) * 60


# --- the decision -----------------------------------------------------------------------------


def decision_of(flat: Flat, view: DetailView) -> wire.DecideIn:
    """The decision a form asks for, with whole, typed arguments when they were changed.

    Raises:
        InvalidInput: a field does not fit, or the button contradicts what was typed.
    """
    kind, _, option = flat.get("decision", "").partition(":")
    body: dict[str, Any] = {"kind": kind, "note": flat.get("note", "").strip()}
    if kind == "reject":
        _needs_reason(body["note"])
    elif kind == "approve":
        _refuse_unsaid_changes(changes_in(flat, view))
    elif kind == "edit":
        body["args"] = edited_args(flat, view)
    elif kind == "choose":
        body["option"] = option
    elif kind == "answer":
        body["answer"] = answer_in(flat, view.answer_schema)
    else:
        raise InvalidInput(
            "decision", value=kind, remedy="Use one of the buttons to say what you decide."
        )
    return checked(wire.DecideIn, {**body, **guard(flat)})


def _needs_reason(note: str) -> None:
    if len(note) < REASON_MIN:
        raise InvalidInput(
            "note",
            value=note,
            limit=f"{REASON_MIN} characters or more",
            remedy="Say why: the agent goes on with this sentence.",
        )


def _refuse_unsaid_changes(changes: tuple[Changed, ...]) -> None:
    if changes:
        first = changes[0]
        raise InvalidInput(
            "decision",
            value="approve",
            remedy=(
                f"You changed {first.path} from {first.before} to {first.after}. "
                "Use “Approve with changes”, or put the old value back."
            ),
        )


def edited_args(flat: Flat, view: DetailView) -> dict[str, Any]:
    """The whole arguments with the person's changes.

    Raises:
        InvalidInput: a value does not fit its type or limits, or nothing was changed.
    """
    args = parsed_args(flat, view)
    if not difference(view.args, args):
        raise InvalidInput(
            "decision",
            value="edit",
            remedy="Change a value first, or use “Approve” for what was proposed.",
        )
    return args


def changes_in(flat: Flat, view: DetailView) -> tuple[Changed, ...]:
    """What the form changes in the proposed arguments."""
    return difference(view.args, parsed_args(flat, view))


def parsed_args(flat: Flat, view: DetailView) -> dict[str, Any]:
    """The arguments as the form holds them, typed; what it does not show stays as it was.

    Raises:
        InvalidInput: a value does not fit its field.
    """
    base = view.args
    editable = {each.path for each in view.fields if each.is_editable}
    sent = {
        name.removeprefix("arg."): text
        for name, text in flat.items()
        if name.startswith("arg.") and name.removeprefix("arg.").partition("#")[0] in editable
    }
    unchanged = {each.path for each in view.fields if sent.get(each.path) == _as_sent(each)}
    changes = {name: text for name, text in sent.items() if name.partition("#")[0] not in unchanged}
    try:
        return parse_form(_schema_of(view.fields, base), changes, base)
    except FormProblem as problem:
        raise InvalidInput(
            f"args.{problem.field}", value=problem.value, remedy=f"It takes {problem.allowed}."
        ) from None


def originals(view: DetailView) -> dict[str, str]:
    """What each field shows before anybody changes it, by path."""
    return {each.path: as_typed(each.value) for each in view.fields}


def as_typed(value: Any) -> str:
    """A value as a person would type it: 480 for 480.0, JSON for what has parts."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _as_sent(field: FormField) -> str:
    """What a browser sends for a field nobody touched: it has its own mind about line ends."""
    text = as_typed(field.value).replace("\r\n", "\n").replace("\r", "\n")
    return text if field.kind in ("long_text", "json", "list") else text.replace("\n", "")


def _schema_of(shown: list[FormField], base: Mapping[str, Any]) -> dict[str, Any]:
    """The schema behind the fields of a form, as the briefing room reads forms."""
    root: dict[str, Any] = {"properties": {}, "required": []}
    for each in shown:
        *parents, last = [each.path] if each.path in base else each.path.split(".")
        place = root
        for name in parents:
            place = place["properties"].setdefault(name, {"properties": {}, "required": []})
        place["properties"][last] = _part(each)
        if each.is_required:
            place["required"].append(last)
    return root


def _part(each: FormField) -> dict[str, Any]:
    part: dict[str, Any] = {}
    if each.kind in ("text", "long_text"):
        part["type"] = "string"
    elif each.kind in _JSON_TYPES:
        part["type"] = _JSON_TYPES[each.kind]
    elif each.kind == "choice":
        part["enum"] = list(each.choices)
    limits = {"minimum": each.minimum, "maximum": each.maximum, "maxLength": each.max_length}
    return {**part, **{name: limit for name, limit in limits.items() if limit is not None}}


def is_seen(flat: Flat, args: Mapping[str, Any]) -> bool:
    """Whether exactly these changed arguments were on the screen as a difference."""
    return flat.get("reviewed") in (SEEN_LIVE, digest(dict(args)))


# --- answers ----------------------------------------------------------------------------------


def answer_fields(schema: Mapping[str, Any] | None) -> list[FormField]:
    """The inputs of a typed answer; none when the answer is free text."""
    if not schema:
        return []
    wrapped, blank = _wrapped(schema)
    return [_as_form_field(each) for each in fields(wrapped, blank)]


def _as_form_field(each: Field) -> FormField:
    return FormField(
        path=each.path,
        label=each.label,
        kind=each.kind,
        value="",
        is_required=each.is_required,
        choices=list(each.choices),
        minimum=each.minimum,
        maximum=each.maximum,
        max_length=each.max_length,
        help=each.help,
    )


def answer_in(flat: Flat, schema: Mapping[str, Any] | None) -> Any:
    """The answer as typed; free text without a schema.

    Raises:
        InvalidInput: it is empty or does not fit the schema's types.
    """
    if not schema:
        return _free_answer(flat.get("answer", ""))
    wrapped, blank = _wrapped(schema)
    sent = {
        name.removeprefix("ans."): text for name, text in flat.items() if name.startswith("ans.")
    }
    try:
        parsed = parse_form(wrapped, sent, blank)
    except FormProblem as problem:
        raise InvalidInput(
            f"ans.{problem.field}", value=problem.value, remedy=f"It takes {problem.allowed}."
        ) from None
    for name in wrapped.get("required", ()):
        if parsed.get(name) in (None, ""):
            raise InvalidInput(f"ans.{name}", value="", remedy="It is needed.")
    if "properties" not in schema:
        return parsed["answer"]
    return {name: value for name, value in parsed.items() if value is not None}


def _free_answer(text: str) -> str:
    if not text.strip():
        raise InvalidInput("answer", value=text, remedy="Write what the agent should know.")
    return text.replace("\r\n", "\n").strip()


def _wrapped(schema: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """A schema whose top is an object, and its blank value."""
    if "properties" in schema:
        return schema, dict.fromkeys(schema["properties"])
    return {"properties": {"answer": schema}, "required": ["answer"]}, {"answer": None}
