"""A house on a database, for one command: opened, found its workspace, closed again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pullcord.cli.places import is_postgres, master_of, path_of, store_of
from pullcord.engine.house import House, furnish, opened
from pullcord.engine.settings import Settings
from pullcord.errors import InvalidInput, NotFound


@asynccontextmanager
async def house_of(
    db: str, *, key_file: Path | None = None, settings: Settings | None = None
) -> AsyncIterator[House]:
    """The house on this database with no engine running; a server may run beside it.

    Raises:
        NotFound: there is no such database.
    """
    if not is_postgres(db) and not path_of(db).exists():
        raise NotFound(
            f"there is no database {db!r}. Name it with --db, or begin with "
            "`pullcord init` and `pullcord serve --config pullcord.yaml`."
        )
    master = master_of(db, key_file=key_file)
    house = furnish(store_of(db), master=master, settings=settings)
    async with opened(house, runs=False):
        yield house


async def workspace_of(house: House, named: str) -> str:
    """The workspace a command is about: the named one, or the only one.

    Raises:
        InvalidInput: there is none yet, no such, or several and none was named.
    """
    known = list(await house.store.workspaces())
    if named:
        if named not in known:
            raise InvalidInput("workspace", value=named, limit=", ".join(known) or "none yet")
        return named
    if len(known) != 1:
        raise InvalidInput(
            "workspace",
            value=", ".join(known) or "none",
            limit="exactly one, or a named one",
            remedy="Apply a policy first." if not known else "Name one with --workspace.",
        )
    return known[0]
