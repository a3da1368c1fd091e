"""The courier: takes messages from the outbox to people, and keeps a receipt of every try.

"Sent" is not "reached": when one way fails the next is tried at once, and when all have failed the
ladder advances. One dead channel delays no other: messages set out by themselves, and each channel
has its own bounded number of tries in flight, shared between workspaces in turn. What a provider
holds of ours is edited after each change, until it tells how things stand.
"""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from pullcord.channels.port import Channel, Edits, FoundBy, Letter, Outcome, Sent
from pullcord.engine.bus import Bus
from pullcord.engine.clock import Clock
from pullcord.engine.floors import Floors
from pullcord.engine.holding import Holding
from pullcord.engine.letters import bundle_of
from pullcord.engine.planning import PERISHABLE, Place, Planner
from pullcord.engine.scribe import Scribe
from pullcord.engine.together import Together
from pullcord.engine.turnstile import Turnstile
from pullcord.engine.unreached import NotReached, Unreached
from pullcord.errors import PullcordError
from pullcord.owner.reach import SEVERITIES
from pullcord.path.escalation import LIVING, ActorKind, Escalation, Message, MessageKind
from pullcord.store.port import Copy, Outgoing, Planned, Row, Settled, Store
from pullcord.store.receipts import Receipt, ReceiptState

#: messages taken from the outbox at once
BATCH_MAX = 100
#: how long a taken message is this courier's before another may take it
LEASE = timedelta(seconds=30)
#: how long a message waits for a slot of its channel; the rest of the lease is for the try
PATIENCE = timedelta(seconds=15)
#: waits between tries; after the last the copy has failed
BACK_OFF = (5, 15, 60, 300, 900)
#: tries that wait so many seconds or more meet at full minutes
MEET_AFTER = 60
#: tries of one channel in flight at once, and messages of one workspace that wait for one of these
IN_FLIGHT_MAX = 16
WAITING_MAX = 1_000
#: messages under way beyond which the next are taken no faster than one batch in so long
AHEAD_MAX = 400
AHEAD_PACE = timedelta(seconds=0.5)
#: messages that wait longer than this are the backlog of an outage: one letter per destination
OUTAGE_AFTER = timedelta(minutes=2)

STATES: Mapping[Outcome, ReceiptState] = {
    Outcome.ACCEPTED: ReceiptState.ACCEPTED,
    Outcome.DELIVERED: ReceiptState.DELIVERED,
    Outcome.SEEN: ReceiptState.SEEN,
    Outcome.FAILED: ReceiptState.FAILED,
    Outcome.RETRY: ReceiptState.FAILED,
}
ARRIVED = frozenset({Outcome.ACCEPTED, Outcome.DELIVERED, Outcome.SEEN})

log = structlog.get_logger("pullcord.courier")


