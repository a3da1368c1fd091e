"""The e-mail channel against a real mail server: lines, certificates, refusals, and the options."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from pullcord.channels.email import EmailChannel, make
from pullcord.channels.email import lines as lines_module
from pullcord.channels.offered import Surroundings, made
from pullcord.channels.port import Letter, Outcome, Sent
from pullcord.errors import InvalidInput
from tests.conformance.channels.double import Fault
from tests.conformance.channels.email_double import (
    KEY,
    PASSWORD,
    SENDER,
    PostOffice,
    options_for,
    post_office,
    trusted_in,
)
from tests.unit.channels.letters import letter as plain_letter

NOW = datetime(2027, 1, 5, 12, tzinfo=UTC)
URL = "https://pull.example"


class Clock:
    """A hand to turn."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


def letter(n: int = 1, **changes: Any) -> Letter:
    return plain_letter(id=f"msg_{n:04d}.email", address="maria@example.com", **changes)


@asynccontextmanager
async def mailing(
    office: PostOffice, *, clock: Clock | None = None, tls: str = "none", **options: str
) -> AsyncIterator[EmailChannel]:
    """A server and the channel that speaks to it."""
    now = (clock or Clock()).now
    async with post_office(office, tls=tls) as port:
        channel = make(options_for(port, tls=tls, **options), Surroundings(URL, now, key=KEY))
        yield channel
        await channel.close()


async def sent_to(office: PostOffice, *, tls: str = "none", ca_file: str = "") -> Sent:
    """What one letter becomes."""
    async with mailing(office, tls=tls, ca_file=ca_file) as channel:
        return await channel.send(letter())


# --- taken ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("tls", ["none", "starttls", "tls"])
async def test_a_letter_is_taken_over_any_kind_of_line(tls: str, tmp_path: Path) -> None:
    """Port 25 inside a house, 587 and 465 outside."""
    office = PostOffice()

    sent = await sent_to(office, tls=tls, ca_file=trusted_in(tmp_path))

    assert sent.outcome is Outcome.ACCEPTED
    assert sent.reference == "msg_0001.email@shop.example"
    assert sent.detail == "taken by 127.0.0.1: 250 2.0.0"
    (envelope,) = office.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == (SENDER, ["maria@example.com"])


async def test_taken_is_not_called_delivered() -> None:
    """A server may take a letter and drop it; nobody here claims that it arrived."""

    class Liar(PostOffice):
        async def handle_DATA(  # noqa: N802
            self, server: SMTP, session: Session, envelope: Envelope
        ) -> str:
            return "250 2.0.0 of course"

    office = Liar()

    sent = await sent_to(office)

    assert sent.outcome is Outcome.ACCEPTED
    assert office.letters == []


async def test_a_burst_goes_over_few_lines(tmp_path: Path) -> None:
    """A greeting, a handshake and a login for each letter would be most of the work."""
    office = PostOffice()
    async with mailing(office, tls="starttls", ca_file=trusted_in(tmp_path)) as channel:
        found = await asyncio.gather(*(channel.send(letter(n)) for n in range(50)))

    assert {each.outcome for each in found} == {Outcome.ACCEPTED}
    assert len(office.letters) == 50
    assert office.connections <= 4 * 2  # STARTTLS makes the server count a line twice


async def test_a_line_that_was_idle_for_long_or_carried_much_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Servers hang up on both, at a moment of their own."""
    monkeypatch.setattr(lines_module, "LETTERS_MAX", 2)
    office, clock = PostOffice(), Clock()
    async with mailing(office, clock=clock, connections="1") as channel:
        await channel.send(letter(1))
        await channel.send(letter(2))
        after_two = office.connections
        await channel.send(letter(3))
        after_three = office.connections
        clock.at += timedelta(seconds=61)
        await channel.send(letter(4))

    assert (after_two, after_three, office.connections) == (1, 2, 3)


async def test_a_server_that_hung_up_meanwhile_costs_no_letter() -> None:
    """It restarts, and the next letter goes over a new line."""
    office = PostOffice()
    async with mailing(office, connections="1") as channel:
        await channel.send(letter(1))
        for each in list(channel._lines._idle):
            assert isinstance(each.smtp.transport, asyncio.Transport)
            each.smtp.transport.abort()
        await asyncio.sleep(0)

        sent = await channel.send(letter(2))

    assert sent.outcome is Outcome.ACCEPTED
    assert len(office.letters) == 2


async def test_a_line_that_breaks_under_a_letter_is_opened_once_more() -> None:
    """The server's good-bye and our letter may cross on the way."""
    office = PostOffice()
    async with mailing(office, connections="1") as channel:
        await channel.send(letter(1))
        office.faults.append(Fault.HANGS_UP)

        sent = await channel.send(letter(2))

    assert sent.outcome is Outcome.ACCEPTED
    assert len(office.letters) == 2


# --- not taken ------------------------------------------------------------------------------------


