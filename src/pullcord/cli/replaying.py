"""`pullcord replay`: recorded runs through a running server, with people who answer."""

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pullcord import AsyncPullcord
from pullcord.cli.places import master_of, store_of
from pullcord.cli.voice import AsJson, KeyFile, caution, command, err, out, print_json
from pullcord.config.configuration import Configuration
from pullcord.config.read import read_path
from pullcord.console.hosting import LOOPBACK, listening, served, url_of
from pullcord.engine.bus import Signal
from pullcord.engine.house import House, furnish, opened
from pullcord.engine.settings import Settings
from pullcord.errors import InvalidInput
from pullcord.path.escalation import Escalation
from pullcord.replay.crowd import Crowd
from pullcord.replay.performing import WORKERS_MAX, Performance, Troupe
from pullcord.replay.recordings import Recording, Recordings
from pullcord.replay.tally import STAGES, Tally
from pullcord.server.logs import configure
from pullcord.store.port import Filter

#: escalations whose timelines are read at once
READ_AT_ONCE = 200


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(name="replay")(replay)


@command
async def replay(
    runs: Annotated[Path, typer.Argument(help="Recorded runs: .jsonl or .jsonl.gz.")],
    *,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="Policy file to replay under.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="Runs at most; 0 is all.")] = 0,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=WORKERS_MAX, help="Runs in flight at once.")
    ] = 16,
    wait: Annotated[
        str, typer.Option("--wait", help="How long a call waits before it parks.")
    ] = "60s",
    db: Annotated[
        str, typer.Option("--db", help="Keep the database here; else it is thrown away.")
    ] = "",
    key_file: KeyFile = None,
    url: Annotated[
        str,
        typer.Option("--url", help="Replay against this server, where real people answer."),
    ] = "",
    key: Annotated[
        str, typer.Option("--key", envvar="PULLCORD_KEY", help="API key for --url.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Send recorded runs through a server and see what stops, who is asked, how it ends."""
    configure("critical")
    recordings = Recordings(runs)
    show = Show(recordings, limit=limit, workers=workers)
    async with AsyncExitStack() as stack:
        if url:
            await show.play(await _elsewhere(stack, url, key, wait=wait))
        elif policy is None:
            raise InvalidInput("policy", value=None, remedy="Name a policy file, or a --url.")
        else:
            place = db or str(Path(stack.enter_context(_folder())) / "replay.db")
            house, workspace, troupes = await stack.enter_async_context(
                _own_server(place, policy, key_file=key_file, wait=wait)
            )
            began = house.clock.now()
            house.bus.watch(show.heard)
            await show.play(troupes, resumes=True)
            await house.runner.settle()
            await _count(house, workspace, show.tally, since=began)
    if as_json:
        print_json(show.tally.plain())
        return
    _tell(show.tally)
    if url:
        err.print(f"who was asked, and how long it took, is in the console: {url}")
    elif db:
        err.print(f"prove it: pullcord verify --db {db}")


def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="pullcord-replay-")


async def _elsewhere(stack: AsyncExitStack, url: str, key: str, *, wait: str) -> dict[str, Troupe]:
    if not key:
        raise InvalidInput("key", value="", remedy="Set PULLCORD_KEY or give --key with --url.")
    cord = AsyncPullcord(url=url, key=key)
    stack.push_async_callback(cord.close)
    return {"": Troupe(cord, wait=wait)}


@asynccontextmanager
async def _own_server(
    db: str, policy: Path, *, key_file: Path | None, wait: str
) -> AsyncIterator[tuple[House, str, dict[str, Troupe]]]:
    """A server of our own on loopback with scripted people, and a client for each agent."""
    configuration, source = read_path(policy, environ=os.environ)
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(listening(LOOPBACK, 0))
        settings = Settings(public_url=url_of(listener))
        house = furnish(store_of(db), master=master_of(db, key_file=key_file), settings=settings)
        await stack.enter_async_context(opened(house, runs=False))
        await house.office.apply(source, by="replay", file=str(policy), environ=os.environ)
        await stack.enter_async_context(served(house, listener))
        crowd = asyncio.create_task(Crowd(house, configuration.workspace).work())
        stack.push_async_callback(_ended, crowd)
        troupes = await _troupes(stack, house, configuration, settings.public_url, wait=wait)
        yield house, configuration.workspace, troupes


async def _troupes(
    stack: AsyncExitStack, house: House, configuration: Configuration, url: str, *, wait: str
) -> dict[str, Troupe]:
    creator = next(iter(configuration.people))
    troupes: dict[str, Troupe] = {}
    for agent in configuration.agents:
        shown, _ = await house.office.mint_key(
            configuration.workspace, agent=agent, environment="production", creator=creator
        )
        cord = AsyncPullcord(url=url, key=shown)
        stack.push_async_callback(cord.close)
        troupes[agent] = Troupe(cord, wait=wait)
    return troupes


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class Show:
    """One replay with its progress bar."""

    def __init__(self, recordings: Recordings, *, limit: int, workers: int) -> None:
        self._recordings = recordings
        self._limit = limit
        self._workers = workers
        self.tally = Tally()
        self._stops = 0
        columns = (
            TextColumn("[bold]replay[/]"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[told]}"),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=err)
        self._bar = self._progress.add_task("replay", total=recordings.size, told="")

    def heard(self, _workspace: str, _signal: Signal, about: Escalation | None) -> None:
        """Count a stop as it happens."""
        self._stops += about is not None and about.version == 1

    async def play(self, troupes: dict[str, Troupe], *, resumes: bool = False) -> None:
        """Play until the recordings end, and what they parked with them where the keys are ours."""
        with self._progress:
            performance = Performance(troupes, self.tally, workers=self._workers)
            await performance.play(self._watched())
            self._look(self._recordings.size)
            if resumes:
                await performance.resume()

    def _watched(self) -> Iterator[Recording]:
        for each in islice(self._recordings, self._limit or None):
            self._look(self._recordings.position)
            yield each

    def _look(self, position: int) -> None:
        told = f"{self.tally.runs} runs, {self.tally.calls} calls"
        if self._stops:
            told += f", {self._stops} stops"
        self._progress.update(self._bar, completed=position, told=told)


async def _count(house: House, workspace: str, tally: Tally, *, since: datetime) -> None:
    """Read the timelines of this replay once, page by page."""
    tally.has_timelines = True
    after = ""
    while page := await house.store.chains(workspace, after=after, limit=READ_AT_ONCE):
        for chain in page:
            links = await house.store.timeline(workspace, chain)
            if links[0].at >= since:
                entries = [(each.kind, each.at, json.loads(each.body)) for each in links]
                tally.stopped(str(entries[0][2]["facts"].get("rule", "")))
                tally.told(entries)
        after = page[-1]
    living = await house.store.find(workspace, Filter(statuses=("open", "accepted")), limit=1)
    if living.rows:
        caution("some escalations are still open; they wait for their deadline")


def _tell(tally: Tally) -> None:
    out.print()
    told = f"{tally.runs} runs, {tally.calls} guarded calls"
    if tally.has_timelines:
        told += f", {tally.stops} stops ({_share(tally.stops, tally.calls)} of calls)"
    out.print(f"[bold]{told}[/]")
    _table("What the agents saw", "call", tally.verdicts.most_common(), tally.calls)
    if not tally.has_timelines:
        return
    _table("What stopped", "rule", tally.rules.most_common(20), tally.stops)
    _table("Who was asked", "person", tally.asked.most_common(20), sum(tally.asked.values()))
    _table("What was decided", "decision", tally.decisions.most_common(), tally.stops)
    _table("By whom", "person", tally.deciders.most_common(20), tally.stops)
    _table("What became of it", "closed as", tally.outcomes.most_common(), tally.stops)
    stages = Table(
        "stage", "count", "p50", "p90", "longest", title="How long", title_justify="left"
    )
    for name in STAGES:
        each = tally.stages[name]
        spans = (each.share(0.5), each.share(0.9), each.longest)
        stages.add_row(name, str(each.count), *(_seconds(span) for span in spans))
    out.print(stages)
    out.print(
        f"ladders advanced {tally.advanced} times because nobody answered, "
        f"{tally.declined} times because somebody said not me",
        soft_wrap=True,
    )


def _table(title: str, name: str, rows: list[tuple[str, int]], total: int) -> None:
    if not rows:
        return
    table = Table(name, "count", "share", title=title, title_justify="left")
    for each, count in rows:
        table.add_row(each, str(count), _share(count, total))
    out.print(table)


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.1f} %" if total else "–"


def _seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
