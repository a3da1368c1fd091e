"""The runner: keeps timers, courier, duties and watchdog going until it is told to stop.

Hints wake it at once; polling is the truth, so a lost hint costs at most one pause. In a process
without an engine it only looks: at policy and people, and whether an engine is there at all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from pullcord.channels.port import Listens
from pullcord.engine.bus import Bus
from pullcord.engine.courier import Courier
from pullcord.engine.duties import Duties
from pullcord.engine.floors import Floors
from pullcord.engine.inbound import Inbound
from pullcord.engine.policies import Policies
from pullcord.engine.timers import Timers
from pullcord.engine.watchdog import Watchdog
from pullcord.errors import PullcordError
from pullcord.store.port import Store

#: seconds between two looks: deadlines, messages, duties, lateness, policy
PAUSES = {"timers": 0.5, "courier": 0.5, "duties": 5.0, "watchdog": 5.0, "policy": 2.0}
#: loops that a hint wakes at once, and that go on without a pause while there is work
HINTED = frozenset({"timers", "courier"})
#: seconds before a channel's broken connection is opened again
EAR_PAUSE = 5.0
#: seconds a stop waits for what is in flight
STOP_SECONDS = 10.0
#: rounds one `settle` may take; more would be a verb that never comes to rest
ROUNDS_MAX = 1_000

log = structlog.get_logger("pullcord.runner")


class Runner:
    """Runs the engine's loops; `settle` does the same by hand, for tests and simulation."""

    def __init__(
        self,
        store: Store,
        *,
        timers: Timers,
        courier: Courier,
        duties: Duties,
        watchdog: Watchdog,
        policies: Policies,
        floors: Floors,
        bus: Bus,
        inbound: Inbound,
    ) -> None:
        self._store = store
        self._timers = timers
        self._courier = courier
        self._duties = duties
        self._watchdog = watchdog
        self._policies = policies
        self._floors = floors
        self._bus = bus
        self._inbound = inbound
        self._ears: list[asyncio.Task[None]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._wakers = {name: bus.waker() if name in HINTED else self._stopping for name in PAUSES}

    async def start(self) -> None:
        """Begin; does nothing when it runs already."""
        if self._tasks:
            return
        self._stopping.clear()
        await self._duties.enrol()
        await self._watchdog.check()
        self._begin(
            {
                "timers": self._timers.tick,
                "courier": self._courier.set_out,
                "duties": self._duties.tick,
                "watchdog": self._watchdog.check,
                "policy": self._look_again,
            }
        )
        self._ears = [
            asyncio.create_task(self._listen(name, channel), name=f"pullcord-ear-{name}")
            for name, channel in self._courier.channels.items()
            if isinstance(channel, Listens)
        ]

    async def look(self) -> None:
        """Begin without an engine, in a process that only serves; an engine runs elsewhere."""
        if self._tasks:
            return
        self._stopping.clear()
        await self._watchdog.look()
        self._begin({"watchdog": self._watchdog.look, "policy": self._look_at_policy})

    def _begin(self, loops: Mapping[str, Callable[[], Awaitable[object]]]) -> None:
        self._tasks = [
            asyncio.create_task(self._loop(name, work, self._wakers[name]), name=f"pullcord-{name}")
            for name, work in loops.items()
        ]

    async def stop(self) -> None:
        """Finish what is in flight within a limit, then let go; safe to repeat."""
        self._stopping.set()
        self._courier.leave()
        self._bus.hint()
        ears, self._ears = self._ears, []
        for ear in ears:
            ear.cancel()
        await asyncio.gather(*ears, return_exceptions=True)
        tasks, self._tasks = self._tasks, []
        if not tasks:
            return
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*tasks)
                await self._courier.rest()
        except TimeoutError:
            log.warning("stopped_late", seconds=STOP_SECONDS)
            await self._courier.abandon()

    async def settle(self) -> int:
        """Do everything that is due at this instant; returns how many rounds had work."""
        await self._duties.enrol()
        for count in range(ROUNDS_MAX):
            done = await self._timers.tick()
            done += await self._courier.deliver()
            done += await self._duties.tick()
            if not done:
                await self._watchdog.check()
                return count
        raise AssertionError(f"still work after {ROUNDS_MAX} rounds at one instant")

    async def _look_again(self) -> int:
        """What another process changed, and duties of workspaces that are new."""
        await self._look_at_policy()
        await self._duties.enrol()
        return 0

    async def _look_at_policy(self) -> int:
        """Another process may have changed policy or people: read them again."""
        for workspace in await self._store.workspaces():
            if await self._policies.has_changed(workspace):
                self._policies.forget(workspace)
                self._bus.publish(workspace, "policy")
            self._floors.stale(workspace)
        return 0

    async def _listen(self, name: str, channel: Listens) -> None:
        """Keep a channel's own connection open until cancelled; a broken one is opened again."""
        while True:
            try:
                await channel.listen(self._inbound.taker(name))
            except Exception:
                log.exception("ear_broke", channel=name)
            await _at_most(EAR_PAUSE, self._stopping)

    async def _loop(
        self, name: str, work: Callable[[], Awaitable[object]], waker: asyncio.Event
    ) -> None:
        while not self._stopping.is_set():
            done: object = 0
            try:
                done = await work()
            except PullcordError as problem:
                log.warning("loop_failed", loop=name, problem=str(problem))
            except Exception:
                log.exception("loop_broke", loop=name)
            if name not in HINTED:
                await _at_most(PAUSES[name], waker)
            elif not done:
                await _at_most(PAUSES[name], waker)
                waker.clear()


async def _at_most(seconds: float, waker: asyncio.Event) -> None:
    """Wait to be woken, at most that long."""
    try:
        async with asyncio.timeout(seconds):
            await waker.wait()
    except TimeoutError:
        return
