"""Time and chance that a test holds in its hand."""

import asyncio
import random
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pullcord.engine.clock import Clock, sortable

#: where a turnable clock stands unless told otherwise: a Tuesday, noon UTC
NOON = datetime(2027, 1, 5, 12, tzinfo=UTC)
#: sleepers one clock holds; one more is refused
SLEEPERS_MAX = 100_000


@dataclass(frozen=True, slots=True, order=True)
class _Sleeper:
    until: datetime
    number: int
    loop: asyncio.AbstractEventLoop
    awake: "asyncio.Future[None]"


class TurnableClock:
    """A clock that stands still until it is turned; safe to turn from any thread.

    Whoever sleeps by it wakes, in the order of their times, when it is turned far enough.
    """

    def __init__(self, start: datetime = NOON) -> None:
        self._start = start
        self._turned = timedelta(0)
        self._sleepers: list[_Sleeper] = []
        self._count = 0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Where the clock stands."""
        return self._start + self._turned

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was turned that far; nothing to wait for only yields."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        with self._lock:
            assert len(self._sleepers) < SLEEPERS_MAX, f"{SLEEPERS_MAX} sleep by this clock already"
            self._count += 1
            until = self.now() + timedelta(seconds=seconds)
            sleeper = _Sleeper(until, self._count, loop, loop.create_future())
            self._sleepers.append(sleeper)
        try:
            await self._awake(sleeper)
        finally:
            self._forget(sleeper)

    async def _awake(self, sleeper: "_Sleeper") -> None:
        """Until somebody turns the clock; a running clock gets there by itself as well."""
        await sleeper.awake

    def turn(self, by: timedelta) -> datetime:
        """Move the clock forward and wake whoever is due; returns where it stands now."""
        assert by >= timedelta(0), f"a clock is turned forward, not by {by}"
        with self._lock:
            self._turned += by
            now = self.now()
            due = sorted(each for each in self._sleepers if each.until <= now)
        for sleeper in due:
            if not sleeper.loop.is_closed():
                sleeper.loop.call_soon_threadsafe(_wake, sleeper.awake)
        return now

    def next_wake(self) -> datetime | None:
        """When the first sleeper wants to wake; None when nobody sleeps."""
        with self._lock:
            return min((each.until for each in self._sleepers), default=None)

    def _forget(self, sleeper: _Sleeper) -> None:
        with self._lock:
            self._sleepers = [each for each in self._sleepers if each is not sleeper]


class RunningClock(TurnableClock):
    """A clock that runs with the machine's and can be turned forward besides."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self._began = time.monotonic()

    def now(self) -> datetime:
        """Where the clock stands."""
        return super().now() + timedelta(seconds=time.monotonic() - self._began)

    async def _awake(self, sleeper: _Sleeper) -> None:
        seconds = (sleeper.until - self.now()).total_seconds()
        alarm = sleeper.loop.call_later(seconds, _wake, sleeper.awake)
        try:
            await sleeper.awake
        finally:
            alarm.cancel()


def _wake(awake: "asyncio.Future[None]") -> None:
    if not awake.done():
        awake.set_result(None)


class SeededIds:
    """Ids and chance from a seed: two runs of one seed give the same ones."""

    def __init__(self, clock: Clock, *, seed: int = 7) -> None:
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311  # chance that repeats is the purpose

    def new(self, prefix: str) -> str:
        """A new id such as `esc_01j…`, sorted by the clock's time."""
        return f"{prefix}_{sortable(self._clock.now(), self.chance(10))}"

    def chance(self, size: int) -> bytes:
        """That many bytes of repeatable chance."""
        return self._random.randbytes(size)
