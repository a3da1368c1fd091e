"""The command line: `pullcord --help` tells everything."""

from typing import Annotated

import typer

from pullcord.cli import (
    benching,
    channels,
    database,
    demonstrating,
    guarding,
    holding,
    keeping,
    office,
    policy,
    proving,
    replaying,
    serving,
)

app = typer.Typer(
    name="pullcord",
    help="The escalation and hand-off layer for AI agents: an agent stops, a named person "
    "decides, the agent resumes.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)
for each in (
    demonstrating,
    benching,
    serving,
    policy,
    office,
    channels,
    guarding,
    replaying,
    proving,
    holding,
    keeping,
    database,
):
    each.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"pullcord {version('pullcord')}")
        raise typer.Exit


@app.callback()
def _about(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Everything begins with one of the commands below."""


def main() -> None:
    """The entry point of the installed command."""
    app()


__all__ = ["app", "main"]
