"""The briefing as the page lays it out: facts apart from claims, every text made safe to read."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pullcord.briefing import forms
from pullcord.briefing.digest import BYTES_MAX
from pullcord.briefing.plain import marks, safe_line, safe_text
from pullcord.engine.showing import can
from pullcord.path.escalation import AskKind, Escalation
from pullcord.wire.views import DoneOut, FormField, HitOut, MayDo, OptionOut, Said

#: characters of one text on the page; the conversation's were cut when they were kept
TEXT_MAX = 4_000
LINE_MAX = 300
#: hostile marks that are named; beyond it nobody reads them one by one
MARKS_MAX = 20

_RUN_FACTS: Mapping[str, str] = {
    "n_messages": "Messages so far",
    "n_calls": "Calls so far",
    "n_errors": "Failed calls",
    "n_repeats": "Repeated calls",
    "n_writes": "Calls that changed something",
}
#: system facts that count what happened in the run
COUNTERS = frozenset(_RUN_FACTS.values())
#: what is said where an agent cannot take something
CANNOT: Mapping[str, str] = {
    "edit_args": "This agent cannot take changed arguments.",
    "reason_on_reject": "This agent's model will not read why it was refused.",
    "note_on_approve": "This agent's model will not read a note that comes with a yes.",
}
_CLAIMS: Mapping[str, str] = {
    "situation": "Situation",
    "assessment": "Assessment",
    "confidence": "Confidence",
    "recommendation": "Recommendation",
    "counter_argument": "Strongest counter-argument",
}


def args_of(shown: Mapping[str, Any]) -> dict[str, Any]:
    """The proposed arguments."""
    found: dict[str, Any] = shown.get("document", {}).get("args", {})
    return found


def args_text(args: Mapping[str, Any]) -> str:
    """The exact arguments, whole and in a fixed order; hostile characters are made visible."""
    text = json.dumps(args, indent=2, ensure_ascii=False, sort_keys=True)
    return safe_text(text, BYTES_MAX)


def money_of(shown: Mapping[str, Any]) -> str:
    """The amount at stake with its currency; empty when there is none."""
    amount = shown.get("money")
    if amount is None:
        return ""
    currency = str(shown.get("currency") or "")
    return f"{currency} {amount:.2f}" if currency else str(amount)


def form_fields(escalation: Escalation, shown: Mapping[str, Any]) -> list[FormField]:
    """The arguments as typed inputs; values are raw, so that what is unchanged stays the same."""
    is_editable = (
        escalation.ask_kind is AskKind.APPROVE and escalation.is_living and can(shown, "edit_args")
    )
    return [
        FormField(
            path=each.path,
            label=safe_line(each.label, LINE_MAX),
            kind=each.kind,
            value=each.value,
            is_editable=is_editable,
            is_required=each.is_required,
            choices=list(each.choices),
            minimum=each.minimum,
            maximum=each.maximum,
            max_length=each.max_length,
            help=each.help,
        )
        for each in forms.fields(shown.get("tool_schema"), args_of(shown))
    ]


def may_edit(decide: MayDo, escalation: Escalation, shown: Mapping[str, Any]) -> MayDo:
    """Whether the arguments may be changed while deciding, and in words why not."""
    reason = decide.why_not
    if not reason and escalation.ask_kind is not AskKind.APPROVE:
        reason = "Nothing would run, so there are no arguments to change."
    if not reason and not can(shown, "edit_args"):
        reason = CANNOT["edit_args"]
    return MayDo(verb="edit", is_allowed=not reason, why_not=reason)


def limits(shown: Mapping[str, Any]) -> list[str]:
    """What the agent that asks cannot do with a decision, one sentence each."""
    found = [sentence for name, sentence in CANNOT.items() if not can(shown, name)]
    size = _turn(shown)
    if size and not can(shown, "partial_resume"):
        found.append(f"This agent goes on only when all {size} calls of its turn are decided.")
    if "needs_same_process" in (shown.get("capabilities") or ()):
        found.append("This agent waits in its process: when that ends, nothing goes on.")
    return found


def _turn(shown: Mapping[str, Any]) -> int | None:
    size = int(shown.get("turn_size", 0))
    return size if size > 1 else None


def options(shown: Mapping[str, Any]) -> list[OptionOut]:
    """The options of the decision, in the order they were given."""
    return [
        OptionOut(
            id=str(each["id"]),
            label=safe_line(str(each.get("label", "")), LINE_MAX),
            consequence=safe_line(str(each.get("consequence", "")), LINE_MAX),
            is_safe=bool(each.get("is_safe")),
        )
        for each in shown.get("ask", {}).get("options", [])
    ]


def hits(shown: Mapping[str, Any]) -> list[HitOut]:
    """Every rule that fired, with its limit and what was observed."""
    return [
        HitOut(**{name: safe_line(str(value), LINE_MAX) for name, value in each.items()})
        for each in shown.get("hits", [])
    ]


def facts(escalation: Escalation, shown: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What system and policy captured; only what there is."""
    end_user = shown.get("end_user", {})
    scope = shown.get("scope", {})
    tool = f"{escalation.tool} {escalation.tool_version}".strip()
    found: list[tuple[str, Any]] = [
        ("Agent", escalation.agent),
        ("Environment", escalation.environment),
        ("Tool", tool),
        ("Amount", money_of(shown)),
        ("Rule", escalation.rule),
        ("Policy", escalation.policy_version),
        ("End user", end_user.get("name") or escalation.end_user),
        ("End user's address", end_user.get("email")),
        ("End user's tier", end_user.get("tier")),
        ("Run", escalation.run),
        ("Call", escalation.call),
        ("Calls of the same turn", _turn(shown)),
        ("Left out, because it is not JSON", ", ".join(shown.get("excluded", []))),
    ]
    run = scope.get("run", {})
    found += [(label, run.get(name)) for name, label in _RUN_FACTS.items()]
    found += [(f"Signal {name}", value) for name, value in scope.get("signals", {}).items()]
    return [
        (safe_line(label, LINE_MAX), safe_line(str(value), LINE_MAX))
        for label, value in found
        if value not in (None, "")
    ]


