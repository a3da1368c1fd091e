"""`pullcord channels`: which ways outward there are, what each is told, keys to make."""

import os
from typing import Annotated

import typer
from rich.table import Table

from pullcord.channels.offered import OFFERED, options_of
from pullcord.cli.voice import AsJson, command, err, out, print_json

channels = typer.Typer(help="Ways outward: what each needs, keys.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(channels, name="channels")


@channels.command(name="list")
@command
async def list_channels(*, as_json: AsJson = False) -> None:
    """List the channels this server can have and the variables that set them up."""
    rows = [
        {
            "channel": name,
            "variable": f"PULLCORD_{name.upper()}_{option.name.upper()}",
            "help": option.help,
            "is_needed": option.is_needed,
            "default": option.default,
        }
        for name in sorted(OFFERED)
        for option in options_of(name)
    ]
    if as_json:
        print_json(rows)
        return
    table = Table("channel", "variable", "what it is", "needed", "here")
    for row in rows:
        needed = "yes" if row["is_needed"] else "no"
        is_set = "set" if os.environ.get(str(row["variable"])) else ""
        table.add_row(str(row["channel"]), str(row["variable"]), str(row["help"]), needed, is_set)
    out.print(table)


@channels.command(name="webpush-key")
@command
async def webpush_key(
    *,
    contact: Annotated[
        str, typer.Option(help="Where push services find you: mailto:… or https://….")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Make the key for Web Push; with another key, every device must be linked again."""
    from pullcord.channels.webpush_sealing import Vapid, new_private_key

    key = new_private_key()
    if as_json:
        print_json({"private_key": key, "public_key": Vapid(key, contact).public_key})
        return
    err.print("This key is shown once; give it to every server of this database:")
    out.print(f"PULLCORD_WEBPUSH_PRIVATE_KEY={key}", markup=False, soft_wrap=True)
    if contact:
        out.print(f"PULLCORD_WEBPUSH_CONTACT={contact}", markup=False, soft_wrap=True)
