"""A letter becomes a mail: headers a machine reads, text and HTML a person reads.

Nothing is drawn by chance: the same letter is the same mail, byte for byte, at every try.
"""

import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.header import Header
from email.utils import format_datetime, formataddr
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
#: characters of a line, RFC 2045
LINE_MAX = 76
#: what Outlook and Exchange may not answer by themselves; bounces they shall send
SUPPRESSED = "DR, RN, NRN, OOF, AutoReply"
#: the header that comes back in a bounce and proves that the letter was ours
MARK = "X-Pullcord-Letter"

#: what no header holds once its spaces are plain
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


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
    headers = {
        "From": formataddr((_line(desk.sender.name), desk.sender.address)),
        "To": address,
        "Subject": subject,
        "Date": format_datetime(letter.at),
        "Message-ID": f"<{desk.reference(letter.id)}>",
        **_thread(letter),
        "Reply-To": answer,
        **_for_machines(letter, desk),
    }
    return _written(headers, text_of(sheet), html, key=letter.id)


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
    more = letter.deadline if letter.is_open else ""
    return " ".join(each for each in (letter.headline, more) if each)


def _line(text: str) -> str:
    """One line for a header: nothing in it ends the header and begins another."""
    return _CONTROL.sub("", " ".join(text.split()))[:SUBJECT_MAX]


def _thread(letter: Letter) -> dict[str, str]:
    thread = f"<{_line(letter.thread)}>" if letter.thread else ""
    return {"In-Reply-To": thread, "References": thread}


def _for_machines(letter: Letter, desk: Desk) -> dict[str, str]:
    """What programs on the way need to know: nobody to answer, which list, which letter."""
    kind, _, who = letter.to.partition(":")
    name = _quoted(_line(letter.workspace_name or letter.workspace))
    is_news = kind == "person" and not letter.is_open and letter.kind != "test"
    is_pressing = letter.is_open and letter.severity in ("high", "critical")
    list_id = f"{name} <{letter.workspace}.pullcord.{desk.sender.domain}>"
    return {
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": SUPPRESSED,
        MARK: f"{letter.id} {desk.replies.signature(letter.id)}",
        "List-Id": list_id if kind != "end_user" else "",
        "List-Unsubscribe": f"<{desk.public_url}/people/{who}/reach>" if is_news else "",
        "Importance": "high" if is_pressing else "",
    }


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


def _written(headers: Mapping[str, str], text: str, html: str, *, key: str) -> bytes:
    """The mail in 7-bit lines of at most 76; a boundary with "=_" can stand in no part."""
    boundary = f"=_{hashlib.sha256(key.encode()).hexdigest()[:24]}"
    lines = [_header(name, value) for name, value in headers.items() if value]
    lines += [
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{boundary}"',
        "",
    ]
    for subtype, content in (("plain", text), ("html", html)):
        lines += [
            f"--{boundary}",
            f"Content-Type: text/{subtype}; charset=utf-8",
            "Content-Transfer-Encoding: quoted-printable",
            "",
            _quoted_printable(content),
        ]
    whole = "\n".join([*lines, f"--{boundary}--", ""])
    return whole.replace("\n", "\r\n").encode("ascii")


def _quoted_printable(text: str) -> str:
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return binascii.b2a_qp(plain.encode(), istext=True).decode()


def _header(name: str, value: str) -> str:
    """One header, folded and encoded as RFC 2047 says where it is long or not ASCII."""
    if value.isascii() and len(name) + len(value) < LINE_MAX:
        return f"{name}: {value}"
    charset = "us-ascii" if value.isascii() else "utf-8"
    return f"{name}: {Header(value, charset, maxlinelen=LINE_MAX, header_name=name).encode()}"
