"""A lane: one thread that owns one SQLite connection and runs jobs in order."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

Result = TypeVar("Result")
Connect = Callable[[], sqlite3.Connection]
Job = Callable[[sqlite3.Connection], Result]


class Lane(Protocol):
    """Runs jobs on one connection, one after the other."""

    async def run(self, job: Job[Result]) -> Result:
        """Run a job and give its result."""

    async def close(self) -> None:
        """Finish and close the connection."""


class ThreadLane:
    """A lane with a thread of its own."""

    def __init__(self, connect: Connect) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pullcord-store")
        self._connect = connect
        self._connection: sqlite3.Connection | None = None

    async def run(self, job: Job[Result]) -> Result:
        """Run a job in the thread; a cancelled caller does not stop it."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._work, job)

    def _work(self, job: Job[Result]) -> Result:
        if self._connection is None:
            self._connection = self._connect()
        return job(self._connection)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def close(self) -> None:
        """Finish what is queued and close."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._pool, self._close)
        self._pool.shutdown(wait=True)


class InlineLane:
    """A lane without a thread, for the simulation: the same jobs, at a chosen instant."""

    def __init__(self, connect: Connect) -> None:
        self._connection = connect()

    async def run(self, job: Job[Result]) -> Result:
        """Let others run, then run the job."""
        await asyncio.sleep(0)
        return job(self._connection)

    async def close(self) -> None:
        """Close the connection."""
        self._connection.close()
