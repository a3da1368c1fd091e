"""The gateway between two parties whose every word a test chooses: what dies, crosses, is late."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from pullcord import AsyncPullcord
from pullcord.gateway import gateway as module
from pullcord.gateway import repeats
from pullcord.gateway.gateway import Gateway
from pullcord.gateway.lines import ServerGone
from tests.mcp.office import Office
from tests.mcp.wire import said

pytestmark = pytest.mark.promise("mcp-gateway-never-open")

Message = dict[str, Any]
NOON = datetime(2027, 1, 5, 12, tzinfo=UTC)
TOOL = {"name": "spend", "description": "Spends.", "inputSchema": {"type": "object"}}


@dataclass(slots=True)
class Between:
    """A gateway, what its host has heard, and a server that answers as it is told to."""

    heard: list[Message] = field(default_factory=list)
    #: tool calls that reached the server
    called: list[Message] = field(default_factory=list)
    #: what the server makes of a request; None is silence
    answers: Callable[[Message], Any] = lambda message: {"content": []}
    is_gone: bool = False
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    gateway: Gateway = field(init=False)

    async def to_host(self, message: Message) -> None:
        """The host hears it."""
        self.heard.append(message)

    async def to_server(self, message: Message) -> None:
        """The server gets it, and answers at once or not at all."""
        if self.is_gone:
            raise ServerGone("it hung up")
        if message.get("method") == "tools/call":
            self.called.append(message)
            self.begun.set()
        listed = message.get("method") == "tools/list"
        found = self.answers(message)
        if listed and found == {"content": []}:
            found = {"tools": [TOOL, "no tool", {"name": 7}]}
        if "id" in message and found is not None:
            key = "error" if isinstance(found, str) else "result"
            said_back = {"jsonrpc": "2.0", "id": message["id"], key: found}
            await self.gateway.from_server(said_back)

    async def say(self, id: Any, method: str, **params: Any) -> None:
        """One request of the host."""
        said_now = {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
        await self.gateway.from_host(json.dumps(said_now).encode())

    async def spend(self, id: Any, amount: float = 5.0) -> None:
        """A call of the tool."""
        await self.say(id, "tools/call", name="spend", arguments={"amount": amount})

    def answer(self, id: Any) -> Message:
        """What the host was answered."""
        (found,) = [each for each in self.heard if each.get("id") == id]
        return found

    async def told(self, id: Any) -> str:
        """The words of an answer, once nothing is under way."""
        await self.gateway.idle()
        return said(self.answer(id))


@asynccontextmanager
async def between(office: Office, **terms: Any) -> AsyncIterator[Between]:
    """A gateway in this process, with a client of its own."""
    async with AsyncPullcord(office.live.url, office.key, patience="1s") as cord:
        found = Between(**terms)
        found.gateway = Gateway(
            cord,
            session="s",
            wait=0.0,
            to_host=found.to_host,
            to_server=found.to_server,
            now=lambda: NOON,
        )
        async with asyncio.timeout(30):
            yield found
            await found.gateway.close()


async def test_two_requests_with_one_id_are_not_confused(office: Office) -> None:
    """The answer to one would be taken for the answer to the other."""
    async with between(office, answers=lambda message: None) as found:
        await found.say(1, "ping")
        await found.say(1, "ping")
        await found.spend(1)

    assert [each["error"]["code"] for each in found.heard] == [-32600, -32600]
    assert found.called == []


async def test_there_is_a_most_of_everything(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that never stops asking must not fill the memory."""
    monkeypatch.setattr(module, "CALLS_MAX", 0)
    monkeypatch.setattr(module, "OPEN_MAX", 0)
    async with between(office) as found:
        await found.spend(1)
        await found.say(2, "ping")
        told = await found.told(1)

    assert "Not called" in told
    assert found.answer(2)["error"]["code"] == -32600
    assert found.called == []


async def test_a_server_that_hung_up_is_told_to_whoever_asks(office: Office) -> None:
    """A host that waits for ever looks as if the tool hung."""
    async with between(office) as found:
        found.is_gone = True
        await found.say(1, "ping")
        await found.spend(2)
        told = await found.told(2)
        await found.say(3, "notifications/initialized")

    assert "the server is gone" in said(found.answer(1))
    assert "the server is gone" in told


async def test_whoever_waits_for_a_server_that_ends_is_told(office: Office) -> None:
    """Both what the server answers by itself and what people let run."""

    def answers(message: Message) -> Any:
        return {"content": []} if message.get("method") == "tools/list" else None

    async with between(office, answers=answers) as found:
        await found.say(1, "ping")
        await found.spend(2)
        await found.begun.wait()
        await found.gateway.server_gone("it ended")
        told = await found.told(2)
        await found.say(3, "ping")
        await found.spend(4)
        after = await found.told(4)

    assert "it ended" in said(found.answer(1))
    assert "it ended" in told
    assert "it ended" in said(found.answer(3))
    assert "it ended" in after
    assert len(found.called) == 1


