"""What a phone call says, and how it travels: sealed in the address Twilio fetches it from.

Any process of the house can answer a call, because the words come along with it; whoever reads
addresses in a log reads nothing.
"""

import base64
import re
import zlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pullcord.channels.port import Content, Letter

#: characters of the address Twilio takes, with room for the rest of it
SEALED_MAX = 3_000
#: bytes a sealed speech opens to at most
SPEECH_BYTES_MAX = 20_000

_ADDRESS = re.compile(r"https?://\S+")


@dataclass(frozen=True, slots=True)
class Speech:
    """One call: what it says first, what it says to whoever listens, what a key can do."""

    #: said to anybody who picks up: nothing of what agents and end users wrote
    opening: str
    #: the ask, whole
    question: str
    #: what follows from it, and by when
    more: str
    placed_at: datetime
    due_at: datetime | None = None
    #: names the escalation for the keys 1 and 2; empty: nothing can be done
    code: str = ""


def speech_of(letter: Letter) -> Speech:
    """A letter as it is read aloud."""
    name = f"This is Pullcord for {letter.workspace_name}." if letter.workspace_name else ""
    place = "" if letter.environment in ("", "production") else f"From {letter.environment}."
    severity = f"Severity: {letter.severity}." if letter.escalation else ""
    standing = "" if letter.is_open else letter.standing
    lines = [each.text for each in letter.lines]
    return Speech(
        opening=said(name, severity, place, letter.headline, standing, *lines),
        question=said(letter.content.ask) if letter.content else "",
        more=said(*_more(letter.content), letter.deadline, letter.fallback),
        placed_at=letter.at,
        due_at=letter.due_at if letter.is_open else None,
        code=letter.code if letter.buttons else "",
    )


def _more(content: Content | None) -> tuple[str, ...]:
    """What approving means; what the agent merely says is left to the page."""
    if content is None:
        return ()
    money = f"Amount: {content.money}." if content.money else ""
    return (money, content.consequence, content.reversibility, content.said)


def said(*sentences: str) -> str:
    """Sentences one after the other, as a voice reads them: an address is "a link"."""
    plain = (" ".join(_ADDRESS.sub("a link", each).split()) for each in sentences)
    return " ".join(each if each[-1] in ".!?:" else f"{each}." for each in plain if each)


def time_left(due_at: datetime, now: datetime) -> str:
    """How long there is, in words: "You have 1 hour and 20 minutes."."""
    minutes = int((due_at - now).total_seconds() // 60)
    if minutes < 1:
        return "The time is almost over."
    hours, rest = divmod(minutes, 60)
    parts = [_counted(hours, "hour"), _counted(rest, "minute") if hours < 24 else ""]
    return f"You have {' and '.join(each for each in parts if each)}."


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}" if count else ""


class Sealer:
    """Seals speeches with a key made of the account's token; the same speech seals the same."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._keys = [AESSIV(_key(each)) for each in secrets if each]

    def seal(self, speech: Speech) -> str:
        """A speech as text for an address; where it is too long the ask stays whole."""
        text = self._sealed(speech)
        if len(text) > SEALED_MAX:
            text = self._sealed(replace(speech, more=""))
        return text

    def _sealed(self, speech: Speech) -> str:
        packed = zlib.compress(msgspec.json.encode(_facts(speech)), 9)
        return _text(self._keys[0].encrypt(packed, None))

    def open(self, text: str) -> Speech | None:
        """The speech again; None when it was not sealed here."""
        for key in self._keys:
            try:
                packed = key.decrypt(_bytes(text), None)
            except (InvalidTag, ValueError):
                continue
            plain = zlib.decompressobj().decompress(packed, SPEECH_BYTES_MAX)
            return _speech(msgspec.json.decode(plain))
        return None


def _facts(speech: Speech) -> list[object]:
    due = int(speech.due_at.timestamp()) if speech.due_at else 0
    placed = int(speech.placed_at.timestamp())
    return [speech.opening, speech.question, speech.more, speech.code, placed, due]


def _speech(facts: list[Any]) -> Speech:
    opening, question, more, code, placed, due = facts
    return Speech(
        opening=opening,
        question=question,
        more=more,
        placed_at=datetime.fromtimestamp(placed, UTC),
        due_at=datetime.fromtimestamp(due, UTC) if due else None,
        code=code,
    )


def _key(secret: str) -> bytes:
    kdf = HKDF(algorithm=SHA256(), length=64, salt=None, info=b"pullcord/speech")
    return kdf.derive(secret.encode())


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
