"""A channel in the test's hand: notes every letter, answers as told, may hold letters back."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from pullcord.channels.port import Abilities, Channel, Letter, Outcome, Sent
from pullcord.store.port import AgentKey
from pullcord.testing import Town, running_house
from tests.unit.engine.counter import POLICY

GOOD = Sent(Outcome.DELIVERED, "on the roof")
BUSY = Sent(Outcome.RETRY, "rain")
GONE = Sent(Outcome.FAILED, "no such roof")


class Pigeons:
    """The test kit's channel; `answers` are given in order, the last one for ever."""

    can = Abilities()

    def __init__(self, *answers: Sent, name: str = "webhook") -> None:
        self.name = name
        self.answers = list(answers or (GOOD,))
        self.letters: list[Letter] = []
        #: how many letters are with a pigeon now, and the most there ever were
        self.in_flight = self.most_in_flight = 0
        self.may_land = asyncio.Event()
        self.may_land.set()
        self.is_closed = False

    async def send(self, letter: Letter) -> Sent:
        """Fly once."""
        self.letters.append(letter)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self.may_land.wait()
        finally:
            self.in_flight -= 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def close(self) -> None:
        """Let them go."""
        self.is_closed = True

    def told(self, kind: str = "asked") -> list[str]:
        """Who was told this, in order."""
        return [each.to for each in self.letters if each.kind == kind]


@asynccontextmanager
async def post(
    channels: Mapping[str, Channel], *, policy: str = POLICY
) -> AsyncIterator[tuple[Town, AgentKey]]:
    """The shop, with these ways outward."""
    async with running_house(policy, channels=channels) as town:
        shown = await town.key(agent="support", creator="dana")
        yield town, await town.house.office.key_of(shown)
