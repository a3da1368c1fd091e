"""The store on PostgreSQL 15 and newer: one statement per Change, any number of processes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pullcord.errors import StoreBusy
from pullcord.path.escalation import Escalation
from pullcord.path.timeline import Link
from pullcord.store import filing_postgres as filing
from pullcord.store import queries_postgres as sql
from pullcord.store.codec import escalation_of, instant, maybe_instant, micros, outcome_of
from pullcord.store.connector import CONNECT_SECONDS, Connection, Connector
from pullcord.store.hints_postgres import PostgresHints
from pullcord.store.lines_postgres import READ_SECONDS, WRITE_SECONDS, Job, Result, Switchboard
from pullcord.store.listing import (
    EARLIEST,
    check_limit,
    ended_too,
    living_first,
    read_cursor,
    stepped,
    with_agent_only,
    write_cursor,
)
from pullcord.store.migrating_postgres import begin, check_schema
from pullcord.store.mishaps_postgres import Undone
from pullcord.store.port import (
    LOAD_COUNTED_TO,
    Filed,
    Filter,
    Head,
    KeyTaken,
    Outcome,
    Page,
    Row,
    RunHeld,
    Sealed,
    VersionConflict,
)
from pullcord.store.postgres_delivery import DeliveryVerbs
from pullcord.store.postgres_keeping import KeepingVerbs
from pullcord.store.postgres_office import OfficeVerbs
from pullcord.store.sharing import Hint


class PostgresStore(DeliveryVerbs, OfficeVerbs, KeepingVerbs):
    """One database behind any number of processes; see `pullcord.store.port.Store`."""

    def __init__(
        self,
        dsn: str,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        write_seconds: float = WRITE_SECONDS,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self.connector = Connector(dsn, connect_seconds=connect_seconds)
        self._seconds = {"write_seconds": write_seconds, "read_seconds": read_seconds}
        self._switchboard: Switchboard | None = None

    # --- life of the store ----------------------------------------------------------------
    async def start(self) -> None:
        """Find the primary, refuse a schema it does not know, make that of an empty database.

        Raises:
            StoreBusy: no primary answers, or the schema is newer, older or half applied; says
                what to do.
        """
        await begin(self.connector)
        self._switchboard = Switchboard(self.connector, **self._seconds)

    async def close(self) -> None:
        """Finish what was taken in and let go; safe to repeat."""
        board, self._switchboard = self._switchboard, None
        if board is not None:
            await board.close()

    async def ping(self) -> None:
        """One cheap read and the schema check."""
        check_schema([tuple(row) for row in await self.read(sql.SCHEMA_VERSION)])

    async def epoch(self) -> int:
        """The store's epoch."""
        return int((await self.read(sql.EPOCH))[0][0])

    async def time(self) -> datetime:
        """What the database's own clock says."""
        return instant((await self.read(sql.TIME))[0][0])

    def hints(self) -> PostgresHints:
        """The wire to the other processes of this database."""
        return PostgresHints(self.connector)

    async def changed_since(self, at: datetime, *, limit: int = 1_000) -> Sequence[Hint]:
        """Escalations whose timeline grew since then."""
        return [Hint(*row) for row in await self.read(sql.CHANGED, micros(at), limit)]

    async def recheck_copies(self, since: datetime, at: datetime) -> int:
        """Copies of what changed since then that tell of something past are due at `at`."""
        return await self.change(sql.RECHECK_COPIES, micros(since), micros(at))

    @property
    def _board(self) -> Switchboard:
        if self._switchboard is None:
            raise StoreBusy("the store is not open; start it first.")
        return self._switchboard

    async def read(self, statement: str, *values: Any) -> list[Any]:
        """All rows of a read."""
        return await self._board.read(statement, *values)

    async def write(self, statement: str, *values: Any) -> list[Any]:
        """One fenced statement."""
        return await self._board.write(statement, *values)

    async def change(self, statement: str, *values: Any) -> int:
        """How many rows one statement changed."""

        async def job(connection: Connection) -> int:
            told = await connection.execute(statement, *values)
            return int(told.rpartition(" ")[2])

        return await self.transact(job)

    async def transact(self, job: Job[Result]) -> Result:
        """Several statements in one fenced transaction."""
        return await self._board.transact(job)

    @property
    def epoch_seen(self) -> int:
        """The newest epoch in which a line was opened."""
        return self.connector.era.epoch

    def renew(self) -> None:
        """Open every line anew: the epoch is another one."""
        self._board.renew()

    async def _one(self, statement: str, *values: Any) -> Any:
        rows = await self.read(statement, *values)
        return rows[0] if rows else None

    # --- escalations ----------------------------------------------------------------------
    async def commit(self, filed: Filed) -> None:
        """Write it all or nothing: in one statement, or in one an escalation."""
        if filed.needs_free_run:
            await self._check_run(filed.rows[0].escalation)
        own = filing.parts(filed)
        if len(own) != 1:
            await self._commit_several(filed.workspace, own)
            return
        rows = await self._board.prepared(
            filing.statement(own[0]), lambda epoch: filing.values(own[0], epoch)
        )
        is_whole, standing, digest = rows[0]
        if is_whole:
            return
        if standing is not None:
            raise KeyTaken(filed.workspace, standing, digest)
        raise VersionConflict(f"{filed.rows[0].escalation.id}: another change was first")

    async def _check_run(self, opened: Escalation) -> None:
        held = await self.human_controls(opened.workspace, opened.agent, opened.run)
        if not held:
            return
        standing = await self.by_key(opened.workspace, opened.agent_key, opened.key)
        if standing is None:
            raise RunHeld(held)
        found = standing.escalation
        raise KeyTaken(opened.workspace, found.id, found.body_digest)

    async def _commit_several(self, workspace: str, own: Sequence[Filed]) -> None:
        async def job(connection: Connection) -> None:
            for part in own:
                given = filing.values(part, self.epoch_seen)
                rows = await connection.fetch(filing.statement(part), *given)
                is_whole, standing, _ = rows[0]
                if not is_whole:
                    await connection.execute(sql.UNDO, standing or "")

        try:
            await self.transact(job)
        except Undone as undone:
            raise await self._taken(workspace, undone) from undone

    async def _taken(self, workspace: str, undone: Undone) -> Exception:
        """Why a Change of several parts was undone, after a write where a key is taken."""
        if not undone.standing:
            return undone
        row = await self.load_confirmed(workspace, undone.standing)
        assert row is not None, f"{undone.standing} stands under a key and cannot be read"
        return KeyTaken(workspace, undone.standing, row.escalation.body_digest)

    async def load(self, workspace: str, escalation: str) -> Row | None:
        """One escalation, or None."""
        return _row(await self._one(sql.LOAD, workspace, escalation))

    async def load_several(self, workspace: str, escalations: Sequence[str]) -> Mapping[str, Row]:
        """Many escalations in one read."""
        rows = [_known(row) for row in await self.read(sql.LOAD_SEVERAL, workspace, escalations)]
        return {row.escalation.id: row for row in rows}

    async def load_confirmed(self, workspace: str, escalation: str) -> Row | None:
        """The same by a write that every standby has when it is answered."""
        rows = await self.write(sql.CONFIRM, workspace, escalation)
        return _known(rows[0]) if rows else None

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
            rows = await self._living(workspace, wanted, (at, last), limit=limit)
            if len(rows) == limit or not ended_too(wanted):
                return Page(tuple(rows), write_cursor(rows, limit, part="living"))
            at, last = EARLIEST
        elif part == "living":
            at, last = EARLIEST
        if with_agent_only(wanted):
            more += sql.WITH_AGENT
        left = limit - len(rows)
        statement = _placed(sql.ENDED_PAGE, more, len(values), limit=left)
        found = await self.read(statement, workspace, *values, at, last)
        ended = [_known(each) for each in found[:left]]
        return Page((*rows, *ended), write_cursor(ended, left, part="ended"))

    async def _living(
        self, workspace: str, wanted: Filter, place: tuple[int, str], *, limit: int
    ) -> list[Row]:
        """Living ones after (time, id)."""
        if wanted.candidate:
            given = (workspace, wanted.candidate, *place)
            more, values = _conditions(replace(wanted, candidate=""), after=len(given))
            statement = sql.NEEDING_PAGE.format(more=more, limit=stepped(limit))
            found = await self.read(statement, *given, *values)
        else:
            more, values = _conditions(wanted)
            statement = _placed(sql.LIVING_PAGE, more, len(values), limit=limit)
            found = await self.read(statement, workspace, *values, *place)
        return [_known(each) for each in found[:limit]]

    async def counts(self, workspace: str, wanted: Filter, *, limit: int = 1000) -> int:
        """How many a listing would show, at most `limit`."""
        if wanted.candidate and not ended_too(wanted):
            given = (workspace, wanted.candidate)
            more, values = _conditions(replace(wanted, candidate=""), after=len(given))
            statement = sql.COUNT_NEEDING.format(more=more, limit=stepped(limit))
            return min(int((await self.read(statement, *given, *values))[0][0]), limit)
        more, values = _conditions(wanted)
        if not ended_too(wanted):
            more += sql.LIVING
        elif not living_first(wanted):
            more += sql.WITH_AGENT if with_agent_only(wanted) else sql.ENDED
        statement = _placed(sql.COUNT, more, len(values), limit=limit)
        row = await self._one(statement, workspace, *values)
        return min(int(row[0]), limit) if row else 0

    async def human_controls(self, workspace: str, agent: str, run: str) -> str:
        """Id of the escalation through which a person controls this run, else empty."""
        row = await self._one(sql.HUMAN, workspace, agent, run) if run else None
        return str(row[0]) if row else ""

    async def load_of_people(self, workspace: str) -> Mapping[str, int]:
        """Living escalations each person owns."""
        return dict(await self.read(sql.LOADS.format(limit=LOAD_COUNTED_TO), workspace))

    async def last_asked(self, workspace: str) -> Mapping[str, datetime]:
        """When each person was last asked."""
        return {who: instant(at) for who, at in await self.read(sql.ASKED, workspace)}

    async def contents(
        self, workspace: str, escalation: str, names: Sequence[str] = ()
    ) -> Sequence[Sealed]:
        """Sealed contents in the order they were written."""
        if names:
            rows = await self.read(sql.CONTENTS_NAMED, workspace, escalation, names)
        else:
            rows = await self.read(sql.CONTENTS, workspace, escalation)
        return [Sealed(*row) for row in rows]

    async def contents_of(
        self, workspace: str, escalations: Sequence[str], name: str
    ) -> Mapping[str, Sealed]:
        """One named content of many escalations at once."""
        rows = await self.read(sql.CONTENTS_OF, workspace, escalations, name)
        return {row[0]: Sealed(*row) for row in rows}

    async def salts_of(
        self, workspace: str, escalations: Sequence[str], name: str
    ) -> Mapping[str, bytes]:
        """The salt of one named content of many escalations."""
        return dict(await self.read(sql.SALTS_OF, workspace, escalations, name))

    async def timeline(
        self, workspace: str, chain: str, *, after: int = 0, limit: int = 500
    ) -> Sequence[Link]:
        """Links of one chain after a sequence number."""
        rows = await self.read(sql.TIMELINE, workspace, chain, after, limit)
        return [Link(row[0], row[1], instant(row[2]), *row[3:]) for row in rows]

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
        await self.change(sql.OUTCOME, *values)

    async def outcomes(self, workspace: str, escalation: str) -> Sequence[Outcome]:
        """What was learned about one escalation."""
        rows = await self.read(sql.OUTCOMES, workspace, escalation)
        return [outcome_of(row) for row in rows]

    # --- the engine's claims ----------------------------------------------------------------
    async def claim_due(
        self, now: datetime, *, lease_until: datetime, limit: int = 100
    ) -> Sequence[Row]:
        """Escalations whose time has come, leased."""
        rows = await self.write(sql.CLAIM, micros(lease_until), micros(now), limit)
        return sorted((_known(row) for row in rows), key=lambda row: row.escalation.id)

    async def rest(self, workspace: str, escalation: str, *, version: int) -> None:
        """Nothing was due: sleep until its own deadline."""
        await self.change(sql.REST, workspace, escalation, version)

    async def next_wake(self) -> datetime | None:
        """The earliest wake-up."""
        return maybe_instant((await self._one(sql.NEXT_WAKE))[0])

    async def overdue_since(self, now: datetime) -> datetime | None:
        """The earliest deadline that has passed."""
        return maybe_instant((await self._one(sql.OVERDUE, micros(now)))[0])

    async def nudge(self, workspace: str, at: datetime) -> int:
        """Wake every open escalation at `at`."""
        return await self.change(sql.NUDGE, micros(at), workspace)

    async def claim_duties(
        self, now: datetime, *, lease_until: datetime, limit: int = 10
    ) -> Sequence[tuple[str, str]]:
        """Duties that are due, leased."""
        rows = await self.write(sql.CLAIM_DUTIES, micros(lease_until), micros(now), limit)
        return sorted((row[0], row[1]) for row in rows)

    async def enrol_duty(self, workspace: str, duty: str, first_at: datetime) -> None:
        """Make the row of a duty; one that exists keeps its time."""
        await self.change(sql.ENROL_DUTY, workspace, duty, micros(first_at))

    async def finish_duty(self, workspace: str, duty: str, next_at: datetime) -> None:
        """The duty is done until `next_at`."""
        await self.change(sql.FINISH_DUTY, workspace, duty, micros(next_at))

    async def decided_for(
        self, workspace: str, agent_key: str, *, attempt: str = "", limit: int = 100
    ) -> Sequence[Row]:
        """What waits for one API key."""
        rows = await self.read(sql.DECIDED, workspace, agent_key, attempt, limit)
        return [_known(row) for row in rows]


def _row(found: Any) -> Row | None:
    return None if found is None else _known(found)


def _known(found: Any) -> Row:
    return Row(escalation_of(found[0]), Head(found[1], found[2]))


def _conditions(wanted: Filter, *, after: int = 1) -> tuple[str, list[Any]]:
    """The conditions of a listing, and their values, numbered after so many others."""
    parts: list[str] = []
    values: list[Any] = []
    if wanted.statuses:
        values.append(wanted.statuses)
        parts.append(sql.STATUSES.format(n=len(values) + after))
    for name, condition in (*sql.WANTED.items(), ("candidate", sql.CANDIDATE)):
        value = getattr(wanted, name)
        if value:
            values.append(value)
            parts.append(condition.format(n=len(values) + after))
    return "".join(f" and {part}" for part in parts), values


def _placed(statement: str, more: str, count: int, *, limit: int) -> str:
    """The statement with its conditions, and its own values numbered after theirs.

    The limit stands in it, so that its plan is made for few rows and not for a tenth of them all.
    """
    return statement.format(more=more, a=count + 2, b=count + 3, limit=stepped(limit))