def claims(shown: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the agent says, which nobody has checked."""
    said = shown.get("claims", {})
    return [
        (label, safe_text(str(said[name]), TEXT_MAX))
        for name, label in _CLAIMS.items()
        if said.get(name) not in (None, "")
    ]


def unknowns(shown: Mapping[str, Any]) -> list[str]:
    """What the agent says it does not know."""
    said = shown.get("claims", {}).get("unknowns") or []
    return [safe_line(str(each), LINE_MAX) for each in said]


def situation(shown: Mapping[str, Any]) -> tuple[str, str]:
    """(what happened, who says so: agent, end_user or system)."""
    found = shown.get("briefing", {}).get("situation") or {}
    return safe_text(str(found.get("text", "")), TEXT_MAX), str(found.get("source", ""))


def done(shown: Mapping[str, Any]) -> list[DoneOut]:
    """What the agent already did, oldest first."""
    return [
        DoneOut(
            action=safe_line(str(each.get("action", "")), TEXT_MAX),
            result=safe_text(str(each.get("result", "")), TEXT_MAX),
            is_failed=bool(each.get("failed")),
        )
        for each in shown.get("briefing", {}).get("done") or []
    ]


def conversation(shown: Mapping[str, Any], end_user: str) -> list[Said]:
    """The messages that were kept, oldest first; calls stand in the message that proposed them."""
    names = {"user": end_user or "End user", "assistant": "Agent"}
    return [
        Said(
            role=str(each.get("role", "")),
            who=safe_line(str(each.get("name") or names.get(each.get("role", ""), "")), LINE_MAX),
            text=safe_text(_message_text(each), TEXT_MAX),
        )
        for each in shown.get("messages", [])
    ]


def _message_text(message: Mapping[str, Any]) -> str:
    calls = f"→ {message['calls']}" if message.get("calls") else ""
    return "\n".join(part for part in (str(message.get("text", "")), calls) if part)


# --- hidden and misleading characters -----------------------------------------------------------


def hostile_marks(shown: Mapping[str, Any], notes: Mapping[str, str]) -> list[str]:
    """Where texts of agent and end user hold characters that hide or reorder others."""
    found: list[str] = []
    for place, text in [*_texts(shown), *notes.items()]:
        for mark in marks(text):
            found.append(f"{mark.kind} character in {place} at {mark.position}")
            if len(found) == MARKS_MAX:
                return found
    return found


def _texts(shown: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    ask = shown.get("ask", {})
    yield "the question", str(ask.get("question", ""))
    for at, each in enumerate(ask.get("options", []), 1):
        yield f"option {at}", f"{each.get('label', '')} {each.get('consequence', '')}"
    yield "the arguments", json.dumps(args_of(shown), ensure_ascii=False)
    for name, value in shown.get("claims", {}).items():
        yield f"the agent's {name}", json.dumps(value, ensure_ascii=False)
    for name, value in shown.get("end_user", {}).items():
        yield f"the end user's {name}", str(value)
    for each in shown.get("briefing", {}).get("done") or []:
        yield "what was done", f"{each.get('action', '')} {each.get('result', '')}"
    for at, each in enumerate(shown.get("messages", []), 1):
        yield f"message {at}", _message_text(each)
