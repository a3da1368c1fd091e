"""The MCP server: an agent asks people with five tools, over HTTP and standard input and output."""

from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx2
import jsonschema
import pytest
from mcp.client import Client

from pullcord import verify
from pullcord.server.mcp import decoded
from tests.mcp.office import GENERATIONS, Office, text
from tests.server.place import Place, place_of

TOOLS = ["add_context", "await_decision", "escalate", "report_execution", "withdraw"]
TRANSFER = {"account": "K-9", "amount": 480.0}
APPROVAL = {
    "question": "Transfer EUR 480 to K-9?",
    "kind": "approve",
    "tool": "transfer",
    "args": TRANSFER,
    "situation": "The customer was billed twice.",
    "run": "conversation-1",
    "end_user": "u_7",
}


def connected(office: Office, way: str, generation: str) -> AbstractAsyncContextManager[Client]:
    """The official client, by either way."""
    return office.over_http(generation) if way == "http" else office.over_stdio(generation)


def facts(result: Any) -> dict[str, Any]:
    """What a tool answered as data."""
    found: dict[str, Any] = result.structured_content
    return found


async def asked(client: Client, **more: Any) -> dict[str, Any]:
    """A new escalation as its agent sees it."""
    result = await client.call_tool("escalate", {**APPROVAL, **more})
    assert not result.is_error, text(result)
    return facts(result)


@pytest.mark.promise("mcp-server")
@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("way", ["http", "stdio"])
async def test_an_agent_asks_waits_acts_and_reports(
    office: Office, way: str, generation: str
) -> None:
    """The whole path by the official client, in both generations of the protocol, by both ways."""
    async with connected(office, way, generation) as client:
        opened = await asked(client)
        waiting = await client.call_tool(
            "await_decision", {"handle": opened["handle"], "wait_s": 0}
        )
        office.does("approve", opened["escalation"], "Only this once.")
        decided = await client.call_tool("await_decision", {"handle": opened["handle"]})
        report = {"handle": opened["handle"], "outcome": "executed", "args": TRANSFER}
        reported = await client.call_tool("report_execution", report)
        version = client.protocol_version

    assert version == ("2025-11-25" if generation == "legacy" else "2026-07-28")
    assert opened["asked"] == ["Maria from Releases"]
    assert "is being asked" in text(waiting)
    assert facts(decided)["args"] == TRANSFER
    assert 'Maria from Releases noted: "Only this once."' in text(decided)
    assert "reported" in text(reported)
    assert office.closed_as(opened["escalation"]) == "executed"


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_no_tool_decides(office: Office, generation: str) -> None:
    """Whoever asks must not be able to answer: five tools, each with a schema a host can read."""
    async with office.over_http(generation) as client:
        listed = (await client.list_tools()).tools

    assert sorted(tool.name for tool in listed) == TOOLS
    for tool in listed:
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        assert tool.input_schema["type"] == "object"
        assert tool.description


async def test_a_decision_carries_a_proof_that_a_tool_service_can_check(office: Office) -> None:
    """The service behind a transfer need not believe the agent."""
    async with office.over_http() as client:
        opened = await asked(client)
        office.does("edit", opened["escalation"], "less", amount=240.0)
        told = await client.call_tool("await_decision", {"handle": opened["handle"]})
        decided = facts(told)
    headers = {"authorization": f"Bearer {office.key}"}
    keys = httpx2.get(f"{office.live.url}/v1/policy", headers=headers).json()["public_keys"]

    import msgspec

    verified = verify(
        msgspec.json.encode(decided["proof"]),
        public_keys=keys,
        tool="transfer",
        args={**TRANSFER, "amount": 240.0},
    )

    assert verified.kind == "edit"
    assert 'exactly these arguments: {"account":"K-9","amount":240.0}' in text(told)
    assert decided["args"] == {**TRANSFER, "amount": 240.0}


