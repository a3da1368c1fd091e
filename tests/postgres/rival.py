"""The other process, from this one's side: told what to do over a pipe, killed and frozen."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

WITHIN = 40.0
#: bytes of one answer at most
LINE_MAX = 1 << 16


@dataclass
class Rival:
    """A running `racer`."""

    process: asyncio.subprocess.Process
    numbers: "count[int]" = field(default_factory=lambda: count(1))
    waiting: dict[int, asyncio.Future[str]] = field(default_factory=dict)

    async def hear(self) -> None:
        """Give every answer to whoever waits for it."""
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            told = json.loads(line)
            self.waiting.pop(told["id"]).set_result(told["told"])

    async def do(self, verb: str, escalation: str = "", **more: str) -> str:
        """Let it act; the word of what came of it."""
        number = next(self.numbers)
        answer = self.expect(number)
        self.say({"id": number, "verb": verb, "escalation": escalation, **more})
        async with asyncio.timeout(WITHIN):
            return await answer

    def expect(self, number: int) -> asyncio.Future[str]:
        self.waiting[number] = asyncio.get_running_loop().create_future()
        return self.waiting[number]

    def say(self, wanted: dict[str, object]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(wanted).encode() + b"\n")

    def freeze(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def rival_on(dsn: str, *arguments: str) -> AsyncIterator[Rival]:
    """Another process on this database until the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.postgres.racer",
        dsn,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE_MAX,
        cwd=Path(__file__).parents[2],
    )
    rival = Rival(process)
    ready = rival.expect(0)
    hearing = asyncio.create_task(rival.hear())
    try:
        async with asyncio.timeout(WITHIN):
            await ready
        yield rival
    finally:
        if process.returncode is None:
            rival.thaw()
            assert process.stdin is not None
            process.stdin.close()
            async with asyncio.timeout(WITHIN):
                await process.wait()
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
