"""Receipts: what became of a message on one channel at one try, and how many there are of each."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ReceiptState(StrEnum):
    """What became of a message on one channel."""

    ACCEPTED = "accepted"  #: the provider took it
    DELIVERED = "delivered"  #: it reached the person's device or inbox
    SEEN = "seen"
    FAILED = "failed"  #: it will not arrive; `detail` says why
    STALE = "stale"  #: no longer true when its turn came; not sent
    EDITED = "edited"  #: a copy that was sent says now how it stands


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one message on one channel at one try."""

    outgoing: str
    escalation: str
    to: str  #: "person:maria", "agent:support", "end_user"
    channel: str
    state: ReceiptState
    at: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many receipts of one state a channel has since some time, the first and the last."""

    channel: str
    state: ReceiptState
    count: int
    first_at: datetime
    last_at: datetime
