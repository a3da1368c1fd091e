"""`pullcord hold` and `release`: stop everything in a new epoch, and let it go on."""

from typing import Annotated

import typer

from pullcord.cli.office import COMMAND_LINE
from pullcord.cli.opening import house_of
from pullcord.cli.places import DB_DEFAULT
from pullcord.cli.voice import AsJson, Db, KeyFile, command, err, print_json, well

By = Annotated[str, typer.Option(help="Your name, for the record.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command(name="hold")(hold)
    app.command(name="release")(release)


@command
async def hold(
    *,
    by: By,
    why: Annotated[str, typer.Option(help="Why; whoever looks at the console reads it.")],
    db: Db = DB_DEFAULT,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Hold the whole database in a new epoch: it can be looked at, and nothing goes in or out.

    For a PostgreSQL that was restored or moved by its own tools, before servers start on it, as
    the role that owns the schema. Servers that run follow within a second.
    """
    async with house_of(db, key_file=key_file) as house:
        epoch = await house.keeper.hold(by=by, why=why, actor=COMMAND_LINE)
    if as_json:
        print_json({"held": True, "epoch": epoch})
        return
    well(f"held, in epoch {epoch}; nothing goes in or out")
    err.print("When all is as it should be: pullcord release --by NAME")


@command
async def release(
    *,
    by: By,
    db: Db = DB_DEFAULT,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Let a held database go: everything goes on, and what was due meanwhile happens now."""
    async with house_of(db, key_file=key_file) as house:
        was_held = await house.keeper.let_go(by=by, actor=COMMAND_LINE)
    if as_json:
        print_json({"held": False, "was_held": was_held})
        return
    well("everything goes on" if was_held else "nobody held it")
