"""What servers over HTTP get wrong: every request is answered all the same, in words."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from pullcord.gateway import remote
from pullcord.gateway.remote import Remote, encoded

URL = "http://shop.example/mcp"
CALL = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "spénd"}}
HELLO = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}
READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}

Handler = Callable[[httpx2.Request], httpx2.Response]


def over(handler: Handler) -> Remote:
    """A server that answers so."""
    return Remote(URL, {"x-own": "yes"}, transport=httpx2.MockTransport(handler))


async def said(server: Remote) -> dict[str, Any]:
    """The next thing it says."""
    async with asyncio.timeout(10):
        async for message in server.messages():
            return message
    raise AssertionError("it said nothing")


def events(*messages: Any) -> httpx2.Response:
    """A stream of events."""
    text = "".join(f"data: {json.dumps(each)}\n\n" for each in messages)
    return httpx2.Response(200, text=text, headers={"content-type": "text/event-stream"})


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (httpx2.Response(307, headers={"location": "http://elsewhere.example"}), "HTTP 307"),
        (httpx2.Response(502, text="<h1>Bad gateway</h1>"), "HTTP 502"),
        (httpx2.Response(200, text="hello"), "HTTP 200 without an answer"),
        (httpx2.Response(200, json=[1]), "HTTP 200 without an answer"),
        (httpx2.Response(202), "HTTP 202 without an answer"),
        (httpx2.Response(200, content=b"x" * (9 * 1_048_576)), "an answer of more than"),
        (events({"method": "notifications/message"}), "stream ended without an answer"),
        (events("text", {"jsonrpc": "2.0", "id": 8, "result": {}}), "ended without an answer"),
    ],
    ids=["elsewhere", "page", "text", "list", "taken", "big", "stream", "another"],
)
async def test_what_is_no_answer_is_told(reply: httpx2.Response, why: str) -> None:
    """A host must never wait for ever, and must never take noise for a result."""
    server = over(lambda _: reply)

    await server.send(CALL)
    messages = [await said(server)]
    while "error" not in messages[-1]:
        messages.append(await said(server))
    await server.close()

    assert messages[-1]["id"] == 7
    assert why in messages[-1]["error"]["message"]


async def test_a_line_that_breaks_is_told() -> None:
    """The cable, not the server."""

    def broken(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no route")

    server = over(broken)
    await server.send(CALL)
    told = await said(server)
    await server.send({"jsonrpc": "2.0", "method": "notifications/progress"})
    await server.close()

    assert "no route" in told["error"]["message"]


async def test_an_error_of_the_server_is_its_answer_under_the_asked_id() -> None:
    """Servers refuse with a code and JSON; its id is the one that was asked under."""
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no session"}}
    server = over(lambda _: httpx2.Response(400, json=error))

    await server.send(CALL)
    told = await said(server)
    await server.close()

    assert (told["id"], told["error"]["message"]) == (7, "no session")


async def test_a_session_is_kept_listened_to_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The older generation: an id from `initialize` on, a stream of its own, and a goodbye."""
    monkeypatch.setattr(remote, "REOPEN_AFTER", 0.0)
    seen: list[tuple[str, str, str, str]] = []

    def served(request: httpx2.Request) -> httpx2.Response:
        get = request.headers.get
        seen.append(
            (
                request.method,
                get("mcp-session-id", ""),
                get("mcp-protocol-version", ""),
                get("last-event-id", ""),
            )
        )
        if request.method == "POST" and b"initialize" in request.content[:60]:
            result = {"protocolVersion": "2025-11-25"}
            answer = {"jsonrpc": "2.0", "id": 1, "result": result}
            return httpx2.Response(200, json=answer, headers={"mcp-session-id": "s-1"})
        if request.method == "GET":
            told = 'id: e-1\ndata: {"jsonrpc":"2.0","method":"notifications/x"}\n\ndata:\n\n'
            return httpx2.Response(200, text=told, headers={"content-type": "text/event-stream"})
        return httpx2.Response(202)

    server = over(served)
    await server.send(HELLO)
    await said(server)
    await server.send(READY)
    heard = [await said(server), await said(server)]
    await server.close()

    assert [each["method"] for each in heard] == ["notifications/x"] * 2
    assert seen[0] == ("POST", "", "", "")
    assert seen[1] == ("POST", "s-1", "2025-11-25", "")
    assert seen[2] == ("GET", "s-1", "2025-11-25", "")
    assert ("GET", "s-1", "2025-11-25", "e-1") in seen
    assert seen[-1][0] == "DELETE"


@pytest.mark.parametrize("status", [404, 405])
async def test_a_server_without_a_stream_of_its_own_is_not_asked_again(status: int) -> None:
    """Most servers speak only when they are spoken to."""
    asked: list[str] = []
    was_asked = asyncio.Event()

    def served(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.method)
        if request.method == "POST":
            return httpx2.Response(202)
        was_asked.set()
        return httpx2.Response(status)

    server = over(served)
    await server.send(READY)
    async with asyncio.timeout(10):
        await was_asked.wait()
    await server.close()

    assert asked == ["POST", "GET"]


async def test_a_stateless_request_says_outside_what_it_says_inside() -> None:
    """Whoever routes by the header and whoever reads the body must see one request."""
    seen: list[httpx2.Headers] = []

    def served(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers)
        return httpx2.Response(200, json={"jsonrpc": "2.0", "id": 7, "result": {}})

    server = over(served)
    await server.send({**CALL, "params": {"name": "spénd", "_meta": META}})
    await said(server)
    await server.close()

    assert seen[0]["mcp-method"] == "tools/call"
    assert seen[0]["mcp-name"] == "=?base64?c3DDqW5k?="
    assert seen[0]["mcp-protocol-version"] == "2026-07-28"
    assert seen[0]["x-own"] == "yes"


async def test_a_stateless_request_is_given_up_by_hanging_up() -> None:
    """There is no session in which to cancel it."""
    begun, hung_up = asyncio.Event(), asyncio.Event()

    async def served(_: httpx2.Request) -> httpx2.Response:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            hung_up.set()
        raise AssertionError("nobody ever sets it")

    server = Remote(URL, {}, transport=httpx2.MockTransport(served))
    await server.send(CALL)
    await begun.wait()
    cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
    await server.send(cancelled)
    async with asyncio.timeout(10):
        await hung_up.wait()
    await server.close()

    assert hung_up.is_set()


def test_names_travel_in_headers_as_they_are_or_in_base64() -> None:
    """What looks like base64 and is not would be read as something else."""
    assert [encoded(each) for each in ("a b", " a", "é", "=?base64?YQ==?=", "")] == [
        "a b",
        "=?base64?IGE=?=",
        "=?base64?w6k=?=",
        "=?base64?PT9iYXNlNjQ/WVE9PT89?=",
        "=?base64??=",
    ]
