"""The SQLite store's delivery verbs: the outbox, copies at providers, receipts."""

import json
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pullcord.store import queries_sqlite as sql
from pullcord.store.codec import (
    copy_of_row,
    instant,
    maybe_instant,
    message_of,
    micros,
    packed,
    receipt_of,
    tally_of,
)
from pullcord.store.filing_sqlite import copy_row, outgoing_cells, receipt_row
from pullcord.store.port import Copy, Outgoing, Planned, Settled
from pullcord.store.receipts import Receipt, Tally

Result = TypeVar("Result")


class DeliveryVerbs(ABC):
    """The part of the store that the courier uses."""

    @abstractmethod
    async def write(self, job: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run a write; the store provides it."""

    @abstractmethod
    async def read(self, statement: str, *values: Any) -> list[Any]:
        """All rows of a read; the store provides it."""

    @abstractmethod
    async def look(self, statement: str, *values: Any) -> list[Any]:
        """The same for a read of a few pages; the store provides it."""

    # --- the outbox ---------------------------------------------------------------------------
    async def claim_outgoing(
        self, now: datetime, *, lease_until: datetime, limit: int = 100
    ) -> Sequence[tuple[str, Outgoing]]:
        """Messages due for sending, leased."""
        values = (micros(lease_until), micros(now), limit)
        rows = await self.write(lambda link: link.execute(sql.CLAIM_OUT, values).fetchall())
        found = [
            (row[0], Outgoing(row[1], message_of(row[5]), row[2], row[3], row[4])) for row in rows
        ]
        return sorted(found, key=lambda each: (each[1].message.urgency, each[1].id))

    async def unsent_since(self, now: datetime) -> datetime | None:
        """Since when the oldest due message has waited."""
        return maybe_instant((await self.look(sql.UNSENT, micros(now)))[0][0])

    async def plan_outgoing(self, workspace: str, plans: Sequence[Planned]) -> None:
        """Replace unplanned messages by their copies."""
        copies = {each.outgoing: each.copies for each in plans}

        def job(link: sqlite3.Connection) -> None:
            standing = _standing(link, workspace, copies)
            rows = [outgoing_cells(copy) for each in standing for copy in copies[each]]
            link.execute(sql.DROP_ALL, (workspace, packed(standing)))
            link.execute(sql.OUTGOING_ALL, (workspace, packed(rows)))

        await self.write(job)

    async def settle_outgoing(self, workspace: str, settled: Sequence[Settled]) -> None:
        """Keep the receipts, and the copies; drop the messages or try them again later."""
        by_name: dict[str, Settled] = {}
        for each in settled:
            by_name.setdefault(each.receipt.outgoing, each)

        def job(link: sqlite3.Connection) -> None:
            kept = [by_name[each] for each in _standing(link, workspace, by_name)]
            receipts = [receipt_row(workspace, each.receipt)[1:] for each in kept]
            link.execute(sql.RECEIPT_ALL, (workspace, packed(receipts)))
            done = [each.receipt.outgoing for each in kept if each.again_at is None]
            link.execute(sql.DROP_ALL, (workspace, packed(done)))
            link.executemany(sql.AGAIN_OUT, _again_rows(workspace, kept))
            copies = [copy_row(workspace, each.copy) for each in kept if each.copy is not None]
            link.executemany(sql.COPY, copies)

        await self.write(job)

    async def postpone_outgoing(self, workspace: str, outgoing: str, until: datetime) -> None:
        """Leave a message until then."""
        values = (micros(until), workspace, outgoing)
        await self.write(lambda link: link.execute(sql.POSTPONE, values).rowcount)

    async def hasten_outgoing(
        self, workspace: str, origin: str, at: datetime, *, later_than: datetime
    ) -> int:
        """The other copies of a message that wait are due at `at`; how many there are."""

        def job(link: sqlite3.Connection) -> int:
            values = (micros(at), workspace, origin, origin, micros(later_than))
            link.execute(sql.HASTEN, values)
            return int(link.execute(sql.LEFT, (workspace, origin, origin)).fetchone()[0])

        return await self.write(job)

    # --- copies -------------------------------------------------------------------------------
    async def claim_copies(
        self, now: datetime, *, lease_until: datetime, limit: int = 100
    ) -> Sequence[tuple[str, Copy]]:
        """Copies whose escalation has changed since, leased."""
        values = (micros(lease_until), micros(now), limit)
        rows = await self.write(lambda link: link.execute(sql.CLAIM_COPIES, values).fetchall())
        found = [(row[0], copy_of_row(row[1:])) for row in rows]
        return sorted(found, key=lambda each: each[1].id)

    async def unedited_since(self, now: datetime) -> datetime | None:
        """Since when the oldest copy that is due has told something past."""
        return maybe_instant((await self.look(sql.UNEDITED, micros(now)))[0][0])

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

        def job(link: sqlite3.Connection) -> None:
            if again_at is not None:
                link.execute(sql.COPY_AGAIN, (micros(again_at), workspace, copy))
            else:
                link.execute(sql.COPY_SHOWN, (version, version, 0, workspace, copy))
            if receipt is not None:
                link.execute(sql.RECEIPT, receipt_row(workspace, receipt))

        await self.write(job)

    async def copies(self, workspace: str, escalation: str) -> Sequence[Copy]:
        """Every copy of one escalation's letters."""
        return [copy_of_row(row) for row in await self.look(sql.COPIES, workspace, escalation)]

    async def copy_of(self, channel: str, reference: str) -> tuple[str, Copy] | None:
        """(workspace, copy) by the provider's name of it."""
        rows = await self.look(sql.COPY_OF, channel, reference) if reference else []
        return (rows[0][0], copy_of_row(rows[0][1:])) if len(rows) == 1 else None

    async def sent_to(
        self, workspace: str, channel: str, address: str, *, since: datetime, limit: int = 1000
    ) -> Sequence[datetime]:
        """When letters went to one destination, newest first."""
        rows = await self.look(sql.SENT_TO, workspace, channel, address, micros(since), limit)
        return [instant(row[0]) for row in rows]

    async def woken(self, workspace: str, person: str, *, since: datetime) -> int:
        """How many letters went to a person by a way that wakes."""
        rows = await self.look(sql.WOKEN, workspace, f"person:{person}", micros(since))
        return int(rows[0][0])

    # --- receipts -----------------------------------------------------------------------------
    async def note_receipt(self, workspace: str, receipt: Receipt) -> None:
        """Keep what a provider told later, once."""
        values = receipt_row(workspace, receipt)
        await self.write(lambda link: link.execute(sql.NOTE_RECEIPT, values).rowcount)

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
        rows = await self.look(sql.RECEIPTS, workspace, escalation)
        return [receipt_of(row) for row in rows]


def _standing(link: sqlite3.Connection, workspace: str, names: Iterable[str]) -> list[str]:
    """Which of these messages are still there, in the order they were named."""
    wanted = list(names)
    (found,) = link.execute(sql.STANDING, (workspace, packed(wanted))).fetchone()
    there = set(json.loads(found))
    return [each for each in wanted if each in there]


def _again_rows(workspace: str, settled: Iterable[Settled]) -> list[tuple[Any, ...]]:
    return [
        (micros(each.again_at), workspace, each.receipt.outgoing)
        for each in settled
        if each.again_at is not None
    ]
