"""Hints between the parts of one process: "this changed, look again". Rows are the truth.

A listener that falls behind is told to look at everything again; nothing ever blocks a publisher.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from pullcord.path.escalation import Escalation

#: signals a listener may fall behind before it is told to resynchronise
BACKLOG_MAX = 256
#: listeners of one process; one more is refused
LISTENERS_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Signal:
    """What changed: `topic` is "escalation", "policy", "people" or "resync"."""

    topic: str
    id: str = ""
    version: int = 0
    #: statuses, owner or key are never in a hint: whoever may see them reads them


RESYNC = Signal("resync")


@dataclass(frozen=True, slots=True)
class Concern:
    """Whose agent may wait for a change of an escalation, besides the people of the workspace."""

    agent_key: str
    is_decided: bool = False


#: Called in the publisher's own step, with the escalation where the publisher holds it: for
#: counting and for waking who waits. It must return at once and never raise.
Watcher = Callable[[str, Signal, Escalation | None], None]


#: Called with what another process did, or with `RESYNC` and no workspace: anything may have been.
Overhearer = Callable[[str, Signal, Concern | None], None]


class Listener:
    """One reader of the hints of a workspace; iterate, and close when done."""

    def __init__(self, bus: "Bus", workspace: str) -> None:
        self._bus = bus
        self.workspace = workspace
        self._queue: asyncio.Queue[Signal] = asyncio.Queue(maxsize=BACKLOG_MAX)
        self._is_behind = False

    def put(self, signal: Signal) -> None:
        """Take a hint, or note that hints were lost."""
        try:
            self._queue.put_nowait(signal)
        except asyncio.QueueFull:
            self._is_behind = True

    async def next(self) -> Signal:
        """The next hint; `resync` after hints were lost."""
        if self._is_behind:
            self._is_behind = False
            while not self._queue.empty():
                self._queue.get_nowait()
            return RESYNC
        return await self._queue.get()

    async def __aiter__(self) -> AsyncIterator[Signal]:
        while True:
            yield await self.next()

    def close(self) -> None:
        """Stop listening."""
        self._bus.forget(self)


class Bus:
    """Publishes hints to the listeners of a workspace."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Listener]] = {}
        self._watchers: list[Watcher] = []
        self._overhearers: list[Overhearer] = []
        self._wakers: list[asyncio.Event] = []
        self._count = 0

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return self._count

    def listen(self, workspace: str) -> Listener:
        """A new listener of this workspace.

        Raises:
            OverflowError: too many listen already.
        """
        if self._count >= LISTENERS_MAX:
            raise OverflowError(f"{LISTENERS_MAX} listeners are connected already")
        listener = Listener(self, workspace)
        self._listeners.setdefault(workspace, set()).add(listener)
        self._count += 1
        return listener

    def forget(self, listener: Listener) -> None:
        """Drop a listener; safe to repeat."""
        group = self._listeners.get(listener.workspace, set())
        if listener in group:
            group.discard(listener)
            self._count -= 1
        if not group:
            self._listeners.pop(listener.workspace, None)

    def watch(self, watcher: Watcher) -> None:
        """Be told of everything this process publishes."""
        self._watchers.append(watcher)

    def publish(
        self,
        workspace: str,
        topic: str,
        id: str = "",
        version: int = 0,
        *,
        about: Escalation | None = None,
    ) -> None:
        """Tell the listeners of a workspace that something changed, and wake the engine."""
        signal = Signal(topic, id, version)
        for watcher in self._watchers:
            watcher(workspace, signal, about)
        for listener in self._listeners.get(workspace, ()):
            listener.put(signal)
        self.hint()

    def overhear(self, overhearer: Overhearer) -> None:
        """Be told of what other processes on the same database did."""
        self._overhearers.append(overhearer)

    def relay(self, workspace: str, signal: Signal, concern: Concern | None) -> None:
        """Another process changed something: tell who listens here, and nobody who counts."""
        for overhearer in self._overhearers:
            overhearer(workspace, signal, concern)
        for listener in self._listeners.get(workspace, ()):
            listener.put(signal)

    def lost(self) -> None:
        """Hints of other processes were lost: everybody looks at everything again."""
        for overhearer in self._overhearers:
            overhearer("", RESYNC, None)
        for group in self._listeners.values():
            for listener in group:
                listener.put(RESYNC)
        self.hint()

    def waker(self) -> asyncio.Event:
        """An event that every hint sets; each loop of the engine has and clears its own."""
        waker = asyncio.Event()
        self._wakers.append(waker)
        return waker

    def hint(self) -> None:
        """Wake the engine: something changed, the clock was turned, or it should stop."""
        for waker in self._wakers:
            waker.set()
