"""`pullcord bench`: measures this machine against its own floor and against peers."""

import json
import os
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from pullcord.bench.cycles import cycle_postgres, cycle_sqlite
from pullcord.bench.figure import Figure, Measure, Setting
from pullcord.bench.floors import flushes
from pullcord.bench.guarding import guard
from pullcord.bench.openings import open_postgres, open_sqlite
from pullcord.bench.outbox import due_to_sent, outbox
from pullcord.bench.pending import pending_1m
from pullcord.bench.resuming import resume
from pullcord.bench.rules import policy_20, policy_200
from pullcord.bench.timing import demo, lateness
from pullcord.bench.waking import wakeups
from pullcord.bench.weighing import memory
from pullcord.cli.voice import AsJson, command, err, out, print_json
from pullcord.errors import InvalidInput
from pullcord.server.logs import configure

MEASURES: Mapping[str, Measure] = {
    "policy_20": policy_20,
    "policy_200": policy_200,
    "guard": guard,
    "open_sqlite": open_sqlite,
    "open_postgres": open_postgres,
    "cycle_sqlite": cycle_sqlite,
    "cycle_postgres": cycle_postgres,
    "resume": resume,
    "wakeups": wakeups,
    "lateness": lateness,
    "outbox": outbox,
    "due_to_sent": due_to_sent,
    "memory": memory,
    "demo": demo,
    "pending_1m": pending_1m,
}
#: measurements that need the driver of PostgreSQL; left out of a run of all where it is missing
ON_POSTGRES = frozenset({"open_postgres", "cycle_postgres", "wakeups", "pending_1m"})
SECONDS_MAX = 600.0


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(name="bench")(bench)


@command
async def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help=f"What to measure: {', '.join(MEASURES)}.")
    ] = None,
    *,
    seconds: Annotated[
        float, typer.Option(min=0.2, max=SECONDS_MAX, help="Length of each measured part.")
    ] = 3.0,
    rounds: Annotated[
        int, typer.Option(min=1, max=100, help="Turns of ours and of the floor; medians are told.")
    ] = 3,
    folder: Annotated[
        Path | None, typer.Option(help="Folder on the disk to measure; the temporary one else.")
    ] = None,
    dsn: Annotated[
        str,
        typer.Option(
            envvar="PULLCORD_BENCH_DSN",
            help="A PostgreSQL whose role may make databases; else one is started and thrown away.",
        ),
    ] = "",
    full: Annotated[
        bool, typer.Option("--full", help="A whole million open: minutes, and gigabytes of disk.")
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json-file", help="Also write the figures there, one a line.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print ratios against a floor in the same run; single figures say little about a machine."""
    configure("critical")
    place = folder or Path(tempfile.gettempdir())
    setting = Setting(seconds=seconds, folder=place, dsn=dsn, rounds=rounds, is_full=full)
    figures: list[Figure] = []
    machine = machine_line(place)
    err.print(f"[dim]{machine}[/]")
    for name in _wanted(names):
        err.print(f"[dim]measuring {name} … (load {os.getloadavg()[0]:.1f})[/]")
        found = await MEASURES[name](setting)
        figures += found
        if as_json:
            for each in found:
                print_json(each.plain())
            sys.stdout.flush()
    if json_file is not None:
        lines = [json.dumps(each.plain(), ensure_ascii=False) for each in figures]
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text("\n".join([json.dumps({"machine": machine}), *lines, ""]))
    if not as_json:
        _tell(figures)


def _wanted(names: list[str] | None) -> list[str]:
    for name in names or ():
        if name not in MEASURES:
            raise InvalidInput("name", value=name, limit=", ".join(MEASURES))
    if names:
        return names
    has_driver = find_spec("asyncpg") is not None
    return [each for each in MEASURES if has_driver or each not in ON_POSTGRES]


def machine_line(folder: Path) -> str:
    """What was measured on, in one line."""
    libc = platform.python_implementation()
    spent = flushes(folder)
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, {libc} "
        f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}; 8 KB made durable in "
        f"{spent * 1e6:,.0f} µs (median)"
    )


def _tell(figures: list[Figure]) -> None:
    table = Table("name", "value", "floor or peer", "ratio", "to reach", "")
    for each in figures:
        mark = {True: "[green]✓[/]", False: "[red]✗[/]", None: ""}[each.has_reached]
        floor = "" if each.floor is None else f"{each.floor:,.2f}  "
        table.add_row(
            each.name,
            f"{each.value:,.2f} {each.unit}",
            f"{floor}{each.peer}",
            "" if each.ratio is None else f"{each.ratio:.2f}",
            each.reach,
            mark,
        )
    out.print(table)
    out.print("Ratios hold within one run on one machine; differences under 25 % mean nothing.")
