"""Transcripts of Claude Code sessions, as rules and people read them.

This module loads next to nothing: a hook that runs before every tool call pays for it each time.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pullcord.adapters.chat import chat_call

#: bytes at the end of a transcript that are read
TRANSCRIPT_BYTES_MAX = 262_144


def transcript(path: str) -> list[dict[str, Any]]:
    """The end of a session's transcript in the common chat shape; empty when there is none yet."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # see above
            size = file.seek(0, 2)
            file.seek(max(0, size - TRANSCRIPT_BYTES_MAX))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    found: list[dict[str, Any]] = []
    for line in lines:
        with suppress(ValueError, TypeError, KeyError, AttributeError):
            found += _plain(json.loads(line)["message"])
    return found


def _plain(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A message of content blocks in the common chat shape."""
    content = message["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    text = "\n".join(each["text"] for each in blocks if each.get("type") == "text")
    calls = [
        chat_call(each["id"], each["name"], each["input"])
        for each in blocks
        if each.get("type") == "tool_use"
    ]
    found: list[dict[str, Any]] = []
    if text or calls:
        plain: dict[str, Any] = {"role": message["role"], "content": text}
        found.append({**plain, "tool_calls": calls} if calls else plain)
    for each in blocks:
        if each.get("type") == "tool_result":
            result = {"role": "tool", "tool_call_id": each["tool_use_id"]}
            said = {"content": str(each.get("content")), "x_error": bool(each.get("is_error"))}
            found.append({**result, **said})
    return found
