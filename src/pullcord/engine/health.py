"""How the channels are: when each last delivered, how much of it failed, and when to worry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pullcord.channels.port import Abilities, Channel, Edits, Hears
from pullcord.engine.clock import Clock
from pullcord.store.port import ReceiptState, Store, Tally

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
    can: Abilities
    edits: bool
    hears: bool
    accepted: int = 0
    delivered: int = 0
    failed: int = 0
    last_good_at: datetime | None = None
    last_failed_at: datetime | None = None

    @property
    def failure_share(self) -> float:
        """The share of all tries that failed, 0 to 1."""
        tries = self.accepted + self.delivered + self.failed
        return self.failed / tries if tries else 0.0

    @property
    def alarm(self) -> str:
        """What is wrong, as a phrase; empty when nothing is."""
        if self.last_failed_at is None:
            return ""
        good_at = self.last_good_at
        if good_at is not None and good_at >= self.last_failed_at - ALARM_AFTER:
            return ""
        since = f"since {good_at:%Y-%m-%d %H:%M} UTC" if good_at else "in the last 24 hours"
        return f"{self.name}: nothing was delivered {since}, and tries fail"


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
        found = [self._one(name, tallies) for name in sorted(self._channels)]
        self._kept[workspace] = (now, found)
        return found

    def _one(self, name: str, tallies: Sequence[Tally]) -> ChannelHealth:
        channel = self._channels[name]
        own = [each for each in tallies if each.channel == name]
        good = [each.last_at for each in own if each.state in GOOD]
        bad = [each.last_at for each in own if each.state is ReceiptState.FAILED]
        arrived = (ReceiptState.DELIVERED, ReceiptState.SEEN)
        return ChannelHealth(
            name=name,
            can=channel.can,
            edits=isinstance(channel, Edits),
            hears=isinstance(channel, Hears),
            accepted=sum(each.count for each in own if each.state is ReceiptState.ACCEPTED),
            delivered=sum(each.count for each in own if each.state in arrived),
            failed=sum(each.count for each in own if each.state is ReceiptState.FAILED),
            last_good_at=max(good, default=None),
            last_failed_at=max(bad, default=None),
        )

    async def alarms(self) -> list[str]:
        """What is wrong with any channel of any workspace, each told once."""
        found: dict[str, None] = {}
        for workspace in await self._store.workspaces():
            for each in await self.of(workspace):
                if each.alarm:
                    found[each.alarm] = None
        return list(found)
