"""Times as people read them: how far away, at what hour of the viewer's day, and exactly when."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
#: below this distance in days the weekday names the day, above it the date does
WEEKDAY_DAYS_MAX = 6


def zone_of(name: str) -> tzinfo:
    """The zone with this name; UTC when the name is unknown, so that a page always shows."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def span(seconds: float) -> str:
    """A length of time in its two largest units: "45 s", "12 min", "3 h 20 min", "2 d 4 h"."""
    whole = round(abs(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < DAY:
        return _two(whole // HOUR, "h", whole % HOUR // MINUTE, "min")
    return _two(whole // DAY, "d", whole % DAY // HOUR, "h")


def _two(big: int, big_unit: str, small: int, small_unit: str) -> str:
    return f"{big} {big_unit} {small} {small_unit}" if small else f"{big} {big_unit}"


def relative(at: datetime, now: datetime) -> str:
    """How far away: "in 12 min", "3 h ago", "now"."""
    seconds = (at - now).total_seconds()
    if abs(seconds) < 1:
        return "now"
    return f"in {span(seconds)}" if seconds > 0 else f"{span(seconds)} ago"


def absolute(at: datetime, now: datetime, zone: tzinfo) -> str:
    """The hour in the viewer's zone, with the day when it is not today: "14:30", "Tue 14:30"."""
    there, here = at.astimezone(zone), now.astimezone(zone)
    days = abs((there.date() - here.date()).days)
    hour = f"{there:%H:%M}"
    if days == 0:
        return hour
    if days <= WEEKDAY_DAYS_MAX:
        return f"{there:%a} {hour}"
    if there.year == here.year:
        return f"{there.day} {there:%b} {hour}"
    return f"{there.day} {there:%b %Y} {hour}"


def exact(at: datetime) -> str:
    """The instant to the second in UTC, for titles and proofs."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def stamp(at: datetime) -> str:
    """The instant as machines read it, for `datetime` attributes."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
