"""The store on SQLite: WAL, synchronous=FULL, one writer with group commit, two readers."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from pullcord.errors import StoreBusy
from pullcord.path.timeline import Link
from pullcord.store import queries_sqlite as sql
from pullcord.store.codec import (
    escalation_of,
    instant,
    maybe_instant,
    micros,
    outcome_of,
    unfolded,
)
from pullcord.store.filing_sqlite import file
from pullcord.store.group import GroupCommit
from pullcord.store.lane import Connect, Lane, NearLane, ThreadLane
from pullcord.store.listing import (
    EARLIEST,
    check_limit,
    ended_too,
    living_first,
    read_cursor,
    with_agent_only,
    write_cursor,
)
from pullcord.store.migrating_sqlite import check_schema, migrate, unusable
from pullcord.store.port import (
    LOAD_COUNTED_TO,
    Filed,
    Filter,
    Head,
    Outcome,
    Page,
    Row,
    Sealed,
)
from pullcord.store.sqlite_delivery import DeliveryVerbs
from pullcord.store.sqlite_keeping import KeepingVerbs
from pullcord.store.sqlite_office import OfficeVerbs

Result = TypeVar("Result")

#: seconds a connection waits for another process's lock
BUSY_SECONDS = 5.0
#: contents that are read together at once; more of them go to the reader's thread
LOOKED_AT_MAX = 4


class SqliteStore(DeliveryVerbs, OfficeVerbs, KeepingVerbs):
    """One file; see `pullcord.store.port.Store` for what each verb promises.

    `lane` runs writes and reads that may take long, `near` those that take microseconds.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        lane: Callable[[Connect], Lane] = ThreadLane,
        near: Callable[[Connect], Lane] = NearLane,
        sync: str = "FULL",
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        self.path = Path(path)
        self._busy_seconds = busy_seconds
        self._sync = sync
        self._lane = lane
        self._nearby = near
        self._is_open = False

    # --- life of the store ----------------------------------------------------------------
    async def start(self) -> None:
        """Open the file, refuse a schema it does not know, migrate.

        Raises:
            StoreBusy: the schema is newer or half applied, or the file cannot be used; says
                what to do.
        """
        self._writer = GroupCommit(self._lane(self._connect_writer))
        self._reader = self._lane(self._connect)
        self._near: Lane | None = None
        self._is_open = True
        try:
            await self._ask(migrate)
            self._near = self._nearby(self._connect)
        except BaseException:
            await self.close()
            raise

    def _connect_writer(self) -> sqlite3.Connection:
        """A connection that keeps in memory what a savepoint may have to put back.

        Else every Change writes the pages it touches into a file that nobody ever reads.
        """
        connection = self._connect()
        connection.execute("pragma temp_store = memory")
        return connection

    def _connect(self) -> sqlite3.Connection:
        """A connection that acknowledges only what is on the disk; the file is private.

        Raises:
            StoreBusy: the file cannot be opened, is no database, or has no WAL mode.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
            connection = sqlite3.connect(
                self.path,
                timeout=self._busy_seconds,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
            )
        except (OSError, sqlite3.Error) as error:
            raise unusable(error) from error
        try:
            mode = connection.execute("pragma journal_mode = wal").fetchone()[0]
            connection.execute(f"pragma synchronous = {self._sync}")
            connection.execute("pragma foreign_keys = on")
        except sqlite3.Error as error:
            connection.close()
            raise unusable(error) from error
        if mode != "wal":
            connection.close()
            raise unusable(f"it stays in {mode} mode and cannot be put into WAL mode")
        return connection

    async def close(self) -> None:
        """Finish what was taken in and let go; safe to repeat."""
        if self._is_open:
            self._is_open = False
            await self._writer.close()
            await self._reader.close()
            if self._near is not None:
                await self._near.close()

    async def ping(self) -> None:
        """One cheap read and the schema check."""
        await self._ask(check_schema)

    async def epoch(self) -> int:
        """The store's epoch."""
        return int((await self._one(sql.EPOCH))[0])

    async def write(self, job: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run a write through the group commit."""
        self._check_open()
        return await self._writer.run(job)

    async def read(self, statement: str, *values: Any) -> list[Any]:
        """All rows of a read."""

        def job(connection: sqlite3.Connection) -> list[Any]:
            return connection.execute(statement, values).fetchall()

        return await self._ask(job)

    async def look(self, statement: str, *values: Any) -> list[Any]:
        """All rows of a read of a few pages, which waits for nothing; else as `read`."""
        self._check_open()
        assert self._near is not None, "the store is open and has no near reader"
        try:
            return await self._near.run(lambda link: link.execute(statement, values).fetchall())
        except sqlite3.Error:
            # somebody holds the file: wait where nobody else has to
            return await self.read(statement, *values)

    async def _ask(self, job: Callable[[sqlite3.Connection], Result]) -> Result:
        self._check_open()
        try:
            return await self._reader.run(job)
        except sqlite3.Error as error:
            raise StoreBusy(f"the database did not answer: {error}") from error

    def _check_open(self) -> None:
        if not self._is_open:
            raise StoreBusy("the store is not open; start it first.")

    async def _one(self, statement: str, *values: Any) -> Any:
        rows = await self.look(statement, *values)
        return rows[0] if rows else None

    # --- escalations ----------------------------------------------------------------------
    async def commit(self, filed: Filed) -> None:
        """Write it all or nothing."""
        await self.write(lambda connection: file(connection, filed))

    async def load(self, workspace: str, escalation: str) -> Row | None:
        """One escalation, or None."""
        return _row(await self._one(sql.LOAD, workspace, escalation))

    async def load_several(self, workspace: str, escalations: Sequence[str]) -> Mapping[str, Row]:
        """Many escalations in one read."""
        statement = sql.LOAD_SEVERAL.format(places=",".join("?" * len(escalations)))
        rows = [_known(row) for row in await self.read(statement, workspace, *escalations)]
        return {row.escalation.id: row for row in rows}

    async def load_confirmed(self, workspace: str, escalation: str) -> Row | None:
        """The same; a committed row of one file is durable already."""
        return await self.load(workspace, escalation)

    async def by_key(self, workspace: str, agent_key: str, key: str) -> Row | None:
        """The escalation under an idempotency key."""
        return _row(await self._one(sql.BY_KEY, workspace, agent_key, key))

    async def by_status(self, status_digest: str) -> Row | None:
        """The escalation of a status page."""
        return _row(await self._one(sql.BY_STATUS, status_digest))

    async def find(
        self, workspace: str, wanted: Filter, *, cursor: str = "", limit: int = 50
    ) -> Page:
        """A page of the listing."""
        check_limit(limit)
        more, values = _conditions(wanted)
        part, at, last = read_cursor(cursor)
        rows: list[Row] = []
        if part == "living" and living_first(wanted):
            rows = await self._living(workspace, wanted, (at, last, limit))
            if len(rows) == limit or not ended_too(wanted):
                return Page(tuple(rows), write_cursor(rows, limit, part="living"))
            at, last = EARLIEST
        elif part == "living":
            at, last = EARLIEST
        if with_agent_only(wanted):
            more += sql.WITH_AGENT
        statement = sql.ENDED_PAGE.format(more=more)
        left = limit - len(rows)
        found = await self.read(statement, workspace, *values, at, last, left)
        ended = [_known(each) for each in found]
        return Page((*rows, *ended), write_cursor(ended, left, part="ended"))

    async def _living(
        self, workspace: str, wanted: Filter, place: tuple[int, str, int]
    ) -> list[Row]:
        """Living ones after (time, id), so many at most."""
        limit = place[-1]
        more, values = _conditions(replace(wanted, candidate=""))
        who = wanted.candidate
        if who:
            statement = sql.NEEDING_PAGE.format(more=more)
            owned = (workspace, who, *values, *place)
            asked = (workspace, who, *values, *place)
            found = await self.read(statement, *owned, *asked, limit, workspace)
        else:
            statement = sql.LIVING_PAGE.format(more=more)
            found = await self.read(statement, workspace, *values, *place)
        return [_known(each) for each in found]

    async def counts(self, workspace: str, wanted: Filter, *, limit: int = 1000) -> int:
        """How many a listing would show, at most `limit`."""
        who = wanted.candidate
        if who and not ended_too(wanted):
            more, values = _conditions(replace(wanted, candidate=""))
            owned = (workspace, who, *values, limit)
            asked = (workspace, who, *values, limit)
            statement = sql.COUNT_NEEDING.format(more=more)
            return int((await self.read(statement, *owned, *asked, limit))[0][0])
        more, values = _conditions(wanted)
        if not ended_too(wanted):
            more += sql.LIVING
        elif not living_first(wanted):
            more += sql.WITH_AGENT if with_agent_only(wanted) else sql.ENDED
        rows = await self.read(sql.COUNT.format(more=more), workspace, *values, limit)
        return int(rows[0][0])

    async def human_controls(self, workspace: str, agent: str, run: str) -> str:
        """Id of the escalation through which a person controls this run, else empty."""
        row = await self._one(sql.HUMAN, workspace, agent, run) if run else None
        return str(row[0]) if row else ""

    async def load_of_people(self, workspace: str) -> Mapping[str, int]:
        """Living escalations each person owns."""
        return dict(await self.read(sql.LOADS, workspace, LOAD_COUNTED_TO))

    async def last_asked(self, workspace: str) -> Mapping[str, datetime]:
        """When each person was last asked."""
        return {who: instant(at) for who, at in await self.read(sql.ASKED, workspace)}

    async def contents(
        self, workspace: str, escalation: str, names: Sequence[str] = ()
    ) -> Sequence[Sealed]:
        """Sealed contents in the order they were written."""
        more = f"and name in ({','.join('?' * len(names))})" if names else ""
        rows = await self.look(sql.CONTENTS.format(more=more), workspace, escalation, *names)
        return [Sealed(*row) for row in rows]

    async def contents_of(
        self, workspace: str, escalations: Sequence[str], name: str
    ) -> Mapping[str, Sealed]:
        """One named content of many escalations at once."""
        statement = sql.CONTENTS_OF.format(places=",".join("?" * len(escalations)))
        read = self.look if len(escalations) <= LOOKED_AT_MAX else self.read
        rows = await read(statement, workspace, *escalations, name)
        return {row[0]: Sealed(*row) for row in rows}

    async def salts_of(
        self, workspace: str, escalations: Sequence[str], name: str
    ) -> Mapping[str, bytes]:
        """The salt of one named content of many escalations."""
        statement = sql.SALTS_OF.format(places=",".join("?" * len(escalations)))
        return dict(await self.look(statement, workspace, *escalations, name))

    async def timeline(
        self, workspace: str, chain: str, *, after: int = 0, limit: int = 500
    ) -> Sequence[Link]:
        """Links of one chain after a sequence number."""
        rows = await self.read(sql.TIMELINE, workspace, chain, after, limit)
        return [
            Link(chain, seq, instant(at), kind, unfolded(body), hashed)
            for chain, seq, at, kind, body, hashed in rows
        ]

    async def chains(self, workspace: str, *, after: str = "", limit: int = 500) -> Sequence[str]:
        """Ids of all escalations in id order."""
        return [row[0] for row in await self.read(sql.CHAINS, workspace, after, limit)]

    async def put_outcome(self, workspace: str, outcome: Outcome) -> None:
        """Keep a label that was learned afterwards."""
        assert outcome.workspace == workspace, f"an outcome of {outcome.workspace!r}"
        values = (
            workspace,
            outcome.escalation,
            outcome.run,
            outcome.label,
            outcome.text,
            outcome.by,
            micros(outcome.at),
        )
        await self.write(lambda link: link.execute(sql.OUTCOME, values).rowcount)

    async def outcomes(self, workspace: str, escalation: str) -> Sequence[Outcome]:
        """What was learned about one escalation."""
        rows = await self.read(sql.OUTCOMES, workspace, escalation)
        return [outcome_of(row) for row in rows]

    # --- the engine's claims ----------------------------------------------------------------
    async def claim_due(
        self, now: datetime, *, lease_until: datetime, limit: int = 100
    ) -> Sequence[Row]:
        """Escalations whose time has come, leased."""
        values = (micros(lease_until), micros(now), limit)
        rows = await self.write(lambda link: link.execute(sql.CLAIM, values).fetchall())
        return sorted((_known(row) for row in rows), key=lambda row: row.escalation.id)

    async def rest(self, workspace: str, escalation: str, *, version: int) -> None:
        """Nothing was due: sleep until its own deadline."""
        values = (workspace, escalation, version)
        await self.write(lambda link: link.execute(sql.REST, values).rowcount)

    async def next_wake(self) -> datetime | None:
        """The earliest wake-up."""
        return maybe_instant((await self._one(sql.NEXT_WAKE))[0])

    async def overdue_since(self, now: datetime) -> datetime | None:
        """The earliest deadline that has passed."""
        return maybe_instant((await self._one(sql.OVERDUE, micros(now)))[0])

    async def nudge(self, workspace: str, at: datetime) -> int:
        """Wake every open escalation at `at`."""
        values = (micros(at), workspace)
        return await self.write(lambda link: link.execute(sql.NUDGE, values).rowcount)

    async def claim_duties(
        self, now: datetime, *, lease_until: datetime, limit: int = 10
    ) -> Sequence[tuple[str, str]]:
        """Duties that are due, leased."""
        values = (micros(lease_until), micros(now), limit)
        rows = await self.write(lambda link: link.execute(sql.CLAIM_DUTIES, values).fetchall())
        return sorted((row[0], row[1]) for row in rows)

    async def enrol_duty(self, workspace: str, duty: str, first_at: datetime) -> None:
        """Make the row of a duty; one that exists keeps its time."""
        await self.write(
            lambda link: link.execute(sql.ENROL_DUTY, (workspace, duty, micros(first_at)))
        )

    async def finish_duty(self, workspace: str, duty: str, next_at: datetime) -> None:
        """The duty is done until `next_at`."""
        values = (workspace, duty, micros(next_at))
        await self.write(lambda link: link.execute(sql.FINISH_DUTY, values).rowcount)

    async def decided_for(
        self, workspace: str, agent_key: str, *, attempt: str = "", limit: int = 100
    ) -> Sequence[Row]:
        """What waits for one API key."""
        rows = await self.look(sql.DECIDED, workspace, agent_key, attempt, limit)
        return [_known(row) for row in rows]


def _row(found: Any) -> Row | None:
    return None if found is None else _known(found)


def _known(found: Any) -> Row:
    return Row(escalation_of(found[0]), Head(found[1], found[2]))


def _conditions(wanted: Filter) -> tuple[str, list[Any]]:
    parts: list[str] = []
    values: list[Any] = []
    if wanted.statuses:
        parts.append(f"status in ({','.join('?' * len(wanted.statuses))})")
        values += wanted.statuses
    for name, condition in sql.WANTED.items():
        value = getattr(wanted, name)
        if value:
            parts.append(condition)
            values.append(value)
    if wanted.candidate:
        parts.append(sql.CANDIDATE)
        values += [wanted.candidate, wanted.candidate]
    return "".join(f" and {part}" for part in parts), values
