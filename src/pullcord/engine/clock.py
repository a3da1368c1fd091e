"""Time, ids and chance, injected: the only place where the engine meets the machine's own."""

import asyncio
import base64
import secrets
from datetime import UTC, datetime
from typing import Protocol

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

    def new(self, prefix: str) -> str:
        """A new id: milliseconds since 1970 in base 32, then 80 random bits."""
        return f"{prefix}_{sortable(self._clock.now(), self.chance(10))}"

    def chance(self, size: int) -> bytes:
        """Random bytes from the operating system."""
        return secrets.token_bytes(size)


def sortable(now: datetime, chance: bytes) -> str:
    """Time and chance as lower-case base 32 text that sorts by time; ten bytes of chance."""
    millis = int(now.timestamp() * 1000)
    head = "".join(_ALPHABET[(millis >> shift) & 31] for shift in range(40, -1, -5))
    return head + base64.b32hexencode(chance).decode().lower().rstrip("=")
