"""Time, ids and chance, injected: the only place where the engine meets the machine's own."""

import asyncio
import base64
import os
import secrets
import threading
from datetime import UTC, datetime
from typing import Protocol

#: random bytes fetched at once
POOL_BYTES = 8_192
#: characters of a new id after its prefix: 9 of time, 16 of chance (80 bits)
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class Clock(Protocol):
    """The time, and waiting."""

    def now(self) -> datetime:
        """The present instant, aware UTC."""

    async def sleep(self, seconds: float) -> None:
        """Wait that long by this clock."""


class Ids(Protocol):
    """New names and chance."""

    def new(self, prefix: str) -> str:
        """A new id such as `esc_01j…`: sorted by time, unguessable."""

    def chance(self, size: int) -> bytes:
        """That many random bytes."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait in real time."""
        await asyncio.sleep(seconds)


class SystemIds:
    """Ids from the clock and the machine's random source."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pool = _Pool()

    def new(self, prefix: str) -> str:
        """A new id: milliseconds since 1970 in base 32, then 80 random bits."""
        return f"{prefix}_{sortable(self._clock.now(), self.chance(10))}"

    def chance(self, size: int) -> bytes:
        """Random bytes from the operating system, each given out once."""
        return self._pool.take(size)


class _Pool:
    """Random bytes fetched many at once: the operating system is asked once for some hundred ids.

    A forked child forgets what its parent holds, so that no two processes give out the same.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bytes = b""
        self._at = 0
        self._process = os.getpid()

    def take(self, size: int) -> bytes:
        """That many bytes nobody was given before."""
        with self._lock:
            if self._process != os.getpid() or self._at + size > len(self._bytes):
                self._process = os.getpid()
                self._bytes = secrets.token_bytes(max(POOL_BYTES, size))
                self._at = 0
            found = self._bytes[self._at : self._at + size]
            self._at += size
            return found


def sortable(now: datetime, chance: bytes) -> str:
    """Time and chance as lower-case base 32 text that sorts by time; ten bytes of chance."""
    millis = int(now.timestamp() * 1000)
    head = "".join(_ALPHABET[(millis >> shift) & 31] for shift in range(40, -1, -5))
    return head + base64.b32hexencode(chance).decode().lower().rstrip("=")
