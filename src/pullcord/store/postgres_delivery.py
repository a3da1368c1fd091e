"""The PostgreSQL store's delivery verbs: the outbox, copies at providers, receipts."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pullcord.store import queries_postgres as sql
from pullcord.store.codec import (
    copy_of_row,
    instant,
    maybe_instant,
    maybe_micros,
    message_of,
    micros,
    receipt_of,
    tally_of,
)
from pullcord.store.connector import Connection
from pullcord.store.filing_postgres import columns, copy_columns
from pullcord.store.filing_sqlite import outgoing_row, receipt_row
from pullcord.store.lines_postgres import Job, Result
from pullcord.store.port import Copy, Outgoing, Planned, Settled
from pullcord.store.receipts import Receipt, Tally

#: columns of a planned copy, of what was settled, and of a copy at a provider
PLANNED, SETTLED, KEPT = 8, 15, 7


class DeliveryVerbs(ABC):
    """The part of the store that the courier uses."""

    @abstractmethod
    async def read(self, statement: str, *values: Any) -> list[Any]:
        """All rows of a read; the store provides it."""

    @abstractmethod
    async def write(self, statement: str, *values: Any) -> list[Any]:
        """One fenced statement; the store provides it."""

    @abstractmethod
    async def change(self, statement: str, *values: Any) -> int:
        """How many rows one write changed; the store provides it."""

    @abstractmethod
    async def transact(self, job: Job[Result]) -> Result:
        """Several statements, all or none; the store provides it."""

    # --- the outbox ---------------------------------------------------------------------------
    async def claim_outgoing(
        self, now: datetime, *, lease_until: datetime, limit: int = 100
    ) -> Sequence[tuple[str, Outgoing]]:
        """Messages due for sending, leased."""
        rows = await self.write(sql.CLAIM_OUT, micros(lease_until), micros(now), limit)
        found = [
            (row[0], Outgoing(row[1], message_of(row[5]), row[2], row[3], row[4])) for row in rows
        ]
        return sorted(found, key=lambda each: (each[1].message.urgency, each[1].id))

    async def unsent_since(self, now: datetime) -> datetime | None:
        """Since when the oldest due message has waited."""
        return maybe_instant((await self.read(sql.UNSENT, micros(now)))[0][0])

    async def plan_outgoing(self, workspace: str, plans: Sequence[Planned]) -> None:
        """Replace unplanned messages by their copies."""
        copies = {each.outgoing: each.copies for each in plans}
        rows = [
            (origin, *outgoing_row(workspace, copy)[1:])
            for origin, own in copies.items()
            for copy in own
        ]
        await self.change(sql.PLAN, workspace, list(copies), *columns(rows, PLANNED))

    async def settle_outgoing(self, workspace: str, settled: Sequence[Settled]) -> None:
        """Keep the receipts, and the copies; drop the messages or try them again later."""
        by_name: dict[str, Settled] = {}
        for each in settled:
            by_name.setdefault(each.receipt.outgoing, each)
        rows = [_settled_cells(each) for each in by_name.values()]
        await self.change(sql.SETTLE, workspace, *columns(rows, SETTLED))

    async def postpone_outgoing(self, workspace: str, outgoing: str, until: datetime) -> None:
        """Leave a message until then."""
        await self.change(sql.POSTPONE, micros(until), workspace, outgoing)

    async def hasten_outgoing(
        self, workspace: str, origin: str, at: datetime, *, later_than: datetime
    ) -> int:
        """The other copies of a message that wait are due at `at`; how many there are."""

        async def job(link: Connection) -> int:
            await link.execute(sql.HASTEN, workspace, origin, micros(at), micros(later_than))
            return int(await link.fetchval(sql.LEFT, workspace, origin))

        return await self.transact(job)

    # --- copies -------------------------------------------------------------------------------
    async def claim_copies(
        self, now: datetime, *, lease_until: datetime, limit: int = 100
    ) -> Sequence[tuple[str, Copy]]:
        """Copies whose escalation has changed since, leased."""
        rows = await self.write(sql.CLAIM_COPIES, micros(lease_until), micros(now), limit)
        found = [(row[0], copy_of_row(row[1:])) for row in rows]
        return sorted(found, key=lambda each: each[1].id)

    async def unedited_since(self, now: datetime) -> datetime | None:
        """Since when the oldest copy that is due has told something past."""
        return maybe_instant((await self.read(sql.UNEDITED, micros(now)))[0][0])

    async def settle_copy(
        self,
        workspace: str,
        copy: str,
        *,
        version: int,
        receipt: Receipt | None,
        again_at: datetime | None,
    ) -> None:
        """The copy shows this version, or is tried again later."""

        async def job(link: Connection) -> None:
            if again_at is not None:
                await link.execute(sql.COPY_AGAIN, micros(again_at), workspace, copy)
            else:
                await link.execute(sql.COPY_SHOWN, version, workspace, copy)
            if receipt is not None:
                await link.execute(sql.RECEIPT, *receipt_row(workspace, receipt))

        await self.transact(job)

    async def copies(self, workspace: str, escalation: str) -> Sequence[Copy]:
        """Every copy of one escalation's letters."""
        return [copy_of_row(row) for row in await self.read(sql.COPIES, workspace, escalation)]

    async def copy_of(self, channel: str, reference: str) -> tuple[str, Copy] | None:
        """(workspace, copy) by the provider's name of it."""
        rows = await self.read(sql.COPY_OF, channel, reference) if reference else []
        return (rows[0][0], copy_of_row(rows[0][1:])) if len(rows) == 1 else None

    async def sent_to(
        self, workspace: str, channel: str, address: str, *, since: datetime, limit: int = 1000
    ) -> Sequence[datetime]:
        """When letters went to one destination, newest first."""
        rows = await self.read(sql.SENT_TO, workspace, channel, address, micros(since), limit)
        return [instant(row[0]) for row in rows]

    async def woken(self, workspace: str, person: str, *, since: datetime) -> int:
        """How many letters went to a person by a way that wakes."""
        rows = await self.read(sql.WOKEN, workspace, f"person:{person}", micros(since))
        return int(rows[0][0])

    # --- receipts -----------------------------------------------------------------------------
    async def note_receipt(self, workspace: str, receipt: Receipt) -> None:
        """Keep what a provider told later, once."""
        await self.change(sql.NOTE_RECEIPT, *receipt_row(workspace, receipt))

    async def tallies(self, workspace: str, *, since: datetime) -> Sequence[Tally]:
        """Receipts by channel and state since then."""
        rows = await self.read(sql.TALLIES, workspace, micros(since))
        return [tally_of(row) for row in rows]

    async def why_failed(self, workspace: str, channel: str, at: datetime) -> str:
        """What the receipt of a try that failed then says."""
        rows = await self.read(sql.WHY_FAILED, workspace, micros(at), channel)
        return str(rows[0][0]) if rows else ""

    async def receipts(self, workspace: str, escalation: str) -> Sequence[Receipt]:
        """What became of the messages of one escalation."""
        rows = await self.read(sql.RECEIPTS, workspace, escalation)
        return [receipt_of(row) for row in rows]


def _settled_cells(each: Settled) -> tuple[Any, ...]:
    kept = (None,) * KEPT if each.copy is None else copy_columns(each.copy)
    return (*receipt_row("", each.receipt)[1:], maybe_micros(each.again_at), *kept)
