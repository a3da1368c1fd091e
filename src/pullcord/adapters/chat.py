"""The common shape of chats, in which transcripts are shown and judged."""

import json
from collections.abc import Mapping
from typing import Any


def chat_call(id: str, tool: str, args: Mapping[str, Any] | str) -> dict[str, Any]:
    """A tool call in the common chat shape."""
    text = args if isinstance(args, str) else json.dumps(args, ensure_ascii=False, default=str)
    return {"id": id, "type": "function", "function": {"name": tool, "arguments": text}}
