"""Typed facts about a guarded call and its run, and how they are read from a transcript."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pullcord.trigger.rules import Policy, ToolTerms

#: messages of a transcript that are looked at, and characters of one end user's message
MESSAGES_MAX = 400
CHARACTERS_MAX = 4_000

#: Wishes for a person, in a few languages: a service rule, never a measure of risk.
_WANTS_PERSON = re.compile(
    r"\b(?:speak|talk|chat|connect|transfer|put)\b.{0,30}\b(?:human|person|someone|representative"
    r"|manager|supervisor|agent|operator)\b|\breal (?:human|person)\b"
    r"|\b(?:mensch|mitarbeiter|berater)\w{0,3} (?:sprechen|reden)\b"
    r"|\bparler à (?:un|une) (?:humain|personne|conseiller)\b"
    r"|\bhablar con (?:un|una) (?:humano|persona|agente)\b",
    re.IGNORECASE,
)
#: every ASCII text that the pattern finds holds one of these, which cost less to look for
_NAMES_OF_A_PERSON = (
    "human",
    "person",
    "someone",
    "representative",
    "manager",
    "supervisor",
    "agent",
    "operator",
    "mensch",
    "mitarbeiter",
    "berater",
)

#: what rules read where a call has no end user or no run
_NO_END_USER: Mapping[str, Any] = {
    "id": "",
    "name": "",
    "email": "",
    "locale": "",
    "tier": "",
    "asks_for_person": False,
}
_NO_RUN: Mapping[str, Any] = {
    "id": "",
    "n_messages": 0,
    "n_calls": 0,
    "n_errors": 0,
    "n_repeats": 0,
    "n_writes": 0,
}


@dataclass(frozen=True, slots=True)
class Call:
    """One guarded tool call with everything rules may read."""

    environment: str
    agent: str
    tool: str
    args: Mapping[str, Any]
    end_user: Mapping[str, Any] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)
    signals: Mapping[str, Any] = field(default_factory=dict)


def scope_of(call: Call, policy: Policy) -> dict[str, Any]:
    """The names rules read; what configuration knows of the tool is added here."""
    terms = policy.tools.get(call.tool)
    args = dict(call.args)
    scope: dict[str, Any] = {
        "environment": call.environment,
        "agent": call.agent,
        "tool": call.tool,
        "args": args,
        "end_user": {**_NO_END_USER, **call.end_user},
        "run": {**_NO_RUN, **call.run},
        "signals": dict(call.signals),
        "reversible": terms.reversible if terms else "no",
        "zones": list(terms.zones) if terms else [],
    }
    money = money_of(terms, args)
    if money is not None:
        scope["money"] = money
    return scope


def money_of(terms: ToolTerms | None, args: Mapping[str, Any]) -> float | int | None:
    """The amount at stake, where the tool's configuration names its place."""
    if terms is None or not terms.money:
        return None
    value: Any = {"args": args}
    for name in terms.money.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if type(value) in (int, float) else None


def run_signals(
    messages: Sequence[Mapping[str, Any]], *, run: str = "", writes: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Counts of a transcript in the common chat shape; bounded work, hostile input is counted."""
    calls: list[str] = []
    n_errors = n_writes = 0
    for message in messages[-MESSAGES_MAX:]:
        for name, arguments in calls_in(message):
            calls.append(f"{name}:{_fingerprint(arguments)}")
            n_writes += name in writes
        n_errors += is_failure(message)
    return {
        "id": run,
        "n_messages": len(messages),
        "n_calls": len(calls),
        "n_errors": n_errors,
        "n_repeats": len(calls) - len(set(calls)),
        "n_writes": n_writes,
    }


def _fingerprint(arguments: Any) -> str:
    """The same text for the same arguments; what cannot be written counts as one and the same."""
    try:
        return json.dumps(arguments, sort_keys=True, default=str)
    except (TypeError, ValueError, RecursionError):
        return "?"


def text_of(message: Mapping[str, Any]) -> str:
    """The words of a message, also of one made of parts; cut to 4,000 characters."""
    content = message.get("content")
    if isinstance(content, list):
        parts = [each.get("text") for each in content[:MESSAGES_MAX] if isinstance(each, dict)]
        content = "\n".join(each for each in parts if isinstance(each, str))
    return content[:CHARACTERS_MAX] if isinstance(content, str) else ""


def calls_in(message: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """(tool, arguments) of the calls a message proposes."""
    found: list[tuple[str, Any]] = []
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            found.append((str(function.get("name", "")), arguments_of(function)))
    return found


def arguments_of(function: Mapping[str, Any]) -> Any:
    """The arguments of a call; text that is no JSON stays text."""
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments


def is_failure(message: Mapping[str, Any]) -> bool:
    """Whether a tool's answer says that it failed."""
    if message.get("role") != "tool":
        return False
    starts_badly = text_of(message)[:20].lower().lstrip().startswith("error")
    return message.get("x_error") is True or starts_badly


def asks_for_person(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the end user's last message wishes for a person."""
    for message in reversed(messages[-MESSAGES_MAX:]):
        if message.get("role") == "user":
            return _wants_person(text_of(message))
    return False


def _wants_person(text: str) -> bool:
    if text.isascii():
        lower = text.lower()
        if not any(name in lower for name in _NAMES_OF_A_PERSON):
            return False
    return _WANTS_PERSON.search(text) is not None