async def test_what_nobody_asked_is_not_passed_on(office: Office) -> None:
    """A server could answer a call that was stopped: the host would take it for its result."""
    async with between(office) as found:
        await found.gateway.from_server({"jsonrpc": "2.0", "id": 9, "result": {"content": []}})

    assert found.heard == []


async def test_a_server_that_refuses_to_list_its_tools_has_none_called(office: Office) -> None:
    """What a tool is must be known before anybody can say that it is the same."""

    def answers(message: Message) -> Any:
        return "no lists" if message.get("method") == "tools/list" else {"content": []}

    async with between(office, answers=answers) as found:
        await found.spend(1)
        told = await found.told(1)

    assert "does not tell what its tools are" in told
    assert found.called == []


async def test_a_server_that_is_silent_about_its_tools_has_none_called(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither for ever, nor as a yes."""
    monkeypatch.setattr(module, "LIST_WITHIN", 0.01)
    async with between(office, answers=lambda message: None) as found:
        await found.spend(1)
        told = await found.told(1)

    assert "no answer in time" in told
    assert found.called == []


async def test_lists_of_tools_have_a_most_of_pages(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that always has one more page must not hold a call for ever."""
    monkeypatch.setattr(module, "PAGES_MAX", 3)
    pages: list[Message] = []

    def answers(message: Message) -> Any:
        if message.get("method") != "tools/list":
            return {"content": [{"type": "text", "text": "spent"}]}
        pages.append(message)
        return {"tools": [TOOL], "nextCursor": "more"}

    async with between(office, answers=answers) as found:
        await found.spend(1)
        told = await found.told(1)

    assert told == "spent"
    assert len(pages) == 3
    assert pages[1]["params"]["cursor"] == "more"


async def test_a_fault_of_the_gateway_is_no_yes(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is wrong in our own code, the tool is not called."""

    def broken(*_: Any) -> str:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(module, "kind_of", broken)
    async with between(office) as found:
        await found.spend(1)
        told = await found.told(1)

    assert "the gateway failed (a bug)" in told
    assert found.called == []


async def test_a_call_that_is_given_up_before_it_began_never_begins(office: Office) -> None:
    """The host has forgotten it: nobody would read its result."""
    async with between(office) as found:
        await found.spend(1)
        cancelled = {"method": "notifications/cancelled", "params": {"requestId": 1}}
        await found.gateway.from_host(json.dumps({"jsonrpc": "2.0", **cancelled}).encode())
        await found.gateway.idle()

    assert found.called == []


async def test_a_call_that_is_given_up_while_it_runs_is_waited_for_a_moment(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it did is unknown then, and nobody says that it did nothing."""
    monkeypatch.setattr(module, "GRACE", 0.01)

    def answers(message: Message) -> Any:
        return {"content": []} if message.get("method") == "tools/list" else None

    async with between(office, answers=answers) as found:
        await found.spend(1)
        await found.begun.wait()
        cancelled = {"method": "notifications/cancelled", "params": {"requestId": 1}}
        await found.gateway.from_host(json.dumps({"jsonrpc": "2.0", **cancelled}).encode())
        told = await found.told(1)

    assert "did not say how it ended" in told


async def test_the_same_call_is_put_to_people_so_often_and_no_more(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model in a loop must not wear people down until somebody says yes without reading."""
    monkeypatch.setattr(repeats, "REPEATS_MAX", 2)
    async with between(office) as found:
        for number in range(2):
            await found.spend(f"asks-{number}", 500.0)
            await found.gateway.idle()
            office.does("approve", office.newest())
            await found.spend(f"runs-{number}", 500.0)
            await found.gateway.idle()
        await found.spend("last", 500.0)
        told = await found.told("last")

    assert "2 times in this session" in told
    assert len(found.called) == 2
    assert len(office.rows()) == 2


async def test_numbers_that_were_shown_as_text_are_never_changed(office: Office) -> None:
    """People decided on text; which number they meant nobody can say."""
    large = 2**60
    async with between(office) as found:
        await found.spend(1, large)
        await found.gateway.idle()
        office.does("approve", office.newest())
        await found.spend(2, large)
        await found.gateway.idle()

    (call,) = found.called
    assert call["params"]["arguments"] == {"amount": large}


async def test_a_server_that_answers_with_no_result_has_failed(office: Office) -> None:
    """It is reported as failed, and told as the server said it."""
    async with between(office) as found:
        await found.spend(1, 500.0)
        await found.gateway.idle()
        office.does("approve", office.newest())
        found.answers = lambda message: (
            {"content": []} if message.get("method") == "tools/list" else "out of tea"
        )
        await found.spend(2, 500.0)
        await found.gateway.idle()

    assert found.answer(2)["error"] == "out of tea"
    assert office.closed_as(office.newest()) == "failed"
