"""Lines: connections to the server that takes our letters, kept, counted and let go of.

A burst goes over lines that are open already; how many there are at once is limited, because
servers limit it. What a server answers is read here, once: taken, later, or never and what to do.
"""

import asyncio
import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)

from pullcord.channels.answers import why_none
from pullcord.channels.port import Outcome, Sent

#: seconds for one try, connecting included
TRY_SECONDS = 10.0
#: seconds for saying good-bye
QUIT_SECONDS = 1.0
#: letters over one line, and how long it may lie idle
LETTERS_MAX = 100
IDLE_FOR = timedelta(seconds=60)

#: RFC 3463: what exactly a server means
_ENHANCED = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
_GUIDE = "see docs/how-to/channels/email.md"
LOGIN = "the login was refused; check PULLCORD_EMAIL_USERNAME and PULLCORD_EMAIL_PASSWORD"
SENDER = "the server does not let us write as this sender; check PULLCORD_EMAIL_SENDER"
RECIPIENT = "this address takes no mail; correct it on the People page"
RELAY = "the server does not let us write there; check the login and what it may relay"
SPAM = f"the letter was refused; check SPF and DKIM of the sender's domain, {_GUIDE}"
FULL = "the mailbox is full or takes no letters of this size"
WANTS_LOGIN = "the server wants a login or TLS; set PULLCORD_EMAIL_USERNAME and PULLCORD_EMAIL_TLS"
CONNECTION = "the server takes no letters from this machine; ask whoever runs it"
CERTIFICATE = "the server's certificate is not to be trusted"
NO_LOGIN = (
    "the server takes no login this way; leave PULLCORD_EMAIL_USERNAME out, or set "
    "PULLCORD_EMAIL_TLS"
)
NO_STARTTLS = (
    "the server offers no STARTTLS; set PULLCORD_EMAIL_TLS to tls, or to none inside one host"
)


@dataclass(frozen=True, slots=True)
class Server:
    """Where letters are handed in, and how."""

    host: str
    port: int
    #: "starttls", "tls" or "none"
    tls: str
    trust: ssl.SSLContext
    #: the name we greet with
    greeting: str
    connections: int = 4
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(slots=True)
class _Line:
    """One open connection."""

    smtp: SMTP
    since: datetime
    letters: int = 0


class Lines:
    """Hands letters in, over a few lines that are used again."""

    def __init__(self, server: Server, now: Callable[[], datetime]) -> None:
        self._server = server
        self._now = now
        self._free = asyncio.Semaphore(server.connections)
        self._idle: list[_Line] = []

    async def hand_in(self, sender: str, recipient: str, mail: bytes) -> Sent:
        """One try for one letter; never raises for what a server does."""
        try:
            async with asyncio.timeout(TRY_SECONDS), self._free:
                return await self._handed_in(sender, recipient, mail)
        except TimeoutError:
            return Sent(Outcome.RETRY, f"no answer within {TRY_SECONDS:.0f} seconds")
        except (SMTPException, OSError) as error:
            return meaning(error, self._server.host)

    async def _handed_in(self, sender: str, recipient: str, mail: bytes) -> Sent:
        line = self._rested()
        if line is not None:
            try:
                return await self._over(line, sender, recipient, mail)
            except SMTPServerDisconnected:
                # the server had hung up meanwhile; a letter it took all the same has the same id
                pass
        return await self._over(await self._opened(), sender, recipient, mail)

    async def _over(self, line: _Line, sender: str, recipient: str, mail: bytes) -> Sent:
        is_kept = False
        try:
            _, answer = await line.smtp.sendmail(sender, [recipient], mail)
            is_kept = True
        except SMTPResponseException as refusal:
            is_kept = refusal.code != 421
            raise
        except SMTPRecipientsRefused:
            is_kept = True
            raise
        finally:
            await self._put_back(line, is_kept=is_kept)
        return Sent(Outcome.ACCEPTED, f"taken by {self._server.host}: {_codes(250, answer)}")

    def _rested(self) -> _Line | None:
        """A line that lies idle and is still open."""
        while self._idle:
            line = self._idle.pop()
            if line.smtp.is_connected and self._now() - line.since < IDLE_FOR:
                return line
            line.smtp.close()
        return None

    async def _opened(self) -> _Line:
        server = self._server
        smtp = SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls == "tls",
            start_tls=server.tls == "starttls",
            tls_context=server.trust,
            local_hostname=server.greeting,
            timeout=TRY_SECONDS,
        )
        await smtp.connect()
        if server.username:
            await self._logged_in(smtp)
        return _Line(smtp, self._now())

    async def _logged_in(self, smtp: SMTP) -> None:
        """One try by one method: servers make whoever is refused wait, each time."""
        await smtp.ehlo()
        offered = smtp.server_auth_methods
        ways = {"plain": smtp.auth_plain, "login": smtp.auth_login, "cram-md5": smtp.auth_crammd5}
        way = next((ways[name] for name in ways if name in offered), None)
        if way is None:
            smtp.close()
            raise SMTPNotSupported(NO_LOGIN)
        try:
            await way(self._server.username, self._server.password)
        except BaseException:
            smtp.close()
            raise

    async def _put_back(self, line: _Line, *, is_kept: bool) -> None:
        line.letters += 1
        line.since = self._now()
        if is_kept and line.smtp.is_connected and line.letters < LETTERS_MAX:
            self._idle.append(line)
        elif is_kept:
            await _hung_up(line)
        else:
            line.smtp.close()

    async def close(self) -> None:
        """Say good-bye on every line that lies idle."""
        idle, self._idle = self._idle, []
        for line in idle:
            await _hung_up(line)


