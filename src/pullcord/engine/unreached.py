"""Somebody nobody could reach: what the courier finds out and the desk acts upon."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unreached:
    """A person nobody could reach about an escalation, as asked in that generation."""

    workspace: str
    escalation: str
    person: str
    generation: int


#: what is done about somebody who could not be reached
NotReached = Callable[[Unreached], Awaitable[None]]
