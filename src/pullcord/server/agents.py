"""What agents do: open, take the decision, report, record calls, read the rules."""

import hashlib

import msgspec
from starlette.responses import Response

from pullcord.server.logs import trace_of
from pullcord.server.route import Route, Visit, answer, encoded
from pullcord.wire.listings import RecordedOut
from pullcord.wire.replies import (
    CollectedOut,
    EscalationOut,
    OpenOut,
    RulesOut,
    VerdictOut,
)
from pullcord.wire.requests import CallsIn, CollectIn, ExplainIn, OpenIn, ReportIn


async def open_escalation(visit: Visit) -> Response:
    """A guarded call was stopped, or the agent asks by itself; safe to repeat under its key."""
    request: OpenIn = visit.body
    if not request.trace:
        trace = trace_of(visit.request.headers.get("traceparent", ""))
        request = msgspec.structs.replace(request, trace=trace) if trace else request
    opened = await visit.house.desk.open(visit.agent_key, request)
    if opened.row is not None:
        visit.note(opened.row.escalation.id)
    reply = await visit.house.agent_views.opened(visit.agent_key, opened)
    return answer(reply, 201 if opened.is_new else 200)


async def collect(visit: Visit) -> Response:
    """The agent takes the decision; the same attempt gets the same reply."""
    collected = await visit.house.desk.collect(visit.agent_key, visit.id, visit.body)
    return answer(await visit.house.agent_views.collected(collected))


async def report(visit: Visit) -> Response:
    """The agent says what it really executed."""
    row = await visit.house.desk.report(visit.agent_key, visit.id, visit.body)
    return answer(await visit.house.agent_views.of_row(row))


async def record_calls(visit: Visit) -> Response:
    """Guarded calls that needed no person, for denominators."""
    recorded = await visit.house.desk.record_calls(visit.agent_key, visit.body)
    return answer(RecordedOut(recorded=recorded), 202)


async def explain(visit: Visit) -> Response:
    """What would happen to this call, without acting."""
    return answer(await visit.house.agent_views.explain(visit.agent_key, visit.body))


async def rules(visit: Visit) -> Response:
    """The policy to evaluate locally; 304 when the agent has this one."""
    body = encoded(await visit.house.agent_views.rules(visit.agent_key))
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    held = visit.request.headers.get("if-none-match", "")
    if tag in (each.strip().removeprefix("W/") for each in held.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


ROUTES = (
    Route(
        "POST",
        "/v1/escalations",
        open_escalation,
        "Stop a call, or ask a person; safe to repeat under its key",
        agents=True,
        takes=OpenIn,
        gives=OpenOut,
        statuses=(201, 200),
        problems=(404, 409, 423),
    ),
    Route(
        "POST",
        "/v1/escalations/{id}/collect",
        collect,
        "Take the decision, once per attempt",
        agents=True,
        takes=CollectIn,
        gives=CollectedOut,
        problems=(409, 410, 423),
    ),
    Route(
        "POST",
        "/v1/escalations/{id}/report",
        report,
        "Say what was really executed",
        agents=True,
        takes=ReportIn,
        gives=EscalationOut,
        problems=(409, 410),
    ),
    Route(
        "POST",
        "/v1/calls",
        record_calls,
        "Record guarded calls that needed no person",
        agents=True,
        takes=CallsIn,
        gives=RecordedOut,
        statuses=(202,),
    ),
    Route(
        "POST",
        "/v1/explain",
        explain,
        "What would happen to a call, without acting",
        agents=True,
        takes=ExplainIn,
        gives=VerdictOut,
        problems=(404,),
    ),
    Route(
        "GET",
        "/v1/policy",
        rules,
        "The rules to evaluate locally",
        agents=True,
        gives=RulesOut,
        statuses=(200, 304),
        empty=(304,),
        problems=(404,),
    ),
)
