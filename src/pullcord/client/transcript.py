"""Which tool calls a transcript proposes, in the shapes agents have it."""

from collections.abc import Mapping, Sequence
from typing import Any

from pullcord.client.fitting import ENTRIES_MAX, plain_message
from pullcord.trigger.signals import arguments_of
from pullcord.wire.limits import MESSAGES_MAX


def proposed_calls(messages: Sequence[Any], tool: str) -> list[tuple[str, Any]]:
    """(id, arguments) of the unanswered calls of a tool in the last assistant message."""
    answered: set[str] = set()
    for message in reversed(messages[-MESSAGES_MAX:]):
        plain = message if isinstance(message, Mapping) else plain_message(message)
        answered.update(_answers(plain))
        found = [each for each in _calls(plain) if each[1] == tool]
        if str(plain.get("role") or plain.get("type")) in ("assistant", "ai"):
            return [(id_, args) for id_, _, args in found if id_ not in answered]
    return []


def calls_of_last_turn(messages: Sequence[Any]) -> int:
    """How many tool calls the last assistant message makes, answered or not."""
    for message in reversed(messages[-MESSAGES_MAX:]):
        plain = message if isinstance(message, Mapping) else plain_message(message)
        if str(plain.get("role") or plain.get("type")) in ("assistant", "ai"):
            return len(_calls(plain))
    return 0


def _calls(message: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """(id, tool, arguments) of the calls a message proposes."""
    found: list[tuple[str, str, Any]] = []
    for call in _entries(message.get("tool_calls")):
        function = call.get("function")
        source = function if isinstance(function, Mapping) else call
        arguments = source["args"] if "args" in source else arguments_of(source)
        found.append((str(call.get("id") or ""), str(source.get("name") or ""), arguments))
    for block in _entries(message.get("content")):
        if block.get("type") == "tool_use":
            name = str(block.get("name") or "")
            found.append((str(block.get("id") or ""), name, block.get("input")))
    return [each for each in found if each[0]]


def _answers(message: Mapping[str, Any]) -> set[str]:
    """Ids of the calls a message answers."""
    found = {str(message["tool_call_id"])} if message.get("tool_call_id") else set()
    for block in _entries(message.get("content")):
        if block.get("type") == "tool_result":
            found.add(str(block.get("tool_use_id") or ""))
    return found


def _entries(value: Any) -> list[Mapping[str, Any]]:
    if not isinstance(value, list | tuple):
        return []
    return [each for each in value[:ENTRIES_MAX] if isinstance(each, Mapping)]
