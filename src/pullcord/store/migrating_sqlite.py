"""Bringing a SQLite file to the schema this code knows, or refusing to touch it."""

import sqlite3

from pullcord.errors import StoreBusy
from pullcord.store import queries_sqlite as sql
from pullcord.store.schema_sqlite import MIGRATIONS, NEWEST


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date; each migration happens whole or not at all.

    Raises:
        StoreBusy: the schema is newer than this code or half applied, or the file is no database
            of this kind; says what to do.
    """
    try:
        _in_transaction(connection, sql.SCHEMA_TABLE)
        applied = connection.execute(sql.SCHEMA_VERSION).fetchall()
        refuse_unknown(applied)
        for version, script in MIGRATIONS:
            if (version, 1) not in applied:
                apply_migration(connection, version, script)
    except sqlite3.Error as error:
        raise unusable(error) from error


def unusable(problem: object) -> StoreBusy:
    """The refusal of a file, with what to look at."""
    return StoreBusy(
        f"the database file cannot be used: {problem}. Check that the path names a Pullcord "
        "database, that it can be written, and that its disk is local and not full."
    )


def check_schema(connection: sqlite3.Connection) -> None:
    """Whether the schema is still the one this code knows.

    Raises:
        StoreBusy: somebody changed it meanwhile.
    """
    applied = connection.execute(sql.SCHEMA_VERSION).fetchall()
    refuse_unknown(applied)
    if len(applied) != len(MIGRATIONS):
        raise StoreBusy("the database lost its schema while it was in use; restore a backup.")


def refuse_unknown(applied: list[tuple[int, int]]) -> None:
    """Refuse a schema from the future, and one that was left in the middle."""
    half = [version for version, done in applied if not done]
    newest = max((version for version, _ in applied), default=0)
    if half:
        raise StoreBusy(
            f"migration {half[0]} of this database was only half applied; restore the backup "
            "that was made before it, and start again."
        )
    if newest > NEWEST:
        raise StoreBusy(
            f"the database has schema {newest}, this Pullcord knows {NEWEST}; "
            "install the version that wrote it, or a newer one."
        )


def apply_migration(connection: sqlite3.Connection, version: int, script: str) -> None:
    """One migration, unless another process was faster."""
    begun, done = sql.SCHEMA_BEGIN, sql.SCHEMA_DONE
    steps = (begun.format(version=version), *statements_of(script), done.format(version=version))
    _in_transaction(connection, *steps, unless=version)


def _in_transaction(
    connection: sqlite3.Connection, *statements: str, unless: int | None = None
) -> None:
    connection.execute("begin immediate")
    try:
        if unless is None or (unless, 1) not in connection.execute(sql.SCHEMA_VERSION).fetchall():
            for statement in statements:
                connection.execute(statement)
        connection.execute("commit")
    finally:
        connection.rollback()


def statements_of(script: str) -> list[str]:
    """The statements of a script; one with a trigger's body stays whole."""
    found: list[str] = []
    pending = ""
    for line in script.splitlines():
        pending += line + "\n"
        if sqlite3.complete_statement(pending):
            found.append(pending)
            pending = ""
    return found
