"""`pullcord demo`: a live console with three agents, on a fresh file, in seconds."""

import asyncio
import tempfile
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from pullcord.cli.places import master_of, store_of
from pullcord.cli.voice import command, err
from pullcord.console.hosting import LOOPBACK, free_port, served
from pullcord.demo.colleagues import Colleagues
from pullcord.demo.narrator import Narrator
from pullcord.demo.stage import Stage, agents_of, set_up
from pullcord.demo.story import LIVE
from pullcord.engine.house import House, furnish
from pullcord.engine.settings import Settings
from pullcord.server.logs import configure

#: port the demo prefers; any free one when it is taken and none was asked for
PORT = 8710


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(name="demo")(demo)


@command
async def demo(
    *,
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Port; 0 picks.")] = 0,
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
        await _play(
            place / "demo.db", free_port(port, preferred=PORT), opens_browser=not no_browser
        )


async def _play(db: Path, port: int, *, opens_browser: bool) -> None:
    configure("critical")
    url = f"http://{LOOPBACK}:{port}"
    master = master_of(str(db))
    house = furnish(store_of(str(db)), master=master, settings=Settings(public_url=url))
    await house.store.start()
    try:
        stage = await set_up(house, master)
        async with served(house, host=LOOPBACK, port=port) as serving:
            await _act(house, stage, serving, opens_browser=opens_browser)
    finally:
        await house.runner.stop()
        await house.store.close()


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
    err.print("[bold]Pullcord demo[/]: Harbour Shop runs three agents; you are its shift lead.")
    err.print(f"Yesterday's {stage.remembered} decisions are already there; new stops follow now.")
    err.print("Minutes take seconds here. Some stops wait for you alone.")
    err.print()
    err.print("Open this link once, it signs you in:")
    err.print(f"  [bold]{link}[/]", soft_wrap=True)
    err.print()
    if opens_browser:
        with suppress(webbrowser.Error):
            webbrowser.open(link)


def _say(when: str, what: str) -> None:
    err.print(Text.assemble((when, "dim"), "  ", what), soft_wrap=True)
