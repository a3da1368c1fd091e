"""Duties of a workspace that come back: kept as rows, so that any process may do them.

`shifts`: a shift ends while somebody is asked, so every open escalation looks again at who is on
duty. The row's next time is the next change of any schedule.

`daily/NAME`: the daily letter of a person who wants one, at their time. Whoever wants one from now
on is noticed with the next look at the shifts.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from pullcord.engine.bus import Bus
from pullcord.engine.clock import Clock
from pullcord.engine.daily import Daily, around
from pullcord.engine.floors import Floors
from pullcord.owner.floor import Floor
from pullcord.owner.schedule import on_call
from pullcord.store.port import Store

SHIFTS = "shifts"
DAILY = "daily/"
#: how long a claimed duty is this worker's
LEASE = timedelta(seconds=60)
#: the latest next look, also where no schedule ever changes
LOOK_AGAIN = timedelta(hours=1)


class Duties:
    """Does the duties that are due."""

    def __init__(
        self, store: Store, clock: Clock, *, floors: Floors, bus: Bus, daily: Daily
    ) -> None:
        self._store = store
        self._clock = clock
        self._floors = floors
        self._bus = bus
        self._daily = daily

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
            if duty.startswith(DAILY):
                again_at = await self._daily.send(workspace, duty.removeprefix(DAILY))
                await self._store.finish_duty(workspace, duty, again_at)
                continue
            assert duty == SHIFTS, f"nobody knows the duty {duty!r}"
            await self._shifts(workspace, now)
        return len(claimed)

    async def _shifts(self, workspace: str, now: datetime) -> None:
        floor = await self._floors.now(workspace)
        ends = [on_call(each, now).end_at for each in floor.schedules.values()]
        if await self._store.nudge(workspace, now):
            self._bus.publish(workspace, "shifts")
        await self._enrol_daily(workspace, floor, now)
        next_at = min([*ends, now + LOOK_AGAIN])
        await self._store.finish_duty(workspace, SHIFTS, next_at)

    async def _enrol_daily(self, workspace: str, floor: Floor, now: datetime) -> None:
        """A time that has just passed is still today's: it was named since the last look."""
        for who, someone in floor.people.items():
            if someone.is_active and someone.reach.daily_at is not None:
                zone = ZoneInfo(someone.timezone)
                last, following = around(someone.reach.daily_at, now, zone)
                due = last if now - last <= LOOK_AGAIN else following
                await self._store.enrol_duty(workspace, f"{DAILY}{who}", due)
