"""Real servers and engines on one database: processes that can be stopped, killed and frozen."""

import asyncio
import base64
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.postgres.crowd import CLOCK, MASTER
from tests.postgres.machine import free_port

COMMAND = ("-c", "from pullcord.cli import main; main()")
#: the same of the version after this one
NEXT = ("-m", "tests.postgres.next_version")
ROOT = Path(__file__).parents[2]
#: seconds a start, a stop or one answer may take on a busy machine
WITHIN = 120.0


def environment() -> Mapping[str, str]:
    """Ours without anything of Pullcord's, and the key of the database."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PULLCORD_")}
    return {**own, "PULLCORD_MASTER_KEY": base64.urlsafe_b64encode(MASTER).decode()}


def typed(*words: str, version: Sequence[str] = COMMAND) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, run to its end."""
    return subprocess.run(
        [sys.executable, *version, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=WITHIN,
        check=False,
    )


@dataclass(slots=True)
class Running:
    """One of them."""

    process: asyncio.subprocess.Process
    url: str

    def freeze(self) -> None:
        """It stands still and keeps everything it holds."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on, believing that no time has passed."""
        os.kill(self.process.pid, signal.SIGCONT)

    async def kill(self) -> None:
        """It is gone without a word."""
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> None:
        """It is told to stop, and must do so in good order."""
        self.process.terminate()
        async with asyncio.timeout(WITHIN):
            assert await self.process.wait() == 0


@asynccontextmanager
async def server_on(
    dsn: str, *more: str, version: Sequence[str] = COMMAND
) -> AsyncIterator[Running]:
    """`pullcord serve` on this database until the block ends."""
    port = free_port()
    words = ("serve", "--port", str(port), "--db", dsn, *more)
    async with process_on(*words, version=version) as process:
        yield await _ready(process, port)


@asynccontextmanager
async def engine_on(dsn: str) -> AsyncIterator[Running]:
    """`pullcord engine` on this database until the block ends."""
    port = free_port()
    public = ("--public-url", "http://127.0.0.1:8710")
    words = ("engine", "--health", f"127.0.0.1:{port}", "--db", dsn, *public)
    async with process_on(*words) as process:
        yield await _ready(process, port)


@asynccontextmanager
async def process_on(
    *words: str, version: Sequence[str] = COMMAND
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A command that runs until the block ends, and then stops as it is told."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *version,
        *words,
        cwd=ROOT,
        env=environment(),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        async with asyncio.timeout(WITHIN):
            assert await process.wait() in (0, -signal.SIGKILL)


async def _ready(process: asyncio.subprocess.Process, port: int) -> Running:
    found = Running(process, f"http://127.0.0.1:{port}")
    async with asyncio.timeout(WITHIN), httpx2.AsyncClient(trust_env=False) as client:
        while not await _answers(client, f"{found.url}/readyz"):
            assert process.returncode is None, f"it left with {process.returncode}"
            await CLOCK.sleep(0.05)
    return found


async def _answers(client: httpx2.AsyncClient, address: str) -> bool:
    try:
        return (await client.get(address)).status_code == 200
    except httpx2.HTTPError:
        return False
