"""What a store offers that several processes use at once: hints between them, and one time.

Hints are never the truth: they may be lost, doubled or late, and whoever hears one reads the rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Hint:
    """Something changed in another process."""

    workspace: str
    topic: str
    id: str = ""
    version: int = 0
    #: the API key whose agent may be waiting for it; empty where no agent is
    agent_key: str = ""
    is_decided: bool = False


#: called with what was heard, and when hints may have been lost; both return at once
Heard = Callable[[Sequence[Hint]], None]
Lost = Callable[[], None]


class Hints(Protocol):
    """The wire between the processes of one database."""

    async def start(self, heard: Heard, lost: Lost) -> None:
        """Begin to listen; goes on over lost connections until it is closed."""

    def tell(self, hint: Hint) -> None:
        """Let the others know, soon; costs the caller nothing and never raises."""

    async def close(self) -> None:
        """Tell what is left and stop."""


@runtime_checkable
class Shared(Protocol):
    """A store that other processes use at the same time."""

    def hints(self) -> Hints:
        """The wire to the others, not yet started."""

    async def changed_since(self, at: datetime, *, limit: int = 1_000) -> Sequence[Hint]:
        """Escalations whose timeline grew since then, for hints that were lost."""

    async def recheck_copies(self, since: datetime, at: datetime) -> int:
        """Copies that tell of something past and that no write marked are due; how many."""

    async def time(self) -> datetime:
        """What the database's own clock says."""
