"""The floor on PostgreSQL: one data-modifying statement per command on asyncpg, nothing else.

The same four rows an opening and two a decision as the floor on SQLite, with the same payload. No
access control, policy, routing, chain or sealing: a bound, not a product.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

POOL_SIZE = 20
#: beside what Pullcord keeps in the same database
PLACE = {"search_path": "floor"}

SCHEMA = """
drop schema if exists floor cascade;
create schema floor;
create table record (id text primary key, status text, decision text);
create table content (id text primary key, body bytea);
alter table content alter column body set compression lz4;
create table entry (id text, seq int, kind text, body text, primary key (id, seq));
create table outbox (n bigint generated always as identity primary key, id text, kind text,
  due_at double precision);
create index outbox_due on outbox (due_at);
"""
_ROWS = """with r as (insert into record values ($1, 'open', null)),
  c as (insert into content values ($1, $2)),
  e as (insert into entry values ($1, 1, 'opened', '{}'))"""
_MESSAGE = "insert into outbox (id, kind, due_at) values ($1, 'asked', $3)"
OPEN = f"{_ROWS} {_MESSAGE}"
#: the same as one would wake others at first
OPEN_AND_NOTIFY = f"{_ROWS}, o as ({_MESSAGE}) select pg_notify('told', $1)"
DECIDE = """with r as (update record set status = 'decided', decision = '{}'
  where id = $1 and status = 'open')
insert into entry values ($1, 2, 'decided', '{}')"""


class PostgresFloor:
    """Raw single-statement writes; waiters are woken in the process after the commit."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._waiting: dict[str, asyncio.Event] = {}

    @classmethod
    async def begin(cls, dsn: str, *, settings: Mapping[str, str] = PLACE) -> "PostgresFloor":
        """A floor on this database, empty."""
        import asyncpg  # noqa: PLC0415  # only where PostgreSQL is measured

        pool = await asyncpg.create_pool(
            dsn, min_size=POOL_SIZE, max_size=POOL_SIZE, server_settings={**PLACE, **settings}
        )
        await pool.execute(SCHEMA)
        return cls(pool)

    async def open(self, name: str, payload: bytes) -> None:
        """One durable opening."""
        await self._pool.execute(OPEN, name, payload, time.time())

    async def decide(self, name: str) -> None:
        """One durable decision; wakes whoever waits."""
        await self._pool.execute(DECIDE, name)
        waiting = self._waiting.pop(name, None)
        if waiting is not None:
            waiting.set()

    async def decided(self, name: str) -> None:
        """Wait until it is decided."""
        await self._waiting.setdefault(name, asyncio.Event()).wait()

    async def execute(self, statement: str, *values: object) -> None:
        """Any other statement."""
        await self._pool.execute(statement, *values)

    async def close(self) -> None:
        """Let go."""
        await self._pool.close()
