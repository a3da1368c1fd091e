"""The databases every store test runs on: one line here, and a second store is held to the suite.

A place is one database. `store()` makes an unopened store on it, as often as a test wants, and
`run` puts a statement past the port, as somebody with a database shell would.
"""

from pathlib import Path
from typing import Protocol

from pullcord.store.mishaps_postgres import FAILURES, mishap
from pullcord.store.port import Store
from pullcord.store.postgres import PostgresStore
from pullcord.store.sqlite import SqliteStore
from tests.postgres.databases import APP, OWNER, Databases


class Place(Protocol):
    """One empty database."""

    def store(self) -> Store:
        """A store on this database, not yet started."""

    async def run(self, store: Store, statement: str) -> None:
        """Execute one statement in this database."""


class SqlitePlace:
    """A file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "pullcord.db"

    def store(self) -> SqliteStore:
        return SqliteStore(self.path)

    async def run(self, store: Store, statement: str) -> None:
        assert isinstance(store, SqliteStore)
        await store.write(lambda connection: connection.execute(statement).fetchall())


class PostgresPlace:
    """A database of PostgreSQL, served by the role that may change no rule."""

    def __init__(self, databases: Databases) -> None:
        self.databases = databases
        self.name = databases.name()

    @property
    def dsn(self) -> str:
        return self.databases.of(self.name, user=APP)

    def store(self) -> PostgresStore:
        # the machine of the tests may be slow; how long is too long is tried elsewhere
        return PostgresStore(self.dsn, connect_seconds=20, write_seconds=20, read_seconds=20)

    def owned(self) -> PostgresStore:
        """The same as the role that owns the schema."""
        return PostgresStore(self.databases.of(self.name, user=OWNER), connect_seconds=20)

    async def run(self, store: Store, statement: str) -> None:
        try:
            await self.databases.run(statement, database=self.name)
        except FAILURES as error:
            raise mishap(error, is_sent=True).error from error


#: the databases by name; conftest makes and removes them
PLACES = ("sqlite", "postgres")
