"""`GET /v1/decisions`: one poll tells an agent which of its escalations are decided.

It is held until something is decided for this key or its time is over. A hint ends it at once;
every few seconds it looks by itself, so a lost hint costs seconds and never a decision.
"""

from datetime import timedelta
from typing import Annotated

import msgspec
from starlette.responses import Response

from pullcord.path.escalation import Status
from pullcord.server.hub import for_decisions
from pullcord.server.route import Route, Visit, answer
from pullcord.wire.bounds import WAIT_SECONDS_MAX, MaybeName
from pullcord.wire.replies import DecisionsOut
from pullcord.wire.requests import Request

#: seconds after which a held poll looks by itself
SAFETY_POLL = 5.0


class DecisionsQuery(Request, frozen=True, kw_only=True):
    """How long to hold the poll, and which attempt asks."""

    wait: Annotated[int, msgspec.Meta(ge=0, le=WAIT_SECONDS_MAX)] = 0
    #: also names what this attempt collected and has not reported
    attempt: MaybeName = ""
    #: only this one counts: for a call that waits while other decisions wait to be collected
    escalation: MaybeName = ""


async def decisions(visit: Visit) -> Response:
    """What is decided for this key, now or as soon as something is."""
    asked: DecisionsQuery = visit.query
    if not asked.wait:
        return answer(await _decided(visit))
    clock = visit.house.clock
    until = clock.now() + timedelta(seconds=asked.wait)
    place = for_decisions(visit.workspace, visit.agent_key.id, asked.escalation)
    async with visit.parts.hub.ear(visit.request, place) as ear:
        while True:
            found = await _decided(visit)
            left = (until - clock.now()).total_seconds()
            if found.decided or left <= 0 or ear.is_over:
                return answer(found)
            await ear.listen(min(left, SAFETY_POLL))


async def _decided(visit: Visit) -> DecisionsOut:
    asked: DecisionsQuery = visit.query
    views, key = visit.house.agent_views, visit.agent_key
    if not asked.escalation:
        return await views.decided(key, attempt=asked.attempt)
    # by its id, not out of the list: however many others wait, this one is found
    one = await views.escalation(key, asked.escalation)
    if one.status == Status.COLLECTED and asked.attempt:
        found = await views.decided(key, attempt=asked.attempt)
        return DecisionsOut(decided=[each for each in found.decided if each.id == one.id])
    return DecisionsOut(decided=[one] if one.status == Status.DECIDED else [])


ROUTES = (
    Route(
        "GET",
        "/v1/decisions",
        decisions,
        "Which escalations of this key are decided; held until one is, at most `wait` seconds",
        agents=True,
        query=DecisionsQuery,
        gives=DecisionsOut,
        problems=(404,),
    ),
)
