"""The SQLite store's verbs for the database as a whole: held or not, and which engines beat."""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from pullcord.store import queries_sqlite as sql
from pullcord.store.codec import instant, micros
from pullcord.store.keeping import Hold

Result = TypeVar("Result")


class KeepingVerbs(ABC):
    """What operators and watchdogs use."""

    @abstractmethod
    async def write(self, job: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run a write; the store provides it."""

    @abstractmethod
    async def read(self, statement: str, *values: Any) -> list[Any]:
        """All rows of a read; the store provides it."""

    async def hold(self, hold: Hold) -> int:
        """Hold everything, in a new epoch."""

        def job(link: sqlite3.Connection) -> int:
            link.execute(sql.HOLD, (micros(hold.since), hold.by, hold.why))
            return int(link.execute(sql.NEXT_EPOCH).fetchone()[0])

        return await self.write(job)

    async def held(self) -> Hold | None:
        """Who holds the database."""
        rows = await self.read(sql.HELD)
        return Hold(instant(rows[0][0]), rows[0][1], rows[0][2]) if rows else None

    async def let_go(self) -> bool:
        """Hold it no longer."""
        return await self.write(lambda link: link.execute(sql.LET_GO).rowcount) > 0

    async def beat(self, process: str, at: datetime, *, forget_before: datetime) -> None:
        """An engine process is at work."""

        def job(link: sqlite3.Connection) -> None:
            link.execute(sql.FORGET_BEATS, (micros(forget_before),))
            link.execute(sql.BEAT, (process, micros(at)))

        await self.write(job)

    async def beats(self) -> Mapping[str, datetime]:
        """Engine process to when it was last at work."""
        return {process: instant(at) for process, at in await self.read(sql.BEATS)}
