"""What an error of PostgreSQL means to whoever asked: refused, not written, or unknown.

A write that was sent and not answered may stand or not, and so may one whose commit was answered
with a warning: it did not wait for its standby. Both are unknown, never "failed".
"""

from dataclasses import dataclass

import asyncpg

from pullcord.errors import CommitUnknown, InvalidInput, StoreBusy
from pullcord.store.port import InvariantBroken, VersionConflict

#: raised by our own functions: an invariant, a Change that came second, a store of another epoch
REFUSED, UNDONE, FENCED = "PC001", "PC002", "PC003"
READ_ONLY = "25006"
UNIQUE = "23505"
#: classes of SQLSTATE: the connection, an operator's intervention, a broken server
LOST_CLASSES = ("08", "57P", "XX")
#: classes after which another try may do: deadlock, lost race
RACED = "40"


class Warned(Exception):
    """The database answered a commit with a warning: it did not reach the standby."""


class Undone(VersionConflict):
    """Part of a Change came second, and all of it was undone.

    `standing` is the escalation that stands under a taken key, empty where no key was taken.
    """

    def __init__(self, message: str, standing: str) -> None:
        super().__init__(message)
        self.standing = standing


#: what an asking database may answer with; anything else is a mistake of ours
FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    Warned,
)


@dataclass(frozen=True, slots=True)
class Mishap:
    """An error for the caller, and what becomes of the connection it came by."""

    error: Exception
    #: the connection must not be used again
    is_lost: bool = False
    #: nor any other that was opened before: the server is gone or is no longer the primary
    is_moved: bool = False


def mishap(error: Exception, *, is_sent: bool) -> Mishap:
    """What it means; `is_sent` when what was sent would have made a write durable."""
    if isinstance(error, Warned):
        return Mishap(_unknown(error), is_lost=True, is_moved=True)
    if isinstance(error, asyncpg.PostgresError):
        return _told(error, is_sent)
    if isinstance(error, TimeoutError):
        error = TimeoutError("no answer in time")
    lost = _unknown(error) if is_sent else _busy(error)
    return Mishap(lost, is_lost=True, is_moved=True)


def _told(error: asyncpg.PostgresError, is_sent: bool) -> Mishap:
    """The server said what is wrong."""
    code = error.sqlstate or ""
    if code == REFUSED or code.startswith("23"):
        return Mishap(InvariantBroken(f"the database refuses it: {error}"))
    if code == UNDONE:
        return Mishap(Undone(str(error), error.detail or ""))
    if code.startswith(RACED):
        return Mishap(VersionConflict(str(error)))
    if code.startswith("22"):
        return Mishap(_unfit(error))
    if code in (FENCED, READ_ONLY):
        return Mishap(_busy(error), is_lost=True, is_moved=True)
    if code.startswith(LOST_CLASSES):
        lost = _unknown(error) if is_sent else _busy(error)
        return Mishap(lost, is_lost=True, is_moved=True)
    return Mishap(_busy(error))


def _busy(error: Exception) -> StoreBusy:
    return StoreBusy(f"the database did not take it, nothing was written: {_name(error)}")


def _unknown(error: Exception) -> CommitUnknown:
    return CommitUnknown(
        f"the database may have taken it or not ({_name(error)}); send it again with the same key"
    )


def _unfit(error: Exception) -> InvalidInput:
    return InvalidInput(
        "text",
        value=str(error),
        limit="text without NUL and lone surrogates, numbers of 64 bits",
        remedy="Send it without them.",
    )


def _name(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
