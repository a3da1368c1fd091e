"""`POST /mcp`: the agent API as an MCP server over streamable HTTP, without sessions.

Two generations of the protocol are spoken. From 2026-07-28 on every request stands for itself
and carries its version; before that a client begins with `initialize`. Nothing is remembered
between two requests either way, so any server of a cluster may answer. Nothing is ever asked
back through the client (no elicitation, no sampling): whoever sits there is not the owner.
"""

import base64
import binascii
from collections.abc import Mapping
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from msgspec import UnsetType
from starlette.responses import Response

from pullcord.errors import InvalidInput
from pullcord.server.bodies import converted
from pullcord.server.mcp_tools import TOOLS, Said, called
from pullcord.server.route import Route, Visit, answer
from pullcord.server.sessions import check_origin
from pullcord.wire.mcp import RpcErrorOut, RpcIn, RpcOut

#: versions that begin with `initialize`, oldest first, and those that do without
HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
STATELESS_VERSIONS = ("2026-07-28",)

PREFIX = "io.modelcontextprotocol/"
VERSION_META, CAPABILITIES_META = f"{PREFIX}protocolVersion", f"{PREFIX}clientCapabilities"
VERSION_HEADER, METHOD_HEADER, NAME_HEADER = "mcp-protocol-version", "mcp-method", "mcp-name"
#: how a header says that its value is base64 of UTF-8
ENCODED, END = "=?base64?", "?="

METHOD_NOT_FOUND, INVALID_PARAMS = -32601, -32602
HEADER_MISMATCH, UNSUPPORTED_VERSION = -32020, -32022
#: what a refusal is to HTTP
STATUSES: Mapping[int, int] = {
    METHOD_NOT_FOUND: 404,
    INVALID_PARAMS: 400,
    HEADER_MISMATCH: 400,
    UNSUPPORTED_VERSION: 400,
}
#: milliseconds for which a client may keep the list of tools
TTL_MS = 3_600_000

INSTRUCTIONS = (
    "Pullcord asks named people when an agent must not go on alone. Call escalate, tell your user "
    "what it says, then await_decision. No tool here decides anything. Texts are dated records of "
    "what happened at that time; they are no standing permission."
)


class Refused(Exception):
    """A request that cannot be answered, in the words of JSON-RPC."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


async def mcp(visit: Visit) -> Response:
    """One message of an MCP client, answered at once or when its wait is over."""
    check_origin(visit.request)
    message: RpcIn = visit.body
    if isinstance(message.id, UnsetType):
        # nothing a client may tell us changes anything: it hangs up to end a wait
        return Response(status_code=HTTPStatus.ACCEPTED)
    try:
        result = await _result(visit, message)
    except Refused as refused:
        error = RpcErrorOut(code=refused.code, message=str(refused), data=refused.data)
        return answer(RpcOut(id=message.id, error=error), STATUSES[refused.code])
    return answer(RpcOut(id=message.id, result=result))


async def _result(visit: Visit, message: RpcIn) -> dict[str, Any]:
    is_stateless = _is_stateless(visit, message)
    if is_stateless:
        _check_envelope(visit, message)
    match message.method:
        case "initialize" if not is_stateless:
            return _initialized(message.params)
        case "ping" if not is_stateless:
            return {}
        case "server/discover" if is_stateless:
            return _kept(_discovered())
        case "tools/list":
            listed = {"tools": [tool.listed() for tool in TOOLS.values()]}
            return _kept(listed) if is_stateless else listed
        case "tools/call":
            said = await _called(visit, message.params)
            return _complete(said) if is_stateless else said
    raise Refused(METHOD_NOT_FOUND, f"there is no method {message.method!r} here.")


# --- versions -------------------------------------------------------------------------------------
def _meta(message: RpcIn) -> Mapping[str, Any]:
    found = message.params.get("_meta")
    return found if isinstance(found, dict) else {}


def _is_stateless(visit: Visit, message: RpcIn) -> bool:
    if message.method == "initialize":
        return False
    header = visit.request.headers.get(VERSION_HEADER, "")
    return VERSION_META in _meta(message) or header in STATELESS_VERSIONS


def _check_envelope(visit: Visit, message: RpcIn) -> None:
    """A request that stands for itself says its version, and header and body say the same.

    Raises:
        Refused: they do not, or the version is not spoken here.
    """
    meta, headers = _meta(message), visit.request.headers
    missing = [name for name in (VERSION_META, CAPABILITIES_META) if name not in meta]
    if missing:
        raise Refused(INVALID_PARAMS, f"params._meta lacks {', '.join(missing)}.")
    expected = {VERSION_HEADER: meta[VERSION_META], METHOD_HEADER: message.method}
    if message.method == "tools/call":
        expected[NAME_HEADER] = message.params.get("name")
    for name, value in expected.items():
        if decoded(headers.get(name)) != value:
            raise Refused(HEADER_MISMATCH, f"the header {name} does not say what the body says.")
    if meta[VERSION_META] not in STATELESS_VERSIONS:
        data = {"supported": list(STATELESS_VERSIONS), "requested": meta[VERSION_META]}
        raise Refused(UNSUPPORTED_VERSION, "that version of the protocol is not spoken here.", data)


def decoded(value: str | None) -> str | None:
    """A header's value as it was meant; None when it is missing or broken."""
    if value is None or not (value.startswith(ENCODED) and value.endswith(END)):
        return value
    try:
        return base64.b64decode(value[len(ENCODED) : -len(END)], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


# --- answers --------------------------------------------------------------------------------------
def _about() -> dict[str, str]:
    return {"name": "pullcord", "title": "Pullcord", "version": version("pullcord")}


def _initialized(params: Mapping[str, Any]) -> dict[str, Any]:
    asked = params.get("protocolVersion")
    return {
        "protocolVersion": asked if asked in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1],
        "capabilities": {"tools": {}},
        "serverInfo": _about(),
        "instructions": INSTRUCTIONS,
    }


def _discovered() -> dict[str, Any]:
    return {
        "supportedVersions": [*STATELESS_VERSIONS],
        "capabilities": {"tools": {}},
        "instructions": INSTRUCTIONS,
    }


def _complete(result: dict[str, Any]) -> dict[str, Any]:
    return {**result, "resultType": "complete", "_meta": {f"{PREFIX}serverInfo": _about()}}


def _kept(result: dict[str, Any]) -> dict[str, Any]:
    """What a client may keep for a while, for itself."""
    return {**_complete(result), "ttlMs": TTL_MS, "cacheScope": "private"}


async def _called(visit: Visit, params: Mapping[str, Any]) -> dict[str, Any]:
    """What a tool answers; arguments that do not fit are told to the model.

    Raises:
        Refused: there is no such tool.
    """
    tool = TOOLS.get(str(params.get("name")))
    if tool is None:
        raise Refused(INVALID_PARAMS, f"there is no tool {params.get('name')!r} here.")
    try:
        given = converted(params.get("arguments") or {}, tool.takes)
    except InvalidInput as error:
        said = Said(f"{tool.name} was not called: {error}", {"problem": error.problem}, True)
    else:
        said = await called(visit, tool, given)
    return {
        "content": [{"type": "text", "text": said.text}],
        "structuredContent": dict(said.facts),
        "isError": said.is_error,
    }


ROUTES = (
    Route(
        "POST",
        "/mcp",
        mcp,
        "The agent API as an MCP server: ask people, wait, add, report, take back",
        agents=True,
        takes=RpcIn,
        gives=RpcOut,
        statuses=(200, 202),
        empty=(202,),
        refusals=(400, 404),
    ),
)
