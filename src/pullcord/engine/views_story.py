"""One escalation's timeline and contents together: what was said when, by whom, in which words."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pullcord.engine.contents import Contents
from pullcord.path.escalation import Actor, Json
from pullcord.path.timeline import Link
from pullcord.path.wording import actor_of
from pullcord.store.port import Row, Store

#: entries one page tells; of a longer timeline the last ones
ENTRIES_MAX = 500


@dataclass(frozen=True, slots=True)
class Told:
    """One sealed text: its name, who wrote it and when."""

    name: str
    by: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class Chapter:
    """One entry with its body read."""

    link: Link
    body: Mapping[str, Any]

    @property
    def by(self) -> Actor:
        """Who did it."""
        return actor_of(self.body["by"])


@dataclass(frozen=True, slots=True)
class Story:
    """The entries of one escalation in order, and its contents by name; erased ones are missing."""

    chapters: tuple[Chapter, ...]
    contents: Mapping[str, Json]

    def content(self, name: str) -> Mapping[str, Any]:
        """One content; empty when it was erased."""
        found = self.contents.get(name)
        return found if isinstance(found, dict) else {}

    def texts(self, kinds: Sequence[str]) -> Iterator[Told]:
        """The sealed texts of these kinds ("reply", "comment", …), oldest first."""
        for chapter in self.chapters:
            for name in chapter.body["sealed"]:
                if name.partition("/")[0] in kinds:
                    yield Told(name, chapter.by, chapter.link.at)

    def last(self, kind: str) -> Chapter | None:
        """The last entry of a kind."""
        found = [each for each in self.chapters if each.link.kind == kind]
        return found[-1] if found else None

    @property
    def accepted_at(self) -> datetime | None:
        """When somebody last said "I have it"."""
        accepted = self.last("accepted")
        return accepted.link.at if accepted else None


async def story_of(store: Store, contents: Contents, row: Row) -> Story:
    """Read one escalation's timeline and contents."""
    escalation = row.escalation
    after = max(0, row.head.seq - ENTRIES_MAX)
    links = await store.timeline(
        escalation.workspace, escalation.id, after=after, limit=ENTRIES_MAX
    )
    found = await contents.named(escalation.workspace, escalation.id)
    return Story(tuple(Chapter(each, json.loads(each.body)) for each in links), found)
