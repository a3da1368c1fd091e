"""outbox, due_to_sent, dead_provider: what the courier brings to a provider, beside a bare sender.

The sink is a process of its own that only counts. The bare sender posts the same letters with the
same client and the same number in flight, and remembers nothing.
"""

import asyncio
import sys
import tempfile
import time
from array import array
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from pullcord.bench.figure import Figure, Setting, share
from pullcord.bench.plain_http import Connection
from pullcord.bench.town import HOST, POLICY, opening
from pullcord.channels.port import Channel, Letter, Outcome, Sent
from pullcord.channels.webhook import WebhookChannel
from pullcord.engine.courier import IN_FLIGHT_MAX
from pullcord.engine.house import House, furnish, opened
from pullcord.store.port import AgentKey
from pullcord.store.sqlite import SqliteStore
from pullcord.wire import requests as wire

#: messages of one run for each second of `--seconds`; ten thousand by default
PER_SECOND = 3_334
REACH = 0.60
#: turns of each; the middle ratio is told
ROUNDS = 5
#: messages a second that come due while it is measured how late each is sent
STEADY = 50
SECRET = "whsec_" + "cHVsbGNvcmQtYmVuY2gtc2VjcmV0LW9mLXRoZS1zaW5r"
OPENING_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Receiver:
    """The sink's address, and when what arrived there arrived."""

    port: int

    @property
    def url(self) -> str:
        """Where to post."""
        return f"http://{HOST}:{self.port}/"

    async def times(self) -> "array[float]":
        """Unix seconds of every message so far, in order."""
        connection = await Connection.connect(HOST, self.port, {})
        _, body = await connection.send("GET", "/")
        await connection.close()
        found: array[float] = array("d")
        found.frombytes(body)
        return found


class Recorded:
    """A webhook that keeps the letters it is given."""

    name = WebhookChannel.name
    can = WebhookChannel.can

    def __init__(self, url: str) -> None:
        self._inner = WebhookChannel(url, SECRET, internal=["127.0.0.1"])
        self.letters: list[Letter] = []

    async def send(self, letter: Letter) -> Sent:
        """Send it on."""
        self.letters.append(letter)
        return await self._inner.send(letter)

    async def close(self) -> None:
        """Let go of connections."""
        await self._inner.close()


class Dead:
    """A provider that takes every letter and never answers within the try."""

    name = "dead"
    can = replace(WebhookChannel.can)

    async def send(self, letter: Letter) -> Sent:
        """Wait for nothing."""
        await asyncio.sleep(10)
        return Sent(Outcome.RETRY, f"no answer about {letter.id}")

    async def close(self) -> None:
        """Nothing is held."""


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """A sink that runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "pullcord.bench.sink",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None, "the sink ends with its input"
    assert process.stdout is not None, "the sink says its port"
    try:
        yield Receiver(int(await process.stdout.readline()))
    finally:
        process.stdin.close()
        await process.wait()


@asynccontextmanager
async def town(
    folder: Path, channels: Mapping[str, Channel]
) -> AsyncIterator[tuple[House, AgentKey]]:
    """A house with these channels only; nothing is sent until its runner starts."""
    store = SqliteStore(folder / "outbox.db")
    house = furnish(store, master=bytes(32), channels=channels)
    async with opened(house, runs=False):
        await house.office.apply(POLICY, by="bench")
        _, key = await house.office.mint_key(
            "bench", agent="support", environment="production", creator="dana"
        )
        yield house, key


async def outbox(setting: Setting) -> list[Figure]:
    """Messages a second from the outbox to a sink, against the same letters without an outbox.

    Both take turns, so that what else the machine does falls on both.
    """
    count = max(int(PER_SECOND * setting.seconds / ROUNDS), 100)
    rates: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory(dir=setting.folder) as name:
        async with receiver() as sink:
            channel = Recorded(sink.url)
            async with town(Path(name), {channel.name: channel}) as (house, key):
                for at in range(ROUNDS):
                    await _opened(house, key, range(at * count, (at + 1) * count))
                    own = await _sent(house, sink, count)
                    letters, channel.letters = channel.letters, []
                    rates.append((own, await _bare(sink, letters)))
    own, raw = sorted(rates, key=lambda each: each[0] / each[1])[ROUNDS // 2]
    ratio = own / raw
    return [
        Figure(
            "outbox",
            own,
            "messages/s",
            count * ROUNDS,
            floor=raw,
            ratio=ratio,
            peer="bare sender",
            reach=f"ratio ≥ {REACH}",
            has_reached=ratio >= REACH,
        )
    ]


async def _sent(house: House, sink: Receiver, count: int) -> float:
    """Messages a second, from the start of the engine until the last has arrived."""
    before = len(await sink.times())
    began = time.perf_counter()
    await house.runner.start()
    await _all_arrived(sink, before + count)
    spent = time.perf_counter() - began
    await house.runner.stop()
    return count / spent


async def _opened(house: House, key: AgentKey, numbers: range) -> None:
    gate = asyncio.Semaphore(OPENING_AT_ONCE)

    async def one(at: int) -> None:
        async with gate:
            await house.desk.open(key, msgspec.convert(opening(f"k{at}"), wire.OpenIn))

    await asyncio.gather(*(one(at) for at in numbers))


async def _all_arrived(sink: Receiver, count: int) -> None:
    while len(await sink.times()) < count:  # noqa: ASYNC110  # another process counts
        await asyncio.sleep(0.02)


async def _bare(sink: Receiver, letters: list[Letter]) -> float:
    """The same letters through the same channel, nothing remembered."""
    channel = WebhookChannel(sink.url, SECRET, internal=["127.0.0.1"])
    left = iter(letters)

    async def work() -> None:
        for letter in left:
            await channel.send(letter)

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(IN_FLIGHT_MAX)))
    spent = time.perf_counter() - began
    await channel.close()
    return len(letters) / spent


async def due_to_sent(setting: Setting) -> list[Figure]:
    """How late a message is where 50 a second come due, and where another provider is dead too."""
    alone = await _lateness(setting, {})
    beside = await _lateness(setting, {Dead.name: Dead()})
    figures = []
    for name, late in (("due_to_sent_p99", alone), ("due_to_sent_dead_p99", beside)):
        p99 = share(late, 0.99)
        figures.append(Figure(name, p99, "s", len(late), reach="≤ 2 s", has_reached=p99 <= 2))
    return figures


async def _lateness(setting: Setting, more: Mapping[str, Channel]) -> list[float]:
    count = max(int(STEADY * setting.seconds), STEADY)
    due: dict[str, float] = {}
    with tempfile.TemporaryDirectory(dir=setting.folder) as name:
        async with receiver() as sink:
            channel = Recorded(sink.url)
            channels = {channel.name: channel, **more}
            async with town(Path(name), channels) as (house, key):
                await house.runner.start()
                began = time.perf_counter()
                for at in range(count):
                    await asyncio.sleep(max(began + at / STEADY - time.perf_counter(), 0))
                    found = await house.desk.open(
                        key, msgspec.convert(opening(f"k{at}"), wire.OpenIn)
                    )
                    assert found.row is not None, "the benchmark's call was not stopped"
                    due[found.row.escalation.id] = time.time()
                await _all_arrived(sink, count)
                times = await sink.times()
    order = [letter.escalation for letter in channel.letters]
    return sorted(at - due[name] for at, name in zip(times, order, strict=False))
