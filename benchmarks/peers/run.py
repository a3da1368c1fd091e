"""Ours and each peer turn about, and the ratios between them.

    python -m benchmarks.peers.run --peers .venv-peers/bin/python --rounds 3

Every turn is a process of its own on an empty database on the same disk; the ratio is the median of
those of each turn. Without --dsn a PostgreSQL is started and thrown away.
"""

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import gettempdir
from typing import Any

from pullcord.bench.cluster import database
from pullcord.bench.figure import Figure

HERE = Path(__file__).parent
OURS = HERE / "pullcord_desk.py"


@dataclass(frozen=True)
class Pair:
    """One peer on one store, and how many times its cycles a second ours are to reach."""

    name: str
    store: str
    program: str
    reach: float | None = None


PAIRS = (
    Pair("cycle_sqlite_langgraph", "sqlite", "langgraph_interrupt.py", 10),
    Pair("cycle_sqlite_openai_agents", "sqlite", "openai_agents.py"),
    Pair("cycle_postgres_langgraph", "postgres", "langgraph_interrupt.py", 5),
    Pair("cycle_postgres_dbos", "postgres", "dbos_recv.py", 10),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=", ".join(each.name for each in PAIRS))
    parser.add_argument("--peers", default=".venv-peers/bin/python", help="their interpreter")
    parser.add_argument("--dsn", default="", help="a PostgreSQL whose role may make databases")
    parser.add_argument("--folder", default=gettempdir(), help="on the disk that is measured")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--json-file", type=Path, help="add the figures there, one a line")
    options = parser.parse_args()
    asyncio.run(run(options))


async def run(options: argparse.Namespace) -> None:
    for pair in PAIRS:
        if options.names and pair.name not in options.names:
            continue
        told = await compared(pair, options)
        line = json.dumps(told)
        print(line, flush=True)
        if options.json_file:
            with options.json_file.open("a") as file:
                file.write(line + "\n")


async def compared(pair: Pair, options: argparse.Namespace) -> dict[str, Any]:
    """The medians of both, and the median of the ratios of the turns."""
    ours, theirs = [], []
    for _ in range(options.rounds):
        ours.append(await turn(sys.executable, OURS, pair.store, options))
        theirs.append(await turn(options.peers, HERE / pair.program, pair.store, options))
    ratios = [own["cycles_s"] / peer["cycles_s"] for own, peer in zip(ours, theirs, strict=True)]
    cpu = median(each["cpu_ms"] for each in theirs) / median(each["cpu_ms"] for each in ours)
    peer = theirs[0]
    figure = Figure(
        name=pair.name,
        value=median(each["cycles_s"] for each in ours),
        unit="cycles/s",
        n=sum(each["n"] for each in ours),
        floor=median(each["cycles_s"] for each in theirs),
        ratio=median(ratios),
        peer=f"{peer['peer']} {peer['version']}; {cpu:.1f} × our processor time",
        reach=f"ratio ≥ {pair.reach:g}" if pair.reach else "",
        has_reached=median(ratios) >= pair.reach if pair.reach else None,
    )
    return figure.plain()


async def turn(
    python: str, program: Path, store: str, options: argparse.Namespace
) -> dict[str, Any]:
    """One run of one program on an empty database."""
    words = ["--store", store, "--folder", options.folder, "--seconds", str(options.seconds)]
    if store == "sqlite":
        return await told(python, program, words)
    async with database(Path(options.folder), options.dsn) as dsn:
        return await told(python, program, [*words, "--dsn", dsn])


async def told(python: str, program: Path, words: list[str]) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        python, str(program), *words, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"{program.name} --store {store_of(words)} gave no figure")
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def store_of(words: list[str]) -> str:
    return words[words.index("--store") + 1]


if __name__ == "__main__":
    main()
