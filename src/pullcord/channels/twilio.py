"""Twilio's API over plain HTTP: what SMS and voice stand on.

Requests carry the account and its token; what comes back is believed only with Twilio's signature
over the address it called and every field it sent, made with the same token.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit
from xml.sax.saxutils import escape

import httpx2

from pullcord.channels.answers import RETRIED, refused, unanswered
from pullcord.channels.offered import Option, Surroundings
from pullcord.channels.outward import Outward, address
from pullcord.channels.port import Callback, CallbackRefused, Outcome, Reply, Sent
from pullcord.errors import InvalidInput

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

#: how old what Twilio tells may be
SIGNED_FOR = timedelta(minutes=5)
#: answers to one number within that time, so that two machines never talk for ever
ANSWERS_MAX = 5
ANSWERS_PER = timedelta(minutes=15)
NUMBERS_MAX = 1_000
STANDARD_PORTS: Mapping[str, int] = {"https": 443, "http": 80}

OPTIONS = (
    Option("account_sid", "Account SID, AC and 32 characters, from Twilio's console"),
    Option("auth_token", "Auth token of that account", is_secret=True),
    Option(
        "secondary_token",
        "Secondary auth token while you change it: signatures of both are believed",
        is_needed=False,
        is_secret=True,
    ),
    Option(
        "api_url",
        "Where Twilio's API is",
        is_needed=False,
        default="https://api.twilio.com/2010-04-01",
    ),
)

#: what to do about an error of Twilio's (twilio.com/docs/api/errors)
REMEDIES: Mapping[int, str] = {
    20003: "the account SID or auth token is wrong",
    20404: "there is no such account; check the account SID",
    13224: "the phone number cannot be called; correct it in People",
    13227: "calls to this country are off; allow it under Voice, Geo permissions",
    21210: "the sender is no number of this account; check FROM",
    21211: "the phone number is none; write it as +491510000001 in People",
    21212: "the sender is no valid number; check FROM",
    21214: "the phone number cannot be reached; correct it in People",
    21215: "calls to this country are off; allow it under Voice, Geo permissions",
    21217: "the phone number is none; write it as +491510000001 in People",
    21408: "messages to this country are off; allow it under Messaging, Geo permissions",
    21606: "the sender cannot send messages; check FROM",
    21608: "a trial account writes to verified numbers only; verify this one or upgrade",
    21609: "Twilio cannot call back; the public address must be reachable from the internet",
    21610: "they wrote STOP to this number; they must write START to it",
    21612: "this sender cannot reach this number; take another sender",
    21614: "the number is no mobile phone; correct it in People",
    21659: "the sender is no number of this account; check FROM",
    30001: "too many messages wait at Twilio",
    30002: "the account is suspended; look into Twilio's console",
    30003: "the phone is off or out of reach",
    30004: "the carrier blocks messages to this phone",
    30005: "the number is unknown or no longer in service; correct it in People",
    30006: "the number is a landline; correct it in People",
    30007: "the carrier filtered it; register the sender with Twilio",
    30008: "the carrier gave no reason",
    30034: "the sender is not registered for US messaging (A2P 10DLC)",
    30036: "it did not arrive in time",
}


class Twilio:
    """One account, for one channel: sends its requests, and believes what it signed.

    Raises:
        InvalidInput: the account SID, the API's address or the house's own is none.
    """

    def __init__(
        self, channel: str, options: Mapping[str, str], surroundings: Surroundings
    ) -> None:
        if not re.fullmatch(r"AC[0-9a-fA-F]{32}", options["account_sid"]):
            raise InvalidInput(
                f"PULLCORD_{channel.upper()}_ACCOUNT_SID",
                value=options["account_sid"],
                limit="AC and 32 hexadecimal characters",
                remedy="Copy it from the first page of Twilio's console.",
            )
        self._account = options["account_sid"]
        tokens = (options["auth_token"], options["secondary_token"])
        self._tokens = [each for each in tokens if each]
        variable = f"PULLCORD_{channel.upper()}_API_URL"
        self._callbacks = f"{surroundings.public_url}/callbacks/{channel}"
        self._api = f"{address(options['api_url'], variable)}/Accounts/{self._account}"
        basic = base64.b64encode(f"{self._account}:{options['auth_token']}".encode()).decode()
        self._headers = {"authorization": f"Basic {basic}"}
        self._outward = Outward(internal=surroundings.internal_hosts)

    def callback(self, query: Mapping[str, str]) -> str:
        """Our own address for Twilio to call."""
        return f"{self._callbacks}?{urlencode(query)}" if query else self._callbacks

    async def post(self, resource: str, form: Mapping[str, str], *, now: datetime) -> Sent:
        """Ask for one message or call; its SID is the reference."""
        try:
            reply = await self._outward.post(
                f"{self._api}/{resource}.json",
                content=urlencode(form).encode(),
                headers={**self._headers, "content-type": "application/x-www-form-urlencoded"},
            )
        except httpx2.HTTPError as error:
            return unanswered(error)
        told = _told(reply)
        sid = told.get("sid")
        if reply.is_success and isinstance(sid, str) and sid:
            return Sent(Outcome.ACCEPTED, f"{told.get('status', 'queued')} at Twilio", None, sid)
        if reply.is_success:
            return Sent(Outcome.RETRY, f"answered {reply.status_code} without a SID")
        code = told.get("code")
        if reply.status_code in RETRIED or not isinstance(code, int):
            return refused(reply, "look into Twilio's console", now=now)
        return Sent(Outcome.FAILED, explained(code))

    async def sent_at(self, message: str) -> datetime | None:
        """When a message that came in was sent, as Twilio itself says; None when it knows none."""
        if not re.fullmatch(r"[A-Z]{2}[0-9a-fA-F]{32}", message):
            return None
        try:
            reply = await self._outward.request(
                "GET", f"{self._api}/Messages/{message}.json", headers=self._headers
            )
        except httpx2.HTTPError:
            return None
        try:
            return parsedate_to_datetime(str(_told(reply).get("date_created")))
        except ValueError:
            return None

    def believed(self, callback: Callback) -> dict[str, str]:
        """The fields of a callback.

        Raises:
            CallbackRefused: it is not signed with this account's token, or for another account.
        """
        body = callback.body.decode("utf-8", "replace")
        fields = parse_qs(body, keep_blank_values=True)
        given = callback.headers.get("x-twilio-signature", "")
        wanted = [
            signature(token, url, fields)
            for token in self._tokens
            for url in spellings(callback.url)
        ]
        # every comparison is made, so that the time tells nothing
        matches = [hmac.compare_digest(given.encode(), each.encode()) for each in wanted]
        if not given or True not in matches:
            raise CallbackRefused("the signature is missing or wrong")
        told = {name: values[-1] for name, values in fields.items()}
        if told.get("AccountSid") != self._account:
            raise CallbackRefused("it is about another account")
        return told

    async def close(self) -> None:
        """Let go of connections."""
        await self._outward.close()


def explained(code: int) -> str:
    """An error of Twilio's with what to do about it."""
    remedy = REMEDIES.get(code, f"see twilio.com/docs/api/errors/{code}")
    return f"Twilio error {code}: {remedy}"


