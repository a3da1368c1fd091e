"""One escalation: the page on which a person decides, and every act a form of it posts."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from pullcord.briefing.digest import digest
from pullcord.console.choices import choices
from pullcord.console.entered import FRESH, RACE, Entered, Problem, problem_from
from pullcord.console.frame import frame, house_of, signed_in_viewer
from pullcord.console.posting import own_form_of
from pullcord.console.rendering import page, see_other
from pullcord.engine.filled import (
    ACTS,
    act_of,
    answer_fields,
    changes_in,
    decision_of,
    is_seen,
    originals,
)
from pullcord.errors import InvalidInput, NotFound, WorldMovedOn
from pullcord.path.escalation import person
from pullcord.server.problems import status_of
from pullcord.server.sessions import require_session
from pullcord.store.port import Session
from pullcord.wire import requests as wire
from pullcord.wire.views import DetailView, MayDo

#: the agent's own view waits behind a fold: look first, then read it
FOLDED = ("Confidence", "Recommendation", "Strongest counter-argument")
#: verb in the address → the act it is listed as
LISTED = {"take-over": "take_over", "hand-back": "hand_back", "decide-late": "decide_late"}


async def show(request: Request) -> Response:
    """`GET /escalations/{id}`."""
    return await _page(request, FRESH)


async def _page(
    request: Request, entered: Entered, *, status: int = 200, review: Any = None
) -> Response:
    session, viewer = await signed_in_viewer(request)
    view = await _view(request, session)
    values = {
        **frame(request, session, viewer),
        "view": view,
        "acts": _acts(view),
        "form": _told(entered, view),
        "choices": choices(view),
        "original": originals(view),
        "answer_inputs": answer_fields(view.answer_schema),
        "review": review,
        "FOLDED": FOLDED,
    }
    return page("escalation/page.html", values, status=status)


async def _view(request: Request, session: Session) -> DetailView:
    views = house_of(request).views
    return await views.detail(session.workspace, session.person, request.path_params["id"])


def _acts(view: DetailView) -> dict[str, MayDo]:
    return {each.verb: each for each in view.acts}


def _told(entered: Entered, view: DetailView) -> Entered:
    """A loser of a race is told by name who was first."""
    problem = entered.problem
    if problem is None or problem.title != RACE:
        return entered
    if view.decided is not None:
        who, did = view.decided.decision.by.shown_as, view.decided.sentence
    else:
        who, did = view.owner.shown_as, problem.text
    title = f"{who} was first" if who else RACE
    told = Problem(did or problem.text, title=title, remedy=problem.remedy)
    return Entered(entered.verb, entered.values, told)


async def act(request: Request) -> Response:
    """`POST /escalations/{id}/{verb}`: one act through the desk; a refusal keeps the input."""
    session = await require_session(request)
    form = await own_form_of(request, session)
    verb = request.path_params["verb"]
    if verb not in ACTS and verb not in ("decide", "decide-late"):
        raise NotFound(f"there is no act {verb[:40]!r} on an escalation.")
    listed = LISTED.get(verb, verb)
    try:
        if verb == "decide":
            return await _decide(request, session, form)
        if verb == "decide-late":
            return await _decide_late(request, session)
        await _do(request, session, act_of(verb, form))
    except (InvalidInput, WorldMovedOn) as error:
        entered = Entered(listed, form, problem_from(error))
        return await _page(request, entered, status=status_of(error))
    return see_other(f"/escalations/{request.path_params['id']}?did={verb}")


async def _do(request: Request, session: Session, request_: wire.Act) -> Any:
    return await house_of(request).desk.act(
        session.workspace,
        request.path_params["id"],
        person(session.person),
        request_,
        via="console",
    )


async def _decide(request: Request, session: Session, form: dict[str, str]) -> Response:
    """Decide; changed arguments were either seen live or are shown once more first."""
    view = await _view(request, session)
    decision = decision_of(form, view)
    if decision.args is not None and not is_seen(form, decision.args):
        review = {"changes": changes_in(form, view), "seen": digest(decision.args)}
        return await _page(request, Entered("decide", form), review=review)
    row = await _do(request, session, decision)
    did = "decide" if row.escalation.decision is not None else "vote"
    return see_other(f"/escalations/{request.path_params['id']}?did={did}")


async def _decide_late(request: Request, session: Session) -> Response:
    row = await house_of(request).desk.decide_late(
        session.workspace, request.path_params["id"], session.person
    )
    return see_other(f"/escalations/{row.escalation.id}?did=decide-late")
