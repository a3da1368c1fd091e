"""The page behind a link of a letter: it says what would happen, and only its button does it.

Mail scanners open every link, some with a browser that runs scripts: so opening, by whatever
method but POST and by whatever script, does nothing at all. The link is the key of one person,
for one escalation, as it was asked then; it accepts or declines and never decides. The service
worker of the console posts to it from the lock screen and is answered in JSON.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pullcord.console.frame import house_of
from pullcord.console.rendering import STATUS_HEADERS, page
from pullcord.engine.letters import LABELS
from pullcord.errors import PullcordError
from pullcord.server.problems import status_of
from pullcord.server.sessions import check_origin

#: what the service worker of the console accepts
JSON = "application/json"


async def show(request: Request) -> Response:
    """`GET /acts/{token}`."""
    try:
        behind = await house_of(request).inbound.offered(request.path_params["token"])
    except PullcordError as error:
        return _page(request, text=str(error), status=status_of(error))
    found = behind.row.escalation
    return _page(
        request,
        label=LABELS[behind.action.verb] if behind.is_now else "",
        text="" if behind.is_now else behind.standing,
        has_moved_on=not behind.is_now,
        escalation=found.id,
        severity=found.severity,
        agent=found.agent,
    )


async def act(request: Request) -> Response:
    """`POST /acts/{token}`: the same act as in the console, with the same checks."""
    token = request.path_params["token"]
    try:
        check_origin(request)
        answer = await house_of(request).inbound.follow(token)
    except PullcordError as error:
        return _page(request, text=str(error), status=status_of(error))
    return _page(request, text=answer.text, escalation=answer.escalation, is_done=answer.is_done)


def _page(
    request: Request,
    *,
    label: str = "",
    text: str = "",
    escalation: str = "",
    severity: str = "",
    agent: str = "",
    is_done: bool = False,
    has_moved_on: bool = False,
    status: int = 200,
) -> Response:
    if request.method == "POST" and JSON in request.headers.get("accept", ""):
        told = {"text": text, "is_done": is_done, "escalation": escalation}
        return JSONResponse(told, status, headers={"cache-control": "no-store"})
    values = {
        "token": request.path_params["token"],
        "label": label,
        "text": text,
        "escalation": escalation,
        "severity": severity,
        "agent": agent,
        "is_done": is_done,
        "has_moved_on": has_moved_on,
    }
    return page("acts.html", values, status=status, headers=STATUS_HEADERS)
