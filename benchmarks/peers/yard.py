"""What every peer program shares: the cycle, its figures, and one line of JSON on standard output.

Standard library only, so that it runs in any environment. The product's own code calls
`Yard.resumed(key)` as the first thing after the pause.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import string
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

WARM_UP = 5
DECISION = {"kind": "approve", "by": "maria", "note": "once, as goodwill"}


def transcripts(count: int = 64) -> list[dict[str, Any]]:
    """About 8 KB of conversation each, that compress as badly as real ones; the same every time."""
    chance = random.Random(3)
    letters = string.ascii_lowercase
    words = ["".join(chance.choices(letters, k=chance.randint(3, 9))) for _ in range(1500)]
    return [
        {
            "tool": "issue_refund",
            "args": {"order": f"H-{at}", "amount": 480},
            "messages": [
                {"role": "user", "content": " ".join(chance.choices(words, k=70))}
                for _ in range(15)
            ],
        }
        for at in range(count)
    ]


class Yard:
    """Counts cycles of one product. `pause` and `decide` are what the product does for each."""

    def __init__(self) -> None:
        self.contexts = transcripts()
        self._numbers = itertools.count()
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._loop = asyncio.get_running_loop()
        self.spans: list[float] = []
        self._kept: list[Any] = []

    async def keep(self, opened: Any) -> Any:
        """Enter what stays open until the process ends."""
        self._kept.append(opened)
        return await opened.__aenter__()

    def resumed(self, key: str) -> None:
        """The agent's code runs again; from any thread."""
        self._loop.call_soon_threadsafe(self._wake, key)

    def _wake(self, key: str) -> None:
        waiting = self._waiting.get(key)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def cycle(
        self,
        pause: Callable[[str, dict[str, Any]], Awaitable[object]],
        decide: Callable[[str], Awaitable[object]],
    ) -> None:
        """Pause, decide, go on."""
        number = next(self._numbers)
        key = f"k{number}"
        self._waiting[key] = self._loop.create_future()
        await pause(key, self.contexts[number % len(self.contexts)])
        began = time.perf_counter()
        deciding = asyncio.ensure_future(decide(key))
        await self._waiting[key]
        self.spans.append(time.perf_counter() - began)
        await deciding
        del self._waiting[key]

    async def measure(
        self, cycle: Callable[[], Awaitable[None]], *, workers: int, seconds: float
    ) -> dict[str, Any]:
        """Cycles a second with so many in flight."""
        for _ in range(WARM_UP):
            await cycle()
        self.spans.clear()
        done = 0
        began, cpu = time.perf_counter(), time.process_time()

        async def work() -> None:
            nonlocal done
            while time.perf_counter() - began < seconds:
                await cycle()
                done += 1

        await asyncio.gather(*(work() for _ in range(workers)))
        spent, cpu = time.perf_counter() - began, time.process_time() - cpu
        spans = sorted(self.spans) or [0.0]
        return {
            "cycles_s": round(done / spent, 2),
            "cpu_ms": round(cpu / max(done, 1) * 1e3, 3),
            "n": done,
            "p50_ms": round(spans[len(spans) // 2] * 1e3, 2),
            "p99_ms": round(spans[min(len(spans) - 1, int(len(spans) * 0.99))] * 1e3, 2),
        }


#: makes the product ready in a folder, with an empty database: gives its (pause, decide)
Begin = Callable[[Yard, argparse.Namespace, Path], Awaitable[Any]]


def main(name: str, version: str, begin: Begin) -> None:
    """The command line of a peer program."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", choices=("sqlite", "postgres"), required=True)
    parser.add_argument("--dsn", default="", help="an empty PostgreSQL database")
    parser.add_argument("--folder", default=None, help="on the disk that is measured")
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    asyncio.run(_run(name, version, begin, options))


async def _run(name: str, version: str, begin: Begin, options: argparse.Namespace) -> None:
    code = 0
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        try:
            yard = Yard()
            pause, decide = await begin(yard, options, Path(folder))
            told = await yard.measure(
                lambda: yard.cycle(pause, decide), workers=options.workers, seconds=options.seconds
            )
            told = {"peer": name, "version": version, "store": options.store, **told}
            print(json.dumps(told), flush=True)
        except Exception:  # whatever a product raises, there is no figure
            traceback.print_exc()
            code = 1
    sys.stdout.flush()
    os._exit(code)  # some products keep threads that never end
