"""The briefing: twelve fields in reading order, each saying whether system, agent or policy spoke.

Kept as plain JSON of one fixed shape: `FIELDS` names the fields and their weights. Facts are what
system and policy captured; claims are what the agent said, and pages show the two apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pullcord.briefing.redaction import is_clean, redact_value

#: field to weight; they sum to 100 and are to be recalibrated from what deciders found missing
FIELDS: Mapping[str, int] = {
    "severity": 10,
    "ask": 12,
    "situation": 8,
    "trigger": 8,
    "background": 8,
    "assessment": 8,
    "options": 12,
    "recommendation": 6,
    "done": 10,
    "deadline": 10,
    "contingency": 4,
    "user_state": 4,
}
#: messages of a transcript that are kept, characters of each, things already done that are listed
MESSAGES_MAX = 60
TEXT_MAX = 4_000
DONE_MAX = 60
#: characters of a tool's answer in that list; longest secret looked for across a cut
RESULT_MAX = 600
SECRET_MAX = 8_000


@dataclass(frozen=True, slots=True)
class Completeness:
    """How complete a briefing is: filled fields of 12, and a score of 100."""

    filled: int
    score: int
    missing: tuple[str, ...]


def assemble(
    *,
    severity: Mapping[str, Any],
    ask: Mapping[str, Any],
    hits: Sequence[Mapping[str, Any]],
    messages: Sequence[Mapping[str, Any]],
    end_user: Mapping[str, Any],
    run: str,
    claims: Mapping[str, Any],
    options: Sequence[Mapping[str, Any]],
    deadline: Mapping[str, Any],
) -> dict[str, Any]:
    """Build the twelve fields from what SDK and server hold; secrets are replaced on the way."""
    recommendation = claims.get("recommendation") or ""
    fields: dict[str, Any] = {
        "severity": {"source": "policy", **severity},
        "ask": {"source": "policy", **ask},
        "situation": _situation(claims, messages),
        "trigger": {"source": "system", "hits": [dict(each) for each in hits]},
        "background": {"source": "system", "run": run, "end_user": dict(end_user)},
        "assessment": _assessment(claims),
        "options": [dict(each) for each in options],
        "recommendation": {
            "source": "agent",
            "text": recommendation,
            "counter_argument": claims.get("counter_argument") or "",
        }
        if recommendation
        else None,
        "done": done_in(messages),
        "deadline": {"source": "policy", **deadline},
        "contingency": None,
        "user_state": {"source": "system", "waits": True} if end_user else None,
    }
    cleaned: dict[str, Any] = redact_value(fields)
    return cleaned


def _situation(
    claims: Mapping[str, Any], messages: Sequence[Mapping[str, Any]]
) -> dict[str, Any] | None:
    """What the agent says happened, else the end user's own last words."""
    if claims.get("situation"):
        return {"source": "agent", "text": claims["situation"]}
    for message in reversed(messages):
        said = _said(message).strip() if message.get("role") == "user" else ""
        if said:
            return {"source": "end_user", "text": said}
    return None


def _said(message: Mapping[str, Any]) -> str:
    """The words of a message, also of one made of parts; cleaned and cut."""
    content = message.get("content")
    if isinstance(content, list):
        parts = [each.get("text") for each in content if isinstance(each, dict)]
        content = "\n".join(each for each in parts if isinstance(each, str))
    return _clean("" if content is None else str(content), TEXT_MAX)


def _clean(text: str, limit: int) -> str:
    """Redacted first and cut then, so that no cut secret escapes redaction."""
    cleaned: str = redact_value(text[: limit + SECRET_MAX])
    return cleaned[:limit]


def _assessment(claims: Mapping[str, Any]) -> dict[str, Any] | None:
    given = {name: claims.get(name) for name in ("assessment", "confidence", "unknowns")}
    if not any(value not in (None, "", []) for value in given.values()):
        return None
    return {
        "source": "agent",
        "text": given["assessment"] or "",
        "confidence": given["confidence"],
        "unknowns": given["unknowns"] or [],
    }


def kept_messages(messages: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """The last messages, cut and cleaned, and how many earlier ones were left out."""
    last = messages[-MESSAGES_MAX:]
    contents = [each.get("content") for each in last]
    # almost every transcript is clean, and one look at the whole tells it
    are_clean = is_clean(each[: TEXT_MAX + SECRET_MAX] for each in contents if type(each) is str)
    kept = [
        _message(each, content[:TEXT_MAX] if are_clean and type(content) is str else _said(each))
        for each, content in zip(last, contents, strict=True)
    ]
    return kept, len(messages) - len(kept)


def _message(message: Mapping[str, Any], text: str) -> dict[str, Any]:
    found = {"role": str(message.get("role", ""))[:100], "text": text}
    calls = message.get("tool_calls")
    if isinstance(calls, list) and calls:
        found["calls"] = ", ".join(_called(each) for each in calls[:10])
    if message.get("name"):
        found["name"] = _clean(str(message["name"]), 100)
    return found


def _called(call: Any) -> str:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return "?"
    name = _clean(str(function.get("name")), 100)
    return f"{name}({_clean(str(function.get('arguments')), 500)})"


def done_in(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the agent already did, from the calls of the transcript and their answers."""
    answers = {
        str(each["tool_call_id"]): each
        for each in messages
        if each.get("role") == "tool" and each.get("tool_call_id") is not None
    }
    answered: list[tuple[Any, Mapping[str, Any]]] = []
    for message in messages:
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else []:
            answer = answers.get(str(call.get("id"))) if isinstance(call, dict) else None
            if answer is not None:
                answered.append((call, answer))
    return [_done(call, answer) for call, answer in answered[-DONE_MAX:]]


def _done(call: Any, answer: Mapping[str, Any]) -> dict[str, Any]:
    result = _said(answer)
    failed = answer.get("x_error") is True or result[:20].lower().lstrip().startswith("error")
    return {"action": _called(call), "result": result[:RESULT_MAX], "failed": failed}


def completeness(briefing: Mapping[str, Any]) -> Completeness:
    """Which fields are filled; a list or record counts when it says anything."""
    missing = [name for name in FIELDS if not _is_filled(briefing.get(name))]
    score = sum(weight for name, weight in FIELDS.items() if name not in missing)
    return Completeness(len(FIELDS) - len(missing), score, tuple(missing))


def _is_filled(value: Any) -> bool:
    if isinstance(value, dict):
        rest = {name: item for name, item in value.items() if name != "source"}
        return any(item not in (None, "", [], {}) for item in rest.values())
    return bool(value)
