"""Twilio on loopback: messages and calls, refused as Twilio refuses them, signed as it signs.

A call is picked up by `rings`, which then does what a phone does: it asks for what to say, speaks,
presses keys, and tells how it ended; over HTTP where the house is served, by itself otherwise.
"""

import base64
import re
import xml.etree.ElementTree as ET
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import ClassVar, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import msgspec

from pullcord.channels.offered import Surroundings, made
from pullcord.channels.port import Callback, Channel, Hears, Reply
from pullcord.channels.speech import Sealer, Speech
from pullcord.channels.twilio import signature
from tests.conformance.channels.double import Arrived, Fault, Flaw
from tests.conformance.channels.loopback import Answered, Asked, http_server

ACCOUNT, TOKEN = "AC" + "0a" * 16, "token-of-this-account"
OURS, MARIA = "+15551230000", "+491510000002"
CODE = "7KQ2M"
#: what Twilio takes
BODY_MAX, URL_MAX = 1_600, 4_000
PHONE = re.compile(r"\+[1-9]\d{6,14}")

Called = Callable[[Callback], Awaitable[Reply]]


class TwilioDouble(ABC):
    """One account; `SmsDouble` and `VoiceDouble` below are what its two channels see."""

    edits: ClassVar[bool] = False
    hears: ClassVar[bool] = True
    tells_receipts: ClassVar[bool] = True
    names_retry: ClassVar[bool] = False
    #: made after `url` was changed, its channel speaks to whatever is there
    moves: ClassVar[bool] = True
    #: presses are codes: the channel hands back `Coded`
    is_coded: ClassVar[bool] = True
    kind: ClassVar[str]
    prefix: ClassVar[str]
    resource: ClassVar[str]
    gone: ClassVar[int]

    def __init__(self) -> None:
        #: nobody listens there until it is opened
        self.url = "http://127.0.0.1:9"
        self.public_url = "https://pull.example"
        self.address = self.account = MARIA
        self.secrets: Sequence[str] = (TOKEN,)
        #: the time at Twilio; a house with a clock of its own sets it here
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        #: what was asked for, by SID
        self.asked: dict[str, dict[str, str]] = {}
        #: when each message that came in was sent
        self.sent_at: dict[str, datetime] = {}
        #: how callbacks travel where a house is served: HTTP, unless a test has its own way
        self.via: Called | None = None
        self._faults: list[Fault] = []
        self._arrived: list[Arrived] = []
        self._hears: Hears | None = None

    @classmethod
    @asynccontextmanager
    async def opened(cls) -> AsyncIterator[Self]:
        double = cls()
        async with http_server(double._handle) as url:
            double.url = url
            yield double

    def channel(self, **options: str) -> Channel:
        given = {"account_sid": ACCOUNT, "auth_token": TOKEN, "from": OURS, "api_url": self.url}
        around = Surroundings(self.public_url, self.now, ("127.0.0.1",))
        channel = made(self.kind, {**given, **options}, around)
        assert isinstance(channel, Hears)
        self._hears = channel
        return channel

    def arrived(self) -> Sequence[Arrived]:
        return self._arrived

    def faults(self, *faults: Fault) -> None:
        self._faults += faults

    # --- the API ------------------------------------------------------------------------------
    async def _handle(self, asked: Asked) -> Answered:
        if self._faults:
            return self._failing(self._faults.pop(0))
        basic = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {basic}":
            return refusal(401, 20003)
        if asked.method == "GET":
            return self._message(asked.path.rpartition("/")[2].removesuffix(".json"))
        if asked.path != f"/Accounts/{ACCOUNT}/{self.resource}.json":
            return refusal(404, 20404)
        form = dict(parse_qsl(asked.body.decode(), keep_blank_values=True))
        error = self.error_of(form)
        if error:
            return refusal(400, error)
        return await self._taken(form)

    def _failing(self, fault: Fault) -> Answered:
        return {
            Fault.BUSY: Answered(503),
            Fault.LIMITED: refusal(429, 20429),
            Fault.GONE: refusal(400, self.gone),
            Fault.HANGS_UP: Answered(0),
        }[fault]

    def _message(self, sid: str) -> Answered:
        if sid not in self.sent_at:
            return refusal(404, 20404)
        told = {"sid": sid, "date_created": format_datetime(self.sent_at[sid], usegmt=True)}
        return Answered(body=msgspec.json.encode(told))

    async def _taken(self, form: Mapping[str, str]) -> Answered:
        sid = f"{self.prefix}{len(self.asked) + 1:032x}"
        self.asked[sid] = dict(form)
        self._arrived.append(Arrived("", await self.read(sid), sid))
        return Answered(201, msgspec.json.encode({"sid": sid, "status": "queued"}))

    @abstractmethod
    def error_of(self, form: Mapping[str, str]) -> int:
        """What Twilio finds wrong with a request; 0 for nothing."""

    @abstractmethod
    async def read(self, sid: str) -> str:
        """What a person reads or hears."""

    # --- calling back -------------------------------------------------------------------------
    def calls(
        self, url: str, fields: Mapping[str, str], *, at: datetime, flaw: Flaw = Flaw.NONE
    ) -> Callback:
        """A signed callback to this address."""
        form = {"AccountSid": ACCOUNT, "ApiVersion": "2010-04-01", **fields}
        token = "token-of-somebody-else" if flaw is Flaw.FOREIGN else TOKEN
        signed = signature(token, url, {name: [value] for name, value in form.items()})
        if flaw is Flaw.ALTERED:
            form = {**form, "From": "+15550009999", "To": "+15550009999"}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if flaw is not Flaw.UNSIGNED:
            headers["x-twilio-signature"] = signed
        body = urlencode(form).encode()
        return Callback("POST", url, urlsplit(url).query, headers, body, at)

    async def _called(self, url: str, fields: Mapping[str, str]) -> Reply:
        """Call the house: over HTTP where it is served, else its channel itself."""
        callback = self.calls(url, fields, at=self.now())
        if self.via is not None:
            return await self.via(callback)
        if self.is_served:
            async with httpx2.AsyncClient(trust_env=False) as client:
                return await posted(client, callback)
        assert self._hears is not None, "nobody to call"
        await self._hears.hear(callback)
        return await self._hears.answer(callback, [])

    @property
    def is_served(self) -> bool:
        """Whether a house takes the callbacks, and not the channel alone."""
        return self.via is not None or self.public_url.startswith("http://127.0.0.1")

    @property
    def callback_url(self) -> str:
        """Where this channel is called back."""
        return f"{self.public_url}/callbacks/{self.kind}"


