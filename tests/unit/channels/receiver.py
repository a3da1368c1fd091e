"""A real HTTP server on loopback that notes what it is sent and answers what it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Heard:
    """One request as it came over the wire; names of headers in lower case."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """Answers each request with the next of `answers`; the last one goes on for ever."""

    url: str = ""
    #: (status, headers); status 0 hangs up without a word, -1 never answers
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=lambda: [(204, {})])
    heard: list[Heard] = field(default_factory=list)
    #: set while a request is held without an answer
    is_holding: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: one request, one answer."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            parted = [line.partition(": ") for line in head[1:]]
            headers = {name.lower(): value for name, _, value in parted}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.heard.append(Heard(head[0], headers, body))
            await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # whoever called went away
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        status, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if status < 0:
            self.is_holding.set()
            await reader.read()
        elif status:
            lines = [f"HTTP/1.1 {status} Said", "content-length: 0", "connection: close"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
            await writer.drain()


@asynccontextmanager
async def receiver(*answers: tuple[int, dict[str, str]] | int) -> AsyncIterator[Receiver]:
    """A receiver that runs until the block ends."""
    found = Receiver()
    if answers:
        found.answers = [(each, {}) if isinstance(each, int) else each for each in answers]
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    found.url = f"http://127.0.0.1:{port}/hook"
    async with server:
        yield found
        server.close()