class Refusing(PostOffice):
    """Answers one command with what a test says."""

    def __init__(self, command: str, answer: str) -> None:
        super().__init__()
        self.command, self.answer = command, answer

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.command == "MAIL":
            return self.answer
        return await super().handle_MAIL(server, session, envelope, address, options)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.command == "RCPT":
            return self.answer
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        return self.answer if self.command == "DATA" else "250 OK"


@pytest.mark.parametrize(
    ("command", "answer", "outcome", "said"),
    [
        ("RCPT", "550 5.1.1 <maria@example.com> unknown", Outcome.FAILED, "People page"),
        ("RCPT", "550 no such user", Outcome.FAILED, "answered 550: this address"),
        ("RCPT", "554 5.7.1 relay access denied", Outcome.FAILED, "what it may relay"),
        ("RCPT", "552 5.2.2 mailbox full", Outcome.FAILED, "full"),
        ("RCPT", "450 4.2.0 greylisted", Outcome.RETRY, "answered 450 4.2.0"),
        ("RCPT", "421 4.3.2 closing", Outcome.RETRY, "421"),
        ("MAIL", "553 5.7.1 not your address", Outcome.FAILED, "PULLCORD_EMAIL_SENDER"),
        ("MAIL", "530 5.7.0 authentication required", Outcome.FAILED, "PULLCORD_EMAIL_USERNAME"),
        ("MAIL", "451 4.3.0 busy", Outcome.RETRY, "451"),
        ("DATA", "552 5.3.4 too big", Outcome.FAILED, "size"),
        ("DATA", "554 5.7.1 spam: Refund to Anna", Outcome.FAILED, "SPF and DKIM"),
        ("DATA", "451 4.7.1 try later", Outcome.RETRY, "451 4.7.1"),
    ],
)
async def test_a_refusal_says_whether_to_come_back_and_what_to_do(
    command: str, answer: str, outcome: Outcome, said: str
) -> None:
    """The receipt is read by whoever can mend it; it repeats codes only."""
    sent = await sent_to(Refusing(command, answer))

    assert sent.outcome is outcome
    assert said in sent.detail
    assert sent.reference == ""
    for private in ("maria", "Anna", "unknown"):
        assert private not in sent.detail


async def test_a_refused_letter_leaves_the_line_good_for_the_next() -> None:
    """One wrong address must not slow down the others."""
    office = PostOffice()
    office.faults.append(Fault.GONE)
    async with mailing(office, connections="1") as channel:
        refused = await channel.send(letter(1))
        taken = await channel.send(letter(2))

    assert (refused.outcome, taken.outcome) == (Outcome.FAILED, Outcome.ACCEPTED)
    assert office.connections == 1


async def test_no_letter_goes_to_what_is_no_address() -> None:
    """A line ending in an address would be a second recipient."""
    office = PostOffice()
    async with mailing(office) as channel:
        for address in ("", "maria", "a@b.example\r\nRCPT TO:<x@y.example>"):
            sent = await channel.send(plain_letter(address=address))

            assert sent.outcome is Outcome.FAILED
            assert "People page" in sent.detail
    assert office.connections == 0


@pytest.mark.parametrize("tls", ["starttls", "tls"])
@pytest.mark.parametrize("wrong", ["host", "issuer"])
async def test_a_wrong_certificate_is_told_and_nothing_is_sent(
    tls: str, wrong: str, tmp_path: Path
) -> None:
    """Whoever stands between us and the server must not read the letters, or the login."""
    office = PostOffice()
    host = "127.0.0.2" if wrong == "host" else "127.0.0.1"
    ca_file = trusted_in(tmp_path) if wrong == "host" else ""
    async with post_office(office, tls=tls, host=host) as port:
        options = options_for(port, tls=tls, username="u", password=PASSWORD, ca_file=ca_file)
        channel = make(options, Surroundings(URL, Clock().now, key=KEY))
        sent = await channel.send(letter())
        await channel.close()

    assert sent.outcome is Outcome.FAILED
    assert "certificate" in sent.detail
    assert office.letters == []


async def test_a_server_without_starttls_is_told() -> None:
    """Going on in the clear is not a fallback."""
    office = PostOffice()
    async with post_office(office, tls="none") as port:
        channel = make(options_for(port, tls="starttls"), Surroundings(URL, Clock().now, key=KEY))
        sent = await channel.send(letter())
        await channel.close()

    assert sent.outcome is Outcome.FAILED
    assert "offers no STARTTLS" in sent.detail


async def test_a_wrong_password_is_told_by_the_names_of_its_options(tmp_path: Path) -> None:
    """And by no part of itself."""
    office = PostOffice()
    async with post_office(office, password=PASSWORD) as port:
        options = options_for(
            port, username="shop", password="wrong-secret", ca_file=trusted_in(tmp_path)
        )
        channel = make(options, Surroundings(URL, Clock().now, key=KEY))
        sent = await channel.send(letter())
        await channel.close()

    assert sent.outcome is Outcome.FAILED
    assert "PULLCORD_EMAIL_PASSWORD" in sent.detail
    assert "wrong-secret" not in repr(sent) + repr(channel._lines._server)


