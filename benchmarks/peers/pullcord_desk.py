"""Pullcord in one process, as the peers run: opened, decided by a person, collected, goes on.

Unlike theirs, a cycle judges rules, names an owner, seals, chains, signs and queues messages.
"""

import argparse
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
from yard import Yard, main

from pullcord.bench.ground import Ground
from pullcord.path.escalation import person
from pullcord.wire import requests as wire


async def begin(yard: Yard, options: argparse.Namespace, folder: Path) -> Any:
    place = Ground(options.store, folder, options.dsn or str(folder / "peer.db"))
    house, key, _ = await yard.keep(place.house())
    opened: dict[str, str] = {}

    async def pause(name: str, context: dict[str, Any]) -> None:
        asked = {"key": name, "run": f"r-{name}", "call": "c1", **context}
        found = await house.desk.open(key, msgspec.convert(asked, wire.OpenIn))
        opened[name] = found.row.escalation.id

    async def decide(name: str) -> None:
        escalation = opened.pop(name)
        approve = wire.DecideIn(kind="approve")
        await house.desk.act("bench", escalation, person("maria"), approve, via="bench")
        await house.desk.collect(key, escalation, wire.CollectIn(attempt="bench"))
        yard.resumed(name)

    return pause, decide


if __name__ == "__main__":
    main("Pullcord", version("pullcord"), begin)
