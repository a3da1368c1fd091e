"""`pullcord bench`: measures this machine against its own floor and against peers."""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from pullcord.bench.cycles import cycle_sqlite, resume
from pullcord.bench.figure import Figure, Measure, Setting
from pullcord.bench.guarding import guard
from pullcord.bench.openings import open_sqlite
from pullcord.bench.outbox import due_to_sent, outbox
from pullcord.bench.pending import memory, pending_1m
from pullcord.bench.rules import policy_20, policy_200
from pullcord.bench.timing import demo, lateness
from pullcord.cli.voice import AsJson, command, err, out, print_json
from pullcord.errors import InvalidInput
from pullcord.server.logs import configure

MEASURES: Mapping[str, Measure] = {
    "policy_20": policy_20,
    "policy_200": policy_200,
    "guard": guard,
    "open_sqlite": open_sqlite,
    "cycle_sqlite": cycle_sqlite,
    "resume": resume,
    "lateness": lateness,
    "outbox": outbox,
    "due_to_sent": due_to_sent,
    "memory": memory,
    "demo": demo,
    "pending_1m": pending_1m,
}
#: measurements that take minutes and gigabytes, so only by name
ONLY_BY_NAME = frozenset({"pending_1m"})
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
    folder: Annotated[
        Path | None, typer.Option(help="Folder on the disk to measure; the temporary one else.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print ratios against a floor in the same run; single figures say little about a machine."""
    configure("critical")
    wanted = names or [each for each in MEASURES if each not in ONLY_BY_NAME]
    for name in wanted:
        if name not in MEASURES:
            raise InvalidInput("name", value=name, limit=", ".join(MEASURES))
    figures: list[Figure] = []
    for name in wanted:
        err.print(f"[dim]measuring {name} …[/]")
        setting = Setting(seconds=seconds, folder=folder or Path(tempfile.gettempdir()))
        found = await MEASURES[name](setting)
        figures += found
        if as_json:
            for each in found:
                print_json(each.plain())
            sys.stdout.flush()
    if not as_json:
        _tell(figures)


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