async def test_the_same_handle_gets_the_same_decision_and_no_other_does(office: Office) -> None:
    """A lost answer loses nothing, and two holders never both act."""
    async with office.over_http() as client:
        opened = await asked(client, key="once")
        again = await asked(client, key="once")
        office.does("approve", opened["escalation"])
        first, second, other = [
            await client.call_tool("await_decision", {"handle": each["handle"]})
            for each in (opened, opened, again)
        ]

    assert again["escalation"] == opened["escalation"]
    assert facts(first) == facts(second)
    assert other.is_error
    assert "Do not act on it" in text(other)


async def test_a_no_is_told_with_its_reason_and_needs_no_report(office: Office) -> None:
    """A model forgets to report what it did not do; nobody is alarmed by that."""
    async with office.over_http() as client:
        opened = await asked(client)
        office.does("reject", opened["escalation"], "Ask for the invoice first.")
        decided = await client.call_tool("await_decision", {"handle": opened["handle"]})
        later = await client.call_tool("await_decision", {"handle": opened["handle"]})

    assert "Ask for the invoice first." in text(decided)
    assert facts(decided)["args"] is None
    assert office.closed_as(opened["escalation"]) == "not_needed"
    assert "decided against it" in text(later)


async def test_questions_are_answered_and_choices_chosen(office: Office) -> None:
    """Not every stop is about an action."""
    options = [
        {"id": "wait", "label": "Wait until Monday", "is_safe": True},
        {"id": "now", "label": "Now", "consequence": "The shop is down for a minute."},
    ]
    async with office.over_http() as client:
        question = facts(await client.call_tool("escalate", {"question": "Which account?"}))
        choice = {"question": "When?", "kind": "choose", "options": options}
        chosen = facts(await client.call_tool("escalate", choice))
        office.does("answer", question["escalation"], "K-7")
        office.does("choose", chosen["escalation"], "now")
        answered = await client.call_tool("await_decision", {"handle": question["handle"]})
        decided = await client.call_tool("await_decision", {"handle": chosen["handle"]})

    assert facts(answered)["answer"] == "K-7"
    assert 'Maria from Releases answered: "K-7"' in text(answered)
    assert facts(decided)["option"] == "now"


async def test_something_else_than_decided_is_put_to_people(office: Office) -> None:
    """What the agent says it did is compared with what was decided."""
    async with office.over_http() as client:
        opened = await asked(client)
        office.does("approve", opened["escalation"])
        await client.call_tool("await_decision", {"handle": opened["handle"]})
        more = {**TRANSFER, "amount": 9_999.0}
        report = {"handle": opened["handle"], "outcome": "executed", "args": more}
        reported = await client.call_tool("report_execution", report)

    assert "not what was decided" in text(reported)
    assert office.closed_as(opened["escalation"]) == "drifted"


async def test_context_is_added_and_a_question_taken_back(office: Office) -> None:
    """An agent may tell more and may give up; it never changes what is asked."""
    async with office.over_http() as client:
        opened = await asked(client)
        added = await client.call_tool(
            "add_context", {"handle": opened["handle"], "text": "It is urgent."}
        )
        back = await client.call_tool("withdraw", {"handle": opened["handle"], "reason": "solved"})
        late = await client.call_tool("await_decision", {"handle": opened["handle"]})

    assert text(added).startswith("Added. ")
    assert "withdrawn" in text(back)
    assert office.row(opened["escalation"]).status == "withdrawn"
    assert "withdrawn" in text(late)


async def test_a_call_that_a_rule_denies_asks_nobody(office: Office) -> None:
    """The model reads that it is refused and by which rule."""
    async with office.over_http() as client:
        denied = await client.call_tool("escalate", {**APPROVAL, "tool": "git_reset"})

    assert denied.is_error
    assert "refused by policy" in text(denied)
    assert office.rows() == []


