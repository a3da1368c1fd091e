"""The scene all measurements share: one policy, about 8 KB of context, a served house."""

import asyncio
import itertools
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from pullcord.bench.plain_http import Connection
from pullcord.console.hosting import LOOPBACK, free_port

POLICY = """
workspace: bench
people:
  maria: {name: Maria Lopez, email: maria@bench.example, capacity: 1000000}
  dana: {name: Dana Weiss, email: dana@bench.example, role: lead, capacity: 1000000}
ladders:
  billing:
    rungs: [{ask: person/maria, accept_within: 6h}]
    catch_all: person/dana
agents:
  support: {ladder: billing, contact: dana}
tools:
  issue_refund: {money: args.amount, currency: EUR}
defaults: {decide_within: 12h, hold_for: 6h}
rules:
  - {id: refund-over-limit, tool: issue_refund, when: args.amount > 250}
"""

HOST = LOOPBACK
#: servers of a PostgreSQL are given their secret; it seals nothing but made-up conversations
_ENVIRONMENT = {**os.environ, "PULLCORD_MASTER_KEY": "A" * 43}
#: seconds a server may take until it answers
START_SECONDS = 20.0
MESSAGES_EACH, WORDS_EACH, TRANSCRIPTS = 15, 70, 64


def _transcripts() -> list[list[dict[str, str]]]:
    """Conversations of about 8 KB each, as agents send them; they compress as badly as real ones.

    The same at every run, so that runs can be compared.
    """
    chance = random.Random(3)  # noqa: S311  # words, not secrets
    words = ["".join(chance.choices(ascii_lowercase, k=chance.randint(3, 9))) for _ in range(1500)]
    return [
        [
            {
                "role": "user" if at % 2 == 0 else "assistant",
                "content": " ".join(chance.choices(words, k=WORDS_EACH)),
            }
            for at in range(MESSAGES_EACH)
        ]
        for _ in range(TRANSCRIPTS)
    ]


_TRANSCRIPTS = _transcripts()
_numbers = itertools.count()


def opening(key: str) -> dict[str, Any]:
    """A request that is stopped by the policy."""
    return {
        "key": key,
        "tool": "issue_refund",
        "args": {"order": key, "amount": 480.0},
        "run": f"run-{key}",
        "call": "call-1",
        "end_user": {"id": "u_7", "name": "Anna"},
        "messages": _TRANSCRIPTS[next(_numbers) % TRANSCRIPTS],
        "claims": {"situation": "Charged twice.", "recommendation": "Refund.", "confidence": 0.7},
    }


def payload() -> bytes:
    """The same as bytes: what a floor keeps."""
    return json.dumps(opening("floor")).encode()


@dataclass(frozen=True, slots=True)
class Served:
    """A server in a process of its own."""

    port: int
    key: str
    pid: int

    async def connection(self) -> Connection:
        """A connection with the agent's key."""
        headers = {"authorization": f"Bearer {self.key}"}
        return await Connection.connect(HOST, self.port, headers)

    def memory(self) -> int:
        """Resident bytes of the server's process."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        line = next(each for each in status.splitlines() if each.startswith("VmRSS"))
        return int(line.split()[1]) * 1024


@asynccontextmanager
async def served(folder: Path, *, db: str = "", policy: str = POLICY) -> AsyncIterator[Served]:
    """`pullcord serve` on a fresh database, ready to take requests."""
    config = folder / "pullcord.yaml"
    config.write_text(policy, encoding="utf-8")
    place = db or str(folder / "bench.db")
    await _command("apply", str(config), "--db", place)
    minted = await _command(
        "keys", "mint", "--agent", "support", "--creator", "dana", "--db", place, "--json"
    )
    port = free_port()
    process = subprocess.Popen(  # noqa: ASYNC220, S603  # our own command, started once
        [sys.executable, "-m", "pullcord", "serve", "--db", place, "--port", str(port)],
        env=_ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        await _answers(port)
        yield Served(port, json.loads(minted)["key"], process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, 15)


async def _command(*words: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "pullcord",
        *words,
        env=_ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"pullcord {' '.join(words)} failed: {err.decode()}")
    return out.decode()


async def _answers(port: int) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                connection = await Connection.connect(HOST, port, {})
                status, _ = await connection.send("GET", "/readyz")
                await connection.close()
            except OSError:
                status = 0
            if status == 200:
                return
            await asyncio.sleep(0.05)
