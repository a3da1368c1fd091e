"""Who waits for a change: one ear per held poll or open stream, found by workspace and key.

Nothing is kept per escalation. The bus tells the hub of every commit of this process, the hub
rings the ears it concerns; what was committed elsewhere is found by the waiters' safety poll.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request

from pullcord.engine.bus import RESYNC, Bus, Signal
from pullcord.engine.clock import Clock
from pullcord.errors import TooMuch
from pullcord.path.escalation import Escalation

#: ears of one process, and of one caller; one more is told to come back
EARS_MAX = 20_000
EARS_PER_CALLER_MAX = 200
#: signals an ear may fall behind before it is told to look at everything
BACKLOG_MAX = 256
#: seconds after which a caller over the limit may try again
TRY_AGAIN = 5.0

#: topics an agent's key hears of besides its own escalations
AGENT_TOPICS = frozenset({"policy"})
#: the key under which people listen: they may read everything of their workspace
PEOPLE = ""


class Ear:
    """One waiter; `is_over` when its client has gone or the process stops."""

    __slots__ = ("_clock", "_rang", "_signals", "is_over")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rang = asyncio.Event()
        self._signals: list[Signal] = []
        self.is_over = False

    def put(self, signal: Signal) -> None:
        """Hear a signal; too many at once become one `resync`."""
        if len(self._signals) >= BACKLOG_MAX:
            self._signals.clear()
            signal = RESYNC
        self._signals.append(signal)
        self._rang.set()

    def end(self) -> None:
        """Nobody waits here any more."""
        self.is_over = True
        self._rang.set()

    async def listen(self, seconds: float) -> list[Signal]:
        """What was heard meanwhile, as soon as there is something, at most that long."""
        if not self._rang.is_set():
            nap = asyncio.ensure_future(self._clock.sleep(seconds))
            nap.add_done_callback(self._slept)
            try:
                await self._rang.wait()
            finally:
                nap.cancel()
        if not self.is_over:
            self._rang.clear()
        heard, self._signals = self._signals, []
        return heard

    def _slept(self, nap: "asyncio.Future[None]") -> None:
        if not nap.cancelled():
            self._rang.set()


class Hub:
    """Rings the ears of whom a change concerns."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._clock = clock
        self._ears: dict[tuple[str, str], set[Ear]] = {}
        self._count = 0
        self._is_closing = False
        bus.watch(self._heard)

    def __len__(self) -> int:
        return self._count

    def close(self) -> None:
        """End every wait: the process is about to stop."""
        self._is_closing = True
        for ears in self._ears.values():
            for ear in ears:
                ear.end()

    @asynccontextmanager
    async def ear(self, request: Request, workspace: str, key: str) -> AsyncIterator[Ear]:
        """An ear of this key (`PEOPLE` for people) that ends when the client goes away.

        Raises:
            TooMuch: too many wait already.
        """
        group = self._ears.get((workspace, key), set())
        if self._count >= EARS_MAX or len(group) >= EARS_PER_CALLER_MAX:
            raise TooMuch(
                f"{len(group)} requests of this caller wait already (at most "
                f"{EARS_PER_CALLER_MAX}); one poll serves any number of escalations.",
                retry_after=TRY_AGAIN,
            )
        ear = Ear(self._clock)
        if self._is_closing:
            ear.end()
        self._ears.setdefault((workspace, key), group).add(ear)
        self._count += 1
        gone = asyncio.ensure_future(_gone(request, ear))
        try:
            yield ear
        finally:
            gone.cancel()
            self._count -= 1
            group.discard(ear)
            if not group:
                self._ears.pop((workspace, key), None)

    def _heard(self, workspace: str, signal: Signal, about: Escalation | None) -> None:
        for ear in self._ears.get((workspace, PEOPLE), ()):
            ear.put(signal)
        if about is not None:
            # its opening is no news to the agent that opened it
            ears = self._ears.get((workspace, about.agent_key), ()) if about.version > 1 else ()
            for ear in ears:
                ear.put(signal)
        elif signal.topic in AGENT_TOPICS:
            for (place, key), ears in self._ears.items():
                if place == workspace and key != PEOPLE:
                    for ear in ears:
                        ear.put(signal)


async def _gone(request: Request, ear: Ear) -> None:
    """End an ear when its client hangs up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    ear.end()
