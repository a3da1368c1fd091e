"""Duties of a workspace that come back: kept as rows, so that any process may do them.

`shifts`: a shift ends while somebody is asked, so every open escalation looks again at who is on
duty. The row's next time is the next change of any schedule.
"""

from datetime import datetime, timedelta

from pullcord.engine.bus import Bus
from pullcord.engine.clock import Clock
from pullcord.engine.floors import Floors
from pullcord.owner.schedule import on_call
from pullcord.store.port import Store

SHIFTS = "shifts"
#: how long a claimed duty is this worker's
LEASE = timedelta(seconds=60)
#: the latest next look, also where no schedule ever changes
LOOK_AGAIN = timedelta(hours=1)


class Duties:
    """Does the duties that are due."""

    def __init__(self, store: Store, clock: Clock, *, floors: Floors, bus: Bus) -> None:
        self._store = store
        self._clock = clock
        self._floors = floors
        self._bus = bus

    async def enrol(self) -> None:
        """Every workspace has its duties; those that exist keep their time."""
        now = self._clock.now()
        for workspace in await self._store.workspaces():
            await self._store.enrol_duty(workspace, SHIFTS, now)

    async def tick(self) -> int:
        """Do what is due; returns how many duties were done."""
        now = self._clock.now()
        claimed = await self._store.claim_duties(now, lease_until=now + LEASE)
        for workspace, duty in claimed:
            assert duty == SHIFTS, f"nobody knows the duty {duty!r}"
            await self._shifts(workspace, now)
        return len(claimed)

    async def _shifts(self, workspace: str, now: datetime) -> None:
        floor = await self._floors.now(workspace)
        ends = [on_call(each, now).end_at for each in floor.schedules.values()]
        if await self._store.nudge(workspace, now):
            self._bus.publish(workspace, "shifts")
        next_at = min([*ends, now + LOOK_AGAIN])
        await self._store.finish_duty(workspace, SHIFTS, next_at)
