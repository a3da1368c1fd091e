"""What comes back by mail: a person's words, a bounce, or a machine that answers by itself.

A reply is believed by two things together: it came to an address that only we could have made, for
one letter to one person, and it names that person as its sender. Neither is more than a comment.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, message_from_string
from email.message import EmailMessage, Message
from email.utils import format_datetime, getaddresses
from hashlib import sha256

from pullcord.channels.email.addresses import plain
from pullcord.channels.email.letter import MARK, Desk
from pullcord.channels.email.quotes import decoded, files_in, reply_of
from pullcord.channels.port import Event, Learned, Outcome, Wrote

#: headers in which the address stands that a mail came to
RECIPIENTS = ("to", "cc", "delivered-to", "x-original-to", "envelope-to")
#: senders and subjects of machines that do not say what they are
MACHINES = ("mailer-daemon", "postmaster", "no-reply", "noreply", "donotreply")
AWAY = ("out of office", "automatic reply", "autoreply", "auto-reply", "abwesend", "abwesenheit")
BULK = frozenset({"bulk", "junk", "list", "auto_reply"})
#: what a bounce says became of a letter
BOUNCED = {"failed": Outcome.FAILED, "delivered": Outcome.DELIVERED}
#: letters remembered as explained
EXPLAINED_MAX = 1_000

EXPLANATION = """\
Your reply was not kept: {why}

{url}

This is an automatic answer; nobody reads replies to it.
"""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as we understand it."""

    #: whether it answers a letter of ours; everything else is left alone
    is_ours: bool = False
    #: at most one
    events: tuple[Event, ...] = ()
    #: the letter that is answered, and who may be told why it was not kept
    letter: str = ""
    answer_to: str = ""
    message_id: str = ""


OTHERS = Mail()


class Replies:
    """Reads mails into events."""

    def __init__(self, desk: Desk, now: Callable[[], datetime]) -> None:
        self._desk = desk
        self._now = now
        self._explained: dict[str, None] = {}

    def read(self, raw: bytes) -> Mail:
        """What a mail is."""
        message = message_from_bytes(raw)
        if _is_report(message):
            return self._bounce(message)
        letter = self._answered(message)
        if not letter:
            return OTHERS
        senders = [each for _, each in getaddresses(_all(message, ("from",)))]
        sender = plain(senders[0]).lower() if len(senders) == 1 else ""
        if not sender or is_automatic(message, sender) or _is_forged(message):
            return Mail(is_ours=True, letter=letter)
        text = self._words(message)
        named = _one(message, "message-id")
        wrote = Wrote(sender, self._desk.reference(letter), text, key=named)
        return Mail(
            is_ours=True,
            events=(wrote,) if text else (),
            letter=letter,
            answer_to=sender,
            message_id=named,
        )

    def _answered(self, message: Message) -> str:
        """The letter whose address this came to; empty when it is none of ours."""
        for _, address in getaddresses(_all(message, RECIPIENTS)):
            letter = self._desk.replies.letter(address)
            if letter:
                return letter
        return ""

    def _words(self, message: Message) -> str:
        text = reply_of(message, ours=self._desk.sender.address)
        files = files_in(message)
        note = f"({files} attached file{'s were' if files > 1 else ' was'} not kept.)"
        return f"{text}\n\n{note}" if text and files else text

    def _bounce(self, report: Message) -> Mail:
        """What a server says became of a letter, if the letter it returns is one of ours."""
        letter = next((each for each in map(self._marked, _returned(report)) if each), "")
        if not letter:
            return OTHERS
        action, status = _became(report)
        if action not in BOUNCED:
            return Mail(is_ours=True, letter=letter)
        said = "delivered, says their server" if action == "delivered" else "bounced"
        detail = f"{said} ({status})" if status else said
        if action == "failed":
            detail += "; correct the address on the People page, or look at their mailbox"
        learned = Learned(self._desk.reference(letter), BOUNCED[action], detail)
        return Mail(is_ours=True, events=(learned,), letter=letter)

    def _marked(self, returned: Message) -> str:
        letter, _, signature = _one(returned, MARK).partition(" ")
        return letter if self._desk.replies.is_signed(letter, signature.strip()) else ""

    def explanation(self, mail: Mail, why: str) -> bytes | None:
        """A short private note for whoever replied; None when this letter had one already."""
        if mail.letter in self._explained:
            return None
        self._explained[mail.letter] = None
        if len(self._explained) > EXPLAINED_MAX:
            del self._explained[next(iter(self._explained))]
        key = sha256(f"{mail.letter}/{mail.message_id}".encode()).hexdigest()[:24]
        note = EmailMessage()
        note["From"] = self._desk.sender.address
        note["To"] = mail.answer_to
        note["Subject"] = "Your reply was not kept"
        note["Date"] = format_datetime(self._now())
        note["Message-ID"] = f"<note_{key}@{self._desk.sender.domain}>"
        note["Auto-Submitted"] = "auto-replied"
        note.set_content(EXPLANATION.format(why=why, url=self._desk.public_url))
        return note.as_bytes()


# --- machines -----------------------------------------------------------------------------------


def is_automatic(message: Message, sender: str) -> bool:
    """Whether a machine wrote it: answering one would begin a conversation without end."""
    submitted = _one(message, "auto-submitted").lower()
    subject = _one(message, "subject").lower()
    return (
        submitted not in ("", "no")
        or _one(message, "precedence").lower() in BULK
        or any(message[each] for each in ("list-id", "x-autoreply", "x-autorespond", MARK))
        or _one(message, "return-path") == "<>"
        or sender.partition("@")[0] in MACHINES
        or subject.startswith(AWAY)
    )


def _is_forged(message: Message) -> bool:
    """Whether our own server says that the sender is not who it claims (RFC 8601, RFC 7489)."""
    # the first such header is the last server's, ours; any below it may be the sender's invention
    verdicts = message.get_all("authentication-results") or [""]
    return "dmarc=fail" in "".join(str(verdicts[0]).lower().split())


def _is_report(message: Message) -> bool:
    kind = str(message.get_param("report-type") or "").lower()
    return message.get_content_type() == "multipart/report" and kind == "delivery-status"


def _returned(report: Message) -> Iterable[Message]:
    """The letter, or the headers of it, that a bounce carries back."""
    for part in report.walk():
        kind = part.get_content_type()
        payload = part.get_payload()
        if kind == "message/rfc822" and isinstance(payload, list):
            yield from (each for each in payload if isinstance(each, Message))
        elif kind == "text/rfc822-headers":
            yield message_from_string(decoded(part))


def _became(report: Message) -> tuple[str, str]:
    """(action, status) of the one recipient a letter of ours has, such as failed and 5.1.1."""
    for part in report.walk():
        action = _one(part, "action").lower()
        if action:
            return action, _one(part, "status")[:12]
    return "", ""


def _one(message: Message, name: str) -> str:
    """The first header of a name, on one line."""
    return " ".join(str(message.get(name, "")).split())


def _all(message: Message, names: Iterable[str]) -> list[str]:
    return [str(each) for name in names for each in message.get_all(name) or []]
