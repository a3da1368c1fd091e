"""Time, ids and chance, injected: the only place where the engine meets the machine's own."""

import asyncio
import os
import secrets
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

#: random bytes fetched at once
POOL_BYTES = 8_192
#: characters of a new id after its prefix: 9 of time, 16 of chance (80 bits)
_DIGITS_OF_TIME = "0123456789abcdefghjkmnpqrstvwxyz"
_DIGITS = "0123456789abcdefghijklmnopqrstuv"
#: two digits at once
_PAIRS_OF_TIME = tuple(first + second for first in _DIGITS_OF_TIME for second in _DIGITS_OF_TIME)
_PAIRS = tuple(first + second for first in _DIGITS for second in _DIGITS)

log = structlog.get_logger("pullcord.clock")


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


#: seconds a question for the time may take and still tell it, and the clock may stand still at most
#: so that it does not go back
ANSWER_MAX = 1.0
STILL_MAX = 1.0
#: seconds between this machine's clock and the database's from which on somebody is told
OFFSET_TOLD = 30.0


class DatabaseClock:
    """The time of a database that several processes use, whatever their machines believe.

    Between two questions it counts with a clock nobody sets. It stands still for up to a second
    rather than go back; after a longer jump of the database's own clock it follows.
    """

    def __init__(
        self,
        *,
        machine: Callable[[], datetime] = lambda: datetime.now(UTC),
        counted: Callable[[], float] = time.monotonic,
    ) -> None:
        self._machine = machine
        self._counted = counted
        self._told = machine()
        self._told_at = counted()
        self._last = self._told
        #: seconds by which the database is ahead of this machine
        self.offset = 0.0

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        found = self._told + timedelta(seconds=self._counted() - self._told_at)
        if timedelta(0) < self._last - found <= timedelta(seconds=STILL_MAX):
            return self._last
        self._last = found
        return found

    async def sleep(self, seconds: float) -> None:
        """Wait in real time."""
        await asyncio.sleep(seconds)

    async def follow(self, ask: Callable[[], Awaitable[datetime]]) -> None:
        """Ask the database for its time; an answer that took too long tells nothing."""
        asked_at = self._counted()
        told = await ask()
        took = self._counted() - asked_at
        if took > ANSWER_MAX:
            return
        self._told, self._told_at = told, asked_at + took / 2
        self.offset = (told - self._machine()).total_seconds() + took / 2
        if abs(self.offset) > OFFSET_TOLD:
            log.warning("clocks_differ", database_ahead_by_seconds=round(self.offset, 3))


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
    drawn = int.from_bytes(chance, "big")
    head = _DIGITS_OF_TIME[millis >> 40 & 31] + "".join(
        [_PAIRS_OF_TIME[millis >> shift & 1023] for shift in (30, 20, 10, 0)]
    )
    return head + "".join([_PAIRS[drawn >> shift & 1023] for shift in range(70, -1, -10)])
