"""The databases every store test runs on: one line here, and a second store is held to the suite.

A place is one database. `store()` makes an unopened store on it, as often as a test wants, and
`run` puts a statement past the port, as somebody with a database shell would.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from pullcord.store.port import Store
from pullcord.store.sqlite import SqliteStore


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


PLACES: dict[str, Callable[[Path], Place]] = {"sqlite": SqlitePlace}
