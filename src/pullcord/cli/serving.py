"""`pullcord serve` and `pullcord engine`: one process for everything, or a process for each half.

A server answers agents and people; an engine acts on deadlines and sends messages. Any number of
both share one PostgreSQL database and keep nothing to themselves.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from starlette.applications import Starlette

from pullcord.channels.offered import options_in
from pullcord.channels.outward import address
from pullcord.cli.places import DB_DEFAULT, is_postgres, master_of, store_of
from pullcord.cli.voice import Db, KeyFile, caution, command, err
from pullcord.config.read import read_path
from pullcord.console.hosting import leave_at_once, listening, proxies_of, served, url_of
from pullcord.engine.holding import told
from pullcord.engine.house import House, furnish, opened
from pullcord.engine.office import SETUP
from pullcord.engine.settings import Settings
from pullcord.errors import InvalidInput
from pullcord.server import health
from pullcord.server.app import create_app
from pullcord.server.logs import configure

Port = Annotated[
    int, typer.Option("--port", min=0, max=65_535, help="Port to listen on; 0 takes any.")
]
Config = Annotated[Path | None, typer.Option("--config", help="Policy file to apply at start.")]
PublicUrl = Annotated[
    str, typer.Option(envvar="PULLCORD_PUBLIC_URL", help="Address people and agents use.")
]
WebhookUrl = Annotated[
    str, typer.Option(envvar="PULLCORD_WEBHOOK_URL", help="Signed webhook for every message.")
]
WebhookSecret = Annotated[
    str,
    typer.Option(
        envvar="PULLCORD_WEBHOOK_SECRET", help="Its secret, whsec_…; two while it changes."
    ),
]
WebhookAnswers = Annotated[
    str,
    typer.Option(
        envvar="PULLCORD_WEBHOOK_ANSWERS",
        help="Addresses under which agents may name where their requester is answered.",
    ),
]
InternalHosts = Annotated[
    str,
    typer.Option(
        envvar="PULLCORD_INTERNAL_HOSTS",
        help="Hosts inside that channels may call: names, addresses, networks.",
    ),
]
HeartbeatUrl = Annotated[
    str, typer.Option(envvar="PULLCORD_HEARTBEAT_URL", help="Pinged while all is well.")
]

#: what a process without a listener believes its address to be, as a server of the same machine
USUAL_URL = "http://127.0.0.1:8710"


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command(name="serve")(serve)
    app.command(name="engine")(engine)


@command
async def serve(
    *,
    port: Port = 8710,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    db: Db = DB_DEFAULT,
    config: Config = None,
    key_file: KeyFile = None,
    no_engine: Annotated[
        bool, typer.Option("--no-engine", help="Only serve; `pullcord engine` runs elsewhere.")
    ] = False,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(
            "--trusted-proxy",
            envvar="PULLCORD_TRUSTED_PROXY",
            help="Address or network of a proxy in front, whose X-Forwarded-For is believed. "
            "May be repeated.",
        ),
    ] = None,
    public_url: PublicUrl = "",
    webhook_url: WebhookUrl = "",
    webhook_secret: WebhookSecret = "",
    webhook_answers: WebhookAnswers = "",
    internal_hosts: InternalHosts = "",
    heartbeat_url: HeartbeatUrl = "",
) -> None:
    """Serve the API, the console and the engine; stops cleanly on Ctrl-C."""
    trusted = proxies_of(trusted_proxy or [])
    with listening(host, port) as listener:
        configure("info")
        settings = _settings(
            public_url or url_of(listener),
            webhook_url=webhook_url,
            webhook_secret=webhook_secret,
            webhook_answers=webhook_answers,
            internal_hosts=internal_hosts,
            heartbeat_url=heartbeat_url,
        )
        master = master_of(db, key_file=key_file)
        house = furnish(store_of(db), master=master, settings=settings)
        async with opened(house, runs=False):
            await begin(house, config)
            await greet(house)
            async with served(house, listener, runs=not no_engine, trusted=trusted) as serving:
                what = " without an engine" if no_engine else ""
                err.print(f"Pullcord serves {settings.public_url}{what} (Ctrl-C stops it)")
                await serving


@command
async def engine(
    *,
    db: Db = DB_DEFAULT,
    config: Config = None,
    key_file: KeyFile = None,
    at: Annotated[
        str,
        typer.Option(
            "--health", help="HOST:PORT for /livez, /readyz and /metrics; nothing when left out."
        ),
    ] = "",
    public_url: PublicUrl = "",
    webhook_url: WebhookUrl = "",
    webhook_secret: WebhookSecret = "",
    webhook_answers: WebhookAnswers = "",
    internal_hosts: InternalHosts = "",
    heartbeat_url: HeartbeatUrl = "",
) -> None:
    """Run the engine alone: deadlines, messages, duties; `pullcord serve --no-engine` beside it."""
    with _health_listener(at) as listener:
        configure("info")
        settings = _settings(
            public_url or USUAL_URL,
            webhook_url=webhook_url,
            webhook_secret=webhook_secret,
            webhook_answers=webhook_answers,
            internal_hosts=internal_hosts,
            heartbeat_url=heartbeat_url,
        )
        if not public_url:
            caution(f"letters link to {USUAL_URL}; name the console's address with --public-url")
        master = master_of(db, key_file=key_file)
        house = furnish(store_of(db), master=master, settings=settings)
        async with opened(house, runs=False):
            await begin(house, config)
            if not is_postgres(db):
                caution("on SQLite a server sees what this engine does after up to five seconds")
            if listener is None:
                await _run(house)
            else:
                async with served(house, listener, app=_health_app(house)) as serving:
                    err.print(f"The engine runs, and tells how it is at {url_of(listener)}/readyz")
                    await serving


def _settings(
    public_url: str,
    *,
    webhook_url: str,
    webhook_secret: str,
    webhook_answers: str,
    internal_hosts: str,
    heartbeat_url: str,
) -> Settings:
    """What servers and engines of one database are told alike."""
    return Settings(
        public_url=address(public_url, "public_url").rstrip("/"),
        webhook_url=webhook_url,
        webhook_secret=webhook_secret,
        webhook_answers=tuple(webhook_answers.replace(",", " ").split()),
        internal_hosts=tuple(internal_hosts.replace(",", " ").split()),
        heartbeat_url=heartbeat_url,
        process=f"{socket.gethostname()}:{os.getpid()}",
        channels=options_in(os.environ),
    )


@contextmanager
def _health_listener(at: str) -> Iterator[socket.socket | None]:
    if not at:
        yield None
        return
    host, colon, port = at.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) <= 65_535):
        raise InvalidInput("health", value=at, limit="HOST:PORT such as 127.0.0.1:8711")
    with listening(host.strip("[]"), int(port)) as listener:
        yield listener


def _health_app(house: House) -> Starlette:
    return create_app(house, table=health.ROUTES)


async def _run(house: House) -> None:
    """The engine until Ctrl-C or a termination signal; at a second one it leaves at once."""
    told_to_stop = asyncio.Event()

    def stop() -> None:
        if told_to_stop.is_set():
            leave_at_once()
        told_to_stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    await house.runner.start()
    err.print("The engine runs (Ctrl-C stops it)")
    await told_to_stop.wait()
    await house.runner.stop()


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
    for workspace in await house.store.workspaces():
        for each in await house.channel_desk.lacking(workspace):
            caution(each)
    hold = await house.holding.now()
    if hold is not None:
        caution(f"{told(hold)}; people can look, and `pullcord release` lets everything go on")


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
