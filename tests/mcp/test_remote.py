"""The gateway before a server over HTTP, made with the official SDK, in both generations."""

import threading
from collections.abc import Iterator
from typing import Any

import mcp_types
import pytest

from tests.mcp.office import GENERATIONS, Office, text
from tests.mcp.shop import Shop, open_shop
from tests.mcp.wire import HELLO, said, wired


@pytest.fixture(params=[False, True], ids=["stream", "json"])
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    """Servers answer with a stream of events or with JSON, as they like."""
    with open_shop(is_json=request.param) as found:
        yield found


@pytest.fixture
def streaming() -> Iterator[Shop]:
    """A shop that answers with streams."""
    with open_shop() as found:
        yield found


@pytest.mark.promise("mcp-gateway")
@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_stopped_call_runs_once_a_person_lets_it(
    office: Office, shop: Shop, generation: str
) -> None:
    """A server somewhere else is guarded like one on this machine."""
    async with office.gateway("--url", shop.url, generation=generation) as client:
        small = await client.call_tool("spend", {"amount": 5.0})
        parked = await client.call_tool("spend", {"amount": 500.0})
        before = list(shop.spent)
        office.does("edit", office.newest(), amount=240.0)
        done = await client.call_tool("spend", {"amount": 500.0})

    assert text(small) == "spent 5.0"
    assert "spend has NOT run" in text(parked)
    assert before == [5.0]
    assert text(done).endswith("spent 240.0")
    assert "changed this call before it ran" in text(done)
    assert shop.spent == [5.0, 240.0]
    assert office.closed_as(office.newest()) == "executed"


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_server_may_ask_its_user_within_a_call_that_people_let_run(
    office: Office, streaming: Shop, generation: str
) -> None:
    """One call is one question to people, however many rounds its server needs."""

    async def answers(_: Any, asked: Any) -> mcp_types.ElicitResult:
        assert asked.message == "Which size?"
        return mcp_types.ElicitResult(action="accept", content={"size": "XL"})

    gateway = office.gateway(
        "--url", streaming.url, generation=generation, elicitation_callback=answers
    )
    async with gateway as client:
        parked = await client.call_tool("order", {"amount": 500.0})
        office.does("edit", office.newest(), amount=240.0)
        done = await client.call_tool("order", {"amount": 500.0})

    assert "order has NOT run" in text(parked)
    assert text(done).endswith("ordered 240.0 in XL")
    assert "changed this call before it ran" in text(done)
    assert streaming.orders == [(240.0, "XL")]
    assert len(office.rows()) == 1
    assert office.closed_as(office.newest()) == "executed"


async def test_headers_are_sent_and_the_key_is_not(office: Office, streaming: Shop) -> None:
    """A server behind the gateway has its own sign-in and none of ours."""
    words = ("--url", streaming.url, "--header", "X-Shop-Token: let me in")
    async with office.gateway(*words) as client:
        await client.call_tool("spend", {"amount": 5.0})

    (headers,) = streaming.headers
    assert headers["x-shop-token"] == "let me in"
    assert office.key not in str(headers)


@pytest.mark.promise("mcp-gateway-never-open")
def test_a_server_that_is_away_is_told(office: Office) -> None:
    """Whoever calls learns that nothing answered, and the gateway goes on."""
    with wired(office, "--url", "http://127.0.0.1:9/mcp", server=False) as wire:
        wire.say(HELLO)
        first = said(wire.answer("hello"))
        wire.spend(1, 5.0)
        second = said(wire.answer(1))

    assert "did not answer" in first
    assert "not run" in second


@pytest.mark.promise("mcp-gateway-never-open")
def test_a_network_that_dies_in_a_call_is_told_and_reported(
    office: Office, streaming: Shop
) -> None:
    """The effect is unknown: nobody repeats it, and people are told that it failed."""
    streaming.holds = threading.Event()
    with wired(office, "--url", streaming.url, server=False) as wire:
        wire.say(HELLO)
        wire.answer("hello")
        wire.say({"jsonrpc": "2.0", "method": "notifications/initialized"})
        call = {"name": "spend", "arguments": {"amount": 500.0}}
        wire.ask(1, "tools/call", **call)
        office.does("approve", office.newest())
        token = {"_meta": {"progressToken": "p"}}
        wire.say({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {**call, **token}})
        wire.until(lambda message: message.get("method") == "notifications/progress")
        assert streaming.server is not None
        streaming.server.force_exit = streaming.server.should_exit = True
        told = said(wire.answer(2))
        streaming.holds.set()

    assert "the server" in told
    assert streaming.spent == [500.0]
    assert office.closed_as(office.newest()) == "failed"
