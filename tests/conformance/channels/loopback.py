"""A small real HTTP server on loopback, for doubles of providers that speak HTTP."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came; names of headers in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """What the double answers; status 0 hangs up without a word."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Handle = Callable[[Asked], Awaitable[Answered]]


@asynccontextmanager
async def http_server(handle: Handle, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve until the block ends; gives the address, without a slash at the end."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answered = await handle(await _asked(reader))
            if answered.status:
                writer.write(_written(answered))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # whoever called went away
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        server.close()


async def _asked(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ", 2)
    parted = [line.partition(":") for line in head[1:] if line]
    headers = {name.strip().lower(): value.strip() for name, _, value in parted}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, path, headers, body)


def _written(answered: Answered) -> bytes:
    headers = {"content-length": str(len(answered.body)), "connection": "close"}
    lines = [f"HTTP/1.1 {answered.status} Said"]
    lines += [f"{name}: {value}" for name, value in {**headers, **answered.headers}.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + answered.body