class SmsDouble(TwilioDouble):
    """Messages."""

    shows_content: ClassVar[bool] = False
    kind = "sms"
    prefix = "SM"
    resource = "Messages"
    gone = 21610

    def error_of(self, form: Mapping[str, str]) -> int:
        if not PHONE.fullmatch(form.get("To", "")):
            return 21211
        if not form.get("From") and not form.get("MessagingServiceSid"):
            return 21603
        if not form.get("Body"):
            return 21602
        if len(form["Body"]) > BODY_MAX:
            return 21617
        if not 1 <= int(form.get("ValidityPeriod", "36000")) <= 36_000:
            return 21621
        return 0 if form.get("StatusCallback", "http").startswith("http") else 21609

    async def read(self, sid: str) -> str:
        return self.asked[sid]["Body"]

    def texts(
        self, body: str, *, at: datetime, number: str = MARIA, flaw: Flaw = Flaw.NONE
    ) -> Callback:
        """Somebody texts us."""
        sid = f"SM{len(self.sent_at) + 1:032d}"
        self.sent_at[sid] = at - timedelta(minutes=6) if flaw is Flaw.OLD else at
        fields = {"MessageSid": sid, "From": number, "To": OURS, "Body": body}
        return self.calls(self.callback_url, fields, at=at, flaw=flaw)

    def press(self, token: str, *, at: datetime, flaw: Flaw = Flaw.NONE) -> Callback:
        return self.texts(f"Y {token or CODE}", at=at, flaw=flaw)

    def tells(
        self, reference: str, *, at: datetime, status: str = "delivered", error: str = ""
    ) -> Callback:
        fields = {"MessageSid": reference, "MessageStatus": status, "To": MARIA, "From": OURS}
        more = {"ErrorCode": error} if error else {}
        return self.calls(self.callback_url, {**fields, **more}, at=at)


