"""One simulated world: processes that crash, a network that loses, clients that remember."""

import asyncio
import random
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pullcord.channels.console import ConsoleChannel
from pullcord.channels.port import Channel, Letter
from pullcord.engine.house import House, furnish
from pullcord.errors import OutsideFailed, PullcordError
from pullcord.store.port import Row
from pullcord.testing.clock import SeededIds
from tests.simulation.board import Board, StormyBoard
from tests.simulation.faults import StormyChannel, StormyStore, Weather
from tests.simulation.loop import SkewedClock, elapse
from tests.simulation.watch import Watch

Result = TypeVar("Result")
Act = Callable[[House], Awaitable[Result]]

MASTER = bytes(range(32))
#: the process a task belongs to; a crash takes all of them
PROCESS: ContextVar["Process | None"] = ContextVar("process", default=None)
#: share of the worlds with a board
BOARDS = 0.25
#: violations kept; more say nothing new
VIOLATIONS_MAX = 20
#: times a dying task is cancelled
DEATHS_MAX = 20
#: tries of a client that insists; more would mean the house never comes back
INSIST_MAX = 400


class Lost(Exception):
    """The client does not know what became of its request."""


@dataclass(slots=True)
class Effect:
    """One guarded call that really ran."""

    escalation: str
    digest: str
    at: float
    agent: str


@dataclass(slots=True)
class History:
    """What clients did and were told: invoke, then ok, fail or info (unknown)."""

    records: list[tuple[float, str, str, str, str]] = field(default_factory=list)
    #: heads somebody was told of: they must never disappear
    acknowledged: dict[str, set[tuple[int, str]]] = field(default_factory=dict)
    #: (agent key, key) to the escalations it was told of
    opened: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    #: what was collected of an escalation, as different askers saw it
    decisions: dict[str, set[tuple[str, ...]]] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)

    def told(self, row: Row) -> None:
        """Somebody was shown this row as the state of things."""
        heads = self.acknowledged.setdefault(row.escalation.id, set())
        heads.add((row.head.seq, row.head.hash))


