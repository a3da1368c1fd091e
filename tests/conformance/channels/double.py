"""What a double of a provider is: a real server on loopback with its channel.

A double is a real server on loopback that behaves as its provider does: it takes what the provider
takes, refuses what it refuses, signs what it signs, and notes what arrived.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol, Self

from pullcord.channels.port import Callback, Channel


class Fault(StrEnum):
    """What goes wrong with the next request."""

    BUSY = "busy"  #: a passing trouble of the provider
    LIMITED = "limited"  #: too many letters; the provider names 30 seconds where it can
    GONE = "gone"  #: refused for good
    HANGS_UP = "hangs_up"  #: the connection ends without an answer


class Flaw(StrEnum):
    """What is wrong with a callback."""

    NONE = "none"
    UNSIGNED = "unsigned"  #: no signature at all
    ALTERED = "altered"  #: the body is not the one that was signed
    OLD = "old"  #: signed more than five minutes ago
    FOREIGN = "foreign"  #: signed with somebody else's secret


@dataclass(frozen=True, slots=True)
class Arrived:
    """One letter, or one edit of it, as the double got it."""

    #: the message key where the provider is given one, else empty
    key: str
    #: everything a person reads of it
    text: str
    #: the provider's name of the copy
    reference: str
    #: tokens of the buttons it shows
    buttons: tuple[str, ...] = ()
    is_edit: bool = False


class Double(Protocol):
    """One provider on loopback."""

    #: what its channel can do, so that tests are asked only where they mean something
    edits: ClassVar[bool]
    hears: ClassVar[bool]
    tells_receipts: ClassVar[bool]
    shows_content: ClassVar[bool]
    names_retry: ClassVar[bool]

    #: an address that takes letters, and the stable id of whoever reads it
    address: str
    account: str
    #: texts that may stand in no detail, log or error
    secrets: Sequence[str]

    @classmethod
    def opened(cls) -> AbstractAsyncContextManager[Self]:
        """The double, serving until the block ends."""

    def channel(self) -> Channel:
        """A new channel that speaks to this double."""

    def arrived(self) -> Sequence[Arrived]:
        """Everything that was taken, oldest first."""

    def faults(self, *faults: Fault) -> None:
        """The next requests go wrong like this, the ones after them do not."""

    def press(self, token: str, *, at: datetime, flaw: Flaw = Flaw.NONE) -> Callback:
        """The callback of `account` pressing a button."""

    def tells(self, reference: str, *, at: datetime) -> Callback:
        """The callback of a letter that was delivered."""
