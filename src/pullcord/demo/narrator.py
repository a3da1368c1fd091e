"""Tells in the terminal what happens, one line an entry, from the timelines themselves."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from pullcord.demo.stage import VISITOR
from pullcord.engine.house import House
from pullcord.engine.readers import colleague
from pullcord.errors import PullcordError
from pullcord.path.escalation import Escalation
from pullcord.path.telling import sentence

#: kinds worth a line; the console tells the rest
TOLD = frozenset(
    {"opened", "asked", "accepted", "declined", "decided", "reported", "rung_expired"}
    | {"taken_over", "withdrawn", "reassigned", "released"}
)
#: kinds that name themselves what they are about, or follow at once on one that does
CLEAR = frozenset({"opened", "asked"})
#: escalations remembered
KNOWN_MAX = 5_000

log = structlog.get_logger("pullcord.demo")


@dataclass(frozen=True, slots=True)
class Told:
    """One line: when, whose agent, what happened, and about what where that is not clear."""

    at: datetime
    agent: str
    what: str
    about: str = ""
    #: an agent was stopped just now
    is_stop: bool = False
    #: the visitor is asked, and nobody else will answer
    is_for_visitor: bool = False


Say = Callable[[Told], None]


@dataclass(slots=True)
class _Story:
    agent: str
    question: str
    told: int = 0


class Narrator:
    """Follows the hints of one workspace and tells what is new; the day before is history."""

    def __init__(self, house: House, workspace: str, say: Say) -> None:
        self._house = house
        self._workspace = workspace
        self._say = say
        self._since = house.clock.now()
        self._stories: dict[str, _Story | None] = {}

    async def work(self) -> None:
        """Tell until cancelled."""
        listener = self._house.bus.listen(self._workspace)
        try:
            async for signal in listener:
                if signal.topic == "escalation":
                    await self._tell_safely(signal.id)
        finally:
            listener.close()

    async def _tell_safely(self, escalation: str) -> None:
        try:
            await self.tell(escalation)
        except PullcordError as problem:
            # the next hint tells what this one did not
            log.warning("narrator_stumbled", problem=str(problem))

    async def tell(self, escalation: str) -> None:
        """Tell what happened to one escalation since the last time."""
        story = await self._story(escalation)
        if story is None:
            return
        store = self._house.store
        links = await store.timeline(self._workspace, escalation, after=story.told)
        floor = await self._house.floors.now(self._workspace)
        reader = colleague(floor, VISITOR, self._house.clock.now())
        for each in links:
            if each.kind in TOLD:
                body: dict[str, Any] = json.loads(each.body)
                is_stop = each.kind == "opened"
                self._say(
                    Told(
                        at=each.at.astimezone(reader.zone),
                        agent=story.agent,
                        what=story.question if is_stop else sentence(body, reader),
                        about="" if each.kind in CLEAR else story.question,
                        is_stop=is_stop,
                        is_for_visitor=VISITOR in body["facts"].get("people", ()),
                    )
                )
            story.told = each.seq

    async def _story(self, escalation: str) -> _Story | None:
        """What is known of an escalation; None for one of the day before."""
        if escalation in self._stories:
            return self._stories[escalation]
        row = await self._house.store.load(self._workspace, escalation)
        if row is None:
            return None
        if len(self._stories) >= KNOWN_MAX:
            self._stories.clear()
        story = await self._beginning(row.escalation)
        self._stories[escalation] = story
        return story

    async def _beginning(self, found: Escalation) -> _Story | None:
        if found.opened_at < self._since:
            return None
        shown = await self._house.contents.one(self._workspace, found.id, "shown")
        return _Story(found.agent, str(shown["ask"]["question"]))