def signature(token: str, url: str, fields: Mapping[str, list[str]]) -> str:
    """X-Twilio-Signature: base64 of HMAC-SHA1 over the address and the sorted fields."""
    parts = [url]
    for name in sorted(fields):
        parts += [name + value for value in sorted(set(fields[name]))]
    digest = hmac.digest(token.encode(), "".join(parts).encode(), hashlib.sha1)
    return base64.b64encode(digest).decode()


def spellings(url: str) -> tuple[str, str]:
    """An address with and without its standard port: Twilio signs either."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    port = STANDARD_PORTS.get(parts.scheme, 0)
    if host.endswith(f":{port}"):
        other = host.removesuffix(f":{port}")
    elif parts.port is None:
        other = f"{host}:{port}"
    else:
        other = host
    return url, urlunsplit(parts._replace(netloc=other))


def is_recent(at: datetime, now: datetime) -> bool:
    """Whether a moment is near enough to believe what was signed then."""
    return abs(now - at) <= SIGNED_FOR


def twiml(verbs: str) -> Reply:
    """An answer in Twilio's markup; empty for none."""
    body = f'<?xml version="1.0" encoding="UTF-8"?><Response>{verbs}</Response>'
    return Reply(body=body.encode(), media_type="text/xml")


def xml_text(text: str) -> str:
    """Text escaped, without the characters XML 1.0 has no place for."""
    return escape(_NO_XML.sub(" ", text), {'"': "&quot;"})


def sender_of(text: str, variable: str) -> str:
    """A number or a messaging service that sends.

    Raises:
        InvalidInput: it is neither.
    """
    if not re.fullmatch(r"\+[1-9]\d{6,14}|MG[0-9a-fA-F]{32}|[0-9]{3,8}", text):
        raise InvalidInput(
            variable, value=text, limit="a number as +15551230000, or MG and 32 characters"
        )
    return text


class Patience:
    """Counts answers to each number, and says when one has had enough."""

    def __init__(self) -> None:
        self._answered: dict[str, list[datetime]] = {}

    def has(self, number: str, now: datetime) -> bool:
        """Whether this number is answered once more; counted when it is."""
        recent = [each for each in self._answered.pop(number, []) if now - each < ANSWERS_PER]
        is_left = len(recent) < ANSWERS_MAX
        self._answered[number] = [*recent, now] if is_left else recent
        while len(self._answered) > NUMBERS_MAX:
            del self._answered[next(iter(self._answered))]
        return is_left


def _told(reply: httpx2.Response) -> dict[str, object]:
    try:
        told = reply.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
