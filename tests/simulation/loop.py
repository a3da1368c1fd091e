"""Time that jumps: an event loop on which hours pass in a moment and every run is the same.

The selector never waits. When nobody is ready it moves the loop's clock to the next timer. There
are no threads, no executors and no private attributes of asyncio.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context
from datetime import UTC, datetime, timedelta
from typing import Any

#: where every simulation begins: a Sunday night before the clocks of Europe are put forward
DAWN = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)


class Endless(Exception):
    """The simulation took more steps than it may, or waits for what will never come."""


class VirtualSelector(selectors.SelectSelector):
    """Moves the clock instead of waiting."""

    def __init__(self, steps_max: int) -> None:
        super().__init__()
        self.now = 0.0
        self.steps = 0
        self._steps_max = steps_max

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Nothing ever arrives from outside; a pause is over at once."""
        self.steps += 1
        if self.steps > self._steps_max:
            raise Endless(f"more than {self._steps_max} steps")
        if timeout is None:
            raise Endless("everybody waits and nobody will ever wake")
        if timeout > 0:
            self.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A selector event loop on virtual time."""

    def __init__(self, selector: VirtualSelector) -> None:
        self.virtual = selector
        super().__init__(selector)

    def time(self) -> float:
        """Seconds since the simulation began."""
        return self.virtual.now


class SkewedClock:
    """The clock the house sees: virtual time, and whatever somebody did to the machine's clock."""

    def __init__(self, selector: VirtualSelector) -> None:
        self._selector = selector
        self.skew = timedelta(0)

    def now(self) -> datetime:
        """The instant this machine believes in."""
        return DAWN + timedelta(seconds=self._selector.now) + self.skew

    def elapsed(self) -> float:
        """Seconds since the beginning, which no skew changes."""
        return self._selector.now

    async def sleep(self, seconds: float) -> None:
        """Wait on virtual time."""
        await elapse(seconds)


async def elapse(seconds: float) -> None:
    """Let that much virtual time pass."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    timer = loop.call_later(seconds, _ring, over)
    try:
        await over
    finally:
        timer.cancel()


def _ring(over: "asyncio.Future[None]") -> None:
    if not over.done():
        over.set_result(None)


def run(
    main: Callable[[SkewedClock], Coroutine[Any, Any, None]],
    *,
    steps_max: int,
    born: Callable[[asyncio.Task[Any], Context | None], None],
) -> VirtualSelector:
    """Run a simulation to its end; `born` is told of every task as it is created."""
    selector = VirtualSelector(steps_max)

    def factory(
        loop: asyncio.AbstractEventLoop, coro: Any, context: Context | None = None
    ) -> asyncio.Task[Any]:
        if context is None:
            task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop)
        else:
            task = asyncio.Task(coro, loop=loop, context=context)
        born(task, context)
        return task

    def make() -> asyncio.AbstractEventLoop:
        loop = VirtualLoop(selector)
        loop.set_task_factory(factory)
        loop.set_exception_handler(_quiet)
        return loop

    with asyncio.Runner(loop_factory=make) as runner:
        runner.run(main(SkewedClock(selector)))
    return selector


def _quiet(loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """A reply nobody waits for any more is what a dead process leaves behind."""
