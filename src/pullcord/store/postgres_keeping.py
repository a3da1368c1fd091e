"""The PostgreSQL store's verbs for the database as a whole: held or not, and which engines beat."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import asyncpg

from pullcord.errors import NotAllowed, StoreBusy
from pullcord.store import queries_postgres as sql
from pullcord.store.codec import instant, micros
from pullcord.store.connector import Connection
from pullcord.store.keeping import Hold
from pullcord.store.lines_postgres import Job, Result


class KeepingVerbs(ABC):
    """What operators and watchdogs use."""

    @abstractmethod
    async def read(self, statement: str, *values: Any) -> list[Any]:
        """All rows of a read; the store provides it."""

    @abstractmethod
    async def change(self, statement: str, *values: Any) -> int:
        """How many rows one write changed; the store provides it."""

    @abstractmethod
    async def transact(self, job: Job[Result]) -> Result:
        """Several statements, all or none; the store provides it."""

    @property
    @abstractmethod
    def epoch_seen(self) -> int:
        """The newest epoch in which a line was opened; the store provides it."""

    @abstractmethod
    def renew(self) -> None:
        """Every line is opened anew; the store provides it."""

    async def hold(self, hold: Hold) -> int:
        """Hold everything, in a new epoch; only the role that owns the schema may."""

        async def job(connection: Connection) -> int:
            epoch = int(await connection.fetchval(sql.NEXT_EPOCH))
            await connection.execute(sql.HOLD, micros(hold.since), hold.by, hold.why)
            return epoch

        try:
            return await self.transact(job)
        except StoreBusy as error:
            if not isinstance(error.__cause__, asyncpg.InsufficientPrivilegeError):
                raise
            raise NotAllowed(
                "the serving role may not begin an epoch; hold the database as the role that "
                "owns its schema: --db postgresql://pullcord_owner@host/database"
            ) from error
        finally:
            self.renew()

    async def held(self) -> Hold | None:
        """Who holds the database."""
        rows = await self.read(sql.HELD_IN)
        if not rows:
            return None
        since, by, why, epoch = rows[0]
        if epoch > self.epoch_seen:
            # a hold begins an epoch: the next write need not be refused to find out
            self.renew()
        return Hold(instant(since), by, why)

    async def let_go(self) -> bool:
        """Hold it no longer."""
        return await self.change(sql.LET_GO) > 0

    async def beat(self, process: str, at: datetime, *, forget_before: datetime) -> None:
        """An engine process is at work."""

        async def job(connection: Connection) -> None:
            await connection.execute(sql.FORGET_BEATS, micros(forget_before))
            await connection.execute(sql.BEAT, process, micros(at))

        await self.transact(job)

    async def beats(self) -> Mapping[str, datetime]:
        """Engine process to when it was last at work."""
        return {process: instant(at) for process, at in await self.read(sql.BEATS)}
