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

from pullcord.errors import CommitUnknown, StoreBusy
from pullcord.store.lane import Lane
from pullcord.store.port import KeyTaken, VersionConflict

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
        self._broken: str = ""

    async def run(self, job: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run a write and return after it is durable.

        Raises:
            StoreBusy: nothing was written; try again.
            CommitUnknown: it may have been written; repeat it with the same key.
        """
        if self._broken:
            raise StoreBusy(f"the store stopped taking writes: {self._broken}; restart it")
        if len(self._waiting) >= WAITING_MAX:
            raise StoreBusy(f"{WAITING_MAX} writes are waiting already; try again")
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, future))
        if self._drain is None:
            self._drain = asyncio.get_running_loop().create_task(self._work())
        return await asyncio.shield(future)

    async def _work(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(GROUP_MAX, len(self._waiting)))]
            jobs = [job for job, _ in batch]
            outcomes = await self._lane.run(partial(_grouped, jobs=jobs))
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                _answer(future, outcome)
                if isinstance(outcome.error, CommitUnknown):
                    self._broken = str(outcome.error)
        self._drain = None

    async def close(self) -> None:
        """Finish what waits."""
        if self._drain is not None:
            await self._drain
        await self._lane.close()


def _answer(future: asyncio.Future[Any], outcome: _Outcome) -> None:
    if future.cancelled():
        return
    if outcome.error is None:
        future.set_result(outcome.value)
    else:
        future.set_exception(outcome.error)


def _grouped(connection: sqlite3.Connection, *, jobs: list[Job]) -> list[_Outcome]:
    """Run the jobs in one transaction, each in a savepoint; never raises."""
    try:
        connection.execute("begin immediate")
    except sqlite3.Error as error:
        return [_Outcome(error=StoreBusy(f"the database is busy: {error}")) for _ in jobs]
    outcomes = [_one(connection, job) for job in jobs]
    try:
        connection.execute("commit")
    except sqlite3.Error as error:
        return _undone(connection, jobs, error)
    return outcomes


def _one(connection: sqlite3.Connection, job: Job) -> _Outcome:
    try:
        connection.execute("savepoint one")
        value = job(connection)
        connection.execute("release one")
        return _Outcome(value=value)
    except KeyTaken as taken:
        # the standing row was touched: that write is what makes the reply durable
        connection.execute("release one")
        return _Outcome(error=taken)
    except (VersionConflict, sqlite3.IntegrityError) as error:
        connection.execute("rollback to one")
        connection.execute("release one")
        return _Outcome(error=error)
    except sqlite3.Error as error:
        # some failures (a full disk) roll the whole transaction back: then no savepoint is left
        if connection.in_transaction:
            connection.execute("rollback to one")
            connection.execute("release one")
        return _Outcome(error=StoreBusy(f"the database did not take the write: {error}"))


def _undone(
    connection: sqlite3.Connection, jobs: list[Job], error: sqlite3.Error
) -> list[_Outcome]:
    """The commit failed: rolled back for sure, or unknown when not even that is possible."""
    try:
        if connection.in_transaction:
            connection.execute("rollback")
    except sqlite3.Error:
        problem = f"the commit failed and could not be undone: {error}"
        return [_Outcome(error=CommitUnknown(problem)) for _ in jobs]
    return [_Outcome(error=StoreBusy(f"the commit failed: {error}")) for _ in jobs]
