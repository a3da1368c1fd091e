"""Bringing a PostgreSQL database to the schema this code knows, or refusing to touch it.

An empty database gets its schema at the first start. One that is older is left alone until
somebody says `pullcord db upgrade`: several versions may be running on it. A newer one serves as
long as its last step says that it serves this code.
"""

import asyncio
from collections.abc import Sequence

import asyncpg

from pullcord.errors import StoreBusy
from pullcord.store import queries_postgres as sql
from pullcord.store.connector import Connection, Connector
from pullcord.store.mishaps_postgres import FAILURES
from pullcord.store.schema_postgres import MIGRATIONS, NEWEST, Migration

#: times one step is tried while others hold what it needs, and seconds between two tries
PATIENCE = 20
PAUSE_SECONDS = 0.5
#: others hold what a step needs, or wait for what it has while they do
IN_THE_WAY = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)

#: (version, done, oldest code it serves) of each step that was applied
Applied = Sequence[tuple[int, int, int]]


async def begin(connector: Connector) -> None:
    """Check the schema; make that of an empty database.

    Raises:
        StoreBusy: nothing answers, or the schema is newer, older or half applied.
    """
    line = await connector.connect()
    try:
        applied = await _applied(line.connection)
        if not applied:
            await _upgraded(line.connection)
            applied = await _applied(line.connection)
        check_schema(applied)
    except FAILURES as error:
        raise _unusable(error) from error
    finally:
        line.connection.terminate()


async def upgrade(connector: Connector, *, steps: Sequence[Migration] = MIGRATIONS) -> list[int]:
    """Apply every step that is missing; which ones it was. Safe beside others that do the same.

    A step that somebody else applied meanwhile is not named.

    Raises:
        StoreBusy: the schema cannot be brought up to date; says why.
    """
    line = await connector.connect()
    try:
        return await _upgraded(line.connection, steps)
    except FAILURES as error:
        raise _unusable(error) from error
    finally:
        line.connection.terminate()


def check_schema(applied: Applied) -> None:
    """Whether this code serves on that schema.

    Raises:
        StoreBusy: it does not; says what to do.
    """
    refuse_unknown(applied)
    known = {version for version, _, _ in applied}
    if not known:
        raise StoreBusy("the database lost its schema while it was in use; restore a backup.")
    missing = [each.version for each in MIGRATIONS if each.version not in known]
    if missing:
        raise StoreBusy(
            f"the database has schema {max(known)}, this Pullcord needs {NEWEST}; "
            "run `pullcord db upgrade`, then start again. Versions that are running go on."
        )


def refuse_unknown(applied: Applied) -> None:
    """Refuse a schema that no longer serves this code, and one that was left in the middle.

    Raises:
        StoreBusy: says what to do.
    """
    half = [version for version, done, _ in applied if not done]
    serves = max((serves for _, _, serves in applied), default=0)
    if half:
        raise StoreBusy(
            f"migration {half[0]} of this database was only half applied; restore the backup "
            "that was made before it, and start again."
        )
    if serves > NEWEST:
        raise StoreBusy(
            f"the database has a schema for {serves} and newer, this Pullcord knows {NEWEST}; "
            "install the version that wrote it, or a newer one."
        )


async def _applied(connection: Connection) -> Applied:
    if not await connection.fetchval(sql.SCHEMA_KNOWN):
        return []
    return [tuple(row) for row in await connection.fetch(sql.SCHEMA_VERSION)]


async def _upgraded(connection: Connection, steps: Sequence[Migration] = MIGRATIONS) -> list[int]:
    """The steps that were missing and are applied now."""
    refuse_unknown(await _applied(connection))
    return [each.version for each in steps if await _patiently(connection, each)]


async def _patiently(connection: Connection, step: Migration) -> bool:
    """Apply a step; where others hold a table let them go first, and try again."""
    for _ in range(PATIENCE - 1):
        try:
            return await _apply(connection, step)
        except IN_THE_WAY:
            await asyncio.sleep(PAUSE_SECONDS)
    return await _apply(connection, step)


async def _apply(connection: Connection, step: Migration) -> bool:
    """One step, whole or not at all; False when another process was faster."""
    await connection.execute("begin")
    try:
        await connection.execute(sql.SCHEMA_LOCK)
        await connection.execute(sql.SCHEMA_TABLE)
        is_missing = step.version not in {version for version, _, _ in await _applied(connection)}
        if is_missing:
            await connection.execute(sql.SCHEMA_PATIENCE)
            await connection.execute(step.statements)
            applied_now = sql.SCHEMA_APPLIED.format(version=step.version, serves=step.serves)
            await connection.execute(applied_now)
        await connection.execute("commit")
    except IN_THE_WAY:
        await connection.execute("rollback")
        raise
    return is_missing


def _unusable(error: Exception) -> StoreBusy:
    return StoreBusy(
        f"the database cannot be used: {type(error).__name__}: {error}. Its schema is made and "
        "changed by the role that owns it: run `pullcord db upgrade` as that role."
    )
