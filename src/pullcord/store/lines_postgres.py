"""Asking PostgreSQL: reads, fenced writes of one statement, fenced transactions.

A write goes on when its caller hangs up, and is answered only when it is durable or known not to
be: everything else is `CommitUnknown`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import structlog

from pullcord.errors import InvalidInput, StoreBusy
from pullcord.store import queries_postgres as sql
from pullcord.store.connector import Connection, Connector, Line, Lines
from pullcord.store.mishaps_postgres import FAILURES, Warned, mishap

#: seconds a read, and a write, may take before its line is dropped
READ_SECONDS = 5.0
WRITE_SECONDS = 3.0
#: writes that may be under way or waiting for a line before callers are refused
WRITES_MAX = 10_000

Result = TypeVar("Result")
Job = Callable[[Connection], Awaitable[Result]]
#: the values of a statement, made for the epoch of the line it goes by
Values = Callable[[int], list[Any]]

log = structlog.get_logger("pullcord.store")


class _LostLine(Exception):
    """A read met a line whose server is gone: it may be asked once more."""

    def __init__(self, refused: Exception) -> None:
        super().__init__(str(refused))
        self.refused = refused


class Switchboard:
    """Connects every verb of the store with a line."""

    def __init__(
        self,
        connector: Connector,
        *,
        write_seconds: float = WRITE_SECONDS,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._lines = Lines(connector)
        self._write_seconds = write_seconds
        self._read_seconds = read_seconds
        self._writes: set[asyncio.Task[Any]] = set()

    async def read(self, statement: str, *values: Any) -> list[Any]:
        """All rows of a read, asked twice where a line was lost.

        A text that no row of this database can hold finds none.

        Raises:
            StoreBusy: no answer.
        """
        try:
            return await self._read(statement, values)
        except _LostLine:
            pass
        try:
            return await self._read(statement, values)
        except _LostLine as lost:
            raise lost.refused from lost

    async def _read(self, statement: str, values: tuple[Any, ...]) -> list[Any]:
        line = await self._lines.take()
        try:
            async with asyncio.timeout(self._read_seconds):
                rows = await line.connection.fetch(statement, *values)
        except FAILURES as error:
            refused, is_lost = self._failed(line, error, is_sent=False)
            if isinstance(refused, InvalidInput):
                return []
            raise _LostLine(refused) if is_lost else refused from error
        except BaseException:
            self._lines.drop(line)
            raise
        self._lines.give(line)
        return rows

    async def write(self, statement: str, *values: Any) -> list[Any]:
        """One statement that ends with the fence's number; its rows.

        Raises:
            VersionConflict, InvariantBroken, InvalidInput, StoreBusy: nothing was written.
            CommitUnknown: it stands or it does not.
        """
        return await self.prepared(statement, lambda epoch: [*values, epoch])

    async def transact(self, job: Job[Result]) -> Result:
        """Several statements, all or none; raises as `write` does, and what the job raises."""
        return await self._take_in(self._transact(job))

    async def prepared(self, statement: str, values: Values) -> list[Any]:
        """One statement whose values are made from the epoch of its line; raises as `write`."""
        return await self._take_in(self._prepared(statement, values))

    def renew(self) -> None:
        """No line that is open now is used again."""
        self._lines.renew()

    async def close(self) -> None:
        """Finish the writes that were taken in, then let go of every line."""
        while self._writes:
            await asyncio.gather(*self._writes, return_exceptions=True)
        await self._lines.close()

    async def _take_in(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a write to its end, also when its caller is cancelled."""
        if len(self._writes) >= WRITES_MAX:
            work.close()
            raise StoreBusy(f"{WRITES_MAX} writes are under way already; try again")
        task = asyncio.get_running_loop().create_task(work)
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        return await asyncio.shield(task)

    async def _prepared(self, statement: str, values: Values) -> list[Any]:
        line = await self._lines.take()
        line.warning = ""
        try:
            given = values(line.era.epoch)
            async with asyncio.timeout(self._write_seconds):
                rows = await line.connection.fetch(statement, *given)
            if line.warning:
                raise Warned(line.warning)
        except FAILURES as error:
            raise self._failed(line, error, is_sent=True)[0] from error
        except BaseException:
            self._lines.drop(line)
            raise
        self._lines.give(line)
        return rows

    async def _transact(self, job: Job[Result]) -> Result:
        line = await self._lines.take()
        line.warning, is_sent = "", False
        try:
            async with asyncio.timeout(self._write_seconds):
                await line.connection.execute(sql.BEGIN.format(epoch=line.era.epoch))
                result = await job(line.connection)
                is_sent = True
                await line.connection.execute("commit")
            if line.warning:
                raise Warned(line.warning)
        except FAILURES as error:
            raise self._failed(line, error, is_sent=is_sent)[0] from error
        except BaseException:
            self._lines.drop(line)
            raise
        self._lines.give(line)
        return result

    def _failed(self, line: Line, error: Exception, *, is_sent: bool) -> tuple[Exception, bool]:
        """What to tell the caller, and whether the line is lost; it is given back or dropped."""
        found = mishap(error, is_sent=is_sent)
        if found.is_moved:
            log.warning("database_lost", problem=str(found.error))
            self._lines.distrust(line)
        if found.is_lost or line.connection.is_in_transaction():
            self._lines.drop(line)
        else:
            self._lines.give(line)
        return found.error, found.is_lost
