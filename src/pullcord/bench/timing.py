"""lateness and demo: how late a due step is acted on, and how soon a newcomer sees a decision."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import msgspec

from pullcord.bench.figure import Figure, Setting, share
from pullcord.bench.ground import SQLITE, ground
from pullcord.bench.town import POLICY, opening
from pullcord.engine.house import House
from pullcord.wire import requests as wire

STEPS = 200
DEMO_SECONDS_MAX = 60.0


async def lateness(setting: Setting) -> list[Figure]:
    """Rungs that end after a second, while others are being opened: when the next is asked."""
    policy = POLICY.replace("accept_within: 6h", "accept_within: 1s")
    async with ground(setting, SQLITE) as place, place.house() as (house, key, _):
        await house.office.apply(policy, by="bench")
        await house.runner.start()
        for at in range(STEPS):
            await house.desk.open(key, msgspec.convert(opening(f"k{at}"), wire.OpenIn))
            await asyncio.sleep(0.005)
        await asyncio.sleep(4)
        late = sorted([await _late(house, each) for each in await _ids(house)])
    p99 = share(late, 0.99)
    return [Figure("lateness_p99", p99, "s", len(late), reach="≤ 2 s", has_reached=p99 <= 2)]


async def _ids(house: House) -> list[str]:
    return list(await house.store.chains("bench", limit=STEPS))


async def _late(house: House, escalation: str) -> float:
    links = await house.store.timeline("bench", escalation)
    opened = next(each.at for each in links if each.kind == "opened")
    expired = [each.at for each in links if each.kind == "rung_expired"]
    if not expired:
        return float("inf")
    return (expired[0] - opened - timedelta(seconds=1)).total_seconds()


async def demo(_: Setting) -> list[Figure]:
    """From the command to a decided escalation of the live agents."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "pullcord",
        "demo",
        "--no-browser",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert process.stderr is not None, "the demo's output is read"
    spent = float("inf")
    async with asyncio.timeout(DEMO_SECONDS_MAX):
        async for line in process.stderr:
            if b"approved it" in line or b"decided against" in line:
                spent = time.perf_counter() - began
                break
    process.send_signal(signal.SIGINT)
    await process.wait()
    return [Figure("demo", spent, "s", 1, reach="< 10 s", has_reached=spent < 10)]
