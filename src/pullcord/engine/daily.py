"""The daily letter: what waits for somebody, what was decided without them, what nobody decided.

Whoever wants one names a time of their own day. It goes once a day by their best quiet private way;
a day on which there is nothing to tell has none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pullcord.briefing.plain import safe_line
from pullcord.channels.port import Channel, Letter, Line, Outcome
from pullcord.engine.clock import Clock
from pullcord.engine.contents import Contents
from pullcord.engine.floors import Floors
from pullcord.engine.letters import stands
from pullcord.engine.planning import addresses_of
from pullcord.engine.policies import Policies
from pullcord.engine.readers import colleague
from pullcord.engine.views_inbox import question_of
from pullcord.owner.floor import Floor
from pullcord.owner.roster import Person
from pullcord.owner.wall import instant, wall_clock
from pullcord.path.escalation import Escalation
from pullcord.path.wording import Reader
from pullcord.store.port import Filter, Row, Store

DAY = timedelta(hours=24)
#: later than this after its time it is yesterday's letter, and not sent
LATE_MAX = timedelta(hours=6)
#: when a provider in trouble is asked again
AGAIN_AFTER = timedelta(minutes=5)
#: lines of each kind, and ended escalations that are looked through
LINES_MAX = 20
ENDED_MAX = 100
ASK_MAX = 300

LIVING = ("open", "accepted")
OVER = ("decided", "collected", "closed")


@dataclass(frozen=True, slots=True)
class _Day:
    """What one person has to know today."""

    waiting: list[Escalation]
    decided: list[Escalation]
    lapsed: list[Escalation]

    @property
    def headline(self) -> str:
        """ "2 wait for you, 3 were decided without you, nobody decided 1": what there is of it."""
        waiting, decided, lapsed = len(self.waiting), len(self.decided), len(self.lapsed)
        parts = []
        if waiting:
            parts.append(f"{waiting} wait{'s' if waiting == 1 else ''} for you")
        if decided:
            parts.append(f"{decided} {'was' if decided == 1 else 'were'} decided without you")
        if lapsed:
            parts.append(f"nobody decided {lapsed}")
        return ", ".join(parts)


class Daily:
    """Writes and sends the daily letters."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        channels: Mapping[str, Channel],
        contents: Contents,
        policies: Policies,
        floors: Floors,
        public_url: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._channels = channels
        self._contents = contents
        self._policies = policies
        self._floors = floors
        self._public_url = public_url

    async def send(self, workspace: str, who: str) -> datetime:
        """Send today's letter if it is time; when to look again.

        The same day's letter has the same id, so a provider may know a second try for what it is.
        """
        now = self._clock.now()
        floor = await self._floors.now(workspace)
        someone = floor.people.get(who)
        if someone is None or not someone.is_active or someone.reach.daily_at is None:
            return now + DAY
        due, following = around(someone.reach.daily_at, now, ZoneInfo(someone.timezone))
        way = _way(who, floor, self._channels)
        if way is None or now - due > LATE_MAX:
            return following
        channel, address = way
        day = await self._day(workspace, who, since=due - DAY)
        if not day.headline:
            return following
        letter = await self._letter(workspace, someone, day, floor=floor, due=due, address=address)
        sent = await channel.send(letter)
        return now + AGAIN_AFTER if sent.outcome is Outcome.RETRY else following

    async def _day(self, workspace: str, who: str, *, since: datetime) -> _Day:
        waiting = await self._store.find(
            workspace, Filter(statuses=LIVING, candidate=who), limit=LINES_MAX
        )
        over = await self._store.find(workspace, Filter(statuses=OVER), limit=ENDED_MAX)
        recent = [each for each in over.rows if _is_news(each.escalation, who, since)]
        told = [each.escalation for each in recent if await self._was_told(workspace, who, each)]
        lapsed = [each for each in told if each.decision and each.decision.applied is not None]
        decided = [each for each in told if each not in lapsed]
        return _Day(
            [each.escalation for each in waiting.rows], decided[:LINES_MAX], lapsed[:LINES_MAX]
        )

    async def _was_told(self, workspace: str, who: str, row: Row) -> bool:
        """Whether it was theirs to answer at some time."""
        receipts = await self._store.receipts(workspace, row.escalation.id)
        return any(each.to == f"person:{who}" for each in receipts)

    async def _letter(
        self,
        workspace: str,
        someone: Person,
        day: _Day,
        *,
        floor: Floor,
        due: datetime,
        address: str,
    ) -> Letter:
        now = self._clock.now()
        reader = colleague(floor, someone.id, now)
        found = [*day.waiting, *day.lapsed, *day.decided]
        lines = [await self._line(each, reader) for each in found]
        worst = day.waiting[0] if day.waiting else found[0]
        name = (await self._policies.current(workspace)).configuration.name
        return Letter(
            id=f"daily_{workspace}.{someone.id}.{due.date()}",
            kind="digest",
            workspace=workspace,
            escalation="",
            to=f"person:{someone.id}",
            address=address,
            at=now,
            severity=worst.severity,
            tool="",
            agent="",
            environment="",
            rule="",
            status="",
            owner="",
            due_at=day.waiting[0].due_at if day.waiting else None,
            url=f"{self._public_url}/",
            headline=f"Today: {day.headline}",
            standing="Your daily letter: what waits first, then what happened since yesterday.",
            is_open=bool(day.waiting),
            lines=tuple(lines),
            timezone=someone.timezone,
            workspace_name=name,
        )

    async def _line(self, escalation: Escalation, reader: Reader) -> Line:
        shown = await self._contents.named(escalation.workspace, escalation.id, ("shown",))
        ask = question_of(shown["shown"]) if "shown" in shown else ""
        text = stands(escalation, reader)
        if escalation.is_living and escalation.decide_by is not None:
            by = reader.clock(escalation.decide_by)
            text = f"Waits for you: {escalation.severity}, decide by {by}"
        return Line(
            at=escalation.opened_at,
            text=text,
            url=f"{self._public_url}/escalations/{escalation.id}",
            ask=safe_line(ask, ASK_MAX),
        )


def around(at: time, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The last time a clock said so, now included, and the next time it will."""
    today = wall_clock(now, zone).date()
    days: Iterable[date] = (today + timedelta(days=each) for each in (-1, 0, 1, 2))
    times = [instant(datetime.combine(day, at), zone) for day in days]
    past = [each for each in times if each <= now]
    return past[-1], times[len(past)]


def _is_news(escalation: Escalation, who: str, since: datetime) -> bool:
    decision = escalation.decision
    return decision is not None and decision.at > since and decision.by != who


def _way(who: str, floor: Floor, channels: Mapping[str, Channel]) -> tuple[Channel, str] | None:
    """E-mail, else another private way that wakes nobody."""
    for name in sorted(channels, key=lambda each: (each != "email", each)):
        channel = channels[name]
        can = channel.can
        if can.is_private and can.bundles_for and not can.wakes:
            for address in addresses_of(who, floor, name, can.found_by):
                return channel, address
    return None
