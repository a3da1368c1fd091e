"""`pullcord channels`: which ways outward there are, what each is told, keys to make."""

import os
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from pullcord.channels.offered import OFFERED, Option, options_of, variable_of
from pullcord.cli.voice import AsJson, command, err, out, print_json

#: what all of them are told
INTERNAL_HOSTS = "PULLCORD_INTERNAL_HOSTS"

channels = typer.Typer(help="Ways outward: what each needs, keys.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(channels, name="channels")


@channels.command(name="list")
@command
async def list_channels(*, as_json: AsJson = False) -> None:
    """List the channels this server can have and the variables that set them up."""
    from pullcord.channels import webhook

    told = {**{name: options_of(name) for name in OFFERED}, "webhook": webhook.OPTIONS}
    if as_json:
        print_json([_plain(name, option) for name in sorted(told) for option in told[name]])
        return
    out.print("A channel is there where the variables it needs are set. For every channel:")
    table = _table()
    table.add_row(INTERNAL_HOSTS, "Hosts inside that channels may call", _mark(INTERNAL_HOSTS))
    for name in sorted(told):
        table.add_section()
        table.add_row(f"[bold]{name}[/bold]")
        for option in told[name]:
            variable = variable_of(name, option.name)
            table.add_row(variable, option.help, _mark(variable, is_needed=option.is_needed))
    out.print(table)


def _table() -> Table:
    """Names stand whole, however narrow the terminal is: they are copied."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("variable", no_wrap=True)
    table.add_column("what it is", overflow="fold")
    table.add_column("here", no_wrap=True)
    return table


def _mark(variable: str, *, is_needed: bool = False) -> str:
    if os.environ.get(variable):
        return "set"
    return "needed" if is_needed else ""


def _plain(name: str, option: Option) -> dict[str, object]:
    return {
        "channel": name,
        "variable": variable_of(name, option.name),
        "help": option.help,
        "is_needed": option.is_needed,
        "default": option.default,
    }


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
