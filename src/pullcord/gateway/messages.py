"""JSON-RPC messages of MCP as the gateway reads and writes them.

What goes to a server is read strictly and written anew, so that no two parties read one message
differently: a key that stands twice could be one call to the gateway and another to the server.
"""

import json
from typing import Any

Message = dict[str, Any]

#: bytes of one message
MESSAGE_BYTES_MAX = 8 * 1_048_576

INVALID_REQUEST, INTERNAL_ERROR, GONE = -32600, -32603, -32000
VERSION_META = "io.modelcontextprotocol/protocolVersion"
#: versions in which every request stands for itself
STATELESS_VERSIONS = frozenset({"2026-07-28"})


class NotRpc(ValueError):
    """What came is no message; says why."""


def strict(line: bytes) -> Message:
    """A message of a host, as every party would read it.

    Raises:
        NotRpc: it is none, or a batch, or could be read in two ways.
    """
    try:
        found = json.loads(line, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise NotRpc(f"not read: {error}") from None
    if not isinstance(found, dict):
        raise NotRpc("one JSON object a message; batches are not taken")
    return found


def lenient(line: bytes | str) -> Message | None:
    """A message of a server; None when it is none."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        again = next(name for at, name in enumerate(names) if name in names[:at])
        raise ValueError(f"the key {again!r} stands twice in one object")
    return found


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def written(message: Message) -> bytes:
    """A message as one line."""
    return (
        json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        + b"\n"
    )


def named(id: Any) -> str:
    """An id as a key: 1 and "1" are two ids."""
    return json.dumps(id)


def is_request(message: Message) -> bool:
    """Whether somebody waits for an answer to it."""
    return "method" in message and message.get("id") is not None


def is_answer(message: Message) -> bool:
    """Whether it answers a request."""
    return "method" not in message and "id" in message


def params_of(message: Message) -> dict[str, Any]:
    """The parameters; empty when there are none."""
    found = message.get("params")
    return found if isinstance(found, dict) else {}


def meta_of(message: Message) -> dict[str, Any]:
    """What stands beside the parameters: version, progress token."""
    found = params_of(message).get("_meta")
    return found if isinstance(found, dict) else {}


def is_stateless(message: Message) -> bool:
    """Whether a request carries its own version."""
    return VERSION_META in meta_of(message)


def failed(id: Any, code: int, why: str) -> Message:
    """An answer that a request could not be answered."""
    return {"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": why}}


def told(request: Message, text: str) -> Message:
    """A tool call that was not carried out, in words that its model reads."""
    result: dict[str, Any] = {"content": [{"type": "text", "text": text}], "isError": True}
    if is_stateless(request):
        result["resultType"] = "complete"
    return {"jsonrpc": "2.0", "id": request.get("id"), "result": result}


def asks_for_more(answer: Message) -> bool:
    """Whether the server wants something of the host before it goes on with a call."""
    result = answer.get("result")
    return isinstance(result, dict) and result.get("resultType") == "input_required"


def with_text(answer: Message, text: str) -> Message:
    """A tool's answer with words before its own content; one that is not over has no content."""
    result = answer.get("result")
    if not text or not isinstance(result, dict) or asks_for_more(answer):
        return answer
    content = result.get("content")
    own = content if isinstance(content, list) else []
    return {**answer, "result": {**result, "content": [{"type": "text", "text": text}, *own]}}


def text_of(answer: Message) -> str:
    """What a tool answered, as text for the record."""
    if "error" in answer:
        return json.dumps(answer["error"])
    if asks_for_more(answer):
        return "The server asked the host for more before it went on."
    result = answer.get("result")
    content = result.get("content") if isinstance(result, dict) else None
    parts = [
        str(each["text"])
        for each in content or []
        if isinstance(each, dict) and each.get("type") == "text" and "text" in each
    ]
    return "\n".join(parts)


def is_failure(answer: Message) -> bool:
    """Whether the tool or the server says that it did not work."""
    result = answer.get("result")
    return "error" in answer or not isinstance(result, dict) or bool(result.get("isError"))
