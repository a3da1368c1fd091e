"""Empty databases for tests: on a server of their own, or on the one PULLCORD_TEST_DSN names.

Their language sorts as people do, not by bytes: nothing of ours may depend on that.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from tests.postgres.machine import binaries, new_folder, new_server, throw_away

DSN_VARIABLE = "PULLCORD_TEST_DSN"
#: nothing of these tests outlives them, so nothing has to reach the disk
HURRY = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}


@dataclass
class Databases:
    """A server's databases; `dsn` names a role that may create them."""

    dsn: str
    count: int = 0

    def of(self, database: str, *, user: str = "") -> str:
        """The address of one of them."""
        parts = urlsplit(self.dsn)
        place = parts.netloc.rpartition("@")[2]
        netloc = f"{user}@{place}" if user else parts.netloc
        return urlunsplit((parts.scheme, netloc, f"/{database}", parts.query, ""))

    def name(self) -> str:
        """A name no other has."""
        self.count += 1
        return f"pullcord_test_{os.getpid()}_{self.count}"

    async def run(self, statement: str, *, database: str = "", user: str = "") -> str:
        """Execute something as its owner, or as somebody else."""
        dsn = self.of(database, user=user) if database else self.dsn
        connection = await asyncpg.connect(dsn)
        try:
            told: str = await connection.execute(statement)
            return told
        finally:
            await connection.close()

    async def make(self, name: str) -> None:
        """An empty database."""
        await self.run(
            f"create database {name} template template0 encoding 'UTF8' "
            "locale_provider icu icu_locale 'en-US' lc_collate 'C' lc_ctype 'C'"
        )

    async def drop(self, name: str) -> None:
        """Gone, with whoever is still connected."""
        await self.run(f"drop database if exists {name} with (force)")


@contextmanager
def databases() -> Iterator[Databases]:
    """The server for a whole session."""
    given = os.environ.get(DSN_VARIABLE)
    if given:
        yield Databases(given)
        return
    folder = new_folder(in_memory=True)
    server = new_server(folder, binaries(), settings=HURRY)
    try:
        yield Databases(server.dsn())
    finally:
        throw_away(folder, [server])
