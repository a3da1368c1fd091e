"""Slack on loopback: its Web API over HTTP, Socket Mode over a real WebSocket, signed callbacks."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, urlencode

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError

from pullcord.channels.offered import Surroundings
from pullcord.channels.port import Callback
from pullcord.channels.slack import OPTIONS
from pullcord.channels.slack.channel import LiveSlackChannel
from tests.conformance.channels.double import Arrived, Fault, Flaw
from tests.conformance.channels.loopback import Answered, Asked, http_server
from tests.conformance.channels.slack_kit import (
    TEXT_MAX,
    check_message,
    check_modal,
    elements_of,
    pings_in,
    words_of,
)

TOKEN, APP_TOKEN, SECRET = "xoxb-1-secret-of-the-bot", "xapp-1-secret-of-the-app", "shhh-8f742231"
TEAM, BOT = "T0SHOP", "U0PULLCORD"
#: where the double is: inside
HERE = ("127.0.0.1",)
#: seconds a trigger opens a modal, and an envelope waits for its acknowledgement
TRIGGER_SECONDS, ACK_SECONDS = 3.0, 3.0

#: what each method needs the app to be allowed; empty: nothing
SCOPES = {
    "auth.test": "",
    "users.info": "users:read",
    "conversations.open": "im:write",
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.postEphemeral": "chat:write",
    "views.open": "",
    "apps.connections.open": "",
}

ANSWERS = {
    Fault.BUSY: Answered(503),
    Fault.LIMITED: Answered(
        429, json.dumps({"ok": False, "error": "ratelimited"}).encode(), {"retry-after": "30"}
    ),
    Fault.GONE: Answered(200, json.dumps({"ok": False, "error": "channel_not_found"}).encode()),
    Fault.HANGS_UP: Answered(0),
}


class Said(Exception):
    """`{"ok": false, "error": …}`; `needed` is the scope that is missing."""

    def __init__(self, error: str, needed: str = "") -> None:
        super().__init__(error)
        self.needed = needed


@dataclass(frozen=True, slots=True)
class Whisper:
    """A message only one person saw."""

    channel: str
    user: str
    text: str
    thread: str = ""


@dataclass(slots=True)
class Room:
    """A channel of the workspace."""

    members: set[str] = field(default_factory=set)
    is_archived: bool = False


class SlackDouble:
    """One workspace with one app in it."""

    edits: ClassVar[bool] = True
    hears: ClassVar[bool] = True
    tells_receipts: ClassVar[bool] = False
    shows_content: ClassVar[bool] = True
    names_retry: ClassVar[bool] = True
    #: made after `url` was changed, its channel speaks to whatever is there
    moves: ClassVar[bool] = True

    def __init__(self) -> None:
        self.url = ""
        self.address = "U1MARIA"
        self.account = f"{TEAM}/U1MARIA"
        self.secrets: Sequence[str] = (TOKEN, APP_TOKEN, SECRET)
        self.users = {"U1MARIA": "Maria Lopez", "U2TOM": "Tom Ode", "U3DANA": "Dana Weiss"}
        self.rooms = {"C1BILLING": Room({BOT}), "C2OLD": Room({BOT}, True), "C3OTHER": Room()}
        #: what the app may do
        self.scopes = {each for each in SCOPES.values() if each}
        #: messages as they stand now, by "channel/ts"
        self.messages: dict[str, dict[str, Any]] = {}
        self.whispers: list[Whisper] = []
        self.views: list[dict[str, Any]] = []
        #: mentions that would have rung
        self.pings: list[str] = []
        #: methods that were called, oldest first
        self.called: list[str] = []
        #: seconds on Slack's clock
        self.seconds = 0.0
        self.sockets: list[ServerConnection] = []
        self.acknowledged: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._moved = asyncio.Condition()
        self._tickets: set[str] = set()
        self._triggers: dict[str, float] = {}
        self._faults: list[Fault | str] = []
        self._arrived: list[Arrived] = []
        self._count = 0
        self._ws = ""

    @classmethod
    @asynccontextmanager
    async def opened(cls) -> AsyncIterator[Self]:
        double = cls()
        async with (
            http_server(double._handle) as url,
            serve(double._socket, "127.0.0.1", 0) as server,
        ):
            port = next(iter(server.sockets)).getsockname()[1]
            double.url, double._ws = url, f"ws://127.0.0.1:{port}"
            yield double

    def channel(self, now: Callable[[], datetime] | None = None, **more: str) -> LiveSlackChannel:
        options = {each.name: each.default for each in OPTIONS}
        own = {"token": TOKEN, "app_token": APP_TOKEN, "signing_secret": SECRET}
        around = Surroundings("https://pull.example", now or (lambda: datetime.now(UTC)), HERE)
        return LiveSlackChannel({**options, **own, "api_url": f"{self.url}/api", **more}, around)

    def arrived(self) -> Sequence[Arrived]:
        return self._arrived

    def faults(self, *faults: Fault | str) -> None:
        """Faults of the next requests; a word is an error of Slack's."""
        self._faults += faults

    # --- the Web API ------------------------------------------------------------------------
    async def _handle(self, asked: Asked) -> Answered:
        method = asked.path.removeprefix("/api/")
        answered = self._answer(method, asked)
        async with self._moved:
            self.called.append(method)
            self._moved.notify_all()
        return answered

    def _answer(self, method: str, asked: Asked) -> Answered:
        if self._faults:
            fault = self._faults.pop(0)
            if isinstance(fault, Fault):
                return ANSWERS[fault]
            return _answered({"ok": False, "error": fault, "needed": "chat:write"})
        try:
            said = self._method(method, _arguments(asked), asked.headers)
        except Said as error:
            return _answered({"ok": False, "error": str(error), "needed": error.needed})
        return _answered({"ok": True, **said})

    def _method(
        self, method: str, given: Mapping[str, Any], headers: Mapping[str, str]
    ) -> dict[str, Any]:
        token = APP_TOKEN if method == "apps.connections.open" else TOKEN
        if headers.get("authorization") != f"Bearer {token}":
            raise Said("invalid_auth" if "authorization" in headers else "not_authed")
        known = {
            "auth.test": self._auth_test,
            "users.info": self._users_info,
            "conversations.open": self._conversations_open,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.postEphemeral": self._whisper,
            "views.open": self._views_open,
            "apps.connections.open": self._connections_open,
        }
        if method not in known:
            raise Said("unknown_method")
        if SCOPES[method] and SCOPES[method] not in self.scopes:
            raise Said("missing_scope", SCOPES[method])
        return known[method](given)

    def _auth_test(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"team_id": TEAM, "user_id": BOT, "url": "https://shop.slack.com/"}

    def _users_info(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name = self.users.get(given.get("user", ""))
        if name is None:
            raise Said("user_not_found")
        return {"user": {"id": given["user"], "name": "m", "profile": {"real_name": name}}}

    def _conversations_open(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if given.get("users", "") not in self.users:
            raise Said("user_not_found")
        return {"channel": {"id": f"D{given['users'][1:]}"}}

    def _post(self, given: Mapping[str, Any]) -> dict[str, Any]:
        channel = str(given.get("channel", ""))
        self._may_write(channel)
        self._check(given)
        self._count += 1
        stamp = f"17955306{self._count:02}.000100"
        thread = given.get("thread_ts")
        if thread is not None and not _is_stamp(str(thread)):
            raise Said("invalid_thread_ts")
        self._keep(channel, stamp, given, is_edit=False)
        return {"channel": channel, "ts": stamp, "message": dict(given)}

    def _update(self, given: Mapping[str, Any]) -> dict[str, Any]:
        channel, stamp = str(given.get("channel", "")), str(given.get("ts", ""))
        if f"{channel}/{stamp}" not in self.messages:
            raise Said("message_not_found")
        self._check(given)
        self._keep(channel, stamp, given, is_edit=True)
        return {"channel": channel, "ts": stamp, "text": given.get("text", "")}

    def _may_write(self, channel: str) -> None:
        room = self.rooms.get(channel)
        is_direct = channel.startswith("D") and f"U{channel[1:]}" in self.users
        if room is None and not is_direct:
            raise Said("channel_not_found")
        if room is not None and room.is_archived:
            raise Said("is_archived")
        if room is not None and BOT not in room.members:
            raise Said("not_in_channel")

    def _check(self, given: Mapping[str, Any]) -> None:
        text, blocks = str(given.get("text", "")), given.get("blocks") or []
        if not text and not blocks:
            raise Said("no_text")
        if len(text) > TEXT_MAX:
            raise Said("msg_too_long")
        error = check_message(blocks) if blocks else ""
        if error:
            raise Said(error)
        self.pings += pings_in(dict(given))

    def _keep(self, channel: str, stamp: str, given: Mapping[str, Any], *, is_edit: bool) -> None:
        blocks = given.get("blocks") or []
        reference = f"{channel}/{stamp}"
        before = self.messages.get(reference, {})
        self.messages[reference] = {**before, **given}
        payload = (given.get("metadata") or {}).get("event_payload", {})
        tokens = tuple(str(each["value"]) for each in elements_of(blocks) if "value" in each)
        words = words_of(blocks) or str(given.get("text", ""))
        self._arrived.append(
            Arrived(str(payload.get("id", "")), words, reference, tokens, is_edit=is_edit)
        )

    def _whisper(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if given.get("user") not in self.users:
            raise Said("user_not_in_channel")
        if not given.get("text"):
            raise Said("no_text")
        self.whispers.append(
            Whisper(
                str(given["channel"]),
                str(given["user"]),
                str(given["text"]),
                str(given.get("thread_ts") or ""),
            )
        )
        return {"message_ts": "1795530600.000200"}

    def _views_open(self, given: Mapping[str, Any]) -> dict[str, Any]:
        issued = self._triggers.pop(str(given.get("trigger_id", "")), None)
        if issued is None:
            raise Said("invalid_trigger_id")
        if self.seconds - issued > TRIGGER_SECONDS:
            raise Said("expired_trigger_id")
        view = given["view"]
        if isinstance(view, str):
            view = json.loads(view)
        error = check_modal(view)
        if error:
            raise Said(error)
        self.views.append(view)
        return {"view": {"id": f"V{len(self.views)}"}}

    def _connections_open(self, given: Mapping[str, Any]) -> dict[str, Any]:
        self._count += 1
        ticket = f"ticket-{self._count}"
        self._tickets.add(ticket)
        return {"url": f"{self._ws}/link/?ticket={ticket}"}

    # --- Socket Mode --------------------------------------------------------------------------
    async def _socket(self, socket: ServerConnection) -> None:
        request = socket.request
        assert request is not None
        ticket = request.path.partition("ticket=")[2]
        if ticket not in self._tickets:
            await socket.close(1008, "a ticket is good once")
            return
        self._tickets.remove(ticket)
        await socket.send(json.dumps({"type": "hello", "num_connections": len(self.sockets) + 1}))
        async with self._moved:
            self.sockets.append(socket)
            self._moved.notify_all()
        try:
            async for frame in socket:
                said = json.loads(frame)
                self.acknowledged[said["envelope_id"]].set_result(said.get("payload") or {})
        except ConnectionClosedError:
            pass  # the other end stopped without a word
        finally:
            self.sockets.remove(socket)

    async def connected(self, count: int = 1) -> None:
        """Wait until so many connections stand."""
        async with asyncio.timeout(10), self._moved:
            await self._moved.wait_for(lambda: len(self.sockets) >= count)

    async def has_called(self, method: str, count: int = 1) -> None:
        """Wait until the app called a method so often."""
        async with asyncio.timeout(10), self._moved:
            await self._moved.wait_for(lambda: self.called.count(method) >= count)

    async def says(
        self, source: str, payload: Mapping[str, Any], *, envelope: str = ""
    ) -> dict[str, Any]:
        """Send an envelope through one connection; what the acknowledgement carried."""
        self._count += 1
        name = envelope or f"envelope-{self._count}"
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.acknowledged[name] = future
        message = {
            "type": source,
            "envelope_id": name,
            "payload": payload,
            "accepts_response_payload": source != "events_api",
        }
        await self.sockets[-1].send(json.dumps(message))
        async with asyncio.timeout(ACK_SECONDS):
            return await future

    async def disconnects(self, reason: str) -> None:
        """Tell one connection that it ends, and end it."""
        socket = self.sockets[-1]
        await socket.send(json.dumps({"type": "disconnect", "reason": reason}))
        if reason != "warning":
            await socket.wait_closed()

    # --- what people do in Slack --------------------------------------------------------------
    def trigger(self) -> str:
        """An id that opens one modal within three seconds."""
        self._count += 1
        name = f"trigger-{self._count}"
        self._triggers[name] = self.seconds
        return name

    def pressed(
        self, token: str, *, user: str = "U1MARIA", how: str = "press", place: str = "", **more: Any
    ) -> dict[str, Any]:
        """The payload of somebody pressing a button of a message."""
        channel, _, stamp = (place or "D1MARIA/1795530601.000100").partition("/")
        return {
            "type": "block_actions",
            "team": {"id": TEAM, "domain": "shop"},
            "user": {"id": user, "username": "m", "team_id": TEAM},
            "channel": {"id": channel, "name": "directmessage"},
            "container": {"type": "message", "message_ts": stamp, "channel_id": channel},
            "trigger_id": self.trigger(),
            "actions": [{"type": "button", "action_id": f"{how}:1:accept", "value": token}],
            **more,
        }

    def filled(
        self, view: Mapping[str, Any], *, user: str = "U1MARIA", **values: str | None
    ) -> dict[str, Any]:
        """The payload of somebody sending a modal, with what stood in it unless they changed it."""
        typed = {name.replace("__", "."): value for name, value in values.items()}
        state: dict[str, Any] = {}
        for block in view["blocks"]:
            if block["type"] == "input":
                name, element = block["block_id"], block["element"]
                chosen = (element.get("initial_option") or {}).get("value")
                value = typed.get(name, element.get("initial_value") or chosen)
                state[name] = {"value": _state(element["type"], value)}
        return {
            "type": "view_submission",
            "team": {"id": TEAM},
            "user": {"id": user, "team_id": TEAM},
            "view": {**view, "id": "V1", "state": {"values": state}},
        }

    @staticmethod
    def command(text: str, *, user: str = "U1MARIA", channel: str = "D1MARIA") -> dict[str, Any]:
        """The payload of a slash command."""
        return {
            "command": "/pullcord",
            "text": text,
            "team_id": TEAM,
            "user_id": user,
            "user_name": "m",
            "channel_id": channel,
        }

    def wrote(
        self, text: str, *, user: str = "U1MARIA", thread: str = "", **more: Any
    ) -> dict[str, Any]:
        """The payload of a direct message to the app, in a thread or not."""
        self._count += 1
        event = {"type": "message", "channel_type": "im", "user": user, "text": text}
        event["channel"] = f"D{user[1:]}"
        if thread:
            event["thread_ts"] = thread
        return {
            "type": "event_callback",
            "team_id": TEAM,
            "event_id": f"Ev{self._count}",
            "event": {**event, **more},
        }

    # --- the same over HTTP -------------------------------------------------------------------
    def press(self, token: str, *, at: datetime, flaw: Flaw = Flaw.NONE) -> Callback:
        return self.calls("interactive", self.pressed(token), at=at, flaw=flaw)

    def tells(self, reference: str, *, at: datetime) -> Callback:
        raise AssertionError("Slack tells nothing later")

    def calls(
        self, source: str, payload: Mapping[str, Any], *, at: datetime, flaw: Flaw = Flaw.NONE
    ) -> Callback:
        """A callback as Slack sends and signs it."""
        form = "application/x-www-form-urlencoded"
        if source == "events_api":
            kind, body = "application/json", json.dumps(payload).encode()
        elif source == "interactive":
            kind, body = form, urlencode({"payload": json.dumps(payload)}).encode()
        else:
            kind, body = form, urlencode(payload).encode()
        return signed(body, kind, at=at, flaw=flaw)


def signed(body: bytes, kind: str, *, at: datetime, flaw: Flaw = Flaw.NONE) -> Callback:
    """A request with Slack's signature, or a flaw in it."""
    signed_at = at - timedelta(minutes=6) if flaw is Flaw.OLD else at
    secret = "somebody-elses" if flaw is Flaw.FOREIGN else SECRET
    stamp = str(int(signed_at.timestamp()))
    base = b"v0:" + stamp.encode() + b":" + body
    signature = "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    headers = {
        "content-type": kind,
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": signature,
    }
    if flaw is Flaw.UNSIGNED:
        del headers["x-slack-signature"]
    if flaw is Flaw.ALTERED:
        body = body.replace(b"press", b"presS")
    return Callback("POST", "https://pull.example/callbacks/slack", "", headers, body, at)


def _arguments(asked: Asked) -> dict[str, Any]:
    if asked.headers.get("content-type", "").startswith("application/json"):
        found: dict[str, Any] = json.loads(asked.body)
        return found
    return dict(parse_qsl(asked.body.decode()))


def _answered(said: Mapping[str, Any]) -> Answered:
    return Answered(200, json.dumps(said).encode(), {"content-type": "application/json"})


def _is_stamp(text: str) -> bool:
    whole, _, part = text.partition(".")
    return whole.isdigit() and part.isdigit()


def _state(kind: str, value: str | None) -> dict[str, Any]:
    if kind == "static_select":
        option = {"value": value} if value else None
        return {"type": kind, "selected_option": option}
    return {"type": kind, "value": value}
