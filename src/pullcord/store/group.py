"""Group commit: many callers, one transaction, one flush to disk; each Change in its savepoint.

One failing Change never fails its neighbours, and a caller is answered only after the commit.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from pullcord.errors import CommitUnknown, OutsideFailed, StoreBusy
from pullcord.store import queries_sqlite as sql
from pullcord.store.lane import Lane
from pullcord.store.port import InvariantBroken, KeyTaken

#: writes one transaction takes, and writes that may wait before callers are refused
GROUP_MAX = 64
WAITING_MAX = 10_000

Result = TypeVar("Result")
Job = Callable[[sqlite3.Connection], Any]


@dataclass(slots=True)
class _Outcome:
    value: Any = None
    error: BaseException | None = None


class GroupCommit:
    """Writes through one lane; callers that arrive together share a commit."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._waiting: deque[tuple[Job, asyncio.Future[Any]]] = deque()
        self._drain: asyncio.Task[None] | None = None
        self._stopped: str = ""

    async def run(self, job: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run a write and return after it is durable; a cancelled caller does not undo it.

        Raises:
            StoreBusy: nothing was written; try again.
            CommitUnknown: it may have been written; repeat it with the same key.
        """
        if self._stopped:
            raise StoreBusy(f"the store takes no writes: {self._stopped}")
        if len(self._waiting) >= WAITING_MAX:
            raise StoreBusy(f"{WAITING_MAX} writes are waiting already; try again")
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, future))
        if self._drain is None:
            self._drain = asyncio.get_running_loop().create_task(self._work())
        return await asyncio.shield(future)

    async def _work(self) -> None:
        try:
            while self._waiting:
                count = min(GROUP_MAX, len(self._waiting))
                await self._commit_one([self._waiting.popleft() for _ in range(count)])
        finally:
            self._drain = None

    async def _commit_one(self, batch: list[tuple[Job, asyncio.Future[Any]]]) -> None:
        outcomes = [_Outcome(error=CommitUnknown("the writer was stopped")) for _ in batch]
        try:
            jobs = [job for job, _ in batch]
            outcomes = await self._lane.run(partial(_grouped, jobs=jobs))
        except (sqlite3.Error, OutsideFailed) as error:
            # the lane could not even open its connection
            outcomes = _all_busy(batch, f"the database cannot be opened: {error}")
        finally:
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                _answer(future, outcome)
                if isinstance(outcome.error, CommitUnknown):
                    self._stopped = f"{outcome.error}; restart it"

    async def close(self) -> None:
        """Take nothing more, finish what waits, let go of the connection."""
        self._stopped = self._stopped or "it was closed"
        if self._drain is not None:
            await asyncio.gather(self._drain, return_exceptions=True)
        for _, future in self._waiting:
            _answer(future, _Outcome(error=StoreBusy("the store was closed; nothing was written")))
        self._waiting.clear()
        await self._lane.close()


def _answer(future: asyncio.Future[Any], outcome: _Outcome) -> None:
    if outcome.error is None:
        future.set_result(outcome.value)
    else:
        future.set_exception(outcome.error)


def _all_busy(jobs: list[Any], problem: str) -> list[_Outcome]:
    return [_Outcome(error=StoreBusy(problem)) for _ in jobs]


def _grouped(connection: sqlite3.Connection, *, jobs: list[Job]) -> list[_Outcome]:
    """Run the jobs in one transaction, each in a savepoint; never raises."""
    try:
        connection.execute("begin immediate")
    except sqlite3.Error as error:
        return _all_busy(jobs, f"the database is busy: {error}")
    outcomes: list[_Outcome] = []
    for job in jobs:
        outcome = _one(connection, job)
        if not connection.in_transaction:
            # some failures (a full disk) roll everything back, the neighbours' work too
            return _all_busy(jobs, f"the database gave up a whole group of writes: {outcome.error}")
        outcomes.append(outcome)
    try:
        connection.execute("commit")
    except sqlite3.Error as error:
        return _undone(connection, jobs, error)
    return outcomes


def _one(connection: sqlite3.Connection, job: Job) -> _Outcome:
    """One job in its savepoint: whatever it raises, its writes are gone and its neighbours stay."""
    try:
        connection.execute("savepoint one")
        value = job(connection)
        connection.execute("release one")
        return _Outcome(value=value)
    except KeyTaken as taken:
        _give_up(connection)
        # this write is what makes the reply about the standing one durable
        connection.execute(sql.TOUCH, (taken.workspace, taken.escalation))
        return _Outcome(error=taken)
    except sqlite3.IntegrityError as error:
        _give_up(connection)
        return _Outcome(error=InvariantBroken(f"the database refuses it: {error}"))
    except sqlite3.Error as error:
        _give_up(connection)
        return _Outcome(error=StoreBusy(f"the database did not take the write: {error}"))
    except Exception as error:  # noqa: BLE001 - a neighbour's mistake must not fail the group
        _give_up(connection)
        return _Outcome(error=error)


def _give_up(connection: sqlite3.Connection) -> None:
    """Undo one job; where not even that works, undo the group, which the caller then sees."""
    if not connection.in_transaction:
        return
    try:
        connection.execute("rollback to one")
        connection.execute("release one")
    except sqlite3.Error:
        connection.rollback()


def _undone(
    connection: sqlite3.Connection, jobs: list[Job], error: sqlite3.Error
) -> list[_Outcome]:
    """The commit failed: rolled back for sure, or unknown.

    After a failed flush the log may hold the commit or not, and a second flush would lie; only a
    restart reads what is really there.
    """
    problem = f"the commit failed: {error}"
    is_io = (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF == sqlite3.SQLITE_IOERR
    try:
        connection.rollback()
    except sqlite3.Error:
        is_io = True
    if is_io:
        return [_Outcome(error=CommitUnknown(problem)) for _ in jobs]
    return _all_busy(jobs, problem)
