"""A shop whose people are reached on paper: a channel with every ability and a real provider."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from pullcord.channels.console import ConsoleChannel
from pullcord.channels.port import Abilities, Answer, Channel
from pullcord.engine.settings import Settings
from pullcord.store.port import AgentKey, Copy
from pullcord.store.receipts import Receipt
from pullcord.testing import Town, running_house
from tests.conformance.channels.double import Arrived
from tests.conformance.channels.paper import PaperChannel, event_of
from tests.conformance.channels.paper_double import PaperDouble
from tests.unit.engine.counter import POLICY, refund, stopped

URL = "https://pull.example"


@dataclass(slots=True)
class Board:
    """The town, its paper, and the key of its agent."""

    town: Town
    double: PaperDouble
    key: AgentKey

    async def stopped(self, key: str = "k1", **more: Any) -> str:
        """The agent stops; everybody due is told."""
        name = await stopped(self.town, self.key, refund(key=key, **more))
        await self.town.settle()
        return name

    def notes(self, address: str = "") -> list[Arrived]:
        """What arrived, oldest first; edits are left out."""
        return [each for each in self.double.arrived() if not each.is_edit]

    def edits(self) -> list[Arrived]:
        """What was changed later, oldest first."""
        return [each for each in self.double.arrived() if each.is_edit]

    async def tells(self, **told: str) -> Answer:
        """The provider calls back with one event, as it does over HTTP but for the wire."""
        (answer,) = await self.town.house.inbound.take("paper", [event_of(told)])
        return answer

    async def presses(self, token: str, *, account: str = "maria-1", note: str = "") -> Answer:
        """Somebody presses a button."""
        return await self.tells(kind="pressed", account=account, token=token, note=note)

    async def receipts(self, escalation: str) -> list[Receipt]:
        """What became of its letters."""
        return list(await self.town.house.store.receipts(self.town.workspace, escalation))

    async def copies(self, escalation: str) -> list[Copy]:
        """What the board holds of it."""
        return list(await self.town.house.store.copies(self.town.workspace, escalation))

    async def link(self, who: str, account: str = "", *, address: str = "") -> None:
        """This account of the board is theirs."""
        name = account or f"{who}-1"
        await self.town.house.linking.put(
            self.town.workspace, who, "paper", account=name, name=name, address=address or name
        )

    async def reached(self, who: str, **rules: Any) -> None:
        """This person's own rules."""
        office = self.town.house.office
        someone = (await office.people(self.town.workspace))[who]
        await office.set_reach(self.town.workspace, who, replace(someone.reach, **rules), by=who)


@asynccontextmanager
async def board(
    *,
    policy: str = POLICY,
    can: Abilities | None = None,
    more: Mapping[str, Channel] | None = None,
    linked: tuple[str, ...] = ("maria", "tom", "dana"),
) -> AsyncIterator[Board]:
    """A running shop with paper, and the console behind it."""
    async with PaperDouble.opened() as double:
        paper = double.channel(can=can)
        channels: dict[str, Channel] = {"paper": paper, **(more or {})}
        settings = Settings(public_url=URL)
        async with running_house(policy, channels=channels, settings=settings) as town:
            shown = await town.key(agent="support", creator="dana")
            found = Board(town, double, await town.house.office.key_of(shown))
            for who in linked:
                await found.link(who)
            yield found


__all__ = ["URL", "Board", "ConsoleChannel", "PaperChannel", "board"]
