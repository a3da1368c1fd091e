"""What a host gives its hook, read strictly, and the names under which it is remembered."""

import os
from collections.abc import Mapping
from typing import Any

from pullcord.adapters.claude_transcripts import transcript
from pullcord.briefing.canonical import digest, strict_loads
from pullcord.client.fitting import fitted
from pullcord.client.keys import key_of, kind_of
from pullcord.errors import InvalidInput
from pullcord.hook.answers import AFTER, BEFORE

Said = Mapping[str, Any]


def read(given: bytes) -> Said:
    """The call, as every party would read it.

    Raises:
        InvalidInput, NotCanonical: it is no call before or after a tool.
    """
    found = strict_loads(given)
    said: dict[str, Any] = found if isinstance(found, dict) else {}
    event = said.get("hook_event_name", BEFORE)
    if event != BEFORE and event not in AFTER:
        raise InvalidInput("hook_event_name", value=event, limit=", ".join([BEFORE, *AFTER]))
    for name in ("session_id", "tool_name"):
        text = said.get(name)
        if not isinstance(text, str) or not 0 < len(text) <= 200:
            raise InvalidInput(name, value=text, limit="1 to 200 characters")
    if not isinstance(said.setdefault("tool_input", {}), dict):
        raise InvalidInput("tool_input", value=type(said["tool_input"]).__name__, limit="an object")
    return said


def is_after(said: Said) -> bool:
    """Whether the tool has run, or failed."""
    return said.get("hook_event_name", BEFORE) in AFTER


def opening_of(said: Said) -> dict[str, Any]:
    """The call as the server judges it: the fields of an `OpenIn`."""
    tool, args, session = said["tool_name"], said["tool_input"], said["session_id"]
    call = f"{kind_of(tool, args)}-1"
    return {
        "key": key_of(session, call),
        "tool": tool,
        "args": args,
        "run": session,
        "call": call,
        "messages": fitted(messages_of(said)),
        "signals": signals_of(said),
    }


def signals_of(said: Said) -> dict[str, str | int | float | bool]:
    """What rules may ask about besides the call."""
    names = ("cwd", "permission_mode", "agent_type")
    return {name: said[name][:500] for name in names if isinstance(said.get(name), str)}


def messages_of(said: Said) -> list[dict[str, Any]]:
    """The conversation so far, where the host keeps it in a file."""
    return transcript(str(said.get("transcript_path") or ""))


def attempt_of(said: Said) -> str:
    """The name under which one use of a tool takes its decision and reports it."""
    used = said.get("tool_use_id")
    if not isinstance(used, str) or not used:
        return f"hook-{os.urandom(16).hex()}"
    return f"hook-{digest([said['session_id'], used])[:32]}"


def mark_of(attempt: str) -> str:
    """The file which notes that a use of a tool has a decision to report on."""
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")  # noqa: PTH111
    return f"{state}/pullcord/hook/{attempt}"
