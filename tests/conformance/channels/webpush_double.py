"""A push service on loopback, and the browsers that subscribed to it.

It does what real ones do: it takes TLS only, checks the signature of whoever sends (key, audience,
age), wants a TTL, a known urgency, a short topic and one sealed record of at most 4 KB, and keeps
only the last undelivered letter of a topic. Then the browser opens what it got, with another
implementation of the standard than the one under test.
"""

import base64
import json
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Self

import http_ece
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from pullcord.channels.outward import Outward
from pullcord.channels.port import Callback
from pullcord.channels.webpush import WebPushChannel
from pullcord.channels.webpush_sealing import Vapid, packed, public_bytes, unpacked
from tests.conformance.channels.certificate import contexts
from tests.conformance.channels.double import Arrived, Fault, Flaw
from tests.conformance.channels.loopback import Answered, Asked, http_server

PRIVATE_KEY = packed(bytes(range(1, 33)))
CONTACT = "mailto:ops@example.com"
URGENCIES = frozenset({"very-low", "low", "normal", "high"})
BODY_MAX = 4_096
#: seconds a signature may be good for (RFC 8292 section 2)
DAY = 86_400

ANSWERS = {
    Fault.BUSY: Answered(503),
    Fault.LIMITED: Answered(429, headers={"retry-after": "30"}),
    Fault.GONE: Answered(410),
    Fault.HANGS_UP: Answered(0),
}


@dataclass(slots=True)
class Browser:
    """One browser that subscribed: it alone has the keys."""

    endpoint: str
    server_key: str
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = bytes(range(16))
    #: what it was shown, oldest first
    notes: list[dict[str, Any]] = field(default_factory=list)
    is_gone: bool = False
    #: tells other threads that something came
    came: threading.Condition = field(default_factory=threading.Condition)

    def take(self, note: dict[str, Any]) -> None:
        """One more note."""
        with self.came:
            self.notes.append(note)
            self.came.notify_all()

    def waits_for(self, count: int, *, title: str = "", within: float) -> None:
        """Until so many notes came, or one that begins so; for tests in another thread."""

        def has_come() -> bool:
            titles = [each["title"] for each in self.notes]
            return len(titles) >= count and any(each.startswith(title) for each in titles)

        with self.came:
            assert self.came.wait_for(has_come, within), f"{len(self.notes)} of {count} notes came"

    @property
    def subscription(self) -> str:
        """What its page sends to link it."""
        keys = {"p256dh": packed(public_bytes(self.key.public_key())), "auth": packed(self.auth)}
        return json.dumps({"endpoint": self.endpoint, "expirationTime": None, "keys": keys})

    def opens(self, body: bytes) -> dict[str, Any]:
        """What a sealed letter says."""
        plain = http_ece.decrypt(
            body, private_key=self.key, auth_secret=self.auth, version="aes128gcm"
        )
        note: dict[str, Any] = json.loads(plain)
        return note


