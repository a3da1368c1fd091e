"""The rooms around the inbox: who is on call, the people, the policy, the keys."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from pullcord.console.entered import Problem, problem_from
from pullcord.console.frame import frame, house_of, signed_in_viewer
from pullcord.console.posting import own_form_of
from pullcord.console.rendering import page, see_other
from pullcord.errors import InvalidInput, NotFound
from pullcord.owner.authority import WORKSPACE
from pullcord.owner.roster import Role
from pullcord.path.escalation import person
from pullcord.server.problems import status_of
from pullcord.server.sessions import require_session
from pullcord.wire.views import ViewerOut


def may(viewer: ViewerOut, act: str) -> bool:
    """Whether this viewer's role may do that in the workspace; the office checks again."""
    return Role(viewer.role) in WORKSPACE[act]


async def on_call(request: Request) -> Response:
    """`GET /on-call`."""
    session, viewer = await signed_in_viewer(request)
    lines = await house_of(request).views.on_call(session.workspace)
    return page("on_call.html", {**frame(request, session, viewer), "lines": lines})


async def let_go(request: Request) -> Response:
    """`POST /hold/let-go`: everything goes on after a restore."""
    session = await require_session(request)
    await own_form_of(request, session)
    await house_of(request).keeper.let_go_as(session.workspace, session.person)
    return see_other("/?did=let-go")


# --- people -------------------------------------------------------------------------------------


async def people(request: Request) -> Response:
    """`GET /people`."""
    return await _people(request)


async def _people(request: Request, *, link: str = "", link_for: str = "") -> Response:
    session, viewer = await signed_in_viewer(request)
    values = {
        **frame(request, session, viewer),
        "here": "/people",
        "lines": await house_of(request).views.people(session.workspace),
        "may_invite": may(viewer, "people"),
        "link": link,
        "link_for": link_for,
    }
    return page("people.html", values)


async def invite(request: Request) -> Response:
    """`POST /people/{id}/invite`: a one-time link, shown on this page and nowhere else."""
    session = await require_session(request)
    await own_form_of(request, session)
    house = house_of(request)
    await house.office.allow(session.workspace, session.person, "people")
    who = request.path_params["id"]
    token = await house.office.invite(session.workspace, who, by=person(session.person))
    return await _people(request, link=f"{house.settings.public_url}/setup/{token}", link_for=who)


# --- policy -------------------------------------------------------------------------------------


async def policy(request: Request) -> Response:
    """`GET /policy`."""
    session, viewer = await signed_in_viewer(request)
    views = house_of(request).views
    try:
        lines = await views.policies(session.workspace)
        source = await views.policy_source(session.workspace)
    except NotFound:  # nothing was applied yet: the page says how
        lines, source = [], ""
    values = {
        **frame(request, session, viewer),
        "lines": lines,
        "source": source,
        "may_configure": may(viewer, "configure"),
        "problem": None,
    }
    return page("policy.html", values)


async def roll_back(request: Request) -> Response:
    """`POST /policy/roll-back`."""
    session = await require_session(request)
    form = await own_form_of(request, session)
    office = house_of(request).office
    await office.allow(session.workspace, session.person, "configure")
    await office.roll_back(session.workspace, form.get("version", ""), by=session.person)
    return see_other("/policy?did=roll-back")


# --- keys ---------------------------------------------------------------------------------------


async def keys(request: Request) -> Response:
    """`GET /keys`."""
    return await _keys(request)


async def _keys(
    request: Request,
    *,
    minted: str = "",
    entered: Mapping[str, str] | None = None,
    problem: Problem | None = None,
    status: int = 200,
) -> Response:
    session, viewer = await signed_in_viewer(request)
    house = house_of(request)
    values: dict[str, Any] = {
        **frame(request, session, viewer),
        "here": "/keys",
        "lines": await house.views.keys(session.workspace),
        "may_mint": may(viewer, "keys"),
        "minted": minted,
        "minted_for": (entered or {}).get("agent", ""),
        "entered": {} if minted else dict(entered or {}),
        "problem": problem,
        "public_url": house.settings.public_url,
    }
    return page("keys.html", values, status=status)


async def mint(request: Request) -> Response:
    """`POST /keys/mint`: the key is shown on this page and never again."""
    session = await require_session(request)
    form = await own_form_of(request, session)
    office = house_of(request).office
    await office.allow(session.workspace, session.person, "keys")
    try:
        shown, _ = await office.mint_key(
            session.workspace,
            agent=form.get("agent", "").strip(),
            environment=form.get("environment", "").strip(),
            creator=session.person,
            note=form.get("note", ""),
        )
    except InvalidInput as error:
        return await _keys(
            request, entered=form, problem=problem_from(error), status=status_of(error)
        )
    return await _keys(request, minted=shown, entered=form)


async def revoke(request: Request) -> Response:
    """`POST /keys/{id}/revoke`."""
    session = await require_session(request)
    await own_form_of(request, session)
    office = house_of(request).office
    await office.allow(session.workspace, session.person, "keys")
    await office.revoke_key(session.workspace, request.path_params["id"], by=session.person)
    return see_other("/keys?did=revoke")
