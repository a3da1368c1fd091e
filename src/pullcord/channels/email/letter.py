"""A letter becomes a mail: headers a machine reads, text and HTML a person reads.

Nothing is drawn by chance: the same letter is the same mail, byte for byte, at every try.
"""

import binascii
import hashlib
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from pullcord.channels.email.addresses import Mailbox, ReplyAddresses
from pullcord.channels.email.sheet import LINKS, Sheet, sheet_of, shortened
from pullcord.channels.email.words import text_of
from pullcord.channels.port import Letter

#: bytes of HTML; from about 102,000 on a large provider shows half of a mail
HTML_MAX = 90_000
#: times a letter that is too large is shortened; more parts than any content has
CUTS_MAX = 100
SUBJECT_MAX = 200
#: what Outlook and Exchange may not answer by themselves; bounces they shall send
SUPPRESSED = "DR, RN, NRN, OOF, AutoReply"
#: the header that comes back in a bounce and proves that the letter was ours
MARK = "X-Pullcord-Letter"

_POLICY = SMTP.clone(max_line_length=76)


@dataclass(frozen=True, slots=True)
class Desk:
    """Who writes, and from where."""

    sender: Mailbox
    public_url: str
    replies: ReplyAddresses
    #: whether a mailbox is read, so that letters may be answered
    takes_replies: bool = False

    def reference(self, letter: str) -> str:
        """The Message-ID of a letter, without its brackets."""
        return f"{letter}@{self.sender.domain}"


def mail_of(letter: Letter, desk: Desk, *, address: str) -> bytes:
    """The whole mail."""
    answer = _answer(letter, desk)
    sheet = sheet_of(letter, public_url=desk.public_url, takes_replies=bool(answer))
    subject = subject_of(letter)
    html, sheet = _fitting(sheet, subject)
    mail = EmailMessage(policy=_POLICY)
    sender = desk.sender
    mail["From"] = Address(sender.name, addr_spec=sender.address)
    mail["To"] = address
    mail["Subject"] = subject
    mail["Date"] = format_datetime(letter.at)
    mail["Message-ID"] = f"<{desk.reference(letter.id)}>"
    _thread(mail, letter)
    if answer:
        mail["Reply-To"] = answer
    _machines(mail, letter, desk)
    _body(mail, text_of(sheet), html, key=letter.id)
    return mail.as_bytes()


def _answer(letter: Letter, desk: Desk) -> str:
    """Where this letter is answered; end users answer on their page."""
    if not desk.takes_replies or letter.lines or letter.to.startswith("end_user"):
        return ""
    return desk.replies.of(letter.id)


# --- headers ------------------------------------------------------------------------------------


def subject_of(letter: Letter) -> str:
    """The same for every letter of an escalation, so that mail programs keep them together.

    What changes (who has it, until when) stands in the letter and in its preview, where it is true.
    """
    if letter.kind in ("test", "confirm") or letter.lines:
        return _line(letter.headline)
    again = "Re: " if letter.thread else ""
    if letter.to.startswith("end_user"):
        return _line(f"{again}Your request to {letter.workspace_name or 'us'}")
    drill = "Drill: " if letter.headline.startswith("Drill: ") else ""
    what = f"{letter.tool} by {letter.agent}" if letter.tool else f"a question of {letter.agent}"
    where = f", {letter.environment}" if letter.environment != "production" else ""
    short = letter.escalation[-6:]
    return _line(f"{again}{drill}{letter.severity.capitalize()}: {what}{where} [{short}]")


def preview_of(letter: Letter) -> str:
    """What a list of mails shows beside the subject; nothing that agents or end users wrote."""
    return " ".join(each for each in (letter.headline, letter.deadline) if each)


def _line(text: str) -> str:
    """One line for a header: nothing in it ends the header and begins another."""
    return " ".join(text.split())[:SUBJECT_MAX]


def _thread(mail: EmailMessage, letter: Letter) -> None:
    thread = _line(letter.thread)
    if thread:
        mail["In-Reply-To"] = f"<{thread}>"
        mail["References"] = f"<{thread}>"


def _machines(mail: EmailMessage, letter: Letter, desk: Desk) -> None:
    """What programs on the way need to know: nobody to answer, which list, which letter."""
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = SUPPRESSED
    mail[MARK] = f"{letter.id} {desk.replies.signature(letter.id)}"
    kind, _, who = letter.to.partition(":")
    if kind != "end_user":
        name = _line(letter.workspace_name or letter.workspace)
        mail["List-Id"] = f"{_quoted(name)} <{letter.workspace}.pullcord.{desk.sender.domain}>"
    if kind == "person" and who and not letter.is_open and letter.kind != "test":
        mail["List-Unsubscribe"] = f"<{desk.public_url}/people/{who}/reach>"
    if letter.is_open and letter.severity in ("high", "critical"):
        mail["Importance"] = "high"


def _quoted(name: str) -> str:
    """A name as RFC 2919 puts it before a list's id; only what needs no encoding."""
    plain = "".join(each if each.isascii() and each not in '"\\<>' else "?" for each in name)
    return f'"{plain}"'


# --- body ---------------------------------------------------------------------------------------


def _fitting(sheet: Sheet, subject: str) -> tuple[str, Sheet]:
    """The HTML, with as much of the content as mail programs show."""
    html = _html(sheet, subject)
    for _ in range(CUTS_MAX):
        less = shortened(sheet) if len(html.encode()) > HTML_MAX else None
        if less is None:
            break
        sheet, html = less, _html(less, subject)
    return html, sheet


def _html(sheet: Sheet, subject: str) -> str:
    return (
        _environment()
        .get_template("letter.html")
        .render(
            sheet=sheet,
            letter=sheet.letter,
            content=sheet.content,
            subject=subject,
            preview=preview_of(sheet.letter),
            links_note=LINKS,
        )
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("pullcord.channels.email", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _body(mail: EmailMessage, text: str, html: str, *, key: str) -> None:
    """Both as quoted-printable; a boundary with "=_" can stand in neither."""
    mail["MIME-Version"] = "1.0"
    digest = hashlib.sha256(key.encode()).hexdigest()[:24]
    mail["Content-Type"] = f'multipart/alternative; boundary="=_{digest}"'
    for subtype, content in (("plain", text), ("html", html)):
        part = EmailMessage(policy=_POLICY)
        part["Content-Type"] = f"text/{subtype}; charset=utf-8"
        part["Content-Transfer-Encoding"] = "quoted-printable"
        part.set_payload(binascii.b2a_qp(content.encode(), istext=True).decode())
        mail.attach(part)
