"""A person's rules as they type and read them: "slack, voice after 5m"."""

import re
from datetime import time, timedelta

from pullcord.owner.reach import AFTER_MAX, STEPS_MAX, QuietHours, Reach, ReachStep

_STEP = re.compile(r"([a-z0-9][a-z0-9_-]{0,63})(?: after ([0-9]{1,5}) ?([smh]))?")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_QUIET = re.compile(r"(([01][0-9]|2[0-3]):[0-5][0-9])-(([01][0-9]|2[0-3]):[0-5][0-9])")
_UNITS = {"s": 1, "m": 60, "h": 3_600}

STEPS_LOOK = f'channels, the first at once: "slack, voice after 5m" (at most {STEPS_MAX})'
TIME_LOOK = "a time of the day, such as 08:00"
QUIET_LOOK = 'from and until on your own clock: "22:00-07:00"'


def steps_of(text: str) -> tuple[ReachStep, ...]:
    """Steps from words; none from an empty text.

    Raises:
        ValueError: it is no list of channels and waits.
    """
    parts = [" ".join(each.lower().split()) for each in text.split(",") if each.strip()]
    if len(parts) > STEPS_MAX:
        raise ValueError(STEPS_LOOK)
    return tuple(_step(each) for each in parts)


def _step(text: str) -> ReachStep:
    found = _STEP.fullmatch(text)
    if found is None:
        raise ValueError(STEPS_LOOK)
    channel, count, unit = found.groups()
    after = timedelta(seconds=int(count) * _UNITS[unit]) if count else timedelta(0)
    if after >= AFTER_MAX:
        raise ValueError(STEPS_LOOK)
    return ReachStep(channel, after)


def words_of(steps: tuple[ReachStep, ...]) -> str:
    """The same words again."""
    return ", ".join(f"{each.channel}{_after(each.after)}" for each in steps)


def _after(after: timedelta) -> str:
    seconds = int(after.total_seconds())
    if not seconds:
        return ""
    unit = next(name for name in "hms" if seconds % _UNITS[name] == 0)
    return f" after {seconds // _UNITS[unit]}{unit}"


def quiet_of(text: str) -> QuietHours | None:
    """Quiet hours from words; none from an empty text.

    Raises:
        ValueError: they are none.
    """
    plain = "".join(text.split())
    if not plain:
        return None
    found = _QUIET.fullmatch(plain)
    if found is None:
        raise ValueError(QUIET_LOOK)
    return QuietHours(time.fromisoformat(found[1]), time.fromisoformat(found[3]))


def time_of(text: str) -> time | None:
    """A time of day from words; none from an empty text.

    Raises:
        ValueError: it is none.
    """
    plain = text.strip()
    if not plain:
        return None
    if not _TIME.fullmatch(plain):
        raise ValueError(TIME_LOOK)
    return time.fromisoformat(plain)


def quiet_words(quiet: QuietHours | None) -> str:
    """The same words again."""
    return f"{quiet.start:%H:%M}-{quiet.end:%H:%M}" if quiet else ""


def summary(reach: Reach) -> str:
    """One line for a list of people; says so where nothing is set."""
    parts = [words_of(reach.steps) or "every quiet way at once"]
    if reach.urgent:
        parts.append(f"urgent: {words_of(reach.urgent)}")
    if reach.quiet:
        parts.append(f"quiet {quiet_words(reach.quiet)}, below {reach.quiet_below}")
    if reach.digest_every:
        hours = reach.digest_every.total_seconds() / 3_600
        parts.append(f"news every {hours:g} h")
    if reach.daily_at:
        parts.append(f"a daily letter at {reach.daily_at:%H:%M}")
    return "; ".join(parts)
