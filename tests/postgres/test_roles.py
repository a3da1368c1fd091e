"""The serving role: enough to serve, too little to change a rule or the past."""

import asyncpg
import pytest

from pullcord.errors import InvalidInput
from pullcord.store.connector import Connector
from pullcord.store.migrating_postgres import upgrade
from pullcord.store.postgres import PostgresStore
from pullcord.store.roles_postgres import RIGHTS, script
from tests.conformance.stage import Stage, decides
from tests.postgres.databases import PASSWORD, Databases

FORBIDDEN = {
    "rewriting a timeline": "update links set body = 'x'",
    "shortening a timeline": "delete from links",
    "emptying a timeline": "truncate links cascade",
    "taking an escalation away": "delete from escalations",
    "dropping a guard": "drop trigger links_stay on links",
    "switching a guard off": "alter table links disable trigger links_stay",
    "replacing a guard": "create or replace function pullcord_refuse() returns trigger "
    "language plpgsql as 'begin return new; end'",
    "passing the guards": "set session_replication_role = replica",
    "a column": "alter table escalations add column x text",
    "a table": "create table x (y text)",
    "the epoch": "update epoch set epoch = 0",
    "the schema's version": "update schema_version set done = 0",
    "a key's secret": "update keys set secret_hash = 'x'",
    "a policy's text": "update policies set source = 'x'",
    "a sealed content": "update sealed set ciphertext = 'x'",
    "a receipt": "delete from receipts",
}


@pytest.mark.promise("serving-role-cannot-rewrite")
@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN.keys())
async def test_the_serving_role_cannot_change_a_rule_or_the_past(statement: str, dsn: str) -> None:
    """Whoever takes a server over still cannot make the past look different."""
    store = PostgresStore(dsn)
    await store.start()
    stage = Stage(store)
    row = await stage.act(await stage.open("esc_1"), decides("maria"))
    connection = await asyncpg.connect(dsn)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)

    assert await store.load("shop", "esc_1") == row
    await connection.close()
    await store.close()


async def test_the_printed_script_makes_both_roles_and_their_rights(
    pg: Databases, database: str
) -> None:
    """An administrator pastes it twice: before the schema is there, and after."""
    owner, app = f"{database}_owner", f"{database}_app"
    await pg.run(script(owner, app), database=database)
    for role in (owner, app):
        await pg.run(f"alter role {role} password '{PASSWORD}'")
    await upgrade(Connector(pg.of(database, user=owner)))
    await pg.run(script(owner, app), database=database)

    store = PostgresStore(pg.of(database, user=app))
    await store.start()
    await Stage(store).open("esc_1")

    assert await store.chains("shop") == ["esc_1"]
    await store.close()
    await pg.drop(database)
    await pg.run(f"drop role {owner}; drop role {app}")


async def test_every_table_has_its_rights(pg: Databases, dsn: str) -> None:
    """A table of a next migration that nobody granted would stop every server."""
    connection = await asyncpg.connect(dsn)

    rows = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")

    assert {row[0] for row in rows} == set(RIGHTS)
    await connection.close()


@pytest.mark.parametrize("name", ["", "x; drop table links", 'a"b', "Upper", "é"])
def test_a_role_with_an_odd_name_is_refused(name: str) -> None:
    """The script is pasted by an administrator; it must hold nothing but what it says."""
    with pytest.raises(InvalidInput, match="role"):
        script(app=name)
