"""A mail server on loopback (aiosmtpd) that refuses what the large providers refuse.

It wants TLS or a login where it is told so, takes no letter without the headers RFC 5322 asks for,
none with lines or a size that servers do not pass on, and none from a sender it does not know.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from pullcord.channels.email import OPTIONS, EmailChannel, make
from pullcord.channels.offered import Surroundings
from pullcord.channels.port import Callback
from tests.conformance.channels.certificate import HERE, certificate, served_with
from tests.conformance.channels.double import Arrived, Fault, Flaw

PASSWORD = "post-office-secret"
SENDER = "pullcord@shop.example"
KEY = b"k" * 32
SIZE_MAX = 300_000
LINE_MAX = 998
#: headers a letter has exactly once
ONCE = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type")

ANSWERS = {
    Fault.BUSY: "451 4.3.0 come back later",
    Fault.LIMITED: "450 4.7.28 too many letters, wait",
    Fault.GONE: "550 5.1.1 <maria@example.com> is unknown here",
}
_TOKEN = re.compile(r"/acts/([A-Za-z0-9_-]+)")


class PostOffice:
    """What the server does with what it is handed."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.letters: list[bytes] = []
        self.envelopes: list[Envelope] = []
        self.senders = {SENDER}
        self.connections = 0

    async def handle_RCPT(  # noqa: N802  # the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.faults:
            fault = self.faults.pop(0)
            if fault is Fault.HANGS_UP:
                assert isinstance(server.transport, asyncio.Transport)
                server.transport.abort()
                raise asyncio.CancelledError
            return ANSWERS[fault]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_MAIL(  # noqa: N802  # the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address not in self.senders:
            return "553 5.7.1 you do not own this sender"
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_DATA(  # noqa: N802  # the library's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        raw = envelope.original_content or b""
        problem = problem_of(raw)
        if problem:
            return f"554 5.6.0 {problem}"
        self.letters.append(raw)
        self.envelopes.append(envelope)
        return "250 2.0.0 queued as 7C1D"


def problem_of(raw: bytes) -> str:
    """Why a provider would refuse this letter; empty when none would."""
    head = raw.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0].decode().lower() for line in head.split(b"\r\n")]
    for name in ONCE:
        if names.count(name.lower()) != 1:
            return f"{name} stands there {names.count(name.lower())} times"
    if not raw.isascii():
        return "bytes above 127 without 8BITMIME"
    if re.search(rb"(?<!\r)\n|\r(?!\n)", raw):
        return "a bare line ending"
    if max(map(len, raw.split(b"\r\n"))) > LINE_MAX:
        return "a line is too long"
    message = message_from_bytes(raw, policy=policy.default)
    if not re.fullmatch(r"<[^<>@\s]+@[^<>@\s]+>", str(message["Message-ID"])):
        return "no Message-ID"
    if message.defects or any(part.defects for part in message.walk()):
        return "MIME that cannot be read"
    return ""


def opened_mail(raw: bytes) -> EmailMessage:
    """A letter as a mail program opens it."""
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def html_of(raw: bytes) -> str:
    """The HTML of a letter."""
    part = opened_mail(raw).get_body(("html",))
    assert part is not None, "a letter without HTML"
    return str(part.get_content())


def plain_of(raw: bytes) -> str:
    """The plain text of a letter."""
    part = opened_mail(raw).get_body(("plain",))
    assert part is not None, "a letter without text"
    return str(part.get_content()).replace("\r\n", "\n")


def seen_of(raw: bytes) -> str:
    """What a person reads of the HTML: tags, style and head left out."""
    body = re.sub(r"(?s)<(style|head)\b.*?</\1>", " ", html_of(raw))
    return unescape(re.sub(r"<[^>]+>", " ", body))


class Trap(SMTP):
    """The protocol; counts who connects, and forgets whom it hung up on."""

    def connection_made(self, transport: Any) -> None:
        self.event_handler.connections += 1
        super().connection_made(transport)

    async def _handle_client(self) -> None:
        try:
            await super()._handle_client()
        except asyncio.CancelledError:
            if self.transport is None or not self.transport.is_closing():
                raise


@asynccontextmanager
async def post_office(
    office: PostOffice, *, password: str = "", tls: str = "starttls", host: str = HERE
) -> AsyncIterator[int]:
    """The server on a free port, until the block ends; `host` is whom its certificate names."""
    shown = served_with(host)

    def right(*given: Any) -> AuthResult:
        return AuthResult(success=given[-1].password == password.encode(), handled=False)

    def served() -> SMTP:
        return Trap(
            office,
            data_size_limit=SIZE_MAX,
            hostname="mx.shop.example",
            loop=asyncio.get_running_loop(),
            tls_context=shown if tls == "starttls" else None,
            require_starttls=tls == "starttls",
            authenticator=right if password else None,
            auth_required=bool(password),
            timeout=30,
        )

    whole = shown if tls == "tls" else None
    server = await asyncio.get_running_loop().create_server(served, "127.0.0.1", 0, ssl=whole)
    async with server:
        yield server.sockets[0].getsockname()[1]
        server.close()


class EmailDouble:
    """A provider of mail."""

    edits: ClassVar[bool] = False
    hears: ClassVar[bool] = False
    tells_receipts: ClassVar[bool] = False
    shows_content: ClassVar[bool] = True
    names_retry: ClassVar[bool] = False

    def __init__(self) -> None:
        self.address = "maria@example.com"
        self.account = "maria@example.com"
        self.secrets: Sequence[str] = (PASSWORD, self.address)
        self.office = PostOffice()
        self.port = 0
        self.folder = Path()

    @classmethod
    @asynccontextmanager
    async def opened(cls) -> AsyncIterator[Self]:
        double = cls()
        with TemporaryDirectory() as folder:
            double.folder = Path(folder)
            async with post_office(double.office, password=PASSWORD) as port:
                double.port = port
                yield double

    def channel(self) -> EmailChannel:
        trusted = trusted_in(self.folder)
        options = options_for(self.port, username="shop", password=PASSWORD, ca_file=trusted)
        return make(
            options, Surroundings("https://pull.example", lambda: datetime.now(UTC), key=KEY)
        )

    def arrived(self) -> Sequence[Arrived]:
        found = []
        for raw in self.office.letters:
            reference = str(opened_mail(raw)["Message-ID"]).strip("<>")
            tokens = tuple(dict.fromkeys(_TOKEN.findall(html_of(raw))))
            text = f"{seen_of(raw)}\n{plain_of(raw)}"
            found.append(Arrived(reference, text, reference, tokens))
        return found

    def faults(self, *faults: Fault) -> None:
        self.office.faults += faults

    def press(self, token: str, *, at: datetime, flaw: Flaw = Flaw.NONE) -> Callback:
        raise AssertionError("nobody calls back by mail")

    def tells(self, reference: str, *, at: datetime) -> Callback:
        raise AssertionError("a bounce comes by mail, not by a callback")


def trusted_in(folder: Path) -> str:
    """The file that tells a client to believe our servers."""
    file = folder / "trusted.pem"
    file.write_text(certificate(HERE)[0], encoding="ascii")
    return str(file)


def options_for(port: int, **more: str) -> dict[str, str]:
    """Options of a channel that speaks to a server on loopback."""
    usual = {each.name: each.default for each in OPTIONS}
    here = {"sender": f"Example Shop <{SENDER}>", "host": HERE, "port": str(port)}
    return {**usual, **here, **more}
