"""What time does: claims escalations that are due and lets the desk do the one thing that is."""

import asyncio
from datetime import timedelta

import structlog

from pullcord.engine.clock import Clock
from pullcord.engine.desk import Desk
from pullcord.engine.holding import Holding
from pullcord.errors import PullcordError
from pullcord.store.port import Row, Store

#: escalations claimed at once
BATCH_MAX = 100
#: how long a claimed escalation is this worker's before another may take it
LEASE = timedelta(seconds=20)

log = structlog.get_logger("pullcord.timers")


class Timers:
    """Steps what is due; the database is the timer, so nothing is lost with the process."""

    def __init__(self, store: Store, clock: Clock, desk: Desk, *, holding: Holding) -> None:
        self._store = store
        self._clock = clock
        self._desk = desk
        self._holding = holding

    async def tick(self) -> int:
        """Claim what is due and step it; returns how many were claimed."""
        now = self._clock.now()
        wake = await self._store.next_wake()
        if wake is None or wake > now or await self._holding.now():
            return 0
        rows = await self._store.claim_due(now, lease_until=now + LEASE, limit=BATCH_MAX)
        await asyncio.gather(*(self._step(row) for row in rows))
        return len(rows)

    async def _step(self, row: Row) -> None:
        """One failing escalation delays no other; its lease brings it back."""
        try:
            await self._desk.step(row)
        except PullcordError as problem:
            log.warning("step_failed", escalation=row.escalation.id, problem=str(problem))
