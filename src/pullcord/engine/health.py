"""How the channels are: when each last delivered, how much of it failed, and when to worry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pullcord.channels.port import Abilities, Channel, Edits, Hears
from pullcord.engine.clock import Clock
from pullcord.engine.views_receipts import told_in
from pullcord.store.port import Store
from pullcord.store.receipts import ReceiptState, Tally

#: what the figures look back on
WINDOW = timedelta(hours=24)
#: a channel that only failed for this long is an alarm
ALARM_AFTER = timedelta(minutes=10)
#: figures are kept between two looks, so that nobody loads the database by looking
KEPT_FOR = timedelta(seconds=10)

#: states that say a letter arrived, or is with the provider
GOOD = frozenset({ReceiptState.ACCEPTED, ReceiptState.DELIVERED, ReceiptState.SEEN})


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """One channel in the last 24 hours."""

    name: str
    #: when this was looked at
    at: datetime
    can: Abilities
    edits: bool
    hears: bool
    accepted: int = 0
    delivered: int = 0
    failed: int = 0
    last_good_at: datetime | None = None
    last_failed_at: datetime | None = None
    #: when its provider last told what became of a letter it had taken
    last_told_at: datetime | None = None
    #: since when it takes letters and tells of none what became of it; None where it never does
    silent_since: datetime | None = None
    #: why the last try failed, in an alarm
    trouble: str = ""

    @property
    def failure_share(self) -> float:
        """The share of all tries that failed, 0 to 1."""
        tries = self.accepted + self.delivered + self.failed
        return self.failed / tries if tries else 0.0

    @property
    def alarm(self) -> str:
        """What is wrong, as a phrase; empty when nothing is."""
        if self.is_failing:
            return f"{self.name}: nothing was delivered {_since(self.last_good_at)}, and tries fail"
        if self.silent_since is not None and self.silent_since <= self.at - ALARM_AFTER:
            since = _since(self.last_told_at)
            return f"{self.name}: nothing was delivered {since}, though its provider takes letters"
        return ""

    @property
    def is_failing(self) -> bool:
        """Whether tries fail and none was taken for a while."""
        if self.last_failed_at is None:
            return False
        good_at = self.last_good_at
        return good_at is None or good_at < self.last_failed_at - ALARM_AFTER


def _since(at: datetime | None) -> str:
    return f"since {at:%Y-%m-%d %H:%M} UTC" if at else "in the last 24 hours"


class Health:
    """Reads the figures of all channels of a workspace."""

    def __init__(self, store: Store, clock: Clock, *, channels: Mapping[str, Channel]) -> None:
        self._store = store
        self._clock = clock
        self._channels = channels
        self._kept: dict[str, tuple[datetime, list[ChannelHealth]]] = {}

    async def of(self, workspace: str) -> list[ChannelHealth]:
        """Every channel of this process, by name."""
        now = self._clock.now()
        kept = self._kept.get(workspace)
        if kept is not None and abs(now - kept[0]) < KEPT_FOR:
            return kept[1]
        tallies = await self._store.tallies(workspace, since=now - WINDOW)
        found = [await self._one(workspace, name, tallies) for name in sorted(self._channels)]
        self._kept[workspace] = (now, found)
        return found

    async def _one(self, workspace: str, name: str, tallies: Sequence[Tally]) -> ChannelHealth:
        health = self._counted(name, tallies)
        if health.is_failing and health.last_failed_at is not None:
            why = await self._store.why_failed(workspace, name, health.last_failed_at)
            return replace(health, trouble=told_in(why)[1])
        if health.can.has_receipts and health.accepted:
            return replace(health, silent_since=await self._silent_since(workspace, health))
        return health

    async def _silent_since(self, workspace: str, health: ChannelHealth) -> datetime | None:
        """When it took the first letter after its provider last told of one."""
        told_at = health.last_told_at
        since = told_at + timedelta(microseconds=1) if told_at else health.at - WINDOW
        for each in await self._store.tallies(workspace, since=since):
            if (each.channel, each.state) == (health.name, ReceiptState.ACCEPTED):
                return each.first_at
        return None

    def _counted(self, name: str, tallies: Sequence[Tally]) -> ChannelHealth:
        channel = self._channels[name]
        own = [each for each in tallies if each.channel == name]
        good = [each.last_at for each in own if each.state in GOOD]
        bad = [each.last_at for each in own if each.state is ReceiptState.FAILED]
        arrived = (ReceiptState.DELIVERED, ReceiptState.SEEN)
        told = [each.last_at for each in own if each.state in arrived]
        return ChannelHealth(
            name=name,
            at=self._clock.now(),
            can=channel.can,
            edits=isinstance(channel, Edits),
            hears=isinstance(channel, Hears),
            accepted=sum(each.count for each in own if each.state is ReceiptState.ACCEPTED),
            delivered=sum(each.count for each in own if each.state in arrived),
            failed=sum(each.count for each in own if each.state is ReceiptState.FAILED),
            last_good_at=max(good, default=None),
            last_failed_at=max(bad, default=None),
            last_told_at=max([*told, *bad], default=None),
        )

    async def alarms(self) -> list[str]:
        """What is wrong with any channel of any workspace, each told once."""
        found: dict[str, None] = {}
        for workspace in await self._store.workspaces():
            for each in await self.of(workspace):
                if each.alarm:
                    found[each.alarm] = None
        return list(found)
