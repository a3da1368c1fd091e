"""The database as a whole: held until a person lets it go, and which engines are at work on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Hold:
    """The whole database can be looked at and nothing goes in or out, until somebody lets it go."""

    since: datetime
    by: str
    why: str


class Keeping(Protocol):
    """The part of the port that operators and watchdogs use."""

    async def hold(self, hold: Hold) -> int:
        """Hold everything, in a new epoch, which is returned; the newest reason stands.

        Writes that were prepared in the epoch before are refused where processes share a database.

        Raises:
            NotAllowed: this role of the database may not begin an epoch.
        """

    async def held(self) -> Hold | None:
        """Who holds the database, since when and why; None when nobody does."""

    async def let_go(self) -> bool:
        """Hold it no longer; whether it was held."""

    async def beat(self, process: str, at: datetime, *, forget_before: datetime) -> None:
        """An engine process is at work at `at`; those last heard of before are forgotten."""

    async def beats(self) -> Mapping[str, datetime]:
        """Engine process to when it was last at work."""
