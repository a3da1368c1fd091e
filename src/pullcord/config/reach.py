"""Reading how people are reached: steps of rungs, and each person's own rules."""

import re
from collections.abc import Iterable
from datetime import time, timedelta

from pullcord.config.fields import Section
from pullcord.owner.reach import (
    AFTER_MAX,
    DIGEST_MAX,
    DIGEST_MIN,
    SEVERITIES,
    STEPS_MAX,
    WAKES_MAX,
    QuietHours,
    Reach,
    ReachStep,
)

CLOCK_PATTERN = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
QUIET_PATTERN = rf"{CLOCK_PATTERN}-{CLOCK_PATTERN}"
_QUIET = re.compile(QUIET_PATTERN)


def read_reach(part: Section) -> Reach:
    """One person's own rules."""
    usual = Reach()
    found = Reach(
        steps=read_steps(part, "steps"),
        urgent=read_steps(part, "urgent"),
        quiet=_quiet(part),
        quiet_below=part.choice("quiet_below", SEVERITIES, usual.quiet_below),
        wakes_per_day=part.count("wakes_per_day", usual.wakes_per_day, low=0, high=WAKES_MAX),
        wakes_per_night=part.count("wakes_per_night", usual.wakes_per_night, low=0, high=WAKES_MAX),
        digest_every=_digest(part),
        daily_at=_daily(part),
    )
    part.close()
    return found


def read_steps(part: Section, name: str, *, within: timedelta = AFTER_MAX) -> tuple[ReachStep, ...]:
    """Which way after how long; each must come before `within` is over."""
    return tuple(_steps(part.items(name, limit=STEPS_MAX), within))


def _steps(parts: Iterable[Section], within: timedelta) -> Iterable[ReachStep]:
    for each in parts:
        channel = each.name("by", needed=True)
        after = each.span("after") or timedelta(0)
        each.close()
        if after >= within:
            limit = f"less than {within}, when somebody else is asked"
            each.refuse("after", each.get("after"), limit=limit, remedy="Write a shorter wait.")
        yield ReachStep(channel, after)


def _quiet(part: Section) -> QuietHours | None:
    text = part.text("quiet")
    if not text:
        return None
    if not _QUIET.fullmatch(text):
        remedy = 'Write it as "22:00-07:00", in quotes.'
        part.refuse("quiet", text, limit="from and until on their own clock", remedy=remedy)
        return None
    start, _, end = text.partition("-")
    return QuietHours(time.fromisoformat(start), time.fromisoformat(end))


def _daily(part: Section) -> time | None:
    text = part.text("daily_at")
    if not text:
        return None
    if not re.fullmatch(CLOCK_PATTERN, text):
        remedy = 'Write it as "08:00", in quotes.'
        part.refuse("daily_at", text, limit="a time of their own clock", remedy=remedy)
        return None
    return time.fromisoformat(text)


def _digest(part: Section) -> timedelta | None:
    every = part.span("digest_every")
    if every is not None and not DIGEST_MIN <= every <= DIGEST_MAX:
        given = part.get("digest_every")
        part.refuse("digest_every", given, limit="15m to 24h", remedy="Write e.g. 4h.")
        return None
    return every
