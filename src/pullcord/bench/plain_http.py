"""A plain HTTP/1.1 client for load: one connection, one request at a time, almost no cost.

A full client would cost more than the server it measures. It speaks only what Pullcord answers:
`content-length` bodies on a kept connection.
"""

import asyncio
from collections.abc import Mapping

#: bytes of a reply's head and body; more would be no reply of ours
REPLY_BYTES_MAX = 4 * 1_048_576


class Connection:
    """One kept connection; open it with `connect`."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._head = head

    @classmethod
    async def connect(cls, host: str, port: int, headers: Mapping[str, str]) -> "Connection":
        """A connection that sends these headers with every request."""
        reader, writer = await asyncio.open_connection(host, port, limit=REPLY_BYTES_MAX)
        lines = [f"host: {host}:{port}", *(f"{name}: {value}" for name, value in headers.items())]
        return cls(reader, writer, "\r\n".join(lines).encode())

    async def send(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """(status, body) of one request."""
        line = f"{method} {path} HTTP/1.1\r\n".encode()
        kind = b"content-type: application/json\r\n" if body else b""
        length = b"content-length: %d\r\n" % len(body)
        self._writer.write(line + self._head + b"\r\n" + kind + length + b"\r\n" + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        size = _length(head)
        return status, await self._reader.readexactly(size) if size else b""

    async def close(self) -> None:
        """Let go."""
        self._writer.close()
        await self._writer.wait_closed()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0
