"""Words all sentences share: times on a reader's clock, names a reader may read, spans, lists."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pullcord.path.escalation import Actor, ActorKind

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d) UTC")
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a sentence is written: the names they may read, their clock, the time now."""

    names: Mapping[str, str]
    zone: ZoneInfo
    now: datetime
    #: what a person without a known name is called; empty: their id
    stranger: str = ""

    def name(self, who: str) -> str:
        """A person as this reader may know them."""
        return self.names.get(who) or self.stranger or who

    def subject(self, who: str) -> str:
        """The same at the beginning of a sentence."""
        name = self.name(who)
        return name[:1].upper() + name[1:]

    def clock(self, at: datetime) -> str:
        """A time as this reader says it: "14:30", "tomorrow 14:30", "Thu 26 Nov 14:30"."""
        local, today = at.astimezone(self.zone), self.now.astimezone(self.zone).date()
        time = f"{local:%H:%M}"
        near = {0: "", 1: "tomorrow ", -1: "yesterday "}.get((local.date() - today).days)
        if near is not None:
            return near + time
        year = f" {local.year}" if local.year != today.year else ""
        day = f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]}"
        return f"{day}{year} {time}"

    def stamp(self, at: datetime) -> str:
        """A time that reads the same on any day: "2026-11-23 14:30 Europe/Berlin"."""
        return f"{at.astimezone(self.zone):%Y-%m-%d %H:%M} {self.zone.key}"

    def local(self, text: str) -> str:
        """A text of the engine with its UTC times ("2026-11-30 08:00 UTC") on this clock."""

        def on_clock(match: re.Match[str]) -> str:
            return self.clock(datetime.fromisoformat(match.group(1)).replace(tzinfo=UTC))

        return _STAMP.sub(on_clock, text)


def span(length: timedelta) -> str:
    """A length of time in its two largest units: "1 hour 30 minutes"."""
    left = int(length.total_seconds())
    parts: list[str] = []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
    return " ".join(parts[:2]) or "no time"


def listed(words: Sequence[str]) -> str:
    """Words as a person lists them: "Maria, Tom and Dana"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def team(ladder: str) -> str:
    """The people of a ladder as the end user knows them: "our billing team"."""
    name = " ".join(ladder.partition("~")[0].replace("_", " ").replace("-", " ").split())
    return f"our {name}" if name.endswith("team") else f"our {name} team"


def actor_of(text: str) -> Actor:
    """The actor that an entry names: "person:maria", "agent:support", "engine"."""
    kind, _, name = text.partition(":")
    return Actor(ActorKind(kind), name)


def called(by: Actor, reader: Reader) -> str:
    """An actor as people call them, fit to begin a sentence."""
    if by.kind is ActorKind.PERSON:
        return reader.subject(by.id) if by.id else "Somebody"
    if by.kind is ActorKind.AGENT:
        return f"The agent {by.id}"
    return "The end user" if by.kind is ActorKind.END_USER else "Pullcord"
