"""What is measured on: SQLite or PostgreSQL, a house on it, and the floor beside it."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pullcord.bench.cluster import database
from pullcord.bench.figure import Setting
from pullcord.bench.floors import Floor
from pullcord.bench.town import POLICY
from pullcord.engine.house import House, furnish, opened
from pullcord.store.port import AgentKey, Store
from pullcord.store.sqlite import SqliteStore

SQLITE, POSTGRES = "sqlite", "postgres"


class AnyFloor(Protocol):
    """The least work that does the same, on either database."""

    async def open(self, name: str, payload: bytes) -> None:
        """One durable opening."""

    async def decide(self, name: str) -> None:
        """One durable decision; wakes whoever waits."""

    async def decided(self, name: str) -> None:
        """Wait until it is decided."""

    async def close(self) -> None:
        """Let go."""


@dataclass(frozen=True, slots=True)
class Ground:
    """An empty database of one kind, and a folder on the disk that is measured."""

    kind: str
    folder: Path
    #: a path, or the address of a PostgreSQL database
    db: str

    def store(self) -> Store:
        """A store on it."""
        if self.kind == SQLITE:
            return SqliteStore(self.db)
        from pullcord.store.postgres import PostgresStore  # noqa: PLC0415  # needs its driver

        return PostgresStore(self.db)

    async def floor(self) -> AnyFloor:
        """The floor on the same disk."""
        if self.kind == SQLITE:
            return Floor(self.folder / "floor.db")
        from pullcord.bench.floors_postgres import PostgresFloor  # noqa: PLC0415  # the same

        return await PostgresFloor.begin(self.db)

    @asynccontextmanager
    async def house(self) -> AsyncIterator[tuple[House, AgentKey, str]]:
        """A house in this process, as peers run in theirs; its key, and the key as it is shown."""
        house = furnish(self.store(), master=bytes(32))
        async with opened(house, runs=False):
            await house.office.apply(POLICY, by="bench")
            shown, key = await house.office.mint_key(
                "bench", agent="support", environment="production", creator="dana"
            )
            yield house, key, shown


@asynccontextmanager
async def ground(setting: Setting, kind: str) -> AsyncIterator[Ground]:
    """An empty database, gone afterwards."""
    with tempfile.TemporaryDirectory(dir=setting.folder) as name:
        folder = Path(name)
        if kind == SQLITE:
            yield Ground(kind, folder, str(folder / "bench.db"))
            return
        async with database(setting.folder, setting.dsn) as dsn:
            yield Ground(kind, folder, dsn)
