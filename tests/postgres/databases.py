"""Empty databases for tests: on a server of their own, or on the one PULLCORD_TEST_DSN names.

Their language sorts as people do, not by bytes: nothing of ours may depend on that.
"""

import asyncio
import os
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from pullcord.store.connector import Connector
from pullcord.store.migrating_postgres import upgrade
from pullcord.store.roles_postgres import rights
from tests.postgres.machine import new_folder, new_server, throw_away
from tests.postgres.programs import binaries

DSN_VARIABLE = "PULLCORD_TEST_DSN"
#: who owns the databases, and who serves from them; the latter may change no rule
OWNER, APP = "pullcord_test_owner", "pullcord_test_app"
PASSWORD = "not-a-secret"
KNOWS_LANGUAGES = "select exists (select from pg_collation where collname = 'en-x-icu')"
#: nothing of these tests outlives them, so nothing has to reach the disk
HURRY = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}


@dataclass
class Databases:
    """A server's databases; `dsn` names a role that may make roles and databases."""

    dsn: str
    count: int = 0
    template: str = ""

    def of(self, database: str, *, user: str = "") -> str:
        """The address of one of them."""
        parts = urlsplit(self.dsn)
        place = parts.netloc.rpartition("@")[2]
        netloc = f"{user}:{PASSWORD}@{place}" if user else parts.netloc
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

    async def language(self) -> str:
        """English where the server knows languages at all."""
        connection = await asyncpg.connect(self.dsn)
        try:
            is_known = await connection.fetchval(KNOWS_LANGUAGES)
        finally:
            await connection.close()
        return "locale_provider icu icu_locale 'en-US'" if is_known else ""

    async def make(self, name: str) -> None:
        """An empty database that belongs to the owner."""
        await self.run(
            f"create database {name} template template0 encoding 'UTF8' "
            f"{await self.language()} lc_collate 'C' lc_ctype 'C'"
        )
        await self.run(
            f"revoke create on schema public from public; "
            f"grant usage, create on schema public to {OWNER}; "
            f"grant usage on schema public to {APP}",
            database=name,
        )

    async def make_ready(self, name: str) -> None:
        """A database with our schema, on which the serving role may serve."""
        if not self.template:
            self.template = self.name()
            await self.make(self.template)
            await upgrade(Connector(self.of(self.template, user=OWNER)))
            await self.run(rights(APP), database=self.template, user=OWNER)
        await self.run(f"create database {name} template {self.template}")

    async def make_roles(self) -> None:
        """The two roles, with a password for servers that ask for one."""
        for role in (OWNER, APP):
            await self.run(
                f"do $$ begin if to_regrole('{role}') is null then "
                f"create role {role} login password '{PASSWORD}'; end if; end $$"
            )

    async def drop(self, name: str) -> None:
        """Gone, with whoever is still connected."""
        await self.run(f"drop database if exists {name} with (force)")


def apart(work: Coroutine[Any, Any, None]) -> None:
    """Run it in a thread of its own: a fixture may be asked for while another loop runs."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


@contextmanager
def databases() -> Iterator[Databases]:
    """The server for a whole session."""
    given = os.environ.get(DSN_VARIABLE)
    if given:
        found = Databases(given)
        apart(found.make_roles())
        yield found
        if found.template:
            apart(found.drop(found.template))
        return
    folder = new_folder(in_memory=True)
    server = new_server(folder, binaries(), settings=HURRY)
    try:
        found = Databases(server.dsn())
        apart(found.make_roles())
        yield found
    finally:
        throw_away(folder, [server])
