"""Who waits for a change: one ear per held poll or open stream, found by what it waits for.

Nothing is kept per escalation that nobody waits for. The bus tells the hub of every commit of
this process and of what it heard from others; the hub rings the ears it concerns and no others, so
that one decision does not wake two thousand polls. What was not heard is found by the waiters'
safety poll.
"""

import asyncio
import heapq
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from starlette.requests import Request

from pullcord.engine.bus import RESYNC, Bus, Concern, Signal
from pullcord.engine.clock import Clock
from pullcord.errors import TooMuch
from pullcord.path.escalation import Escalation, Status

#: ears of one process, and of one caller; one more is told to come back
EARS_MAX = 20_000
EARS_PER_CALLER_MAX = 5_000
#: signals an ear may fall behind before it is told to look at everything
BACKLOG_MAX = 256
#: seconds after which a caller over the limit may try again
TRY_AGAIN = 5.0

#: topics an agent's key hears of besides its own escalations
AGENT_TOPICS = frozenset({"policy"})

#: What an ear waits for: see the three functions that make one.
Place = tuple[str, ...]


def for_people(workspace: str) -> Place:
    """Everything in a workspace: people may read all of it."""
    return (workspace,)


def for_agent(workspace: str, key: str) -> Place:
    """Everything about the escalations of one key, and what concerns all agents."""
    return (workspace, key)


def for_decisions(workspace: str, key: str, escalation: str = "") -> Place:
    """Decisions for one key, or on one escalation of it."""
    return (workspace, key, escalation)


class Ear:
    """One waiter; `is_over` when its client has gone or the process stops."""

    __slots__ = ("_alarm", "_signals", "_waiter", "due", "is_over")

    def __init__(self, alarm: "Alarm") -> None:
        self._alarm = alarm
        self._signals: list[Signal] = []
        self._waiter: asyncio.Future[None] | None = None
        #: when it stops listening by itself; None while it does not listen
        self.due: datetime | None = None
        self.is_over = False

    def put(self, signal: Signal) -> None:
        """Hear a signal; too many at once become one `resync`."""
        if len(self._signals) >= BACKLOG_MAX:
            self._signals.clear()
            signal = RESYNC
        self._signals.append(signal)
        self.ring()

    def end(self) -> None:
        """Nobody waits here any more."""
        self.is_over = True
        self.ring()

    def ring(self) -> None:
        """Let whoever listens look."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def listen(self, seconds: float) -> list[Signal]:
        """What was heard meanwhile, as soon as there is something, at most that long."""
        if not self._signals and not self.is_over:
            self._waiter = asyncio.get_running_loop().create_future()
            self.due = self._alarm.ring_in(seconds, self)
            try:
                await self._waiter
            finally:
                self._waiter = self.due = None
        heard, self._signals = self._signals, []
        return heard


class Alarm:
    """One timer for all ears, so that two thousand of them cost no two thousand timers."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = itertools.count()
        self._due: list[tuple[datetime, int, Ear]] = []
        self._ticking: asyncio.Task[None] | None = None

    def ring_in(self, seconds: float, ear: Ear) -> datetime:
        """Ring an ear that much later, unless it listens for something else by then."""
        due = self._clock.now() + timedelta(seconds=seconds)
        heapq.heappush(self._due, (due, next(self._numbers), ear))
        if self._due[0][2] is ear or self._ticking is None:
            self.stop()
            self._ticking = asyncio.ensure_future(self._tick())
        return due

    def stop(self) -> None:
        """Ring nobody; those who are due stay so until the next `ring_in`."""
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None

    async def _tick(self) -> None:
        while self._due:
            wait = (self._due[0][0] - self._clock.now()).total_seconds()
            if wait > 0:
                await self._clock.sleep(wait)
                continue
            due, _, ear = heapq.heappop(self._due)
            if ear.due == due:
                ear.ring()
        self._ticking = None


class Hub:
    """Rings the ears of whom a change concerns."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._alarm = Alarm(clock)
        self._ears: dict[Place, set[Ear]] = {}
        self._of_callers: Counter[Place] = Counter()
        self._count = 0
        self._is_closing = False
        bus.watch(self._heard)
        bus.overhear(self._overheard)

    def __len__(self) -> int:
        return self._count

    def close(self) -> None:
        """End every wait: the process is about to stop."""
        self._is_closing = True
        for ears in self._ears.values():
            for ear in ears:
                ear.end()

    @asynccontextmanager
    async def ear(self, request: Request, place: Place) -> AsyncIterator[Ear]:
        """An ear at this place that ends when the client goes away.

        Raises:
            TooMuch: too many wait already.
        """
        caller = place[:2]
        if self._count >= EARS_MAX or self._of_callers[caller] >= EARS_PER_CALLER_MAX:
            raise TooMuch(
                f"{self._of_callers[caller]} requests of this caller wait already (at most "
                f"{EARS_PER_CALLER_MAX}); one poll serves any number of escalations.",
                retry_after=TRY_AGAIN,
            )
        ear = Ear(self._alarm)
        if self._is_closing:
            ear.end()
        group = self._ears.setdefault(place, set())
        group.add(ear)
        self._of_callers[caller] += 1
        self._count += 1
        gone = asyncio.ensure_future(_gone(request, ear))
        try:
            yield ear
        finally:
            gone.cancel()
            self._count -= 1
            self._of_callers[caller] -= 1
            if not self._of_callers[caller]:
                del self._of_callers[caller]
            group.discard(ear)
            if not self._count:
                self._alarm.stop()
            if not group and self._ears.get(place) is group:
                del self._ears[place]

    def _heard(self, workspace: str, signal: Signal, about: Escalation | None) -> None:
        """This process changed something."""
        if about is None:
            self._overheard(workspace, signal, None)
            return
        concern = Concern(about.agent_key, is_decided=about.status is Status.DECIDED)
        self._overheard(workspace, signal, concern)

    def _overheard(self, workspace: str, signal: Signal, concern: Concern | None) -> None:
        """This process or another changed something, or nobody knows what changed."""
        if signal == RESYNC:
            for place in self._ears:
                self._ring(place, signal)
            return
        self._ring(for_people(workspace), signal)
        if concern is None:
            if signal.topic in AGENT_TOPICS:
                self._ring_agents(workspace, signal)
            return
        if signal.version > 1:  # its opening is no news to the agent that opened it
            self._ring(for_agent(workspace, concern.agent_key), signal)
        if concern.is_decided:
            self._ring(for_decisions(workspace, concern.agent_key), signal)
            self._ring(for_decisions(workspace, concern.agent_key, signal.id), signal)

    def _ring(self, place: Place, signal: Signal) -> None:
        for ear in self._ears.get(place, ()):
            ear.put(signal)

    def _ring_agents(self, workspace: str, signal: Signal) -> None:
        for place in self._ears:
            if place[0] == workspace and len(place) == len(for_agent("", "")):
                self._ring(place, signal)


async def _gone(request: Request, ear: Ear) -> None:
    """End an ear when its client hangs up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    ear.end()
