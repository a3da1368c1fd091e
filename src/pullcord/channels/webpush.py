"""Web Push: a notification on the lock screen of whoever linked their browser, on any device.

It says how bad it is, what is at stake, by when and by which rule, and nothing that agents or end
users wrote: a lock screen is read by whoever stands near. Its buttons accept and decline; deciding
needs the page. A later push with the same tag takes the place of the earlier, so that what stands
on the screen is what holds.
"""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx2

from pullcord.briefing.plain import cut
from pullcord.channels.answers import refused, unanswered
from pullcord.channels.offered import Option, Surroundings
from pullcord.channels.outward import Outward
from pullcord.channels.port import Abilities, Channel, FoundBy, Letter, Limits, Outcome, Sent
from pullcord.channels.webpush_sealing import Device, Vapid, device_of, packed, sealed
from pullcord.errors import InvalidInput

OPTIONS = (
    Option(
        "private_key",
        "Key that signs what is pushed; made by `pullcord channels webpush-key`",
        is_secret=True,
    ),
    Option(
        "contact",
        "Where a push service finds you, mailto:… or https://…; else the public address",
        is_needed=False,
    ),
)

#: bytes of one notification before it is sealed; push services take 4,096 sealed
NOTE_BYTES_MAX = 3_072
#: characters of title and body; what is longer no lock screen shows
TITLE_MAX, BODY_MAX = 150, 600
#: how long a push service keeps a letter for a device that is off
KEPT_MIN, KEPT_MAX = timedelta(minutes=1), timedelta(days=28)
NEWS_KEPT_FOR = timedelta(days=3)
#: how long a signature is good; RFC 8292 allows 24 hours
SIGNED_FOR = timedelta(hours=12)
#: what the last push to each place said is remembered for so many, so that nothing is said twice
SAID_MAX = 10_000
#: stands for the time where it does not matter
ANY_TIME = datetime.fromtimestamp(0, UTC)
#: the device is no more: the browser forgot it, or its person switched notifications off
GONE = frozenset({404, 410})

REMEDIES: Mapping[int, str] = {
    401: "the push service refuses our signature; check PULLCORD_WEBPUSH_CONTACT and the clock",
    403: "this device was linked with another key; link it again from the Channels page",
    404: "the device is no longer there; it was unlinked, link it again if it is yours",
    410: "the device is no longer there; it was unlinked, link it again if it is yours",
    413: "the push service takes no message of this size",
}


@dataclass(frozen=True, slots=True)
class Note:
    """One notification as the service worker of the console shows it."""

    #: a later note with the same tag takes its place
    tag: str
    title: str
    body: str
    #: the page it opens
    path: str
    at: datetime
    #: the message key
    key: str = ""
    #: whether it comes without sound and light
    is_quiet: bool = False
    is_open: bool = False
    #: (verb, label, path to post to) of each button
    buttons: tuple[tuple[str, str, str], ...] = ()


class WebPushChannel:
    """Pushes to every browser a person linked, through that browser's own push service."""

    name = "webpush"
    can = Abilities(
        has_buttons=True,
        tells_stake=True,
        links_here=True,
        found_by=FoundBy.LINK,
        limits=Limits(line=TITLE_MAX, text=300, button=30),
        bundles_for=timedelta(seconds=30),
    )

    def __init__(self, vapid: Vapid, *, outward: Outward | None = None) -> None:
        self._vapid = vapid
        # whoever links a device names its address: it leads outside, or nowhere
        self._outward = outward or Outward()
        self._said: OrderedDict[tuple[str, str], Note] = OrderedDict()

    # --- linking ------------------------------------------------------------------------------
    def invitation(self) -> str:
        """The public key to which a browser subscribes."""
        return self._vapid.public_key

    def account_of(self, address: str) -> str:
        """The account of a subscription: the digest of its endpoint.

        Raises:
            InvalidInput: it is no subscription, or its push service is none of the open web.
        """
        device = device_of(address)
        _origin(device)
        return hashlib.sha256(device.endpoint.encode()).hexdigest()

    # --- sending ------------------------------------------------------------------------------
    async def send(self, letter: Letter) -> Sent:
        """Push once."""
        return await self._push(letter, note_of(letter))

    async def edit(self, reference: str, letter: Letter) -> Sent:
        """Put the note as it reads now in the place of the one that is there, without a sound."""
        note = replace(note_of(letter), tag=reference, is_quiet=True)
        if self._said.get((letter.address, reference)) == _as_said(note):
            return Sent(Outcome.ACCEPTED, "says so already", reference=reference)
        return await self._push(letter, note)

    async def _push(self, letter: Letter, note: Note) -> Sent:
        try:
            device = device_of(letter.address)
            origin = _origin(device)
        except InvalidInput as problem:
            return Sent(Outcome.FAILED, str(problem), is_gone=True)
        headers = {
            "authorization": self._vapid.authorization(origin, expires_at=letter.at + SIGNED_FOR),
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": str(int(_kept_for(letter, note).total_seconds())),
            "urgency": "high" if note.is_open and not note.is_quiet else "normal",
            "topic": topic_of(note.tag),
        }
        body = sealed(written(note), device)
        try:
            reply = await self._outward.post(device.endpoint, content=body, headers=headers)
        except httpx2.HTTPError as error:
            return unanswered(error)
        return self._read(reply, letter, note)

    def _read(self, reply: httpx2.Response, letter: Letter, note: Note) -> Sent:
        status = reply.status_code
        if reply.is_success:
            self._remember(letter.address, note)
            return Sent(Outcome.ACCEPTED, f"answered {status}", reference=note.tag)
        remedy = REMEDIES.get(status, "link the device again from the Channels page")
        sent = refused(reply, remedy, now=letter.at)
        return replace(sent, is_gone=status in GONE)

    def _remember(self, address: str, note: Note) -> None:
        self._said[address, note.tag] = _as_said(note)
        self._said.move_to_end((address, note.tag))
        if len(self._said) > SAID_MAX:
            self._said.popitem(last=False)

    async def close(self) -> None:
        """Let go of connections."""
        await self._outward.close()


