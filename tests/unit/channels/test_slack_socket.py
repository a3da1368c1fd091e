"""Socket Mode over a real WebSocket: acknowledged in time, connected again by itself."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from pullcord.channels.port import Answer, Event, Form, Input, Pressed, Wrote
from pullcord.channels.slack import socket
from pullcord.channels.slack.channel import CONNECTIONS, LiveSlackChannel
from tests.conformance.channels.double import Fault
from tests.conformance.channels.slack_double import TEAM, SlackDouble
from tests.conformance.channels.slack_kit import words_of

MARIA = f"{TEAM}/U1MARIA"
FORM = Form("Reject", "A1b2", (Input("note", "Why not?"),), "Reject")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the pauses between connections."""
    monkeypatch.setattr(socket, "PAUSES", (0.0,))


@dataclass(slots=True)
class Line:
    """A channel that listens, what it took, and what the engine answers."""

    slack: SlackDouble
    channel: LiveSlackChannel
    taken: list[Event] = field(default_factory=list)
    answer: Answer = field(default_factory=lambda: Answer("You have it.", is_done=True))
    #: the engine answers once this is set
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    has_taken: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, events: Sequence[Event]) -> Sequence[Answer]:
        if not events:
            return []
        self.taken += events
        self.has_taken.set()
        await self.goes_on.wait()
        return [self.answer for _ in events]


@asynccontextmanager
async def line(*, goes_on: bool = True, faults: Sequence[Fault | str] = ()) -> AsyncIterator[Line]:
    async with SlackDouble.opened() as slack:
        slack.faults(*faults)
        found = Line(slack, slack.channel())
        if goes_on:
            found.goes_on.set()
        ear = asyncio.create_task(found.channel.listen(found.take))
        await slack.connected(CONNECTIONS)
        yield found
        ear.cancel()
        await asyncio.gather(ear, return_exceptions=True)
        await found.channel.close()


async def test_a_press_is_acknowledged_before_anything_is_done() -> None:
    """Slack waits three seconds; a store that is busy must not cost them."""
    async with line(goes_on=False) as found:
        acknowledged = await found.slack.says("interactive", found.slack.pressed("A1b2"))
        found.goes_on.set()
        await found.slack.has_called("chat.postEphemeral")

        assert acknowledged == {}
        assert found.taken == [Pressed(MARIA, "A1b2")]
        assert found.slack.whispers[0].text == "You have it."


async def test_a_form_that_was_asked_for_opens() -> None:
    """With the trigger of the press, while it is fresh."""
    async with line() as found:
        found.answer = Answer("", form=FORM)

        await found.slack.says("interactive", found.slack.pressed("A1b2", how="form"))
        await found.slack.has_called("views.open")

        assert found.slack.views[0]["title"]["text"] == "Reject"


async def test_a_filled_form_is_answered_by_the_acknowledgement() -> None:
    """Only there Slack takes what is wrong with an input."""
    async with line() as found:
        found.answer = Answer("Say why.", problems={"note": "Say why."})
        view = {
            "callback_id": "pullcord",
            "private_metadata": json.dumps({"token": "A1b2", "channel": "D1MARIA"}),
            "blocks": [
                {
                    "type": "input",
                    "block_id": "note",
                    "element": {"type": "plain_text_input", "action_id": "value"},
                }
            ],
        }

        told = await found.slack.says("interactive", found.slack.filled(view, note=""))

        assert told == {"response_action": "errors", "errors": {"note": "Say why."}}
        assert found.taken == [Pressed(MARIA, "A1b2", {"note": ""})]


