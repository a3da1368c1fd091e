"""The mailbox behind the letters, read over IMAP: any provider has one, no port is opened for it.

Each look is a connection of its own, so that nothing goes stale. Only what is ours is marked as
read; everything else stays as it was found. The library blocks, so it works in a thread.
"""

import asyncio
import imaplib
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")

#: seconds one command may take
COMMAND_SECONDS = 10.0
#: bytes of a mail that are read: the words of a reply stand in front of what is attached
MAIL_MAX = 500_000
#: mails of one look, and mails that are remembered as not ours
LOOK_MAX = 50
PASSED_MAX = 2_000

_SEEN = re.compile(rb"\\Seen", re.IGNORECASE)


class MailboxFailed(Exception):
    """The IMAP server did not do what was asked; says what to check, and nothing secret."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where the mailbox is, and how to open it."""

    host: str
    port: int
    #: "tls", "starttls" or "none"
    tls: str
    trust: ssl.SSLContext
    username: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    #: seconds between two looks
    every: float = 30.0


class Reader:
    """Opens the mailbox for one look at a time."""

    def __init__(self, account: Account) -> None:
        self._account = account
        #: mails that are none of ours: left unread, and not fetched at every look
        self._passed: dict[str, None] = {}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Box"]:
        """The mailbox, until the block ends.

        Raises:
            MailboxFailed: it cannot be opened.
        """
        connection = await _asked(lambda: _connected(self._account))
        box = Box(connection, self._passed)
        try:
            await _asked(lambda: _opened(connection, self._account))
            yield box
            await _asked(connection.logout)
        finally:
            # first the socket: it ends what a thread still waits for, where we were cancelled
            with suppress(OSError):
                connection.socket().shutdown(socket.SHUT_RDWR)
            with suppress(OSError):
                connection.shutdown()


class Box:
    """One open folder."""

    def __init__(self, connection: imaplib.IMAP4, passed: dict[str, None]) -> None:
        self._connection = connection
        self._passed = passed

    async def unread(self) -> list[str]:
        """Ids of what nobody read yet, oldest first."""
        (found,) = await self._uid("SEARCH", "UNSEEN")
        uids = [each.decode() for each in (found or b"").split()]
        return [each for each in uids if each not in self._passed][:LOOK_MAX]

    async def mail(self, uid: str) -> bytes | None:
        """The beginning of a mail as it came; None when somebody else has read it by now."""
        for part in await self._uid("FETCH", uid, f"(FLAGS BODY.PEEK[]<0.{MAIL_MAX}>)"):
            if isinstance(part, tuple):
                flags, content = part
                return None if _SEEN.search(flags) else content
        return None

    async def mark_read(self, uid: str) -> None:
        """It is done with."""
        await self._uid("STORE", uid, "+FLAGS.SILENT", "(\\Seen)")

    def passes(self, uid: str) -> None:
        """It is none of ours: leave it as it is."""
        self._passed[uid] = None
        if len(self._passed) > PASSED_MAX:
            del self._passed[next(iter(self._passed))]

    async def _uid(self, command: str, *words: str) -> list[Any]:
        kind, found = await _asked(lambda: self._connection.uid(command, *words))
        if kind != "OK":
            raise MailboxFailed(f"the IMAP server refused {command}")
        return found


def _connected(account: Account) -> imaplib.IMAP4:
    if account.tls == "tls":
        return imaplib.IMAP4_SSL(
            account.host, account.port, ssl_context=account.trust, timeout=COMMAND_SECONDS
        )
    return imaplib.IMAP4(account.host, account.port, timeout=COMMAND_SECONDS)


def _opened(connection: imaplib.IMAP4, account: Account) -> None:
    if account.tls == "starttls":
        connection.starttls(account.trust)
    try:
        connection.login(account.username, account.password)
    except connection.abort:
        raise
    except connection.error:
        remedy = "check PULLCORD_EMAIL_IMAP_USERNAME and PULLCORD_EMAIL_IMAP_PASSWORD"
        raise MailboxFailed(f"{account.host} refused the login; {remedy}") from None
    name = account.folder.replace("\\", "\\\\").replace('"', '\\"')
    kind, _ = connection.select(f'"{name}"')
    if kind != "OK":
        raise MailboxFailed(f"{account.host} has no folder {account.folder!r}")


async def _asked(work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except (imaplib.IMAP4.error, OSError, EOFError) as error:
        why = getattr(error, "verify_message", "") or type(error).__name__
        raise MailboxFailed(f"the IMAP server does not answer: {why}") from error