@pytest.mark.promise("mcp-same-authority")
async def test_another_agents_handle_opens_nothing(office: Office) -> None:
    """A handle is no secret that opens doors: the key must be the one that asked."""
    stranger = office.with_key(office.folder, agent="other")
    async with office.over_http() as mine, stranger.over_http() as theirs:
        opened = await asked(mine)
        calls: list[tuple[str, dict[str, Any]]] = [
            ("await_decision", {}),
            ("add_context", {"text": "x"}),
            ("report_execution", {"outcome": "executed"}),
            ("withdraw", {}),
        ]
        found = [
            await theirs.call_tool(name, {"handle": opened["handle"], **more})
            for name, more in calls
        ]

    assert all(each.is_error and "there is no escalation" in text(each) for each in found)
    assert office.row(opened["escalation"]).status == "open"


async def test_arguments_that_do_not_fit_are_told_to_the_model(office: Office) -> None:
    """A model that reads what is wrong corrects it; a protocol error it never sees."""
    async with office.over_http() as client:
        unknown = await client.call_tool("escalate", {"question": "x", "approved": True})
        no_handle = await client.call_tool("await_decision", {"handle": "esc_1"})

    assert unknown.is_error
    assert "approved" in text(unknown)
    assert no_handle.is_error
    assert "handle" in text(no_handle)


async def test_the_bridge_tells_that_the_server_is_away(office: Office) -> None:
    """An agent that cannot ask must learn that nobody was asked."""
    away = {"PULLCORD_URL": "http://127.0.0.1:9"}

    async with office.command("mcp", generation="2026-07-28", env=away) as client:
        with pytest.raises(Exception, match="did not answer"):
            await client.call_tool("escalate", APPROVAL)

    assert office.rows() == []


# --- the protocol, without a client that gets it right by itself ----------------------------------
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
HEADERS = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list"}
FUTURE = "2031-01-01"
FUTURE_HEADERS = {**HEADERS, "mcp-protocol-version": FUTURE}
FUTURE_META = {**META, "io.modelcontextprotocol/protocolVersion": FUTURE}


async def posted(place: Place, method: str, *, headers: Any = None, **message: Any) -> Any:
    """One message to `/mcp`."""
    body = {"jsonrpc": "2.0", "method": method, **message}
    return await place.agent().post("/mcp", json=body, headers=headers)


@pytest.mark.parametrize(
    ("headers", "meta", "status", "code"),
    [
        ({}, META, 400, -32020),
        ({**HEADERS, "mcp-method": "tools/call"}, META, 400, -32020),
        (HEADERS, {}, 400, -32602),
        (FUTURE_HEADERS, FUTURE_META, 400, -32022),
        (HEADERS, META, 200, 0),
    ],
)  # fmt: skip
async def test_header_and_body_of_a_stateless_request_say_the_same(
    headers: dict[str, str], meta: dict[str, Any], status: int, code: int
) -> None:
    """Whoever routes by the header and whoever reads the body must see one request."""
    async with place_of() as place:
        reply = await posted(place, "tools/list", id=1, headers=headers, params={"_meta": meta})

    assert reply.status_code == status
    assert reply.json().get("error", {}).get("code", 0) == code


async def test_what_is_no_request_of_ours_is_refused_in_words() -> None:
    """Every client hears what to do, whatever it was written for."""
    async with place_of() as place:
        unknown = await posted(place, "resources/list", id="a")
        no_tool = await posted(place, "tools/call", id=1, params={"name": "decide"})
        notified = await posted(place, "notifications/initialized")
        opened = await posted(place, "initialize", id=1, params={"protocolVersion": "1999-01-01"})
        stream = await place.agent().get("/mcp")
        page = await posted(place, "ping", id=1, headers={"origin": "https://elsewhere.example"})

    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, -32601)
    assert (no_tool.status_code, no_tool.json()["error"]["code"]) == (400, -32602)
    assert (notified.status_code, notified.content) == (202, b"")
    assert opened.json()["result"]["protocolVersion"] == "2025-11-25"
    assert stream.status_code == 405
    assert page.status_code == 403


def test_headers_are_read_as_they_were_meant() -> None:
    """Names that are no ASCII travel in base64; what is broken matches nothing."""
    found = [decoded(each) for each in ("plain", "=?base64?w6k=?=", "=?base64?!?=", None)]

    assert found == ["plain", "é", None, None]
