"""`pullcord demo`: a live console with three agents, on a fresh file, in seconds."""

import asyncio
import socket
import tempfile
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from pullcord.cli.places import master_of, store_of
from pullcord.cli.voice import command, err
from pullcord.console.hosting import LOOPBACK, listening, served, url_of
from pullcord.demo.colleagues import Colleagues
from pullcord.demo.narrator import Narrator, Told
from pullcord.demo.stage import Stage, agents_of, set_up
from pullcord.demo.story import LIVE
from pullcord.engine.house import House, furnish, opened
from pullcord.engine.settings import Settings
from pullcord.errors import InvalidInput
from pullcord.server.logs import configure

#: port the demo prefers; any free one when it is taken and none was asked for
PORT = 8710
#: one colour an agent
COLOURS = {"refunds": "magenta", "operations": "blue", "claims": "green"}


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(name="demo")(demo)


@command
async def demo(
    *,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65_535, help="Port; 0 takes 8710 or another.")
    ] = 0,
    data: Annotated[
        Path | None, typer.Option("--data", help="Keep the demo's files here; else thrown away.")
    ] = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the address.")
    ] = False,
) -> None:
    """A live console with three agents: some stops are answered, some wait for you."""
    with tempfile.TemporaryDirectory(prefix="pullcord-demo-") as folder:
        place = data or Path(folder)
        with _listener(port) as listener:
            await _play(place / "demo.db", listener, opens_browser=not no_browser)


def _listener(port: int) -> socket.socket:
    """On the port asked for; else on the usual one, or on any where that is taken."""
    if port:
        return listening(LOOPBACK, port)
    try:
        return listening(LOOPBACK, PORT)
    except InvalidInput:
        return listening(LOOPBACK, 0)


async def _play(db: Path, listener: socket.socket, *, opens_browser: bool) -> None:
    configure("critical")
    master = master_of(str(db))
    settings = Settings(public_url=url_of(listener))
    house = furnish(store_of(str(db)), master=master, settings=settings)
    async with opened(house, runs=False):
        stage = await set_up(house, master)
        async with served(house, listener) as serving:
            await _act(house, stage, serving, opens_browser=opens_browser)


async def _act(
    house: House, stage: Stage, serving: asyncio.Task[None], *, opens_browser: bool
) -> None:
    """Agents and colleagues at work until the server is told to stop."""
    url = house.settings.public_url
    helpers = _helpers(house, stage)
    agents = agents_of(stage, url)
    _welcome(f"{url}/welcome/{stage.welcome}", stage, opens_browser=opens_browser)
    for each in agents:
        each.start()
    try:
        await serving
    finally:
        for each in agents:
            each.stop()
        for task in helpers:
            task.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)


def _helpers(house: House, stage: Stage) -> list[asyncio.Task[None]]:
    colleagues = Colleagues(house, stage.workspace, LIVE)
    narrator = Narrator(house, stage.workspace, _say)
    return [asyncio.create_task(colleagues.work()), asyncio.create_task(narrator.work())]


def _welcome(link: str, stage: Stage, *, opens_browser: bool) -> None:
    err.print()
    err.print("[bold]Pullcord demo[/]  Harbour Shop runs three agents; you are its shift lead.")
    if stage.remembered:
        err.print(f"[dim]{stage.remembered} decisions of the last two days are in the console.[/]")
    err.print(
        "[dim]Colleagues answer some stops; what reaches you waits for you. Ctrl-C ends it.[/]"
    )
    err.print()
    err.print("Open this link, it signs you in once:")
    err.print(f"  [bold cyan]{link}[/]", soft_wrap=True)
    err.print()
    if opens_browser:
        with suppress(webbrowser.Error):
            webbrowser.open(link)


def _say(told: Told) -> None:
    """One line: time, agent, what happened, and in grey what it is about."""
    style = "bold yellow" if told.is_for_visitor else "bold" if told.is_stop else ""
    mark = "⚑ " if told.is_stop else "  "
    line = Text.assemble(
        (f"{told.at:%H:%M:%S}  ", "dim"),
        (f"{told.agent:<11}", COLOURS.get(told.agent, "")),
        (f"{mark}{told.what}", style),
        (f"  {told.about}" if told.about else "", "dim"),
    )
    err.print(line, soft_wrap=True)
