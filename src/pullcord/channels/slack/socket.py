"""Socket Mode: connections that we open and Slack speaks through, acknowledged within its time.

Slack closes every connection after a while and says so before; the next one is opened at once. What
was not acknowledged comes again through another connection, and doing it twice changes nothing.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import structlog
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from pullcord.channels.port import Answer, CallbackRefused, Event, Take
from pullcord.channels.slack import forms
from pullcord.channels.slack.payloads import Heard, Kind, heard
from pullcord.channels.slack.web import Unsent

#: seconds to wait for the next connection, by how many failed in a row
PAUSES = (0.0, 1.0, 5.0, 15.0, 30.0)
#: seconds for a handshake
OPEN_SECONDS = 10.0
#: seconds in which an envelope is acknowledged; Slack gives three
ACKNOWLEDGED_IN = 2.5
#: envelopes of one connection under way at once, and bytes of one
ENVELOPES_MAX, ENVELOPE_BYTES_MAX = 64, 1_048_576
STILL = "It takes longer than usual. The message says how it stands as soon as that is known."
#: payloads whose answer is the acknowledgement itself
ANSWERED = frozenset({Kind.FORM, Kind.COMMAND})

log = structlog.get_logger("pullcord.slack")


class Listener(Protocol):
    """What a connection needs of the channel."""

    async def address(self) -> str:
        """Where to connect; good once."""

    async def events_of(self, heard: Heard) -> Sequence[Event]:
        """The events of a payload."""

    def reply_to(self, heard: Heard, answers: Sequence[Answer]) -> dict[str, Any] | None:
        """What the acknowledgement carries."""

    async def follow(self, heard: Heard, answers: Sequence[Answer]) -> None:
        """What an answer needs besides."""


async def stay_connected(listener: Listener, take: Take) -> None:
    """Hear through one connection after the other, until cancelled."""
    failed = 0
    while True:
        await asyncio.sleep(PAUSES[min(failed, len(PAUSES) - 1)])
        try:
            url = await listener.address()
            async with connect(
                url, open_timeout=OPEN_SECONDS, max_size=ENVELOPE_BYTES_MAX, proxy=None
            ) as socket:
                reason = await _Connection(socket, listener, take).heard()
        except (Unsent, OSError, TimeoutError, WebSocketException) as problem:
            log.warning("slack_unheard", why=_reason(problem))
            failed += 1
            continue
        log.info("slack_disconnected", why=reason)
        failed = 1 if reason == "link_disabled" else 0


def _reason(problem: Exception) -> str:
    """What went wrong, without the address: its key is good for one connection."""
    return problem.sent.detail if isinstance(problem, Unsent) else type(problem).__name__


class _Connection:
    """One connection, from its first word to its last."""

    def __init__(self, socket: ClientConnection, listener: Listener, take: Take) -> None:
        self._socket = socket
        self._listener = listener
        self._take = take
        self._slots = asyncio.Semaphore(ENVELOPES_MAX)

    async def heard(self) -> str:
        """Take envelopes until Slack wants another connection; says why."""
        async with asyncio.TaskGroup() as group:
            try:
                async for frame in self._socket:
                    said = _object(frame)
                    if said.get("type") == "disconnect" and said.get("reason") != "warning":
                        return str(said.get("reason", ""))
                    await self._slots.acquire()
                    group.create_task(self._carried(said))
            except WebSocketException as closed:
                return type(closed).__name__
        return "closed"

    async def _carried(self, said: Mapping[str, Any]) -> None:
        """One bad envelope ends no connection; what Slack misses it tells again."""
        try:
            envelope = SocketModeRequest.from_dict(dict(said))
            if envelope is not None:
                await self._handled(envelope)
        except WebSocketException as problem:
            log.warning("slack_unacknowledged", why=type(problem).__name__)
        except CallbackRefused as refusal:
            log.warning("callback_refused", channel="slack", why=str(refusal))
        except (KeyError, TypeError, AttributeError, IndexError, ValueError):
            log.warning("callback_refused", channel="slack", why="it is none of Slack's shapes")
        finally:
            self._slots.release()

    async def _handled(self, envelope: SocketModeRequest) -> None:
        told = heard(envelope.type, envelope.payload)
        if told.kind in ANSWERED:
            await self._answered(envelope, told)
            return
        await self._acknowledge(envelope)
        answers = await self._take(await self._listener.events_of(told))
        await self._listener.follow(told, answers)

    async def _answered(self, envelope: SocketModeRequest, told: Heard) -> None:
        """Acknowledge with the answer; where it takes too long, say so and tell it later."""
        events = await self._listener.events_of(told)
        work = asyncio.ensure_future(self._take(events))
        try:
            answers = await asyncio.wait_for(asyncio.shield(work), ACKNOWLEDGED_IN)
        except TimeoutError:
            await self._acknowledge(envelope, _still(told))
            await self._listener.follow(told, await work)
        except asyncio.CancelledError:
            work.cancel()
            raise
        else:
            await self._acknowledge(envelope, self._listener.reply_to(told, answers))

    async def _acknowledge(
        self, envelope: SocketModeRequest, payload: dict[str, Any] | None = None
    ) -> None:
        response = SocketModeResponse(envelope.envelope_id, payload)
        await self._socket.send(json.dumps(response.to_dict()))


def _object(frame: str | bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(frame)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _still(told: Heard) -> dict[str, Any]:
    """What somebody reads while it is not yet known what became of it."""
    if told.kind is Kind.FORM:
        return {"response_action": "update", "view": forms.notice(STILL)}
    return {"response_type": "ephemeral", "text": STILL}
