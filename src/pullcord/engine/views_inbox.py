"""The inbox: which escalations a person sees in which tab, one line each, and what to say if none.

A page opens only the "shown" contents of its own rows, all of them in one read.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Any, TypedDict

from pullcord.briefing.briefing import completeness
from pullcord.briefing.plain import safe_line
from pullcord.engine.contents import Contents
from pullcord.engine.gists import Gists
from pullcord.engine.readers import person_out
from pullcord.errors import InvalidInput
from pullcord.owner.wall import instant, wall_clock
from pullcord.path.escalation import Control, Escalation, Fallback, Status
from pullcord.path.wording import Reader
from pullcord.store.port import Filter, Store
from pullcord.wire.views import InboxRow, InboxView

#: a tab is counted to here and no further
COUNTED_TO = 100
QUESTION_MAX = 160
NAME_MAX = 80

_LIVING = (str(Status.OPEN), str(Status.ACCEPTED))
_WITH_AGENT = (str(Status.DECIDED), str(Status.COLLECTED))
_ENDED = (str(Status.CLOSED), str(Status.WITHDRAWN))
#: which statuses each tab lists, in the order the tabs stand
TABS: Mapping[str, tuple[str, ...]] = {
    "needs_me": _LIVING,
    "queues": _LIVING,
    "waiting": _WITH_AGENT,
    "decided": (*_WITH_AGENT, *_ENDED),
}
#: what a fallback does, in a word or two
FALLBACKS: Mapping[Fallback, str] = {
    Fallback.REJECT: "reject",
    Fallback.NO_ANSWER: "no answer",
    Fallback.SAFE_OPTION: "the safe option",
    Fallback.KEEP_WAITING: "keep asking",
    Fallback.APPROVE: "approve",
}
#: verdicts after which a call ran without anybody being asked
_FREE = frozenset({"allow", "sample", "observe", "granted"})


class Glance(TypedDict, total=False):
    """What a line of the inbox needs of what people are shown."""

    ask: Mapping[str, Any]
    briefing: Mapping[str, Any]
    end_user: Mapping[str, Any]
    reversible: str


@dataclass(frozen=True, slots=True)
class Gist:
    """What a line says of what people are shown."""

    question: str
    #: name of the end user; empty where none is told
    end_user: str
    is_irreversible: bool
    #: how many fields of the briefing are filled
    filled: int


def gist_of(shown: Mapping[str, Any]) -> Gist:
    """The few words of a line."""
    return Gist(
        question=safe_line(question_of(shown), QUESTION_MAX),
        end_user=str(shown.get("end_user", {}).get("name") or ""),
        is_irreversible=shown.get("reversible") == "no",
        filled=completeness(shown.get("briefing", {})).filled,
    )


@dataclass(frozen=True, slots=True)
class Desktop:
    """Whose inbox it is: the person and how sentences are written for them."""

    workspace: str
    who: str
    reader: Reader


class Inbox:
    """Pages of the inbox."""

    def __init__(self, store: Store, contents: Contents) -> None:
        self._store = store
        self._gists = Gists(store, contents, "shown", part=Glance, gist=gist_of)

    async def page(
        self, desktop: Desktop, tab: str, *, wanted: Filter, cursor: str, limit: int
    ) -> InboxView:
        """One page of one tab with the counts of all.

        Raises:
            InvalidInput: there is no such tab.
        """
        if tab not in TABS:
            raise InvalidInput("tab", value=tab, limit=", ".join(TABS), remedy="Name one of them.")
        asked = _asked(tab, desktop.who, wanted)
        (rows, following), counted = await asyncio.gather(
            self._rows(desktop, asked, cursor=cursor, limit=limit),
            asyncio.gather(*(self._count(desktop, each, wanted) for each in TABS)),
        )
        counts = dict(zip(TABS, counted, strict=True))
        return InboxView(
            tab=tab,
            rows=rows,
            counts=counts,
            counted_to=COUNTED_TO,
            cursor=following,
            empty="" if rows else await self._empty(desktop, tab, counts),
        )

    async def _rows(
        self, desktop: Desktop, wanted: Filter | None, *, cursor: str, limit: int
    ) -> tuple[list[InboxRow], str]:
        if wanted is None:
            return [], ""
        page = await self._store.find(desktop.workspace, wanted, cursor=cursor, limit=limit)
        ids = [row.escalation.id for row in page.rows]
        gists = await self._gists.of(desktop.workspace, ids)
        rows = [
            inbox_row(row.escalation, gists.get(row.escalation.id, NOTHING), desktop)
            for row in page.rows
        ]
        return rows, page.cursor

    async def _count(self, desktop: Desktop, tab: str, wanted: Filter) -> int:
        asked = _asked(tab, desktop.who, wanted)
        if asked is None:
            return 0
        return await self._store.counts(desktop.workspace, asked, limit=COUNTED_TO)

    async def _empty(self, desktop: Desktop, tab: str, counts: Mapping[str, int]) -> str:
        """What to say instead of rows, with figures of the day."""
        if tab == "waiting":
            return "No decision waits for its agent."
        if tab == "decided":
            return "Nothing was decided yet."
        since = start_of_day(desktop.reader)
        calls = await self._store.call_counts(desktop.workspace, since=since)
        free = sum(count for (_, verdict), count in calls.items() if verdict in _FREE)
        today = f"{free} call{'' if free == 1 else 's'} ran today without asking anybody."
        if tab == "queues":
            return f"Nothing is open. {today}"
        return f"Nothing needs you. {_elsewhere(counts['queues'])} {today}"


def _elsewhere(count: int) -> str:
    """How many are open with other people."""
    if not count:
        return "Nothing is open with other people either."
    more = " or more" if count >= COUNTED_TO else ""
    return f"{count}{more} {'is' if count == 1 else 'are'} open with other people."


def _asked(tab: str, who: str, wanted: Filter) -> Filter | None:
    """What a tab lists of what is wanted; None when the two exclude each other."""
    statuses = TABS[tab]
    if wanted.statuses:
        statuses = tuple(each for each in statuses if each in wanted.statuses)
    if not statuses:
        return None
    candidate = who if tab == "needs_me" else wanted.candidate
    return replace(wanted, statuses=statuses, candidate=candidate)


def start_of_day(reader: Reader) -> datetime:
    """Midnight of today where the reader is."""
    today = wall_clock(reader.now, reader.zone).date()
    return instant(datetime.combine(today, time()), reader.zone)


def inbox_row(escalation: Escalation, gist: Gist, desktop: Desktop) -> InboxRow:
    """Everything needed to choose what to open first."""
    reader, who = desktop.reader, desktop.who
    offer = escalation.offer
    is_offered = escalation.is_living and offer is not None and who in offer.candidates
    decision = escalation.decision
    return InboxRow(
        id=escalation.id,
        question=gist.question,
        agent=escalation.agent,
        environment=escalation.environment,
        tool=escalation.tool,
        rule=escalation.rule,
        severity=escalation.severity,
        ask_kind=str(escalation.ask_kind),
        status=str(escalation.status),
        standing=standing(escalation, desktop),
        owner=person_out(reader, escalation.owner),
        opened_at=escalation.opened_at,
        due_at=escalation.due_at,
        decide_by=escalation.decide_by,
        fallback=f"nobody decides → {FALLBACKS[escalation.terms.fallback]}",
        elapsed=elapsed(escalation, reader.now),
        is_irreversible=gist.is_irreversible,
        is_mine=escalation.status is Status.ACCEPTED and escalation.owner == who,
        is_offered_to_me=is_offered,
        completeness=gist.filled,
        end_user=safe_line(gist.end_user or escalation.end_user, NAME_MAX),
        purpose=str(escalation.purpose),
        decided_as=str(decision.kind) if decision else "",
        closed_as=str(escalation.closed_as or ""),
    )


def question_of(shown: Mapping[str, Any]) -> str:
    """The question people are asked; says so when the content was erased."""
    return str(shown.get("ask", {}).get("question") or "(the content was erased)")


#: of a content that was erased
NOTHING = gist_of(Glance())


def end_user_of(escalation: Escalation, shown: Mapping[str, Any]) -> str:
    """What people call the end user: the name, else the reference."""
    return str(shown.get("end_user", {}).get("name") or escalation.end_user)


def standing(escalation: Escalation, desktop: Desktop) -> str:
    """Who has it or is being asked, or where it stands with the agent."""
    if escalation.status is Status.DECIDED:
        return "waiting for the agent"
    if escalation.status is Status.COLLECTED:
        return "the agent has the decision"
    if escalation.status is Status.WITHDRAWN:
        return "withdrawn"
    if escalation.closed_as is not None:
        return str(escalation.closed_as).replace("_", " ")
    return _held(escalation, desktop)


def _held(escalation: Escalation, desktop: Desktop) -> str:
    reader, who = desktop.reader, desktop.who
    owner = escalation.owner
    if escalation.status is Status.ACCEPTED:
        what = "the conversation" if escalation.control is Control.HUMAN else "it"
        return f"you have {what}" if owner == who else f"{reader.name(owner)} has {what}"
    offer = escalation.offer
    asked = offer.candidates if offer else (owner,)
    if who in asked:
        return "you are being asked"
    more = f" and {len(asked) - 1} more" if len(asked) > 1 else ""
    return f"{reader.name(owner)}{more} {'are' if more else 'is'} being asked"


def elapsed(escalation: Escalation, now: datetime) -> float:
    """The share of the time between opening and `decide_by` that has passed, 0 to 1."""
    if escalation.decide_by is None:
        return 1.0
    whole = (escalation.decide_by - escalation.opened_at).total_seconds()
    passed = (now - escalation.opened_at).total_seconds()
    return min(1.0, max(0.0, passed / whole)) if whole > 0 else 1.0
