"""What people read and change in their workspace: duty, people, policy, drills, export."""

from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import structlog
from starlette.responses import Response, StreamingResponse

from pullcord.config.read import read
from pullcord.engine.holding import RIGHT as HOLD
from pullcord.engine.proof import Exporter
from pullcord.errors import NotAllowed
from pullcord.owner.schedule import Schedule, shifts
from pullcord.server.route import Route, Visit, answer
from pullcord.wire.listings import (
    AppliedOut,
    DrillIn,
    HoldOut,
    OnCallOut,
    OutcomesIn,
    PeopleOut,
    RecordedOut,
    ScheduleOut,
    SchedulesOut,
    ShiftOut,
)
from pullcord.wire.replies import EscalationOut
from pullcord.wire.requests import OutcomeIn

#: how far ahead the shifts of a schedule are listed, and how many of one
AHEAD = timedelta(days=14)
SHIFTS_MAX = 100
#: lines of an export joined into one piece of the stream
LINES_JOINED = 100

NDJSON = "application/x-ndjson"

log = structlog.get_logger("pullcord.server")
_ENCODER = msgspec.json.Encoder()


async def on_call(visit: Visit) -> Response:
    """Who answers each ladder now, and why."""
    return answer(OnCallOut(on_call=await visit.house.views.on_call(visit.workspace)))


async def people(visit: Visit) -> Response:
    """Everybody of the workspace."""
    return answer(PeopleOut(people=await visit.house.views.people(visit.workspace)))


async def schedules(visit: Visit) -> Response:
    """Who is on duty when, for the next two weeks."""
    floor = await visit.house.floors.now(visit.workspace)
    found = [_schedule_out(each, visit) for each in floor.schedules.values()]
    return answer(SchedulesOut(schedules=found))


def _schedule_out(schedule: Schedule, visit: Visit) -> ScheduleOut:
    now = visit.house.clock.now()
    found = shifts(schedule, now, now + AHEAD, limit=SHIFTS_MAX)
    return ScheduleOut(
        id=schedule.id,
        name=schedule.name or schedule.id,
        people=list(schedule.rotation.people),
        timezone=schedule.rotation.zone,
        shifts=[
            ShiftOut(people=list(each.people), start_at=each.start_at, end_at=each.end_at)
            for each in found
        ],
    )


async def apply_policy(visit: Visit) -> Response:
    """Check a policy file and make it the one in force."""
    source: str = visit.body
    # secrets of this process are never filled into a file that came from outside
    configuration = read(source, environ={})
    if configuration.workspace != visit.workspace:
        raise NotAllowed(
            f"the file is for workspace {configuration.workspace!r}, you are signed in to "
            f"{visit.workspace!r}; write `workspace: {visit.workspace}`, or sign in there."
        )
    applied = await visit.house.office.apply(source, by=visit.person)
    return answer(AppliedOut(version=applied.policy.version, warnings=list(applied.warnings)))


async def drill(visit: Visit) -> Response:
    """A marked test escalation through a real ladder."""
    request: DrillIn = visit.body
    row = await visit.house.desk.drill(visit.workspace, visit.person, ladder=request.ladder)
    visit.note(row.escalation.id)
    return answer(await visit.house.agent_views.of_row(row), 201)


async def outcomes(visit: Visit) -> Response:
    """Labels of many escalations; an unknown one refuses them all."""
    request: OutcomesIn = visit.body
    for each in request.outcomes:
        await visit.house.agent_views.of_workspace(visit.workspace, each.escalation)
    for each in request.outcomes:
        label = OutcomeIn(label=each.label, text=each.text)
        await visit.house.desk.note_outcome(visit.workspace, each.escalation, visit.actor, label)
    return answer(RecordedOut(recorded=len(request.outcomes)), 202)


async def hold(visit: Visit) -> Response:
    """Whether the database is held, since when and why."""
    return answer(await _hold_out(visit))


async def let_go(visit: Visit) -> Response:
    """Everything goes on; nothing happens when nobody holds it."""
    await visit.house.keeper.let_go_as(visit.workspace, visit.person)
    return answer(await _hold_out(visit))


async def _hold_out(visit: Visit) -> HoldOut:
    found = await visit.house.holding.now()
    if found is None:
        return HoldOut(is_held=False)
    return HoldOut(is_held=True, since=found.since, by=found.by, why=found.why)


async def export(visit: Visit) -> Response:
    """Every timeline as lines of JSON that `pullcord verify` checks; sealed contents stay here."""
    # a GET changes nothing, so who exported what is in the log and not on the workspace's chain
    log.info("exported", workspace=visit.workspace, person=visit.person)
    return StreamingResponse(_lines(visit), media_type=NDJSON)


async def _lines(visit: Visit) -> AsyncIterator[bytes]:
    house = visit.house
    exporter = Exporter(house.store, house.vault, house.signer)
    joined: list[bytes] = []
    async for line in exporter.lines(visit.workspace, house.clock.now()):
        joined.append(_ENCODER.encode(line) + b"\n")
        if len(joined) >= LINES_JOINED:
            yield b"".join(joined)
            joined.clear()
    yield b"".join(joined)


ROUTES = (
    Route(
        "GET",
        "/v1/on-call",
        on_call,
        "Who answers each ladder now",
        right="read",
        gives=OnCallOut,
        problems=(404,),
    ),
    Route(
        "GET",
        "/v1/people",
        people,
        "The people of the workspace",
        right="read",
        gives=PeopleOut,
        problems=(404,),
    ),
    Route(
        "GET",
        "/v1/schedules",
        schedules,
        "Who is on duty when",
        right="read",
        gives=SchedulesOut,
        problems=(404,),
    ),
    Route(
        "PUT",
        "/v1/policy",
        apply_policy,
        "Make a policy file the one in force",
        right="configure",
        takes=str,
        gives=AppliedOut,
    ),
    Route(
        "POST",
        "/v1/drills",
        drill,
        "A marked test escalation through a real ladder",
        right="configure",
        takes=DrillIn,
        gives=EscalationOut,
        statuses=(201,),
        problems=(404,),
    ),
    Route(
        "POST",
        "/v1/outcomes",
        outcomes,
        "Labels learned afterwards, many at once",
        right="label",
        takes=OutcomesIn,
        gives=RecordedOut,
        statuses=(202,),
        problems=(404,),
    ),
    Route(
        "GET",
        "/v1/hold",
        hold,
        "Whether the database is held, as after a restore",
        right="read",
        gives=HoldOut,
    ),
    Route(
        "DELETE",
        "/v1/hold",
        let_go,
        "Let a held database go",
        right=HOLD,
        gives=HoldOut,
    ),
    Route(
        "GET",
        "/v1/export",
        export,
        "Every timeline of the workspace, as lines of JSON",
        right="export",
        media_type=NDJSON,
    ),
)
