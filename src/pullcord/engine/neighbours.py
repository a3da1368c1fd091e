"""What the processes on one database owe each other: word of what changed, and one time.

Hints come at once and may be lost; so every few seconds this looks at what changed lately, and
relays what it did not hear of.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from pullcord.engine.bus import Bus, Concern, Signal
from pullcord.engine.clock import Clock, DatabaseClock
from pullcord.errors import PullcordError
from pullcord.path.escalation import Escalation, Status
from pullcord.store.sharing import Hint, Shared

#: seconds between two looks at what was missed, and how far each looks back
LOOK_SECONDS = 5.0
LOOK_BACK = timedelta(seconds=15)
#: how far back copies are compared with their escalations; a commit may wait for its standby
COPIES_BACK = timedelta(minutes=2)
#: looks after which what was seen is forgotten, and things remembered at most
ROUNDS_SEEN, SEEN_MAX = 4, 20_000
#: seconds between two hints of others that wake this process's engine
WAKE_SECONDS = 0.1

log = structlog.get_logger("pullcord.neighbours")


class Neighbours:
    """Tells other processes what this one did, and this one what they did."""

    def __init__(self, store: Shared, clock: Clock, bus: Bus) -> None:
        self._store = store
        self._clock = clock
        self._bus = bus
        self._hints = store.hints()
        self._seen: dict[tuple[str, str], int] = {}
        self._seen_before: dict[tuple[str, str], int] = {}
        self._woken_at = 0.0
        self._looking: asyncio.Task[None] | None = None
        bus.watch(self._published)

    async def start(self) -> None:
        """Take the database's time, listen, and look from now on."""
        await self._keep_time()
        await self._hints.start(self._heard, self._bus.lost)
        self._looking = asyncio.get_running_loop().create_task(self._look(), name="pullcord-look")

    async def stop(self) -> None:
        """Tell what is left and stop; safe to repeat."""
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            await self._hints.close()

    async def look(self) -> int:
        """Relay what changed lately and was not heard of; how much that was."""
        missed = [
            each
            for each in await self._store.changed_since(self._clock.now() - LOOK_BACK)
            if self._version_seen(each) < each.version
        ]
        self._heard(missed)
        now = self._clock.now()
        if await self._store.recheck_copies(now - COPIES_BACK, now):
            self._bus.hint()
        return len(missed)

    async def _look(self) -> None:
        rounds = 0
        while True:
            rounds += 1
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._keep_time()
                await self.look()
            except PullcordError as problem:
                log.info("look_failed", problem=str(problem))
            if rounds % ROUNDS_SEEN == 0 or len(self._seen) > SEEN_MAX:
                self._seen, self._seen_before = {}, self._seen

    async def _keep_time(self) -> None:
        if isinstance(self._clock, DatabaseClock):
            await self._clock.follow(self._store.time)

    def _published(self, workspace: str, signal: Signal, about: Escalation | None) -> None:
        """This process changed something: let the others know."""
        if about is None:
            self._hints.tell(Hint(workspace, signal.topic, signal.id, signal.version))
            return
        self._seen[(workspace, about.id)] = about.version
        self._hints.tell(
            Hint(
                workspace=workspace,
                topic=signal.topic,
                id=about.id,
                version=about.version,
                agent_key=about.agent_key,
                is_decided=about.status is Status.DECIDED,
            )
        )

    def _heard(self, hints: Sequence[Hint]) -> None:
        """Others changed something: whoever waits here may look."""
        for each in hints:
            if each.agent_key:
                self._seen[(each.workspace, each.id)] = each.version
            concern = Concern(each.agent_key, is_decided=each.is_decided)
            signal = Signal(each.topic, each.id, each.version)
            self._bus.relay(each.workspace, signal, concern if each.agent_key else None)
        now = asyncio.get_running_loop().time()
        if hints and now - self._woken_at >= WAKE_SECONDS:
            self._woken_at = now
            self._bus.hint()

    def _version_seen(self, hint: Hint) -> int:
        place = (hint.workspace, hint.id)
        return max(self._seen.get(place, 0), self._seen_before.get(place, 0))
