"""Tells in the terminal what happens, one line an entry, from the timelines themselves."""

import json
from collections.abc import Callable

from pullcord.engine.bus import Listener
from pullcord.engine.house import House
from pullcord.engine.readers import colleague
from pullcord.path.telling import sentence

#: kinds worth a line; the console tells the rest
TOLD = frozenset(
    {"opened", "asked", "accepted", "declined", "decided", "collected", "reported", "closed"}
    | {"rung_expired", "taken_over", "withdrawn", "reassigned", "released"}
)
#: timelines whose last told entry is remembered
KNOWN_MAX = 5_000

Say = Callable[[str, str], None]


class Narrator:
    """Follows the hints of one workspace and tells what is new."""

    def __init__(self, house: House, workspace: str, say: Say) -> None:
        self._house = house
        self._workspace = workspace
        self._say = say
        self._told: dict[str, int] = {}
        #: what happened before is history
        self._since = house.clock.now()

    async def work(self) -> None:
        """Tell until cancelled."""
        listener: Listener = self._house.bus.listen(self._workspace)
        try:
            async for signal in listener:
                if signal.topic == "escalation":
                    await self.tell(signal.id)
        finally:
            listener.close()

    async def tell(self, escalation: str) -> None:
        """Tell what happened to one escalation since the last time."""
        after = self._told.get(escalation, 0)
        links = await self._house.store.timeline(self._workspace, escalation, after=after)
        links = [each for each in links if each.at >= self._since]
        if not links:
            return
        floor = await self._house.floors.now(self._workspace)
        reader = colleague(floor, "you", self._house.clock.now())
        for each in links:
            if each.kind in TOLD:
                at = each.at.astimezone(reader.zone)
                said = sentence(json.loads(each.body), reader)
                if each.kind == "opened":
                    said += f" “{await self._question(escalation)}”"
                self._say(f"{at:%H:%M:%S}", said)
        if len(self._told) >= KNOWN_MAX:
            self._told.clear()
        self._told[escalation] = links[-1].seq

    async def _question(self, escalation: str) -> str:
        shown = await self._house.contents.one(self._workspace, escalation, "shown")
        return str(shown["ask"]["question"])
