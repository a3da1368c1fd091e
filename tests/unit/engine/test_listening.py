"""Channels that keep a connection of their own: opened with the engine, again when it breaks."""

import asyncio
from collections.abc import Sequence

import pytest

from pullcord.channels.port import Answer, Commanded, Take
from pullcord.engine import runner as runner_module
from pullcord.engine.inbound import HELP
from tests.unit.engine.board import board
from tests.unit.engine.pigeons import Pigeons


class Socket(Pigeons):
    """Listens; breaks the first times, then stays."""

    def __init__(self, *, breaks: int) -> None:
        super().__init__(name="socket")
        self.breaks = breaks
        self.opened = 0
        self.is_open = asyncio.Event()
        self.answers_got: list[Sequence[Answer]] = []

    async def listen(self, take: Take) -> None:
        self.opened += 1
        if self.opened <= self.breaks:
            raise ConnectionResetError
        self.answers_got.append(await take([Commanded("maria-1", "help")]))
        self.is_open.set()
        await asyncio.Event().wait()


async def test_a_connection_that_breaks_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider restarts; people press on."""
    monkeypatch.setattr(runner_module, "EAR_PAUSE", 0.001)
    socket = Socket(breaks=2)
    async with board(more={"socket": socket}) as found:
        await found.town.house.runner.start()
        async with asyncio.timeout(10):
            await socket.is_open.wait()

        await found.town.house.runner.stop()

        assert socket.opened == 3
        ((answer,),) = socket.answers_got
        assert answer.text != HELP
        assert "do not know" in answer.text


async def test_a_connection_that_ends_by_itself_is_opened_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Closed politely is closed all the same; a stop ends it for good."""
    monkeypatch.setattr(runner_module, "EAR_PAUSE", 0.001)

    class Polite(Socket):
        async def listen(self, take: Take) -> None:
            self.opened += 1
            if self.opened == 3:
                self.is_open.set()

    socket = Polite(breaks=0)
    async with board(more={"socket": socket}) as found:
        await found.town.house.runner.start()
        async with asyncio.timeout(10):
            await socket.is_open.wait()

        await found.town.house.runner.stop()

        assert socket.opened >= 3
