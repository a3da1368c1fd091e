"""Cursors of a listing: where the next page begins, opaque to whoever carries them."""

import base64
import json
from collections.abc import Sequence

from pullcord.errors import InvalidInput
from pullcord.path.escalation import LIVING
from pullcord.store.codec import micros
from pullcord.store.port import Filter, Row

#: where the ended part begins: later than any real opening
EARLIEST = (2**62, "~")
#: where the living part begins
START = (-1, "")


def living_first(wanted: Filter) -> bool:
    """Whether a listing shows living ones at all."""
    return not wanted.statuses or any(status in LIVING for status in wanted.statuses)


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
    try:
        part, at, last = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if part in ("living", "ended") and type(at) is int and type(last) is str:
            return part, at, last
    except (ValueError, TypeError):
        pass
    raise InvalidInput(
        "cursor",
        value=cursor,
        limit="a cursor from the page before",
        remedy="Leave it out to begin again.",
    )