@dataclass(frozen=True, slots=True)
class Ready:
    """A message with its letter, about to be sent."""

    outgoing: Outgoing
    escalation: Escalation
    letter: Letter


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose try it is at a channel's turnstile, and since when it is this courier's."""

    workspace: str
    to: str
    urgency: int
    taken_at: datetime


#: forgets an address of a channel at which nobody is any more: workspace, channel, address
Forget = Callable[[str, str, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Round:
    """What one look at the outbox took of one workspace, and what was known then."""

    at: datetime
    rows: Mapping[str, Row]
    #: given while the backlog of an outage is worked off: what was said before it is late
    late: datetime | None


#: (channel, address) pairs a recipient named for themselves
Named = Callable[[str, Message], Awaitable[Sequence[Place]]]


class Courier:
    """Plans one copy per way, sends, retries, edits, and reports who could not be reached."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        channels: Mapping[str, Channel],
        floors: Floors,
        scribe: Scribe,
        bus: Bus,
        holding: Holding,
        not_reached: NotReached,
        named: Named,
        forget: Forget,
    ) -> None:
        self._store = store
        self._clock = clock
        #: ways outward by name
        self.channels = channels
        self._floors = floors
        self._scribe = scribe
        self._planner = Planner(store, clock, channels)
        self._plans = Together(store.plan_outgoing)
        self._settlements = Together(store.settle_outgoing)
        self._bus = bus
        self._holding = holding
        self._not_reached = not_reached
        self._named = named
        self._forget = forget
        self._slots = {name: Turnstile(IN_FLIGHT_MAX) for name in channels}
        self._under_way: dict[asyncio.Task[None], None] = {}
        self._is_leaving = False
        self._taken_at: datetime | None = None

    # --- setting out ------------------------------------------------------------------------
    async def set_out(self) -> int:
        """Take what is due and set out with it, waiting for no channel; returns how many."""
        return len(await self._taken())

    async def deliver(self) -> int:
        """Take what is due and wait until all of it is settled; returns how many."""
        tasks = await self._taken()
        await asyncio.gather(*tasks)
        return len(tasks)

    def leave(self) -> None:
        """Finish what is with a channel, and give back what waits for its turn at one."""
        self._is_leaving = True

    async def rest(self) -> None:
        """Wait until nothing is under way; whoever is cancelled here cancels it too."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def abandon(self) -> None:
        """Let go of what is still with a channel; leases bring it back."""
        for task in self._under_way:
            task.cancel()
        await self.rest()

    async def close(self) -> None:
        """Let go of the channels."""
        for channel in self.channels.values():
            await channel.close()

    async def _taken(self) -> list[asyncio.Task[None]]:
        if await self._holding.now():
            return []
        self._is_leaving = False
        now = self._clock.now()
        return [*await self._taken_messages(now), *await self._taken_copies(now)]

    def _begin(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Under way from now on; a bug in it is logged once and harms no other."""
        task = asyncio.create_task(work)
        self._under_way[task] = None
        task.add_done_callback(self._arrived)
        return task

    async def _taken_messages(self, now: datetime) -> list[asyncio.Task[None]]:
        since = None if self._is_ahead(now) else await self._store.unsent_since(now)
        if since is None:
            return []
        self._taken_at = now
        taken = await self._store.claim_outgoing(now, lease_until=now + LEASE, limit=BATCH_MAX)
        late = now - OUTAGE_AFTER
        return await self._set_off(taken, now, late=late if since < late else None)

    def _is_ahead(self, now: datetime) -> bool:
        """Whether enough is under way already: what is taken too early only waits for its lease.

        It is a pace and no limit, so that what hangs at one channel keeps no other waiting.
        """
        if self._taken_at is None or len(self._under_way) < AHEAD_MAX:
            return False
        return abs(now - self._taken_at) < AHEAD_PACE

    async def _set_off(
        self, taken: Sequence[tuple[str, Outgoing]], now: datetime, *, late: datetime | None
    ) -> list[asyncio.Task[None]]:
        """Everything that was taken; all that is known of it comes in one read."""
        about: dict[str, set[str]] = defaultdict(set)
        for workspace, outgoing in taken:
            about[workspace].add(outgoing.message.escalation)
        rounds = {
            workspace: Round(now, await self._store.load_several(workspace, sorted(names)), late)
            for workspace, names in about.items()
        }
        return [
            self._begin(self._carry(workspace, group, rounds[workspace]))
            for workspace, group in self._together(taken, now, late)
        ]

    async def _taken_copies(self, now: datetime) -> list[asyncio.Task[None]]:
        if await self._store.unedited_since(now) is None:
            return []
        due = await self._store.claim_copies(now, lease_until=now + LEASE, limit=BATCH_MAX)
        return [self._begin(self._correct(*each, taken_at=now)) for each in due]

    def _together(
        self, taken: Iterable[tuple[str, Outgoing]], now: datetime, late: datetime | None
    ) -> list[tuple[str, list[Outgoing]]]:
        """What goes as one letter: the bundled of one destination, in order of urgency."""
        alone: list[tuple[str, list[Outgoing]]] = []
        merged: dict[tuple[str, str, str], list[Outgoing]] = defaultdict(list)
        for workspace, outgoing in taken:
            if self._may_merge(outgoing, now, late):
                merged[workspace, outgoing.channel, outgoing.address].append(outgoing)
            else:
                alone.append((workspace, [outgoing]))
        return alone + [(workspace, group) for (workspace, _, _), group in merged.items()]

    def _may_merge(self, outgoing: Outgoing, now: datetime, late: datetime | None) -> bool:
        """The first message of an escalation goes alone, unless an outage held it up.

        An outage is ours, and then `late` says what was said before it; or it is the provider's,
        and then the message was tried in vain for so long.
        """
        channel = self.channels.get(outgoing.channel)
        if channel is None or not channel.can.bundles_for:
            return False
        message = outgoing.message
        if outgoing.tries:
            return message.at < now - OUTAGE_AFTER
        is_late = late is not None and message.at < late
        return is_late or (message.kind is not MessageKind.ASKED and not message.wakes)

    def _arrived(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        if not task.cancelled() and (bug := task.exception()) is not None:
            log.error("message_broke", exc_info=bug)

    async def _carry(self, workspace: str, group: Sequence[Outgoing], known: Round) -> None:
        """One failing message delays no other; its lease brings it back."""
        escalation = group[0].message.escalation
        try:
            unreached = await self._handle(workspace, group, known)
        except PullcordError as problem:
            log.warning("message_failed", escalation=escalation, problem=str(problem))
            return
        for each in unreached:
            await self.report(each)

    async def report(self, unreached: Unreached) -> None:
        """Have somebody else asked; the rung's own deadline does it otherwise."""
        try:
            await self._not_reached(unreached)
        except PullcordError as problem:
            log.warning("not_reached", escalation=unreached.escalation, problem=str(problem))

    # --- planning and sending ---------------------------------------------------------------
    async def _handle(
        self, workspace: str, group: Sequence[Outgoing], known: Round
    ) -> list[Unreached]:
        ready: list[Ready] = []
        for outgoing in group:
            row = known.rows.get(outgoing.message.escalation)
            if row is None or is_stale(outgoing.message, row.escalation):
                await self._settle(workspace, outgoing, ReceiptState.STALE, "no longer true")
            elif not outgoing.channel:
                return await self._plan(workspace, outgoing, row, known)
            elif (channel := self.channels.get(outgoing.channel)) is None:
                gone = Sent(Outcome.FAILED, f"there is no channel {outgoing.channel!r} any more")
                return await self._noted(workspace, [(outgoing, gone, None)])
            elif not await self._is_held(workspace, outgoing, channel):
                letter = await self._scribe.letter(outgoing, row.escalation, channel)
                ready.append(Ready(outgoing, row.escalation, letter))
        return await self._send(workspace, ready, known.at) if ready else []

    async def _plan(
        self, workspace: str, outgoing: Outgoing, row: Row, known: Round
    ) -> list[Unreached]:
        """One copy per way to this recipient; none at all means nobody can be reached there.

        What goes alone and at once stays this courier's and sets out without being taken again.
        """
        floor = await self._floors.now(workspace)
        also = await self._named(workspace, outgoing.message)
        copies = await self._planner.copies(outgoing, row.escalation, floor, also=also)
        now, lease = self._clock.now(), known.at + LEASE
        own: list[Outgoing] = []
        others: list[Outgoing] = []
        for each in copies:
            if each.due_at is not None and each.due_at > now:
                others.append(each)
            elif self._may_merge(each, now, known.late):
                # due since it was said: the next look sees the backlog it belongs to
                others.append(replace(each, due_at=outgoing.message.at))
            else:
                own.append(replace(each, due_at=lease))
        await self._plans.put(workspace, Planned(outgoing.id, (*own, *others)))
        if others:
            self._bus.hint()
        await self._carry_all(workspace, own, known)
        return [] if copies else _unreached(workspace, outgoing.message)

    async def _carry_all(self, workspace: str, copies: Sequence[Outgoing], known: Round) -> None:
        """Each by itself, and none waits for another."""
        if len(copies) == 1:
            await self._carry(workspace, copies, known)
            return
        carried = (self._carry(workspace, [each], known) for each in copies)
        broke = await asyncio.gather(*carried, return_exceptions=True)
        for bug in filter(None, broke):
            raise bug

    async def _is_held(self, workspace: str, outgoing: Outgoing, channel: Channel) -> bool:
        """Whether a declared rate makes it wait; then it waits with others and is never lost."""
        if outgoing.message.kind is MessageKind.ASKED:
            return False
        now, address = self._clock.now(), outgoing.address
        until = now
        for rate in channel.can.rates:
            since = now - rate.per
            sent = await self._store.sent_to(
                workspace, channel.name, address, since=since, limit=rate.count
            )
            if len(sent) >= rate.count:
                until = max(until, sent[-1] + rate.per)
        if until <= now:
            return False
        await self._store.postpone_outgoing(workspace, outgoing.id, until)
        return True

    async def _send(
        self, workspace: str, ready: list[Ready], taken_at: datetime
    ) -> list[Unreached]:
        """One try; nothing is settled when the channel is so busy that the lease had better end."""
        ready.sort(key=_by_urgency)
        first = ready[0]
        channel = self.channels[first.outgoing.channel]
        letter = first.letter
        if len(ready) > 1:
            letter = bundle_of([each.letter for each in ready], id=_bundle_id(ready))
        urgency = min(each.outgoing.message.urgency for each in ready)
        sent = await self._through(
            Turn(workspace, letter.to, urgency, taken_at), channel, lambda: channel.send(letter)
        )
        if sent is None:
            await self._give_back(workspace, ready)
            return []
        results = []
        for each in ready:
            detail = sent.detail
            if len(ready) > 1:
                detail = f"{detail} (one of {len(ready)} in {letter.id})"
            told = replace(sent, detail=detail)
            copy = _copy(each, channel, sent, at=letter.at, is_bundle=len(ready) > 1)
            results.append((each.outgoing, told, copy if each is first else None))
        return await self._noted(workspace, results)

    async def _give_back(self, workspace: str, ready: Iterable[Ready]) -> None:
        """Where this process stops another may take them at once, before the lease is over."""
        if self._is_leaving:
            for each in ready:
                now = self._clock.now()
                await self._store.postpone_outgoing(workspace, each.outgoing.id, now)

    async def _through(
        self, turn: Turn, channel: Channel, work: Callable[[], Awaitable[Sent]]
    ) -> Sent | None:
        """Through the channel's turnstile; None when the turn came too late to be of use."""
        slots = self._slots[channel.name]
        if slots.waiting(turn.workspace) >= WAITING_MAX:
            return None
        await slots.enter(turn.workspace, urgency=turn.urgency, recipient=turn.to)
        try:
            if self._is_leaving or self._clock.now() - turn.taken_at > PATIENCE:
                return None
            return await work()
        finally:
            slots.leave()

    async def _noted(
        self, workspace: str, results: Iterable[tuple[Outgoing, Sent, Copy | None]]
    ) -> list[Unreached]:
        """Receipts of one try, and who cannot be reached any more because of it."""
        unreached: list[Unreached] = []
        for outgoing, sent, copy in results:
            again_at = self._again(outgoing.tries, sent)
            state = STATES[sent.outcome]
            await self._settle(
                workspace, outgoing, state, sent.detail, again_at=again_at, copy=copy
            )
            await self._forget_if_gone(workspace, outgoing.channel, outgoing.address, sent)
            if state is ReceiptState.FAILED and again_at is None:
                unreached += await self.lost(workspace, outgoing.id, outgoing.message)
        return unreached

    async def _forget_if_gone(self, workspace: str, channel: str, address: str, sent: Sent) -> None:
        """A device that is no more is no way to anybody, from the next message on."""
        if sent.is_gone:
            await self._forget(workspace, channel, address)

    def _again(self, tries: int, sent: Sent) -> datetime | None:
        if sent.outcome is not Outcome.RETRY or tries >= len(BACK_OFF):
            return None
        wait = min(max(BACK_OFF[tries], sent.retry_after or 0), BACK_OFF[-1])
        at = self._clock.now() + timedelta(seconds=wait)
        full = at.replace(second=0, microsecond=0)
        if BACK_OFF[tries] < MEET_AFTER or at == full:
            return at
        # what an outage held up comes back together, so that it can go as one letter
        return full + timedelta(minutes=1)

    async def lost(self, workspace: str, outgoing: str, message: Message) -> list[Unreached]:
        """This copy will not arrive: try the next way now; was it the last one?"""
        unreached = _unreached(workspace, message)
        if not unreached:
            return []
        now, stem = self._clock.now(), outgoing.rpartition(".")[0]
        left = await self._store.hasten_outgoing(workspace, stem, now, later_than=now + LEASE)
        if left:
            self._bus.hint()
            return []
        latest: dict[str, ReceiptState] = {}
        for receipt in await self._store.receipts(workspace, message.escalation):
            is_way = receipt.outgoing.rpartition(".")[0] == stem
            if is_way and receipt.state is not ReceiptState.EDITED:
                latest[receipt.outgoing] = receipt.state
        has_failed = all(state is ReceiptState.FAILED for state in latest.values())
        return unreached if has_failed else []

    async def _settle(
        self,
        workspace: str,
        outgoing: Outgoing,
        state: ReceiptState,
        detail: str,
        *,
        again_at: datetime | None = None,
        copy: Copy | None = None,
    ) -> None:
        receipt = self._receipt(outgoing.id, outgoing.message, outgoing.channel, state, detail)
        await self._settlements.put(workspace, Settled(receipt, again_at, copy))
        self._bus.publish(workspace, "receipt", outgoing.message.escalation)

    def _receipt(
        self, outgoing: str, message: Message, channel: str, state: ReceiptState, detail: str
    ) -> Receipt:
        return Receipt(
            outgoing=outgoing,
            escalation=message.escalation,
            to=f"{message.to}:{message.to_id}",
            channel=channel,
            state=state,
            at=self._clock.now(),
            detail=f"{message.kind}: {detail}",
        )

    # --- copies that tell of something past -------------------------------------------------
    async def _correct(self, workspace: str, copy: Copy, *, taken_at: datetime) -> None:
        """Make one copy say how it stands; a failing one delays no other."""
        try:
            await self._edit(workspace, copy, taken_at)
        except PullcordError as problem:
            escalation = copy.message.escalation
            log.warning("edit_failed", escalation=escalation, problem=str(problem))

    async def _edit(self, workspace: str, copy: Copy, taken_at: datetime) -> None:
        row = await self._store.load(workspace, copy.message.escalation)
        channel = self.channels.get(copy.channel)
        assert row is not None, f"{copy.id} is a copy of nothing"
        if channel is None or not isinstance(channel, Edits):
            # nobody here can change it any more: the next change asks again
            await self._store.settle_copy(
                workspace, copy.id, version=row.escalation.version, receipt=None, again_at=None
            )
            return
        outgoing = Outgoing(copy.id, copy.message, copy.channel, copy.address)
        letter = await self._scribe.letter(outgoing, row.escalation, channel)
        edits: Edits = channel
        sent = await self._through(
            Turn(workspace, letter.to, copy.message.urgency, taken_at),
            channel,
            lambda: edits.edit(copy.reference, letter),
        )
        if sent is not None:
            await self._edited(workspace, copy, letter, sent)

    async def _edited(self, workspace: str, copy: Copy, letter: Letter, sent: Sent) -> None:
        again_at = self._again(copy.tries, sent)
        await self._forget_if_gone(workspace, copy.channel, copy.address, sent)
        has_arrived = sent.outcome in ARRIVED
        state = ReceiptState.EDITED if has_arrived else ReceiptState.FAILED
        said = f"says now: {letter.standing}" if has_arrived else f"not edited: {sent.detail}"
        # a copy that cannot be edited was delivered all the same: it must not count as a way lost
        named = copy.id if has_arrived else f"{copy.id}/edit"
        receipt = self._receipt(named, copy.message, copy.channel, state, said)
        await self._store.settle_copy(
            workspace, copy.id, version=letter.version, receipt=receipt, again_at=again_at
        )
        self._bus.publish(workspace, "receipt", copy.message.escalation)


def is_stale(message: Message, escalation: Escalation) -> bool:
    """Whether a message asks for something that other people are asked for by now."""
    if message.kind not in PERISHABLE:
        return False
    return escalation.status not in LIVING or message.generation != escalation.generation


def _unreached(workspace: str, message: Message) -> list[Unreached]:
    """Who could not be asked; somebody who was only to be told changes nothing."""
    if message.to is not ActorKind.PERSON or message.kind not in PERISHABLE:
        return []
    return [Unreached(workspace, message.escalation, message.to_id, message.generation)]


def _by_urgency(ready: Ready) -> tuple[bool, int, int, datetime, str]:
    """What needs the reader first, the worst of it before the rest, then what is due first."""
    escalation = ready.escalation
    worst = -SEVERITIES.index(escalation.severity)
    due_at = escalation.due_at or ready.letter.at
    is_news = not ready.letter.is_open
    return (is_news, ready.outgoing.message.urgency, worst, due_at, ready.outgoing.id)


def _bundle_id(ready: Iterable[Ready]) -> str:
    """The same letters have the same key at every try; with one more it is another letter."""
    names = ",".join(sorted(each.outgoing.id for each in ready))
    return f"bundle_{hashlib.sha256(names.encode()).hexdigest()[:24]}"


def _copy(
    ready: Ready, channel: Channel, sent: Sent, *, at: datetime, is_bundle: bool
) -> Copy | None:
    """What the provider holds now, where anybody will ask for it again."""
    can, outgoing = channel.can, ready.outgoing
    is_kept = bool(sent.reference or can.rates or can.wakes)
    if sent.outcome not in ARRIVED or not is_kept or can.found_by is FoundBy.SIGN_IN:
        return None
    is_edited = isinstance(channel, Edits) and bool(sent.reference) and not is_bundle
    return Copy(
        id=outgoing.id,
        message=outgoing.message,
        channel=outgoing.channel,
        address=outgoing.address,
        reference=sent.reference,
        version=ready.escalation.version,
        at=at,
        is_edited=is_edited,
        wakes=can.wakes,
    )
