"""The watchdog: is anything late, does an engine beat, does somebody outside know we are alive?

It measures the oldest passed deadline. An engine leaves a beat in the database, by which servers
without an engine of their own know that one is there; and it pings a heartbeat address only while
all is well, so that silence alarms whoever listens.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import httpx2
import structlog

from pullcord.channels.outward import address
from pullcord.engine.clock import Clock
from pullcord.engine.holding import Holding
from pullcord.store.port import Store

#: lateness above which the engine is not ready
LATE_AFTER = timedelta(seconds=30)
#: silence of every engine after which a server without one is not ready
SILENT_AFTER = timedelta(seconds=30)
#: after this a process that no longer beats is forgotten
FORGOTTEN_AFTER = timedelta(hours=1)
#: seconds for one ping
PING_SECONDS = 5.0

log = structlog.get_logger("pullcord.watchdog")


@dataclass(frozen=True, slots=True)
class Pulse:
    """How things are: `late_for` is the age of the oldest passed deadline."""

    #: when this process last looked
    at: datetime | None = None
    late_for: timedelta = timedelta(0)
    #: whether this process has an engine
    is_engine: bool = True
    #: when any engine of the database last beat; None when none ever did
    beat_at: datetime | None = None
    #: engines that beat lately
    engines: int = 0
    is_held: bool = False
    pinged_at: datetime | None = None
    ping_failed: str = ""

    def why_not_ready(self, now: datetime) -> str:
        """What is wrong with this process, as a sentence; empty when nothing is."""
        if self.at is None:
            what = "the engine has not finished a first cycle" if self.is_engine else _UNSEEN
            return f"{what} yet"
        if now - self.at > 4 * LATE_AFTER:
            what = "the engine's last cycle" if self.is_engine else "its last look at the database"
            return f"{what} was at {self.at:%Y-%m-%d %H:%M:%S} UTC"
        return self._late() if self.is_engine else ""

    def what_is_missing(self, now: datetime) -> list[str]:
        """What a server without an engine wants of others; taking it away would mend nothing."""
        if self.is_engine:
            return []
        return [each for each in (self._silence(now), self._late()) if each]

    def _late(self) -> str:
        if self.late_for <= LATE_AFTER:
            return ""
        return f"a deadline passed {int(self.late_for.total_seconds())} s ago unattended"

    def _silence(self, now: datetime) -> str:
        if self.beat_at is None:
            return "no engine has beaten on this database yet; start `pullcord engine`"
        silent_for = now - self.beat_at
        if silent_for <= SILENT_AFTER:
            return ""
        seconds = int(silent_for.total_seconds())
        return f"no engine has beaten for {seconds} s; start `pullcord engine`"


_UNSEEN = "this server has not looked at the database"


class Watchdog:
    """Checks lateness, leaves and finds beats, and sends the outgoing heartbeat."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        holding: Holding,
        process: str = "engine",
        heartbeat_url: str = "",
    ) -> None:
        self._store = store
        self._clock = clock
        self._holding = holding
        self._process = process
        self._heartbeat_url = address(heartbeat_url, "heartbeat_url") if heartbeat_url else ""
        self.pulse = Pulse()

    async def check(self) -> Pulse:
        """An engine looks once and leaves its beat; it pings when all is well."""
        now = self._clock.now()
        await self._store.beat(self._process, now, forget_before=now - FORGOTTEN_AFTER)
        await self._look(now, is_engine=True)
        if self.pulse.late_for > LATE_AFTER:
            log.error("late", late_for_seconds=self.pulse.late_for.total_seconds())
        elif self._heartbeat_url and not self.pulse.is_held:
            await self._ping(now)
        return self.pulse

    async def look(self) -> Pulse:
        """A server without an engine looks once: is anything late, does any engine beat?"""
        await self._look(self._clock.now(), is_engine=False)
        return self.pulse

    async def _look(self, now: datetime, *, is_engine: bool) -> None:
        # what is held is not late: it waits for a person
        held = await self._holding.now()
        since = None if held else await self._store.overdue_since(now)
        beats = (await self._store.beats()).values()
        self.pulse = replace(
            self.pulse,
            at=now,
            late_for=now - since if since else timedelta(0),
            is_engine=is_engine,
            beat_at=max(beats, default=None),
            engines=sum(now - each <= SILENT_AFTER for each in beats),
            is_held=held is not None,
        )

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