class WebPushDouble:
    """One push service."""

    edits: ClassVar[bool] = True
    hears: ClassVar[bool] = False
    tells_receipts: ClassVar[bool] = False
    shows_content: ClassVar[bool] = False
    names_retry: ClassVar[bool] = True

    def __init__(self) -> None:
        self.url = ""
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.browsers: dict[str, Browser] = {}
        #: headers of everything that was taken, oldest first
        self.headers: list[dict[str, str]] = []
        #: why something was refused, oldest first
        self.refusals: list[str] = []
        self.secrets: Sequence[str] = (PRIVATE_KEY,)
        #: the subscription of the first browser
        self.address = ""
        self.account = ""
        self._faults: list[Fault] = []
        self._arrived: list[Arrived] = []
        self._believes: ssl.SSLContext | None = None

    @classmethod
    @asynccontextmanager
    async def opened(cls) -> AsyncIterator[Self]:
        double = cls()
        serves, double._believes = contexts()
        async with http_server(double._handle, tls=serves) as url:
            double.url = url
            first = double.subscribed()
            double.address = first.subscription
            double.secrets = (PRIVATE_KEY, first.endpoint, packed(first.auth))
            yield double

    def subscribed(self) -> Browser:
        """A browser whose person said yes; the push service gave it an endpoint of its own."""
        path = f"/push/{len(self.browsers) + 1}-{'x' * 20}"
        vapid = Vapid(PRIVATE_KEY, CONTACT)
        self.browsers[path] = Browser(self.url + path, vapid.public_key)
        return self.browsers[path]

    def channel(self, *, private_key: str = PRIVATE_KEY) -> WebPushChannel:
        assert self._believes is not None, "the double is not open"
        outward = Outward(internal=["127.0.0.1"], trust=self._believes)
        return WebPushChannel(Vapid(private_key, CONTACT), outward=outward)

    async def _handle(self, asked: Asked) -> Answered:
        if self._faults:
            return ANSWERS[self._faults.pop(0)]
        browser = self.browsers.get(asked.path)
        if browser is None:
            return Answered(404)
        if browser.is_gone:
            return Answered(410)
        status, why = self._refusal(asked, browser)
        if status:
            self.refusals.append(why)
            return Answered(status, body=why.encode())
        note = browser.opens(asked.body)
        browser.take(note)
        self.headers.append(asked.headers)
        self._arrived.append(self._as_arrived(note))
        return Answered(201, headers={"location": f"{self.url}/m/{len(self._arrived)}"})

    def _as_arrived(self, note: dict[str, Any]) -> Arrived:
        is_edit = any(each.reference == note["tag"] for each in self._arrived) and note["is_quiet"]
        return Arrived(
            key=note["key"],
            text=json.dumps(note, ensure_ascii=False).replace("\\n", "\n"),
            reference=note["tag"],
            buttons=tuple(each["path"].rpartition("/")[2] for each in note["buttons"]),
            is_edit=is_edit,
        )

    # --- what real ones refuse --------------------------------------------------------------------
    def _refusal(self, asked: Asked, browser: Browser) -> tuple[int, str]:
        headers = asked.headers
        if asked.method != "POST":
            return 405, "only POST"
        if len(asked.body) > BODY_MAX:
            return 413, "too large"
        if headers.get("content-encoding") != "aes128gcm":
            return 400, "not aes128gcm"
        if not headers.get("ttl", "").isdigit():
            return 400, "no TTL"
        if headers.get("urgency", "normal") not in URGENCIES:
            return 400, "no such urgency"
        topic = headers.get("topic", "")
        is_plain = all(each.isalnum() or each in "-_" for each in topic)
        if len(topic) > 32 or not is_plain:
            return 400, "no topic of 32 characters of base64url"
        return self._unproven(headers.get("authorization", ""), browser)

    def _unproven(self, authorization: str, browser: Browser) -> tuple[int, str]:
        """RFC 8292: who sends, proven by the key to which the browser subscribed."""
        scheme, _, rest = authorization.partition(" ")
        given = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
        if scheme.lower() != "vapid" or set(given) != {"t", "k"}:
            return 401, "not signed"
        if given["k"] != browser.server_key:
            return 403, "another key than the browser subscribed to"
        if not _is_signed(given["t"], given["k"]):
            return 403, "the signature is wrong"
        claims = json.loads(unpacked(given["t"].split(".")[1]))
        if claims.get("aud") != self.url:
            return 403, "for another push service"
        if not 0 < claims.get("exp", 0) - self.now().timestamp() <= DAY:
            return 403, "expired, or good for more than a day"
        if not str(claims.get("sub", "")).startswith(("mailto:", "https:")):
            return 403, "no contact"
        return 0, ""

    def arrived(self) -> Sequence[Arrived]:
        return self._arrived

    def faults(self, *faults: Fault) -> None:
        self._faults += faults

    def press(self, token: str, *, at: datetime, flaw: Flaw = Flaw.NONE) -> Callback:
        raise AssertionError("the browser posts to our own page")

    def tells(self, reference: str, *, at: datetime) -> Callback:
        raise AssertionError("a push service tells nothing later")


def _is_signed(token: str, key: str) -> bool:
    """Whether ES256 holds (RFC 7518 section 3.4: r and s, 32 bytes each)."""
    signed, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unpacked(key))
    try:
        halves = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
        public.verify(encode_dss_signature(*halves), signed.encode(), ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return len(raw) == 64
