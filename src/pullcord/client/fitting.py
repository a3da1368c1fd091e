"""Transcripts as agents have them: made plain, bounded and safe to send, whatever their shape.

Known shapes: chat completions (`tool_calls`), content blocks (`tool_use`), and message objects
that can say themselves as a dict. A transcript is context, never part of an action's identity,
so what does not fit is cut, and lone surrogates and NUL are replaced.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pullcord.wire.limits import MESSAGES_MAX

#: characters of one text, entries of one list, levels, and bytes of the whole transcript
TEXT_MAX = 20_000
ENTRIES_MAX = 100
LEVELS_MAX = 12
BYTES_MAX = 600_000

_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")


def fitted(messages: Sequence[Any]) -> list[dict[str, Any]]:
    """The last messages as plain JSON within the limits."""
    kept: list[dict[str, Any]] = []
    size = 0
    for message in reversed(messages[-MESSAGES_MAX:]):
        plain = plain_message(message)
        size += len(json.dumps(plain, ensure_ascii=False))
        if size > BYTES_MAX and kept:
            break
        kept.append(plain)
    return kept[::-1]


def plain_message(message: Any) -> dict[str, Any]:
    """One message as a plain object."""
    if isinstance(message, Mapping):
        found = _plain(message, 0)
        return found if isinstance(found, dict) else {}
    for verb in ("model_dump", "to_dict", "dict"):
        say = getattr(message, verb, None)
        if callable(say):
            return plain_message(say())
    role = getattr(message, "role", None) or getattr(message, "type", "")
    return {"role": clean(str(role)), "content": clean(str(getattr(message, "content", message)))}


def clean(text: str) -> str:
    """Text that every party can read, cut to its limit."""
    found = _UNSENDABLE.sub("\ufffd", text)
    return found if len(found) <= TEXT_MAX else f"{found[:TEXT_MAX]}… (cut)"


def _plain(value: Any, level: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    if level >= LEVELS_MAX:
        return "…"
    if isinstance(value, Mapping):
        items = list(value.items())[:ENTRIES_MAX]
        return {clean(str(key)): _plain(item, level + 1) for key, item in items}
    if isinstance(value, list | tuple):
        return [_plain(item, level + 1) for item in value[:ENTRIES_MAX]]
    say = getattr(value, "model_dump", None)
    return _plain(say(), level + 1) if callable(say) else clean(str(value))
