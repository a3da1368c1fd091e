"""Human-in-the-loop interrupts that LangChain graphs raise by themselves, and their answers.

Three shapes are read: the middleware's batch (answered by position), its single approval, and the
older inbox form. Each asks one or more people's decisions; the answer goes back in the shape the
graph waits for. What a shape cannot say is not offered to people.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pullcord.wire.replies import CollectedOut
from pullcord.wire.requests import Capability

#: actions of one interrupt that are put before people
ACTIONS_MAX = 100
#: levels of an answer's schema that are read
LEVELS_MAX = 8
#: what a graph can take
WORDS = frozenset({"approve", "edit", "reject", "respond"})


@dataclass(frozen=True, slots=True)
class Asked:
    """One action that waits for a decision."""

    tool: str
    args: Mapping[str, Any]
    #: what the graph understands: approve, edit, reject, respond
    allowed: frozenset[str]
    #: the model's id of the tool call, where the interrupt says it
    call: str = ""

    @property
    def is_question(self) -> bool:
        """Whether a person answers in the place of the tool."""
        return "approve" not in self.allowed and "edit" not in self.allowed

    @property
    def capabilities(self) -> tuple[Capability, ...]:
        """What can be done with a decision on it."""
        found: list[Capability] = ["durable"]
        if "edit" in self.allowed:
            found.append("edit_args")
        if self.allowed & {"reject", "respond"}:
            found.append("reason_on_reject")
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Stock:
    """An interrupt: what it asks, and how its decisions become the value it is resumed with."""

    asked: tuple[Asked, ...]
    answer: Callable[[Sequence[Mapping[str, Any]]], Any]


def stock_of(value: Any, schema: Any = None) -> Stock | None:
    """How to read an interrupt; None when it is of another kind.

    `schema` is the JSON Schema of the answer, which says what a single approval allows.
    """
    if isinstance(value, Mapping) and value.get("type") == "tool_approval":
        return _single(value, schema)
    if isinstance(value, Mapping) and isinstance(value.get("action_requests"), list):
        return _batch(value)
    inner = value[0] if isinstance(value, list) and len(value) == 1 else value
    if isinstance(inner, Mapping) and isinstance(inner.get("action_request"), Mapping):
        return _inbox(inner)
    return None


def native(asked: Asked, found: CollectedOut, refused: str) -> dict[str, Any]:
    """One decision in the middleware's own words; `refused` is what a model reads after a no.

    Raises:
        ValueError: the graph has no word for it, so it must not be resumed.
    """
    lets_run = found.kind == "approve" or (
        found.kind == "nobody_decided" and found.applied == "approve"
    )
    if lets_run and "approve" in asked.allowed:
        return {"type": "approve"}
    if found.kind == "edit" and "edit" in asked.allowed:
        return {"type": "edit", "edited_action": {"name": asked.tool, "args": found.args or {}}}
    if found.kind == "answer" and "respond" in asked.allowed:
        return {"type": "respond", "message": str(found.answer)}
    if lets_run or found.kind in ("edit", "answer"):
        raise ValueError(f"the graph cannot take {found.kind!r} for {asked.tool}")
    for word in ("reject", "respond"):
        if word in asked.allowed:
            return {"type": word, "message": refused}
    raise ValueError(f"the graph has no word for a no to {asked.tool}")


def _single(value: Mapping[str, Any], schema: Any) -> Stock:
    # without a schema nothing is taken for granted but that a call may be let run or not
    allowed = frozenset(_types(schema, LEVELS_MAX)) & WORDS or frozenset({"approve", "reject"})
    asked = Asked(value["name"], value["args"], allowed, str(value.get("tool_call_id") or ""))
    return Stock((asked,), lambda decisions: dict(decisions[0]))


def _types(schema: Any, levels: int) -> Iterator[str]:
    """Every constant that a property named `type` may have, anywhere in a schema."""
    if levels == 0 or not isinstance(schema, Mapping | list):
        return
    if isinstance(schema, list):
        for each in schema:
            yield from _types(each, levels - 1)
        return
    properties = schema.get("properties")
    kind = properties.get("type") if isinstance(properties, Mapping) else None
    if isinstance(kind, Mapping) and isinstance(kind.get("const"), str):
        yield kind["const"]
    for each in schema.values():
        yield from _types(each, levels - 1)


def _batch(value: Mapping[str, Any]) -> Stock:
    reviews = {each["action_name"]: each for each in value.get("review_configs", ())}
    asked = tuple(
        Asked(
            each["name"],
            each.get("args") or {},
            frozenset(reviews.get(each["name"], {}).get("allowed_decisions", ("reject",))),
        )
        for each in value["action_requests"][:ACTIONS_MAX]
    )
    return Stock(asked, lambda decisions: {"decisions": [dict(each) for each in decisions]})


_INBOX = {
    "allow_accept": "approve",
    "allow_edit": "edit",
    "allow_respond": "respond",
    "allow_ignore": "reject",
}


def _inbox(value: Mapping[str, Any]) -> Stock:
    action, config = value["action_request"], value.get("config") or {}
    allowed = frozenset(word for flag, word in _INBOX.items() if config.get(flag))
    asked = Asked(action["action"], action.get("args") or {}, allowed)
    return Stock((asked,), lambda decisions: [_inbox_answer(asked, decisions[0])])


def _inbox_answer(asked: Asked, decision: Mapping[str, Any]) -> dict[str, Any]:
    kind = decision["type"]
    if kind == "approve":
        return {"type": "accept", "args": None}
    if kind == "edit":
        return {
            "type": "edit",
            "args": {"action": asked.tool, "args": decision["edited_action"]["args"]},
        }
    # a no with words: an ignored call would be one the model hears nothing of
    if "respond" in asked.allowed:
        return {"type": "response", "args": decision["message"]}
    return {"type": "ignore", "args": None}
