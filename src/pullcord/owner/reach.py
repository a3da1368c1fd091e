"""How a person is reached: by which ways, after how long, and when they are left to sleep.

A plan is a value: which ways, at which times, and why. What asks somebody is never held back; it
may only go by a quieter way. What merely informs waits for the morning, or for the next digest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pullcord.owner.wall import instant, wall_clock

#: from the mildest to the worst
SEVERITIES = ("low", "normal", "high", "critical")
#: severities for which the `urgent` steps of a person hold
URGENT = frozenset({"high", "critical"})
#: the worst may wake anybody at any time, whatever the budget
UNBOUNDED = "critical"

STEPS_MAX = 10
AFTER_MAX = timedelta(hours=24)
WAKES_MAX = 100
DIGEST_MIN, DIGEST_MAX = timedelta(minutes=15), timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ReachStep:
    """One way to try, so long after being asked."""

    channel: str
    after: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When somebody is not to be disturbed, on their own clock; may go over midnight."""

    start: time
    end: time

    def __contains__(self, at: time) -> bool:
        if self.start <= self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end


#: the night of people who named no quiet hours; only the wake budget looks at it
NIGHT = QuietHours(time(22), time(7))


@dataclass(frozen=True, slots=True)
class Reach:
    """One person's own rules; without any, every quiet way at once and loud ones when due."""

    steps: tuple[ReachStep, ...] = ()
    #: instead of `steps` for high and critical; empty: the same
    urgent: tuple[ReachStep, ...] = ()
    quiet: QuietHours | None = None
    #: from this severity on quiet hours do not count
    quiet_below: str = "high"
    #: how often loud ways may be used by day and by night
    wakes_per_day: int = 20
    wakes_per_night: int = 4
    #: news and reminders wait to go together so often; None: as they come
    digest_every: timedelta | None = None
    #: one letter a day at this time of their clock: what waits, what was decided without them
    daily_at: time | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """One address of one channel; `is_shared` is a place of the whole workspace, not a person's."""

    channel: str
    address: str
    wakes: bool = False
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class Errand:
    """What a message needs: whether it asks, how bad it is, whether it may wake, until when."""

    asks: bool
    severity: str = "normal"
    wakes: bool = False
    #: when somebody else is asked; a later try would come too late
    until: datetime | None = None
    #: the rung's own steps, before the person's
    steps: tuple[ReachStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One copy to send: by this way, at this time, for this reason."""

    way: Way
    at: datetime
    why: str = ""


def plan(
    reach: Reach,
    errand: Errand,
    *,
    ways: Sequence[Way],
    now: datetime,
    zone: ZoneInfo,
    woken: int = 0,
) -> tuple[Step, ...]:
    """Which ways are tried when, earliest first; none only where there is no way at all.

    `woken` is how often loud ways were used in this period, see `period_since`.
    """
    shared = tuple(Step(way, now) for way in ways if way.is_shared)
    own = [way for way in ways if not way.is_shared]
    if not own:
        return shared
    if not errand.asks:
        return _in_order([*shared, *_news(reach, own, now, zone)], ways)
    steps = _asked(reach, errand, own, now)
    kept = [each for each in steps if not each.way.wakes]
    if _may_wake(reach, errand, now, zone, woken):
        kept = list(steps)
    # a loud way at night is better than nobody who hears of it
    kept = kept or [Step(way, now, "quieter way") for way in own if not way.wakes] or list(steps)
    return _in_order([*shared, *kept], ways)


def _in_order(steps: Iterable[Step], ways: Sequence[Way]) -> tuple[Step, ...]:
    """By time, and at one time as the ways were given."""
    return tuple(sorted(steps, key=lambda each: (each.at, ways.index(each.way))))


def _asked(reach: Reach, errand: Errand, ways: Sequence[Way], now: datetime) -> list[Step]:
    """The ask by the rung's steps, else the person's, else by every way that fits at once."""
    own = reach.urgent if errand.severity in URGENT and reach.urgent else reach.steps
    known = {way.channel for way in ways}
    named = [each for each in (errand.steps or own) if each.channel in known]
    if named:
        steps = [
            Step(way, now + _in_time(each.after, errand, now), f"{each.channel} after {each.after}")
            for each in named
            for way in ways
            if way.channel == each.channel
        ]
        return _woken_at_once(steps, errand, ways, now)
    quiet = [way for way in ways if not way.wakes]
    chosen = list(ways) if errand.wakes else (quiet or list(ways))
    return [Step(way, now) for way in chosen]


def _woken_at_once(
    steps: list[Step], errand: Errand, ways: Sequence[Way], now: datetime
) -> list[Step]:
    """Where the rung wakes, a way that wakes is used at once, whatever the steps say."""
    if not errand.wakes or any(each.way.wakes and each.at == now for each in steps):
        return steps
    named = {each.way for each in steps}
    moved = [replace(each, at=now) if each.way.wakes else each for each in steps]
    if any(each.way.wakes for each in moved):
        return moved
    return moved + [Step(way, now, "may wake") for way in ways if way.wakes and way not in named]


def _in_time(after: timedelta, errand: Errand, now: datetime) -> timedelta:
    """The wait of a step, at half time where it would outlast the ask."""
    if errand.until is None or now + after < errand.until:
        return after
    return max((errand.until - now) / 2, timedelta(0))


def _news(reach: Reach, ways: Sequence[Way], now: datetime, zone: ZoneInfo) -> Iterable[Step]:
    """What only informs: by quiet ways, after quiet hours, at the next digest.

    Who has loud ways only is told by these, and never at night.
    """
    soft = [way for way in ways if not way.wakes]
    quiet = reach.quiet if soft else (reach.quiet or NIGHT)
    at, why = now, ""
    if reach.digest_every is not None:
        at, why = next_digest(reach.digest_every, now, zone), "digest"
    if quiet is not None and wall_clock(at, zone).time() in quiet:
        at, why = _quiet_end(quiet, at, zone), "after quiet hours"
    named = {each.channel for each in reach.steps}
    chosen = [way for way in soft if way.channel in named] or soft or ways
    return [Step(way, at, why) for way in chosen]


def _may_wake(reach: Reach, errand: Errand, now: datetime, zone: ZoneInfo, woken: int) -> bool:
    if errand.severity == UNBOUNDED:
        return True
    if woken >= wakes_allowed(reach, now, zone):
        return False
    if reach.quiet is None or wall_clock(now, zone).time() not in reach.quiet or errand.wakes:
        return True
    return SEVERITIES.index(errand.severity) >= SEVERITIES.index(reach.quiet_below)


def wakes_allowed(reach: Reach, now: datetime, zone: ZoneInfo) -> int:
    """How often loud ways may be used in the period that is now."""
    is_night = wall_clock(now, zone).time() in (reach.quiet or NIGHT)
    return reach.wakes_per_night if is_night else reach.wakes_per_day


def period_since(reach: Reach, now: datetime, zone: ZoneInfo) -> datetime:
    """When the night or the day that is now began."""
    night = reach.quiet or NIGHT
    wall = wall_clock(now, zone)
    edge = night.start if wall.time() in night else night.end
    day = wall.date() if wall.time() >= edge else wall.date() - timedelta(days=1)
    return _at(day, edge, zone)


def next_digest(every: timedelta, now: datetime, zone: ZoneInfo) -> datetime:
    """The next time of a digest, counted from midnight on the person's clock."""
    midnight = _at(wall_clock(now, zone).date(), time(0), zone)
    tomorrow = _at(wall_clock(now, zone).date() + timedelta(days=1), time(0), zone)
    return min(midnight + ((now - midnight) // every + 1) * every, tomorrow)


def _quiet_end(quiet: QuietHours, at: datetime, zone: ZoneInfo) -> datetime:
    wall = wall_clock(at, zone)
    day = wall.date() if wall.time() < quiet.end else wall.date() + timedelta(days=1)
    return _at(day, quiet.end, zone)


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return instant(datetime.combine(day, clock), zone)