class Process:
    """One incarnation of `pullcord serve`."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.weather = world.weather
        self.path = world.path
        self.connections: list[sqlite3.Connection] = []
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self.is_up = False
        self.is_dead = False
        self.context: Context = copy_context()
        self.context.run(PROCESS.set, self)
        channel = StormyChannel(self, world.told)
        channel.is_dead = lambda: world.is_channel_dead
        channels: dict[str, Channel] = {"webhook": channel}
        if world.has_console:
            channels["console"] = ConsoleChannel()
        if world.board is not None:
            channels["board"] = StormyBoard(self, world.board, lambda: world.is_board_dead)
        self.store = StormyStore(self, world.watch)
        self.house = furnish(
            self.store, master=MASTER, clock=world.clock, ids=world.ids, channels=channels
        )

    def spawn(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """A task that dies with this process."""
        loop = asyncio.get_running_loop()
        return loop.create_task(work, context=self.context.copy())

    async def start(self) -> None:
        """Open the file and run; again and again while the weather prevents it."""
        for _ in range(INSIST_MAX):
            try:
                await self.store.start()
                await self.house.runner.start()
            except OutsideFailed:
                await self.store.close()
                await elapse(1)
            else:
                self.is_up = True
                return
        self.world.violated("a process could not be started")

    async def may_crash(self) -> None:
        """Perhaps the last await of this process."""
        if not self.is_dead and self.is_up and self.weather.strikes("crash", self.weather.crash):
            self.is_up = False
            self.is_dead = True
            self.world.buries(self)
            await asyncio.get_running_loop().create_future()

    async def die(self) -> None:
        """Every task of the process ends here, in the order in which they were born.

        A task may answer the first cancellation with an error of its own and go on; a kill
        leaves it no choice, so it is cancelled until it is gone.
        """
        for _ in range(DEATHS_MAX):
            tasks = [each for each in self.tasks if not each.done()]
            if not tasks:
                break
            for each in tasks:
                each.cancel()
            await asyncio.wait(tasks, timeout=1)
        else:
            self.world.violated(f"these cannot be cancelled: {list(self.tasks)}")
        for connection in self.connections:
            connection.close()


def born(task: asyncio.Task[Any], context: Context | None) -> None:
    """Remember to which process a new task belongs."""
    process = PROCESS.get() if context is None else context.get(PROCESS)
    if process is not None:
        process.tasks[task] = None
        task.add_done_callback(lambda done: process.tasks.pop(done, None))


class World:
    """Everything of one seed."""

    def __init__(self, seed: int, folder: Path, clock: SkewedClock, *, escalations: int) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.clock = clock
        self.ids = SeededIds(clock, seed=seed)
        self.path = folder / f"world-{seed}.db"
        self.weather = Weather.drawn(self.rng)
        self.weather.is_calm = True
        #: whether nothing may move, and when somebody let it go
        self.is_held, self.let_go_at = False, float("-inf")
        self.violations: list[str] = []
        self.failed = asyncio.Event()
        self.watch = Watch(self.violated)
        self.history = History()
        self.pinged: dict[str, asyncio.Event] = {}
        self.is_channel_dead = self.is_board_dead = False
        self.has_console = self.rng.random() < 0.5
        #: a provider that is called back, in some worlds; its chance is its own
        chance = random.Random(f"board {seed}")
        self.board = Board(self, chance) if chance.random() < BOARDS else None
        self.escalations = escalations
        #: agents that still want to open something
        self.busy = 0
        #: when the machine's clock last went an hour ahead or back
        self.hour_jumped_at = -1e9
        self.processes: list[Process] = []
        self._context = copy_context()
        self._actors: list[asyncio.Task[Any]] = []

    # --- what goes wrong ----------------------------------------------------------------------
    def violated(self, what: str) -> None:
        """An invariant does not hold."""
        if len(self.violations) < VIOLATIONS_MAX:
            self.violations.append(f"at {self.clock.elapsed():.1f} s: {what}")
        self.failed.set()

    # --- processes ----------------------------------------------------------------------------
    async def begin(self, processes: int) -> None:
        """Start the processes one after the other."""
        for _ in range(processes):
            process = Process(self)
            self.processes.append(process)
            await process.spawn(process.start())

    def buries(self, process: Process) -> None:
        """A process crashed: take it away and start another in its place."""
        loop = asyncio.get_running_loop()
        self._actors.append(loop.create_task(self._replace(process), context=self._context.copy()))

    async def _replace(self, process: Process) -> None:
        await process.die()
        await elapse(self.weather.rng.choice((0.2, 2.0, 30.0)))
        again = Process(self)
        self.processes[self.processes.index(process)] = again
        await again.spawn(again.start())

    async def end(self) -> None:
        """Everybody goes home."""
        for each in self._actors:
            each.cancel()
        await asyncio.gather(*self._actors, return_exceptions=True)
        for process in self.processes:
            process.is_dead = True
            await process.die()

    # --- clients ------------------------------------------------------------------------------
    def acts(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Somebody outside, who outlives every process."""
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._played(work), context=self._context.copy())
        task.add_done_callback(lambda _: work.close())
        self._actors.append(task)
        return task

    async def _played(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as bug:
            self.violated(f"an actor broke: {type(bug).__name__}: {bug}")
            raise

    def told(self, letter: Letter) -> None:
        """A letter reached somebody."""
        who = letter.to.partition(":")[2]
        if who in self.pinged:
            self.pinged[who].set()

    async def call(self, act: Act[Result]) -> Result:
        """One request over an unreliable network.

        Raises:
            Lost: nobody knows what became of it.
            PullcordError: the house's answer.
        """
        weather = self.weather
        up = [each for each in self.processes if each.is_up]
        if not up or weather.strikes("request lost", weather.reply / 2):
            await elapse(1)
            raise Lost
        task = self._serve(weather.rng.choice(up), act)
        if weather.strikes("request twice", weather.twice):
            self._serve(weather.rng.choice(up), act)
        await asyncio.wait({task})
        if task.cancelled() or weather.strikes("reply lost", weather.reply):
            raise Lost
        return task.result()

    async def answers(self, act: Act[Result]) -> bool:
        """One request of somebody who only wants to know whether it was heard."""
        try:
            with suppress(PullcordError):
                await self.call(act)
        except Lost:
            return False
        return True

    def _serve(self, process: Process, act: Act[Result]) -> asyncio.Task[Result]:
        async def served() -> Result:
            try:
                return await act(process.house)
            except PullcordError:
                raise
            except Exception as bug:
                self.violated(f"the house broke: {type(bug).__name__}: {bug}")
                raise

        return process.spawn(served())

    async def insist(self, act: Act[Result]) -> Result:
        """Repeat one request, exactly as it was, until there is an answer."""
        last: Exception | None = None
        for _ in range(INSIST_MAX):
            try:
                return await self.call(act)
            except (Lost, OutsideFailed) as error:
                last = error
                await elapse(self.rng.uniform(0.5, 8))
        up = [each.is_up for each in self.processes]
        raise AssertionError(f"no answer any more: {last!r}; processes up: {up}")

    def note(self, client: str, verb: str, target: str, outcome: str) -> None:
        """One line of the history."""
        at = round(self.clock.elapsed(), 3)
        self.history.records.append((at, client, verb, target, outcome))