async def test_a_server_that_takes_no_login_is_told() -> None:
    """A login for a server that has none."""
    office = PostOffice()
    async with post_office(office, tls="none") as port:
        options = options_for(port, tls="none", username="shop", password=PASSWORD)
        channel = make(options, Surroundings(URL, Clock().now, key=KEY))
        sent = await channel.send(letter())
        await channel.close()

    assert sent.outcome is Outcome.FAILED
    assert "PULLCORD_EMAIL_USERNAME" in sent.detail


async def test_a_server_that_is_not_there_is_tried_again() -> None:
    """A restart of the server is not the end of a letter."""
    async with post_office(PostOffice(), tls="none") as port:
        pass
    channel = make(options_for(port, tls="none"), Surroundings(URL, Clock().now, key=KEY))

    sent = await channel.send(letter())

    await channel.close()
    assert sent.outcome is Outcome.RETRY


async def test_a_server_that_refuses_everybody_is_told() -> None:
    """A machine on a block list hears it in the greeting."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 5.7.1 not you\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        channel = make(options_for(port, tls="none"), Surroundings(URL, Clock().now, key=KEY))
        sent = await channel.send(letter())
        await channel.close()

    assert sent.outcome is Outcome.FAILED
    assert "takes no letters from this machine" in sent.detail


async def test_a_server_that_hangs_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """One dead server must not hold a slot for ever."""
    monkeypatch.setattr(lines_module, "TRY_SECONDS", 0.05)
    left = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        left.set()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        channel = make(options_for(port, tls="none"), Surroundings(URL, Clock().now, key=KEY))
        sent = await channel.send(letter())
        await channel.close()
        async with asyncio.timeout(5):
            await left.wait()

    assert sent.outcome is Outcome.RETRY
    assert sent.detail.startswith("no answer")


# --- what it is told ------------------------------------------------------------------------------


def given(**more: str) -> dict[str, str]:
    """What somebody writes into the environment."""
    return {"sender": "Example Shop <us@shop.example>", "host": "mail.shop.example", **more}


AROUND = Surroundings(URL, Clock().now, key=KEY)


def test_three_lines_are_enough() -> None:
    """Sender, host and a login; everything else is what servers expect."""
    channel = made("email", given(username="u", password=PASSWORD), AROUND)

    assert isinstance(channel, EmailChannel)
    assert not hasattr(channel, "listen")
    assert channel._lines._server.port == 587
    assert channel._lines._server.tls == "starttls"
    assert PASSWORD not in repr(channel._lines._server)


def test_with_a_mailbox_it_listens() -> None:
    """A channel has the ability it was set up for, and no other."""
    channel = made(
        "email",
        given(imap_host="imap.shop.example", imap_username="u", imap_password=PASSWORD),
        AROUND,
    )

    assert hasattr(channel, "listen")
    assert channel._reader._account.port == 993  # type: ignore[attr-defined]
    assert PASSWORD not in repr(channel._reader._account)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"sender": "nobody"}, "PULLCORD_EMAIL_SENDER"),
        ({"reply_to": "nobody"}, "PULLCORD_EMAIL_REPLY_TO"),
        ({"tls": "maybe"}, "starttls, tls, none"),
        ({"port": "x"}, "PULLCORD_EMAIL_PORT"),
        ({"port": "70000"}, "65535"),
        ({"connections": "0"}, "1 to 16"),
        ({"ca_file": "/no/such/file"}, "PULLCORD_EMAIL_CA_FILE"),
        ({"tls": "none", "username": "u", "password": "p-secret"}, "in the clear"),
        ({"imap_host": "imap.shop.example"}, "PULLCORD_EMAIL_IMAP_USERNAME"),
        ({"imap_host": "h", "username": "u", "password": "p-secret", "imap_tls": "none"}, "clear"),
        ({"imap_host": "h", "username": "u", "password": "p", "imap_every": "1"}, "5 to 3600"),
    ],
)
def test_a_mistake_is_told_at_the_start_by_its_name(more: dict[str, str], said: str) -> None:
    """Not at three in the morning with the first letter; and no message repeats a secret."""
    with pytest.raises(InvalidInput, match=said) as caught:
        made("email", given(**more), AROUND)

    assert "p-secret" not in str(caught.value)


def test_certificates_of_ones_own_are_read(tmp_path: Path) -> None:
    """A house with a certificate authority of its own."""
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no certificate", encoding="ascii")

    found = made("email", given(ca_file=trusted_in(tmp_path)), AROUND)

    assert isinstance(found, EmailChannel)
    assert found._lines._server.trust.verify_mode is ssl.CERT_REQUIRED
    with pytest.raises(InvalidInput, match="CA_FILE"):
        made("email", given(ca_file=str(wrong)), AROUND)
