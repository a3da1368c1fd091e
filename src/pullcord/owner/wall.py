"""Wall-clock times and instants: the two rules for hours that happen twice or never.

An ambiguous wall time is its first occurrence, unless the last is asked for; a wall time that
does not exist is the first instant after the gap. Everything is computed and compared in UTC:
Python compares two times of one zone by their wall clocks and forgets which of the two it was.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)


def instant(wall: datetime, zone: ZoneInfo, *, last: bool = False) -> datetime:
    """The UTC instant of a naive wall time in a zone."""
    both = [wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    real = [at for at in both if wall_clock(at, zone) == wall]
    if real:
        return max(real) if last else min(real)
    return _first_after_gap(min(both), max(both), zone)


def wall_clock(at: datetime, zone: ZoneInfo) -> datetime:
    """What a clock on the wall of that zone shows at an instant, without a zone."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def _first_after_gap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The second in which the offset changes, by halving the span between the two readings."""
    old = before.astimezone(zone).utcoffset()
    low, high = before, after
    while high - low > _SECOND:
        middle = low + (high - low) // 2
        if middle.astimezone(zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)
