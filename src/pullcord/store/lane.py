"""Lanes: each owns one SQLite connection and runs jobs on it in order.

A thread takes what may wait for the disk or take long. A look that takes microseconds costs more
to hand to a thread and back than to do: it runs near, in the caller's own step.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

Result = TypeVar("Result")
Connect = Callable[[], sqlite3.Connection]
Job = Callable[[sqlite3.Connection], Result]


#: jobs of a near lane after which others go on
YIELD_EVERY = 16


class Lane(Protocol):
    """Runs jobs on one connection, one after the other."""

    async def run(self, job: Job[Result]) -> Result:
        """Run a job and give its result."""

    async def close(self) -> None:
        """Finish and close the connection."""


class ThreadLane:
    """A lane with a thread of its own, which begins with the first job."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._jobs: SimpleQueue[tuple[Job[Any], asyncio.Future[Any]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._connection: sqlite3.Connection | None = None

    async def run(self, job: Job[Result]) -> Result:
        """Run a job in the thread; a cancelled caller does not stop it."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._jobs.put((job, future))
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="pullcord-store", daemon=True)
            self._thread.start()
        return await future

    def _work(self) -> None:
        while (taken := self._jobs.get()) is not None:
            job, future = taken
            result: Any = None
            error: BaseException | None = None
            try:
                if self._connection is None:
                    self._connection = self._connect()
                result = job(self._connection)
            except BaseException as caught:  # noqa: BLE001 - whatever it is, it is the caller's
                error = caught
            # a loop that was closed has nobody left to tell
            with suppress(RuntimeError):
                future.get_loop().call_soon_threadsafe(_answer, future, result, error)
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def close(self) -> None:
        """Finish what is queued and close."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
            await asyncio.to_thread(thread.join)


def _answer(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


class NearLane:
    """A lane that runs a job at once where it is asked for, and waits for no lock.

    Now and then it lets others go on: whoever only reads must not keep everybody else waiting.
    """

    def __init__(self, connect: Connect) -> None:
        self._connection = connect()
        self._connection.execute("pragma busy_timeout = 0")
        self._jobs = 0

    async def run(self, job: Job[Result]) -> Result:
        """Run the job."""
        self._jobs += 1
        if self._jobs % YIELD_EVERY == 0:
            await asyncio.sleep(0)
        return job(self._connection)

    async def close(self) -> None:
        """Close the connection."""
        self._connection.close()


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
