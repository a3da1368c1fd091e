"""What a channel is: a way outward that says what it can do and what became of a letter.

A channel touches neither the store nor another channel; the courier gives it letters and keeps
its receipts. "Accepted by the provider" is not "delivered", and no channel claims more than it
knows.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class Outcome(StrEnum):
    """What a channel knows about a letter right after sending it."""

    ACCEPTED = "accepted"  #: the provider took it; whether it arrives is not known yet
    DELIVERED = "delivered"  #: it is where the person or machine will find it
    FAILED = "failed"  #: it will not arrive this way, however often it is tried
    RETRY = "retry"  #: it may arrive at another try


@dataclass(frozen=True, slots=True)
class Letter:
    """One message as a channel sees it: no agent text, nothing personal."""

    id: str  #: the delivery id, the same at every try
    kind: str  #: asked, reminded, accepted, decided, …
    workspace: str
    escalation: str
    to: str  #: "person:maria", "agent:support", "end_user"
    address: str
    at: datetime
    severity: str
    tool: str
    agent: str
    environment: str
    rule: str
    status: str
    owner: str  #: how the owner is shown
    due_at: datetime | None
    url: str  #: the page on which one can act, after signing in
    wakes: bool = False
    generation: int = 0
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one try; `retry_after` in seconds when the provider said so."""

    outcome: Outcome
    detail: str = ""
    retry_after: float | None = None


class Channel(Protocol):
    """One way outward."""

    #: its name in receipts and settings
    name: str
    #: whether it wakes a sleeping person
    wakes: bool

    async def send(self, letter: Letter) -> Sent:
        """Try once; never raises for what a provider does."""

    async def close(self) -> None:
        """Let go of connections."""
