"""The watchdog: is anything late, and does somebody outside know that we are alive?

It measures the oldest passed deadline, and pings a heartbeat address only while all is well, so
that silence alarms whoever listens there.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import httpx2
import structlog

from pullcord.channels.webhook import address
from pullcord.engine.clock import Clock
from pullcord.store.port import Store

#: lateness above which the engine is not ready
LATE_AFTER = timedelta(seconds=30)
#: seconds for one ping
PING_SECONDS = 5.0

log = structlog.get_logger("pullcord.watchdog")


@dataclass(frozen=True, slots=True)
class Pulse:
    """How the engine is: `late_for` is the age of the oldest passed deadline."""

    at: datetime | None = None
    late_for: timedelta = timedelta(0)
    pinged_at: datetime | None = None
    ping_failed: str = ""

    def why_not_ready(self, now: datetime) -> str:
        """What is wrong, as a sentence; empty when nothing is."""
        if self.at is None:
            return "the engine has not finished a first cycle yet"
        if now - self.at > 4 * LATE_AFTER:
            return f"the engine's last cycle was at {self.at:%Y-%m-%d %H:%M:%S} UTC"
        if self.late_for > LATE_AFTER:
            return f"a deadline passed {int(self.late_for.total_seconds())} s ago unattended"
        return ""


class Watchdog:
    """Checks lateness and sends the outgoing heartbeat."""

    def __init__(self, store: Store, clock: Clock, *, heartbeat_url: str = "") -> None:
        self._store = store
        self._clock = clock
        self._heartbeat_url = address(heartbeat_url, "heartbeat_url") if heartbeat_url else ""
        self.pulse = Pulse()

    async def check(self) -> Pulse:
        """Look once; ping when all is well."""
        now = self._clock.now()
        since = await self._store.overdue_since(now)
        late_for = now - since if since else timedelta(0)
        self.pulse = replace(self.pulse, at=now, late_for=late_for)
        if late_for > LATE_AFTER:
            log.error("late", late_for_seconds=late_for.total_seconds())
        elif self._heartbeat_url:
            await self._ping(now)
        return self.pulse

    async def _ping(self, now: datetime) -> None:
        try:
            async with httpx2.AsyncClient(timeout=PING_SECONDS, trust_env=False) as client:
                reply = await client.get(self._heartbeat_url)
            failed = "" if reply.is_success else f"answered {reply.status_code}"
        except httpx2.HTTPError as error:
            failed = f"no answer: {type(error).__name__}"
        if failed:
            log.warning("heartbeat_failed", detail=failed)
        self.pulse = replace(self.pulse, pinged_at=now, ping_failed=failed)
