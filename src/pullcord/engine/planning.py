"""From a message to its copies: which ways there are to a recipient, and when each is tried."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from pullcord.channels.port import Channel, Edits, FoundBy
from pullcord.engine.clock import Clock
from pullcord.owner.floor import Floor
from pullcord.owner.ladder import Rung
from pullcord.owner.reach import Errand, Reach, ReachStep, Step, Way, period_since, plan
from pullcord.path.escalation import ActorKind, Escalation, Message, MessageKind
from pullcord.store.port import Copy, Outgoing, Store

#: kinds that ask somebody for something; true only while the same people are asked
PERISHABLE = frozenset({MessageKind.ASKED, MessageKind.REMINDED})
#: kinds that need a person soon, though they ask nobody anew
PRESSING = frozenset({MessageKind.REPLIED, MessageKind.QUESTION, MessageKind.AGENT_GONE})
#: kinds that a copy which is edited tells by itself
TOLD_BY_EDIT = frozenset(MessageKind) - PERISHABLE - PRESSING

Place = tuple[str, str]


def ways_to(
    message: Message,
    floor: Floor,
    channels: Mapping[str, Channel],
    *,
    also: Sequence[Place] = (),
) -> list[Way]:
    """Every way on which this recipient can be told.

    `also` are (channel, address) pairs this recipient named: where an agent's requester hears
    back, where an end user wants to be written to.
    """
    ways: list[Way] = []
    for name, channel in channels.items():
        can = channel.can
        if can.only_asks and message.kind not in PERISHABLE:
            continue
        is_shared = can.found_by is FoundBy.EVERYBODY
        is_own = message.to is ActorKind.PERSON
        found = [message.to_id] if is_shared else []
        if is_own and not is_shared:
            found = addresses_of(message.to_id, floor, name, can.found_by)
        ways += [Way(name, each, can.wakes, is_shared=is_shared) for each in found]
    ways += [Way(name, address) for name, address in also if name in channels]
    return list(dict.fromkeys(ways))


def addresses_of(who: str, floor: Floor, channel: str, found_by: FoundBy) -> list[str]:
    """Where one person is found on a channel; nowhere when they are no longer active."""
    someone = floor.people.get(who)
    if someone is None or not someone.is_active:
        return []
    if found_by is FoundBy.LINK:
        return [address for name, address in floor.linked.get(who, ()) if name == channel]
    contact = {
        FoundBy.EVERYBODY: who,
        FoundBy.SIGN_IN: who if floor.can_sign_in(who) else "",
        FoundBy.EMAIL: someone.email,
        FoundBy.PHONE: someone.phone,
    }[found_by]
    return [contact] if contact else []


class Planner:
    """Makes the copies of messages by the rules of rungs and people."""

    def __init__(self, store: Store, clock: Clock, channels: Mapping[str, Channel]) -> None:
        self._store = store
        self._clock = clock
        self._channels = channels

    async def copies(
        self,
        outgoing: Outgoing,
        escalation: Escalation,
        floor: Floor,
        *,
        also: Sequence[Place] = (),
    ) -> list[Outgoing]:
        """One copy per way and time; none at all means nobody can be reached there."""
        message = outgoing.message
        ways = ways_to(message, floor, self._channels, also=also)
        if _is_told_by_edit(message):
            ways = await self._untold(message, escalation, ways)
        steps = await self._steps(message, escalation, floor, ways)
        seen: Counter[str] = Counter()
        copies = []
        for step in steps:
            channel = step.way.channel
            seen[channel] += 1
            more = f"-{seen[channel]}" if seen[channel] > 1 else ""
            copies.append(
                replace(
                    outgoing,
                    id=f"{outgoing.id}.{channel}{more}",
                    channel=channel,
                    address=step.way.address,
                    due_at=self._due_at(message, step),
                )
            )
        return copies

    def _due_at(self, message: Message, step: Step) -> datetime:
        """The step's time; what may be bundled waits for others to come along."""
        if message.kind is MessageKind.ASKED or message.wakes:
            return step.at
        return max(step.at, message.at + self._channels[step.way.channel].can.bundles_for)

    async def _untold(
        self, message: Message, escalation: Escalation, ways: Sequence[Way]
    ) -> list[Way]:
        """The ways without a copy that will be edited anyway."""
        edited = {way.channel for way in ways if isinstance(self._channels[way.channel], Edits)}
        if not edited:
            return list(ways)
        copies = await self._store.copies(escalation.workspace, escalation.id)
        told = {(each.channel, each.address) for each in copies if _is_told(each, message)}
        return [way for way in ways if (way.channel, way.address) not in told]

    async def _steps(
        self, message: Message, escalation: Escalation, floor: Floor, ways: Sequence[Way]
    ) -> Sequence[Step]:
        now = self._clock.now()
        someone = floor.people.get(message.to_id) if message.to is ActorKind.PERSON else None
        if someone is None:
            return [Step(way, now) for way in ways]
        reach, zone = someone.reach, ZoneInfo(someone.timezone)
        woken = 0
        if any(way.wakes for way in ways):
            woken = await self._woken(escalation.workspace, someone.id, reach, zone)
        return plan(
            reach, errand_of(message, escalation), ways=ways, now=now, zone=zone, woken=woken
        )

    async def _woken(self, workspace: str, who: str, reach: Reach, zone: ZoneInfo) -> int:
        since = period_since(reach, self._clock.now(), zone)
        return await self._store.woken(workspace, who, since=since)


def _is_told_by_edit(message: Message) -> bool:
    """Whether a changed copy is enough; whoever asked waits for the decision, and no edit rings."""
    is_awaited = message.to is ActorKind.AGENT and message.kind is MessageKind.DECIDED
    return message.kind in TOLD_BY_EDIT and not is_awaited


def _is_told(copy: Copy, message: Message) -> bool:
    is_same = (copy.message.to, copy.message.to_id) == (message.to, message.to_id)
    return copy.is_edited and is_same


def errand_of(message: Message, escalation: Escalation) -> Errand:
    """What a message needs of the ways it goes by."""
    asks = message.kind in PERISHABLE or message.kind in PRESSING
    rung = _rung(escalation)
    steps: tuple[ReachStep, ...] = ()
    if rung is not None and message.kind is MessageKind.ASKED:
        steps = rung.reach
    until = escalation.offer.until if escalation.offer and message.kind in PERISHABLE else None
    return Errand(
        asks=asks, severity=escalation.severity, wakes=message.wakes, until=until, steps=steps
    )


def _rung(escalation: Escalation) -> Rung | None:
    return None if escalation.is_at_catch_all else escalation.ladder.rungs[escalation.rung]
