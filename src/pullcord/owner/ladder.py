"""The ladder: who is asked first, who next, and the named person at whom it always ends."""

from dataclasses import dataclass
from datetime import timedelta

from pullcord.owner.reach import ReachStep

#: rungs one ladder may have
RUNGS_MAX = 20
ACCEPT_WITHIN_MIN = timedelta(seconds=1)
ACCEPT_WITHIN_MAX = timedelta(days=7)

KINDS = ("person", "schedule", "team")


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a rung asks: `schedule/billing`, `team/support` or `person/tom`."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.id}"


@dataclass(frozen=True, slots=True)
class Rung:
    """One ask: whom, for how long, and whether they may be woken."""

    target: Target
    accept_within: timedelta
    wakes: bool = False
    #: which ways are tried after how long, before what each person prefers
    reach: tuple[ReachStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Ladder:
    """Ordered asks, then the catch-all, who is reminded until somebody answers."""

    id: str
    rungs: tuple[Rung, ...]
    catch_all: str
    remind_every: timedelta = timedelta(minutes=15)


def parse_target(text: str) -> Target:
    """Read `person/tom`.

    Raises:
        ValueError: says what a target looks like.
    """
    kind, slash, name = text.partition("/")
    if not slash or kind not in KINDS or not name:
        raise ValueError(f"{text!r} is no target; write schedule/NAME, team/NAME or person/NAME")
    return Target(kind, name)
