"""Reading escalations, and the acts of people and agents on one of them."""

from dataclasses import replace
from typing import Annotated

import msgspec
from starlette.responses import Response

from pullcord.errors import InvalidInput
from pullcord.path.escalation import Status
from pullcord.server.route import Handler, Route, Visit, answer
from pullcord.store.port import Filter
from pullcord.wire import requests as wire
from pullcord.wire.bounds import MaybeName
from pullcord.wire.listings import TimelineOut
from pullcord.wire.replies import EscalationOut, PageOut

#: entries of one page of a timeline
ENTRIES_MAX = 500

VIA = "api"
Cursor = Annotated[str, msgspec.Meta(max_length=500)]


class ListQuery(wire.Request, frozen=True, kw_only=True):
    """Which escalations are wanted; empty fields do not filter."""

    #: one or more statuses, separated by commas
    status: MaybeName = ""
    owner: MaybeName = ""
    agent: MaybeName = ""
    run: MaybeName = ""
    ladder: MaybeName = ""
    end_user: MaybeName = ""
    cursor: Cursor = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


class TimelineQuery(wire.Request, frozen=True, kw_only=True):
    """Where the page begins."""

    after: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0


async def escalations(visit: Visit) -> Response:
    """Living ones by due time, then ended ones, newest first; an agent sees its own key's."""
    asked: ListQuery = visit.query
    wanted = Filter(
        statuses=_statuses(asked.status),
        owner=asked.owner,
        agent=asked.agent,
        agent_key=visit.key.id if visit.key else "",
        run=asked.run,
        ladder=asked.ladder,
        end_user=asked.end_user,
    )
    views = visit.house.agent_views
    page = await views.page(visit.workspace, wanted, cursor=asked.cursor, limit=asked.limit)
    return answer(page)


def _statuses(text: str) -> tuple[str, ...]:
    found = tuple(each.strip() for each in text.split(",")) if text else ()
    known = [str(each) for each in Status]
    for each in found:
        if each not in known:
            limit = ", ".join(known)
            remedy = "Name one, or some separated by commas."
            raise InvalidInput("status", value=each, limit=limit, remedy=remedy)
    return found


async def escalation(visit: Visit) -> Response:
    """One escalation; an agent sees its own key's."""
    return answer(await _seen(visit))


async def _seen(visit: Visit) -> EscalationOut:
    views = visit.house.agent_views
    if visit.key is not None:
        return await views.escalation(visit.key, visit.id)
    return await views.of_workspace(visit.workspace, visit.id)


async def timeline(visit: Visit) -> Response:
    """What happened, in order, each entry with its place in the chain."""
    found = await _seen(visit)
    entries = await visit.house.views.timeline(
        visit.workspace, found.id, after=visit.query.after, limit=ENTRIES_MAX
    )
    is_more = len(entries) == ENTRIES_MAX
    return answer(TimelineOut(entries=entries, cursor=str(entries[-1].seq) if is_more else ""))


async def act(visit: Visit) -> Response:
    """One verb, by whoever may use it now."""
    row = await visit.house.desk.act(
        visit.workspace,
        visit.id,
        visit.actor,
        visit.body,
        via=VIA,
        agent_key=visit.key.id if visit.key else "",
    )
    return answer(await visit.house.agent_views.of_row(row))


async def decide_late(visit: Visit) -> Response:
    """A person decides what nobody decided: opens a fresh escalation that is theirs."""
    row = await visit.house.desk.decide_late(visit.workspace, visit.id, visit.person)
    visit.note(row.escalation.id)
    return answer(await visit.house.agent_views.of_row(row), 201)


async def outcome(visit: Visit) -> Response:
    """A label learned afterwards; the timeline stays as it is."""
    await visit.house.desk.note_outcome(visit.workspace, visit.id, visit.actor, visit.body)
    return answer(await _seen(visit))


#: verb in the address, what it takes, who uses it, what it does
_ACTS: tuple[tuple[str, type[wire.Act], str, str], ...] = (
    ("accept", wire.AcceptIn, "people", '"I have it"'),
    ("decline", wire.DeclineIn, "people", '"Not me": the next is asked at once'),
    ("release", wire.ReleaseIn, "people", "Give it back to the others of the rung"),
    ("reassign", wire.ReassignIn, "people", "Offer it to a named person"),
    ("snooze", wire.SnoozeIn, "people", "Hold it longer without deciding"),
    ("extend", wire.ExtendIn, "people", "Move the time by which it is decided, and promise anew"),
    ("ask", wire.QuestionIn, "people", "Ask the agent or the end user something"),
    ("comment", wire.CommentIn, "people", "A note in the timeline"),
    ("take-over", wire.TakeOverIn, "people", "Take the conversation from the agent"),
    ("hand-back", wire.HandBackIn, "people", "Return the conversation, with a dated note"),
    ("decide", wire.DecideIn, "people", "The decision; the first one stands for ever"),
    ("context", wire.ContextIn, "both", "Add context; never the action"),
    ("reply", wire.ReplyIn, "agents", "Answer the pending question"),
    ("withdraw", wire.WithdrawIn, "agents", "Take the question back"),
)


def _route(verb: str, takes: type, who: str, summary: str, handle: Handler = act) -> Route:
    return Route(
        "POST",
        f"/v1/escalations/{{id}}/{verb}",
        handle,
        summary,
        agents=who in ("agents", "both"),
        right="read" if who in ("people", "both") else "",
        takes=takes,
        gives=EscalationOut,
        problems=(409, 410, 423),
    )


ROUTES = (
    Route(
        "GET",
        "/v1/escalations",
        escalations,
        "Pages of escalations",
        agents=True,
        right="read",
        query=ListQuery,
        gives=PageOut,
        problems=(404,),
    ),
    Route(
        "GET",
        "/v1/escalations/{id}",
        escalation,
        "One escalation",
        agents=True,
        right="read",
        gives=EscalationOut,
    ),
    Route(
        "GET",
        "/v1/escalations/{id}/timeline",
        timeline,
        "What happened, in order",
        agents=True,
        right="read",
        query=TimelineQuery,
        gives=TimelineOut,
    ),
    *(_route(*each) for each in _ACTS),
    Route(
        "POST",
        "/v1/escalations/{id}/decide-late",
        decide_late,
        "Decide what nobody decided: a fresh escalation, yours",
        right="read",
        gives=EscalationOut,
        statuses=(201,),
        problems=(409, 410),
    ),
    replace(
        _route("outcome", wire.OutcomeIn, "people", "A label learned afterwards", outcome),
        right="label",
    ),
)
