"""`pullcord serve`: API, console and engine in one process."""

import os
from pathlib import Path
from typing import Annotated

import typer

from pullcord.channels.offered import options_in
from pullcord.channels.webhook import address
from pullcord.cli.places import DB_DEFAULT, KEY_FILE_VARIABLE, master_of, store_of
from pullcord.cli.voice import Db, caution, command, err
from pullcord.config.read import read_path
from pullcord.console.hosting import listening, served, url_of
from pullcord.engine.house import House, furnish, opened
from pullcord.engine.office import SETUP
from pullcord.engine.settings import Settings
from pullcord.errors import InvalidInput
from pullcord.server.logs import configure

Port = Annotated[
    int, typer.Option("--port", min=0, max=65_535, help="Port to listen on; 0 takes any.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command(name="serve")(serve)


@command
async def serve(
    *,
    port: Port = 8710,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    db: Db = DB_DEFAULT,
    config: Annotated[
        Path | None, typer.Option("--config", help="Policy file to apply at start.")
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--key-file", envvar=KEY_FILE_VARIABLE, help="File with the key that seals and signs."
        ),
    ] = None,
    public_url: Annotated[
        str,
        typer.Option(envvar="PULLCORD_PUBLIC_URL", help="Address people and agents use."),
    ] = "",
    webhook_url: Annotated[
        str, typer.Option(envvar="PULLCORD_WEBHOOK_URL", help="Signed webhook for every message.")
    ] = "",
    webhook_secret: Annotated[
        str, typer.Option(envvar="PULLCORD_WEBHOOK_SECRET", help="Its secret, whsec_….")
    ] = "",
    heartbeat_url: Annotated[
        str,
        typer.Option(envvar="PULLCORD_HEARTBEAT_URL", help="Pinged while all is well."),
    ] = "",
) -> None:
    """Serve the API, the console and the engine; stops cleanly on Ctrl-C."""
    with listening(host, port) as listener:
        configure("info")
        url = address(public_url, "public_url") if public_url else url_of(listener)
        settings = Settings(
            public_url=url.rstrip("/"),
            webhook_url=webhook_url,
            webhook_secret=webhook_secret,
            heartbeat_url=heartbeat_url,
            channels=options_in(os.environ),
        )
        house = furnish(store_of(db), master=master_of(db, key_file=key_file), settings=settings)
        async with opened(house, runs=False):
            await begin(house, config)
            await greet(house)
            async with served(house, listener) as serving:
                err.print(f"Pullcord serves {settings.public_url} (Ctrl-C stops it)")
                await serving


async def begin(house: House, config: Path | None) -> None:
    """Apply the policy file when it says something new; refuse to serve without any policy."""
    if config is not None:
        configuration, source = read_path(config, environ=os.environ)
        current = await house.store.policy_version(configuration.workspace)
        if configuration.policy.version != current:
            applied = await house.office.apply(
                source, by="serve", file=str(config), environ=os.environ
            )
            for warning in applied.warnings:
                caution(warning)
            err.print(f"policy {applied.policy.version} of {applied.workspace} is in force")
    if not await house.store.workspaces():
        raise InvalidInput(
            "config",
            value=None,
            limit="a policy file at the first start",
            remedy="Run `pullcord init`, then `pullcord serve --config pullcord.yaml`.",
        )


async def greet(house: House) -> None:
    """While nobody can sign in, print the one-time link for whoever should be first."""
    for workspace in await house.store.workspaces():
        who = await house.office.needs_setup(workspace)
        if who:
            token = await house.office.invite(workspace, who, purpose=SETUP)
            err.print(
                f"Nobody can sign in to {workspace} yet. One-time link for {who}, "
                f"valid 24 hours:\n  {house.settings.public_url}/setup/{token}"
            )
        uninvited = await house.office.without_account(workspace)
        if uninvited:
            caution(
                f"{', '.join(uninvited)} cannot sign in yet, so the console does not reach them; "
                "print a link for each with `pullcord invite NAME`"
            )