@pytest.mark.parametrize("source", ["slash_commands", "interactive"])
async def test_what_takes_longer_than_slack_waits_is_said_and_told_later(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a fail-over nobody knows yet; nobody is told something untrue either."""
    monkeypatch.setattr(socket, "ACKNOWLEDGED_IN", 0.01)
    async with line(goes_on=False) as found:
        view = {
            "callback_id": "pullcord",
            "private_metadata": json.dumps({"token": "A1b2", "channel": "D1MARIA"}),
            "blocks": [],
        }
        payload = found.slack.command("accept esc_1")
        if source == "interactive":
            payload = found.slack.filled(view)

        told = await found.slack.says(source, payload)
        found.goes_on.set()
        await found.slack.has_called("chat.postEphemeral")

        said = told.get("text") or words_of(told["view"]["blocks"])
        assert said == socket.STILL
        assert found.slack.whispers[0].text == "You have it."


async def test_words_are_acknowledged_and_taken() -> None:
    """The events of Slack's Events API come the same way."""
    async with line() as found:
        told = await found.slack.says("events_api", found.slack.wrote("Ask Tom", thread="1.2"))
        await found.slack.has_called("chat.postEphemeral")

        assert told == {}
        assert found.taken == [Wrote(MARIA, "D1MARIA/1.2", "Ask Tom", key="Ev3")]


async def test_what_slack_tells_again_by_another_connection_is_taken_once() -> None:
    """An acknowledgement that was lost is no second comment."""
    async with line() as found:
        payload = found.slack.wrote("Ask Tom", thread="1.2")

        await found.slack.says("events_api", payload)
        await found.slack.has_called("chat.postEphemeral")
        await found.slack.says("events_api", payload)

        assert len(found.taken) == 1


@pytest.mark.parametrize("reason", ["refresh_requested", "link_disabled"])
async def test_a_connection_slack_ends_is_replaced(reason: str) -> None:
    """Every connection is replaced after some hours; nobody presses into the void."""
    async with line() as found:
        before = found.slack.called.count("apps.connections.open")

        await found.slack.disconnects(reason)
        await found.slack.has_called("apps.connections.open", before + 1)
        await found.slack.connected(CONNECTIONS)
        await found.slack.says("interactive", found.slack.pressed("A1b2"))
        await found.has_taken.wait()

        assert found.taken == [Pressed(MARIA, "A1b2")]


async def test_a_warning_ends_nothing() -> None:
    """Ten seconds before the end; what comes in them is still heard."""
    async with line() as found:
        before = found.slack.called.count("apps.connections.open")

        await found.slack.disconnects("warning")
        await found.slack.says("interactive", found.slack.pressed("A1b2"))
        await found.has_taken.wait()

        assert found.slack.called.count("apps.connections.open") == before


@pytest.mark.parametrize("code", [1000, 1011])
async def test_a_connection_that_breaks_is_opened_again(code: int) -> None:
    """Politely or not."""
    async with line() as found:
        before = found.slack.called.count("apps.connections.open")

        await found.slack.sockets[-1].close(code)
        await found.slack.has_called("apps.connections.open", before + 1)
        await found.slack.connected(CONNECTIONS)

        assert len(found.slack.sockets) == CONNECTIONS


async def test_slack_that_is_down_or_says_no_is_asked_again() -> None:
    """A token that is put right is used without a restart of anything else."""
    faults = [Fault.BUSY, Fault.HANGS_UP, Fault.LIMITED, "invalid_auth"]
    async with line(faults=faults) as found:
        assert len(found.slack.sockets) == CONNECTIONS
        assert found.slack.called.count("apps.connections.open") >= CONNECTIONS + len(faults)


async def test_frames_that_are_none_and_payloads_that_are_not_slacks_end_nothing() -> None:
    """One bad envelope must not make everybody else wait."""
    async with line() as found:
        stream = found.slack.sockets[-1]
        for frame in ("{", "[]", "{}", json.dumps({"type": "hello"})):
            await stream.send(frame)
        for number, payload in enumerate(({}, {"type": "block_actions"}, {"type": []}, [])):
            envelope = {"type": "interactive", "envelope_id": f"bad-{number}", "payload": payload}
            found.slack.acknowledged[f"bad-{number}"] = asyncio.Future()
            await stream.send(json.dumps(envelope))
        foreign = found.slack.pressed("A1b2")
        foreign["user"]["team_id"] = "T9OTHER"

        await found.slack.says("interactive", foreign)
        command = {**found.slack.command("on-call"), "team_id": "T9OTHER"}
        found.slack.acknowledged["foreign"] = asyncio.Future()
        envelope = {"type": "slash_commands", "envelope_id": "foreign", "payload": command}
        await stream.send(json.dumps(envelope))
        await found.slack.says("interactive", found.slack.pressed("A1b2"))
        await found.has_taken.wait()

        assert found.taken == [Pressed(MARIA, "A1b2")]


async def test_an_acknowledgement_nobody_hears_ends_nothing() -> None:
    """Slack tells it again; doing it twice changes nothing."""
    async with line(goes_on=False) as found:
        saying: asyncio.Task[Any] = asyncio.create_task(
            found.slack.says("slash_commands", found.slack.command("on-call"))
        )
        await found.has_taken.wait()

        await found.slack.sockets[-1].close()
        found.goes_on.set()
        await found.slack.connected(CONNECTIONS)
        saying.cancel()
        told = await found.slack.says("slash_commands", found.slack.command("on-call"))

        assert told["text"] == "You have it."


async def test_a_stop_waits_for_nobody() -> None:
    """A server that is told to stop stops, whatever a person was waiting for."""
    async with line(goes_on=False) as found:
        saying: asyncio.Task[Any] = asyncio.create_task(
            found.slack.says("slash_commands", found.slack.command("on-call"))
        )
        await found.has_taken.wait()
    saying.cancel()

    assert len(found.taken) == 1
    assert found.slack.sockets == []


async def test_a_ticket_is_good_once() -> None:
    """The double is as strict as Slack: every connection asks for its own address."""
    async with line() as found:
        url = await found.channel.address()

        assert url.startswith("ws://")
        assert url != await found.channel.address()
