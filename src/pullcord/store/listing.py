"""Cursors of a listing: where the next page begins, opaque to whoever carries them."""

import base64
import json
from collections.abc import Sequence

from pullcord.errors import InvalidInput
from pullcord.path.escalation import LIVING, Status
from pullcord.store.codec import micros
from pullcord.store.port import Filter, Row

#: longest cursor, and most rows of one page
CURSOR_LENGTH_MAX = 400
PAGE_MAX = 1_000
#: limits that statements are made for
STEPS = (1, 10, 50, 100, 200, PAGE_MAX)
#: decided, and not yet reported by the agent
WITH_AGENT = frozenset({Status.DECIDED, Status.COLLECTED})
#: where the ended part begins: later than any real opening
EARLIEST = (2**62, "~")
#: where the living part begins
START = (-1, "")


def living_first(wanted: Filter) -> bool:
    """Whether a listing shows living ones at all."""
    return not wanted.statuses or any(status in LIVING for status in wanted.statuses)


def ended_too(wanted: Filter) -> bool:
    """Whether a listing shows ended ones at all."""
    return not wanted.statuses or any(status not in LIVING for status in wanted.statuses)


def with_agent_only(wanted: Filter) -> bool:
    """Whether a listing shows decisions on their way to the agent and nothing else."""
    return bool(wanted.statuses) and all(status in WITH_AGENT for status in wanted.statuses)


def check_limit(limit: int) -> None:
    """Refuse a page without rows or without end.

    Raises:
        InvalidInput: it is not from 1 to 1,000.
    """
    if not 1 <= limit <= PAGE_MAX:
        raise InvalidInput(
            "limit",
            value=limit,
            limit=f"1 to {PAGE_MAX}",
            remedy="Ask for fewer and follow the cursor.",
        )


def stepped(limit: int) -> int:
    """The next of a few limits, so that statements with a limit in them are few."""
    return next((each for each in STEPS if each >= limit), limit)


def write_cursor(rows: Sequence[Row], limit: int, *, part: str) -> str:
    """The cursor after these rows; empty when they were the last."""
    if len(rows) < limit or not rows:
        return ""
    last = rows[-1].escalation
    at = last.due_at if part == "living" else last.opened_at
    assert at is not None, f"{last.id} is listed as living without a deadline"
    text = json.dumps([part, micros(at), last.id])
    return base64.urlsafe_b64encode(text.encode()).decode()


def read_cursor(cursor: str) -> tuple[str, int, str]:
    """(part, time, id) of a cursor; the beginning when it is empty.

    Raises:
        InvalidInput: it is none of ours.
    """
    if not cursor:
        return ("living", *START)
    if len(cursor) <= CURSOR_LENGTH_MAX:
        try:
            part, at, last = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        except (ValueError, TypeError):
            pass
        else:
            if part in ("living", "ended") and _is_place(at, last):
                return part, at, last
    raise InvalidInput(
        "cursor",
        value=cursor,
        limit="a cursor from the page before",
        remedy="Leave it out to begin again.",
    )


def _is_place(at: object, last: object) -> bool:
    if type(at) is not int or type(last) is not str:
        return False
    return abs(at) < 2**63 and last.isascii()