def make(options: Mapping[str, str], surroundings: Surroundings) -> Channel:
    """The channel with these options.

    Raises:
        InvalidInput: the key is none, or there is no contact a push service would take.
    """
    contact = options["contact"] or surroundings.public_url
    if not contact.startswith(("mailto:", "https://")):
        raise InvalidInput(
            "PULLCORD_WEBPUSH_CONTACT",
            value=contact,
            limit="mailto:… or https://…",
            remedy="Set it: push services ask for it, and the public address is no https:// one.",
        )
    outward = Outward(internal=surroundings.internal_hosts)
    return WebPushChannel(Vapid(options["private_key"], contact), outward=outward)


# --- what a notification says ------------------------------------------------------------------


def note_of(letter: Letter) -> Note:
    """A letter as a notification, free of what agents and end users wrote."""
    # a bundle takes nobody's place
    tag = letter.id if letter.lines else (letter.escalation or letter.kind)
    return Note(
        tag=tag,
        title=cut(letter.headline, TITLE_MAX),
        body=cut("\n".join(_body(letter)), BODY_MAX),
        path=_path(letter.url),
        at=letter.at,
        key=letter.id,
        is_quiet=not letter.is_open and letter.kind != "test",
        is_open=letter.is_open,
        buttons=tuple(
            (str(each.verb), each.label, _path(each.url)) for each in letter.buttons if each.url
        ),
    )


def _body(letter: Letter) -> list[str]:
    """Stake, deadline and fallback, then where it comes from; without what the title says."""
    if letter.lines:
        return [each.text for each in letter.lines]
    told = [letter.standing]
    if letter.is_open:
        held = letter.standing if letter.status != "open" else ""
        told = [held, letter.stake, letter.deadline, letter.fallback]
    place = letter.environment if letter.environment != "production" else ""
    source = [letter.severity, letter.rule, letter.agent, place] if letter.agent else []
    found = [each for each in told if each and each not in letter.headline]
    return [*found, " · ".join(each for each in source if each)] if source else found


def _path(url: str) -> str:
    """An address of ours as the service worker asks for it, on its own host."""
    parts = urlsplit(url)
    return parts.path or "/"


def written(note: Note) -> bytes:
    """The note as JSON, at most 3 KB: whatever must give way, its buttons and its page stay."""
    body = note.body
    while True:
        written_note = _json(note, body)
        if len(written_note) <= NOTE_BYTES_MAX or not body:
            return written_note
        body = cut(body, len(body) // 2) if len(body) > 1 else ""


def _json(note: Note, body: str) -> bytes:
    value: dict[str, Any] = {
        "key": note.key,
        "tag": note.tag,
        "title": note.title,
        "body": body,
        "path": note.path,
        "at": int(note.at.timestamp() * 1_000),
        "is_quiet": note.is_quiet,
        "is_open": note.is_open,
        "buttons": [
            {"action": action, "title": label, "path": path} for action, label, path in note.buttons
        ],
    }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _as_said(note: Note) -> Note:
    """What a person reads of a note, whenever and however loudly it came."""
    return replace(note, key="", at=ANY_TIME, is_quiet=False)


def topic_of(tag: str) -> str:
    """By its topic a letter replaces what was not delivered yet; 32 characters at most."""
    return packed(hashlib.sha256(tag.encode()).digest())[:32]


def _kept_for(letter: Letter, note: Note) -> timedelta:
    """An ask is kept as long as it holds, everything else for a few days."""
    if note.is_quiet or not note.is_open or letter.due_at is None:
        return NEWS_KEPT_FOR
    return min(max(letter.due_at - letter.at, KEPT_MIN), KEPT_MAX)


def _origin(device: Device) -> str:
    """Scheme, host and port of a push service: browsers only ever name https.

    Raises:
        InvalidInput: it is no address of the open web.
    """
    parts = urlsplit(device.endpoint)
    if parts.scheme != "https" or not parts.hostname or parts.username is not None:
        raise InvalidInput(
            "endpoint", value="…", limit="an https:// address", remedy="Link the device again."
        )
    return f"https://{parts.netloc}"