class VoiceDouble(TwilioDouble):
    """Calls."""

    shows_content: ClassVar[bool] = True
    #: it reads the ask aloud, leaves claims to the page, and spells no addresses
    is_spoken: ClassVar[bool] = True
    kind = "voice"
    prefix = "CA"
    resource = "Calls"
    gone = 21217

    def error_of(self, form: Mapping[str, str]) -> int:
        if not PHONE.fullmatch(form.get("To", "")):
            return 21217
        if not form.get("From"):
            return 21213
        url = form.get("Url", "")
        if not url.startswith("http") or len(url) > URL_MAX:
            return 21205
        return 0

    async def read(self, sid: str) -> str:
        """What a person hears who picks up at once; in a served house `rings` does that."""
        if self.is_served:
            return ""
        reply = await self._called(self.asked[sid]["Url"], self.of(sid, AnsweredBy="human"))
        return " ".join(spoken(reply))

    def of(self, sid: str, **more: str) -> dict[str, str]:
        """The fields of a callback about one call."""
        to = self.asked[sid]["To"] if sid in self.asked else MARIA
        common = {"CallSid": sid, "To": to, "From": OURS, "Direction": "outbound-api"}
        return {**common, "CallStatus": "in-progress", **more}

    async def rings(
        self, sid: str, *, keys: str = "", answered_by: str = "human", status: str = "completed"
    ) -> list[str]:
        """One call from ringing to its end; what was said, oldest first."""
        heard: list[str] = []
        asked = self.asked[sid]
        if status == "completed":
            url, fields = asked["Url"], self.of(sid, AnsweredBy=answered_by)
            left = list(keys)
            while url:
                reply = await self._called(url, fields)
                heard += spoken(reply)
                document = ET.fromstring(reply.body)
                pressed, silent = followed(document)
                key = left.pop(0) if left and pressed else ""
                url = pressed if key else silent
                fields = self.of(sid, Digits=key) if key else self.of(sid)
        ending = self.of(sid, CallStatus=status, AnsweredBy=answered_by)
        await self._called(asked["StatusCallback"], ending)
        return heard

    def press(self, token: str, *, at: datetime, flaw: Flaw = Flaw.NONE) -> Callback:
        speech = Speech("Somebody needs you.", "", "", at, None, token or CODE)
        pressed_at = at - timedelta(minutes=6) if flaw is Flaw.OLD else at
        query = {
            "said": Sealer((TOKEN,)).seal(speech),
            "reading": "2",
            "at": str(int(pressed_at.timestamp())),
        }
        url = f"{self.callback_url}?{urlencode(query)}"
        return self.calls(url, self.of("CA1", Digits="1"), at=at, flaw=flaw)

    def tells(self, reference: str, *, at: datetime) -> Callback:
        """Somebody picks up."""
        fields = self.of(reference, AnsweredBy="human")
        return self.calls(self.asked[reference]["Url"], fields, at=at)


async def posted(client: httpx2.AsyncClient, callback: Callback) -> Reply:
    """A callback over HTTP."""
    got = await client.post(callback.url, content=callback.body, headers=dict(callback.headers))
    return Reply(got.status_code, got.content, got.headers.get("content-type", ""))


def spoken(reply: Reply) -> list[str]:
    """What is said in an answer."""
    document = ET.fromstring(reply.body)
    return [each.text or "" for each in document.iter("Say")]


def followed(document: ET.Element) -> tuple[str, str]:
    """Where a key leads, and where silence does; empty at the end of a call."""
    gather = document.find("Gather")
    redirect = document.find("Redirect")
    pressed = gather.get("action", "") if gather is not None else ""
    return pressed, (redirect.text or "") if redirect is not None else ""


def refusal(status: int, code: int) -> Answered:
    """An error as Twilio tells it, with the number in it, as it does."""
    told = {"code": code, "message": f"About {MARIA}, {TOKEN}", "status": status}
    return Answered(status, msgspec.json.encode(told))
