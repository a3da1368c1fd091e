"""`pullcord db`: the schema, the roles and the key of a database that several servers use."""

from pathlib import Path
from typing import Annotated

import typer

from pullcord.cli.places import DB_DEFAULT, is_postgres, key_made, store_of
from pullcord.cli.voice import Db, command, err, out, well
from pullcord.errors import InvalidInput

database = typer.Typer(help="The database: its schema, its roles, its key.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(database, name="db")


@database.command(name="upgrade")
@command
async def upgrade(
    *,
    db: Db = DB_DEFAULT,
    sql: Annotated[
        bool, typer.Option("--sql", help="Print the SQL instead of running it.")
    ] = False,
    after: Annotated[
        int, typer.Option("--after", min=0, help="With --sql: the schema the database has.")
    ] = 0,
) -> None:
    """Bring the schema up to date; servers of the version before may go on meanwhile."""
    if sql:
        _print_sql(db, after)
        return
    if not is_postgres(db):
        store = store_of(db)
        await store.start()
        await store.close()
        well(f"{db} is up to date")
        return
    # says what to install where the driver is missing
    store_of(db)
    from pullcord.store import migrating_postgres as migrating
    from pullcord.store.connector import Connector
    from pullcord.store.schema_postgres import NEWEST

    applied = await migrating.upgrade(Connector(db))
    told = f"applied {', '.join(map(str, applied))}" if applied else "nothing to do"
    well(f"the schema is {NEWEST}: {told}")


def _print_sql(db: str, after: int) -> None:
    """The steps for PostgreSQL; nothing is asked, so no address is needed."""
    from pullcord.store.offline_postgres import script
    from pullcord.store.schema_postgres import MIGRATIONS

    if not is_postgres(db) and db != DB_DEFAULT:
        raise InvalidInput("db", value=db, limit="postgresql://…", remedy="Leave out --sql.")
    steps = [each for each in MIGRATIONS if each.version > after]
    out.print(script(steps), markup=False, soft_wrap=True)


@database.command(name="roles")
@command
async def roles(
    *,
    owner: Annotated[str, typer.Option(help="Role that owns the schema.")] = "pullcord_owner",
    app: Annotated[str, typer.Option(help="Role the servers use.")] = "pullcord_app",
) -> None:
    """Print the SQL that makes two roles: one owns the schema, the other can change no rule."""
    from pullcord.store.roles_postgres import script

    out.print(script(owner, app), markup=False, soft_wrap=True)


@database.command(name="key")
@command
async def key(*, file: Annotated[Path, typer.Argument(help="File to write it to.")]) -> None:
    """Make the key that seals and signs; every server of a database needs the same."""
    key_made(file)
    well(f"{file} holds a new key")
    err.print("Copy it to every server, keep one copy where the backups are not, and name it:")
    err.print(f"  pullcord serve --db postgresql://… --key-file {file}")