async def _hung_up(line: _Line) -> None:
    with suppress(SMTPException, OSError):
        await line.smtp.quit(timeout=QUIT_SECONDS)
    line.smtp.close()


# --- what a server means ------------------------------------------------------------------------


def meaning(error: Exception, host: str) -> Sent:
    """Later, or never and what to do about it; repeats nothing a server says but its codes."""
    if isinstance(error, SMTPRecipientsRefused):
        error = error.recipients[0]
    if isinstance(error, SMTPResponseException):
        return _refusal(error, host)
    if (problem := _broken_tls(error)) is not None:
        why = getattr(problem, "verify_message", "") or problem.reason or type(problem).__name__
        return Sent(Outcome.FAILED, f"{CERTIFICATE} ({host}: {why}); {_GUIDE}")
    if isinstance(error, SMTPNotSupported):
        return Sent(Outcome.FAILED, str(error))
    if "STARTTLS" in str(error):
        return Sent(Outcome.FAILED, NO_STARTTLS)
    return Sent(Outcome.RETRY, f"no answer from {host}: {why_none(error)}")


def _broken_tls(error: BaseException | None) -> ssl.SSLError | None:
    """The failed handshake behind an error; None when there was none."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _refusal(error: SMTPResponseException, host: str) -> Sent:
    said = f"{host} answered {_codes(error.code, error.message)}"
    if 400 <= error.code < 500:
        return Sent(Outcome.RETRY, said)
    return Sent(Outcome.FAILED, f"{said}: {_remedy(error)}")


def _remedy(error: SMTPResponseException) -> str:
    enhanced = _enhanced(error.message)
    if error.code == 530:
        return WANTS_LOGIN
    if isinstance(error, SMTPAuthenticationError):
        return LOGIN
    if isinstance(error, SMTPSenderRefused):
        return SENDER
    if enhanced.startswith(("5.2.2", "5.2.3", "5.3.4")) or error.code == 552:
        return FULL
    if isinstance(error, SMTPRecipientRefused):
        return RELAY if enhanced.startswith("5.7.") else RECIPIENT
    if isinstance(error, SMTPDataError):
        return SPAM
    return CONNECTION if isinstance(error, SMTPConnectError) else _GUIDE


def _codes(code: int, message: str) -> str:
    """What a server answered, as codes only: its words may hold addresses and content."""
    return f"{code} {_enhanced(message)}".strip()


def _enhanced(message: str) -> str:
    found = _ENHANCED.search(message)
    return found.group() if found else ""
