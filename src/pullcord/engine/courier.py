"""The courier: takes messages from the outbox to people, and keeps a receipt of every try.

"Sent" is not "reached": a message whose copies all failed makes the ladder advance. One dead
channel delays no other: messages set out by themselves, and each channel has its own bounded
number of tries in flight.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from pullcord.channels.port import Channel, Letter, Outcome, Sent
from pullcord.engine.bus import Bus
from pullcord.engine.clock import Clock
from pullcord.engine.floors import Floors
from pullcord.errors import PullcordError
from pullcord.owner.floor import Floor
from pullcord.path.escalation import LIVING, ActorKind, Escalation, Message, MessageKind
from pullcord.store.port import Outgoing, Receipt, ReceiptState, Store

#: messages taken from the outbox at once
BATCH_MAX = 100
#: how long a taken message is this courier's before another may take it
LEASE = timedelta(seconds=30)
#: how long a message waits for a slot of its channel; the rest of the lease is for the try
PATIENCE = timedelta(seconds=15)
#: waits between tries; after the last the copy has failed
BACK_OFF = (5, 15, 60, 300, 900)
#: tries of one channel in flight at once, and messages that wait for one of these
IN_FLIGHT_MAX = 16
WAITING_MAX = 1_000

#: kinds that are true only while the same people are asked
PERISHABLE = frozenset({MessageKind.ASKED, MessageKind.REMINDED})

STATES: Mapping[Outcome, ReceiptState] = {
    Outcome.ACCEPTED: ReceiptState.ACCEPTED,
    Outcome.DELIVERED: ReceiptState.DELIVERED,
    Outcome.FAILED: ReceiptState.FAILED,
    Outcome.RETRY: ReceiptState.FAILED,
}

log = structlog.get_logger("pullcord.courier")


@dataclass(frozen=True, slots=True)
class Unreached:
    """A person nobody could reach about an escalation, as asked in that generation."""

    workspace: str
    escalation: str
    person: str
    generation: int


#: what is done about somebody who could not be reached
NotReached = Callable[[Unreached], Awaitable[None]]


class Courier:
    """Plans one copy per channel, sends them, retries, and reports who could not be reached."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        channels: Mapping[str, Channel],
        floors: Floors,
        bus: Bus,
        not_reached: NotReached,
        public_url: str,
    ) -> None:
        self._store = store
        self._clock = clock
        #: ways outward by name
        self.channels = channels
        self._floors = floors
        self._bus = bus
        self._not_reached = not_reached
        self._public_url = public_url
        self._slots = {name: asyncio.Semaphore(IN_FLIGHT_MAX) for name in channels}
        self._waiting: Counter[str] = Counter()
        self._under_way: dict[asyncio.Task[None], None] = {}

    # --- setting out ------------------------------------------------------------------------
    async def set_out(self) -> int:
        """Take what is due and set out with it, waiting for no channel; returns how many."""
        return len(await self._taken())

    async def deliver(self) -> int:
        """Take what is due and wait until all of it is settled; returns how many."""
        tasks = await self._taken()
        await asyncio.gather(*tasks)
        return len(tasks)

    async def rest(self) -> None:
        """Wait until nothing is under way; whoever is cancelled here cancels it too."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def close(self) -> None:
        """Let go of the channels."""
        for channel in self.channels.values():
            await channel.close()

    async def _taken(self) -> list[asyncio.Task[None]]:
        now = self._clock.now()
        if await self._store.unsent_since(now) is None:
            return []
        taken = await self._store.claim_outgoing(now, lease_until=now + LEASE, limit=BATCH_MAX)
        tasks = [asyncio.create_task(self._carry(*each, taken_at=now)) for each in taken]
        for task in tasks:
            self._under_way[task] = None
            task.add_done_callback(self._arrived)
        return tasks

    def _arrived(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        if not task.cancelled() and (bug := task.exception()) is not None:
            log.error("message_broke", exc_info=bug)

    async def _carry(self, workspace: str, outgoing: Outgoing, *, taken_at: datetime) -> None:
        """One failing message delays no other; its lease brings it back."""
        escalation = outgoing.message.escalation
        try:
            unreached = await self._handle(workspace, outgoing, taken_at)
        except PullcordError as problem:
            log.warning("message_failed", escalation=escalation, problem=str(problem))
            return
        if unreached is None:
            return
        try:
            await self._not_reached(unreached)
        except PullcordError as problem:
            # the rung's own deadline advances the ladder all the same
            log.warning("not_reached", escalation=escalation, problem=str(problem))

    # --- one message ------------------------------------------------------------------------
    async def _handle(
        self, workspace: str, outgoing: Outgoing, taken_at: datetime
    ) -> Unreached | None:
        row = await self._store.load(workspace, outgoing.message.escalation)
        if row is None or is_stale(outgoing.message, row.escalation):
            await self._settle(workspace, outgoing, ReceiptState.STALE, "no longer true")
            return None
        if not outgoing.channel:
            return await self._plan(workspace, outgoing)
        sent = await self._sent(workspace, outgoing, row.escalation, taken_at)
        if sent is None:
            return None
        again_at = self._again(outgoing, sent)
        state = STATES[sent.outcome]
        await self._settle(workspace, outgoing, state, sent.detail, again_at=again_at)
        if state is not ReceiptState.FAILED or again_at is not None:
            return None
        return await self._unless_reached(workspace, outgoing)

    async def _plan(self, workspace: str, outgoing: Outgoing) -> Unreached | None:
        """One copy per way to this recipient; none at all means nobody can be reached there."""
        floor = await self._floors.now(workspace)
        copies = [
            replace(outgoing, id=f"{outgoing.id}.{channel}", channel=channel, address=address)
            for channel, address in ways_to(outgoing.message, floor, self.channels)
        ]
        await self._store.plan_outgoing(workspace, outgoing.id, copies)
        if copies:
            self._bus.hint()
            return None
        return _unreached(workspace, outgoing.message)

    async def _sent(
        self, workspace: str, outgoing: Outgoing, escalation: Escalation, taken_at: datetime
    ) -> Sent | None:
        """Try once; None when the channel is so busy that the lease had better bring it back."""
        name = outgoing.channel
        channel = self.channels.get(name)
        if channel is None:
            return Sent(Outcome.FAILED, f"there is no channel {name!r} any more")
        if self._waiting[name] >= WAITING_MAX:
            return None
        floor = await self._floors.now(workspace)
        letter = self._letter(workspace, outgoing, escalation, floor)
        self._waiting[name] += 1
        try:
            await self._slots[name].acquire()
        finally:
            self._waiting[name] -= 1
        try:
            if self._clock.now() - taken_at > PATIENCE:
                return None
            return await channel.send(letter)
        finally:
            self._slots[name].release()

    def _again(self, outgoing: Outgoing, sent: Sent) -> datetime | None:
        if sent.outcome is not Outcome.RETRY or outgoing.tries >= len(BACK_OFF):
            return None
        wait = max(BACK_OFF[outgoing.tries], sent.retry_after or 0)
        return self._clock.now() + timedelta(seconds=min(wait, BACK_OFF[-1]))

    async def _unless_reached(self, workspace: str, outgoing: Outgoing) -> Unreached | None:
        """This copy failed for good: was it the last way to this person?"""
        message = outgoing.message
        unreached = _unreached(workspace, message)
        if unreached is None:
            return None
        stem = outgoing.id.rpartition(".")[0]
        latest: dict[str, ReceiptState] = {}
        for receipt in await self._store.receipts(workspace, message.escalation):
            if receipt.outgoing.rpartition(".")[0] == stem:
                latest[receipt.outgoing] = receipt.state
        copies = len(ways_to(message, await self._floors.now(workspace), self.channels))
        has_failed = all(state is ReceiptState.FAILED for state in latest.values())
        return unreached if has_failed and len(latest) >= copies else None

    async def _settle(
        self,
        workspace: str,
        outgoing: Outgoing,
        state: ReceiptState,
        detail: str,
        *,
        again_at: datetime | None = None,
    ) -> None:
        message = outgoing.message
        receipt = Receipt(
            outgoing=outgoing.id,
            escalation=message.escalation,
            to=f"{message.to}:{message.to_id}",
            channel=outgoing.channel,
            state=state,
            at=self._clock.now(),
            detail=f"{message.kind}: {detail}",
        )
        await self._store.settle_outgoing(workspace, outgoing.id, receipt, again_at=again_at)
        self._bus.publish(workspace, "receipt", message.escalation)

    def _letter(
        self, workspace: str, outgoing: Outgoing, escalation: Escalation, floor: Floor
    ) -> Letter:
        message = outgoing.message
        owner = floor.people.get(escalation.owner)
        return Letter(
            id=outgoing.id,
            kind=str(message.kind),
            workspace=workspace,
            escalation=escalation.id,
            to=f"{message.to}:{message.to_id}",
            address=outgoing.address,
            at=self._clock.now(),
            severity=escalation.severity,
            tool=escalation.tool,
            agent=escalation.agent,
            environment=escalation.environment,
            rule=escalation.rule,
            status=str(escalation.status),
            owner=owner.shown_as if owner else escalation.owner,
            due_at=escalation.due_at,
            url=f"{self._public_url}/escalations/{escalation.id}",
            wakes=message.wakes,
            generation=message.generation,
        )


def ways_to(
    message: Message, floor: Floor, channels: Mapping[str, Channel]
) -> list[tuple[str, str]]:
    """(channel, address) pairs on which this recipient can be told."""
    ways: list[tuple[str, str]] = []
    if message.to is ActorKind.PERSON:
        someone = floor.people.get(message.to_id)
        if "console" in channels and someone is not None and someone.can_sign_in:
            ways.append(("console", message.to_id))
    if "webhook" in channels:
        ways.append(("webhook", message.to_id))
    return ways


def is_stale(message: Message, escalation: Escalation) -> bool:
    """Whether a message asks for something that other people are asked for by now."""
    if message.kind not in PERISHABLE:
        return False
    return escalation.status not in LIVING or message.generation != escalation.generation


def _unreached(workspace: str, message: Message) -> Unreached | None:
    """Who could not be asked; somebody who was only to be told changes nothing."""
    if message.to is not ActorKind.PERSON or message.kind not in PERISHABLE:
        return None
    return Unreached(workspace, message.escalation, message.to_id, message.generation)
