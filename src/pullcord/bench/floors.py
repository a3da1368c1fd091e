"""The floor: the least hand-written work that does the same job on the same disk.

Four inserts an opening (record, content, entry, message) with the same payload, one update and
one insert a decision, one writer with group commit. No access control, policy, routing, chain or
sealing: a bound, not a product.
"""

import asyncio
import os
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

from pullcord.store.group import GroupCommit
from pullcord.store.lane import ThreadLane

SCHEMA = """
create table record (id text primary key, status text, decision text) without rowid;
create table content (n integer primary key, id text unique, body blob);
create table entry (id text, seq integer, kind text, body blob, primary key (id, seq))
  without rowid;
create table outbox (n integer primary key, id text, kind text, due_at real);
create index outbox_due on outbox (due_at);
"""


class Floor:
    """Raw writes through one writer thread with group commit, synchronous=FULL."""

    def __init__(self, path: Path) -> None:
        self._path = path
        connection = self._connect()
        connection.executescript(SCHEMA)
        connection.close()
        self._group = GroupCommit(ThreadLane(self._connect))
        self._waiting: dict[str, asyncio.Event] = {}

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        return connection

    async def open(self, name: str, payload: bytes) -> None:
        """One durable opening."""

        def job(link: sqlite3.Connection) -> None:
            link.execute("insert into record values (?, 'open', null)", (name,))
            link.execute("insert into content (id, body) values (?, ?)", (name, payload))
            link.execute("insert into entry values (?, 1, 'opened', '{}')", (name,))
            link.execute(
                "insert into outbox (id, kind, due_at) values (?, 'asked', ?)", (name, time.time())
            )

        await self._group.run(job)

    async def decide(self, name: str) -> None:
        """One durable decision; wakes whoever waits."""

        def job(link: sqlite3.Connection) -> None:
            link.execute(
                "update record set status = 'decided', decision = '{}' "
                "where id = ? and status = 'open'",
                (name,),
            )
            link.execute("insert into entry values (?, 2, 'decided', '{}')", (name,))

        await self._group.run(job)
        waiting = self._waiting.pop(name, None)
        if waiting is not None:
            waiting.set()

    async def decided(self, name: str) -> None:
        """Wait until it is decided."""
        await self._waiting.setdefault(name, asyncio.Event()).wait()

    async def close(self) -> None:
        """Let go."""
        await self._group.close()


async def rate(
    work: Callable[[str], Awaitable[object]], *, workers: int, seconds: float
) -> tuple[float, int]:
    """(per second, how many) of an async act done by so many workers for so long."""
    done = 0
    until = time.perf_counter() + seconds

    async def run(worker: int) -> None:
        nonlocal done
        turn = 0
        while time.perf_counter() < until:
            await work(f"{worker}-{turn}")
            turn += 1
            done += 1

    started = time.perf_counter()
    await asyncio.gather(*(run(worker) for worker in range(workers)))
    return done / (time.perf_counter() - started), done


def flushes(folder: Path, count: int = 100) -> float:
    """The median of making 8 KB durable there, in seconds; near 0 means the disk is memory."""
    block = os.urandom(8_192)
    spent: list[float] = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for turn in range(count):
            began = time.perf_counter()
            os.pwrite(file.fileno(), block, turn % 64 * len(block))
            os.fsync(file.fileno())
            spent.append(time.perf_counter() - began)
    return median(spent)
