"""A mailbox on loopback: as much of IMAP4rev1 (RFC 3501) as a reader of new mail needs."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.conformance.channels.certificate import HERE, served_with

USERNAME, PASSWORD = "replies@shop.example", "mailbox-secret"


@dataclass(slots=True)
class Kept:
    """One mail in the folder."""

    raw: bytes
    is_seen: bool = False


@dataclass(slots=True)
class Postbox:
    """One folder, and what goes wrong with it."""

    mails: list[Kept] = field(default_factory=list)
    #: commands that are answered with NO, and commands at which the line goes dead
    refused: set[str] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)
    #: commands as they came
    asked: list[str] = field(default_factory=list)
    port: int = 0
    login: str = f"{USERNAME} {PASSWORD}"
    #: uids that somebody else reads, or deletes, between the search and the fetch
    read_elsewhere: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    #: commands that are never answered
    silent: set[str] = field(default_factory=set)
    is_silent: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, raw: bytes | str) -> None:
        """A mail arrives."""
        self.mails.append(Kept(raw.encode() if isinstance(raw, str) else raw))

    @property
    def unread(self) -> int:
        """How many mails nobody has read."""
        return sum(not each.is_seen for each in self.mails)

    # --- the protocol -------------------------------------------------------------------------
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until it says good-bye."""
        try:
            writer.write(b"* OK [CAPABILITY IMAP4rev1 STARTTLS UIDPLUS] ready\r\n")
            while line := await reader.readline():
                tag, _, command = line.decode().strip().partition(" ")
                if not await self._answered(tag, command, writer):
                    return
                await writer.drain()
        except ConnectionError:
            pass  # whoever read here went away
        finally:
            writer.close()

    async def _answered(self, tag: str, command: str, writer: asyncio.StreamWriter) -> bool:
        words = command.split(" ")
        name = " ".join(words[:2] if words[0].upper() == "UID" else words[:1]).upper()
        self.asked.append(name)
        if name in self.dropped:
            return False
        if name in self.silent:
            self.is_silent.set()
            return True
        if name in self.refused or (name == "LOGIN" and not self._may_enter(command)):
            writer.write(f"{tag} NO refused\r\n".encode())
            return True
        for line in self._told(name, words):
            writer.write(line)
        writer.write(f"{tag} OK done\r\n".encode())
        if name == "STARTTLS":
            await writer.drain()
            await writer.start_tls(served_with(HERE))
        return name != "LOGOUT"

    def _may_enter(self, command: str) -> bool:
        return command.split(" ", 1)[1].replace('"', "") == self.login

    def _told(self, name: str, words: list[str]) -> list[bytes]:
        if name == "CAPABILITY":
            return [b"* CAPABILITY IMAP4rev1 STARTTLS UIDPLUS\r\n"]
        if name == "SELECT":
            return [f"* {len(self.mails)} EXISTS\r\n".encode(), b"* FLAGS (\\Seen)\r\n"]
        if name == "UID SEARCH":
            found = [str(at) for at, each in enumerate(self.mails, 1) if not each.is_seen]
            return [f"* SEARCH {' '.join(found)}\r\n".encode()]
        if name == "UID FETCH":
            return self._fetched(int(words[2]), " ".join(words[3:]))
        if name == "UID STORE":
            self.mails[int(words[2]) - 1].is_seen = True
        return [b"* BYE\r\n"] if name == "LOGOUT" else []

    def _fetched(self, uid: int, items: str) -> list[bytes]:
        if uid in self.gone:
            return []
        kept = self.mails[uid - 1]
        if uid in self.read_elsewhere:
            kept.is_seen = True
        limit = re.search(r"<0\.(\d+)>", items)
        assert limit, f"the whole mail was asked for, however large: {items}"
        raw = kept.raw[: int(limit.group(1))]
        flags = "\\Seen" if kept.is_seen else ""
        head = f"* {uid} FETCH (UID {uid} FLAGS ({flags}) BODY[]<0> {{{len(raw)}}}\r\n"
        return [head.encode(), raw, b")\r\n"]


@asynccontextmanager
async def postbox(*, tls: str = "none") -> AsyncIterator[Postbox]:
    """The mailbox on a free port, until the block ends."""
    box = Postbox()
    whole: ssl.SSLContext | None = served_with(HERE) if tls == "tls" else None
    server = await asyncio.start_server(box.serve, HERE, 0, ssl=whole)
    async with server:
        box.port = server.sockets[0].getsockname()[1]
        yield box
        server.close()
