"""A receiver of messages in a process of its own: answers every POST with 202 and counts it.

`python -m pullcord.bench.sink` prints the port it took, then serves until its input is closed.
"""

import asyncio
import sys
import time
from array import array

from pullcord.console.hosting import LOOPBACK

ACCEPTED = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n"


class Sink(asyncio.Protocol):
    """One connection; bodies are read by their length and thrown away."""

    def __init__(self, arrived: "array[float]") -> None:
        self._arrived = arrived
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody connected."""
        assert isinstance(transport, asyncio.Transport), "a sink is served over TCP"
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Count every whole request; a GET is answered with the times at which they came."""
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = self._held[:end].lower()
            size = _length(head)
            if len(self._held) < end + 4 + size:
                return
            self._held = self._held[end + 4 + size :]
            if head.startswith(b"get "):
                body = self._arrived.tobytes()
                self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body))
                self._transport.write(body)
            else:
                self._arrived.append(time.time())
                self._transport.write(ACCEPTED)


def _length(head: bytes) -> int:
    found = head.find(b"content-length:")
    return int(head[found + 15 :].split(b"\r\n", 1)[0]) if found >= 0 else 0


async def serve() -> None:
    """Serve until the input ends."""
    arrived: array[float] = array("d")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Sink(arrived), LOOPBACK, 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
