"""Signing in and out, the one-time links, and the demo's welcome. Only a POST spends a link."""

from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from pullcord.console.entered import Problem
from pullcord.console.frame import house_of
from pullcord.console.posting import form_of, own_form_of
from pullcord.console.rendering import HEADERS, page, see_other
from pullcord.errors import InvalidInput, NotSignedIn
from pullcord.server.problems import status_of
from pullcord.server.sessions import (
    check_origin,
    check_sign_in_rate,
    forget,
    is_secure,
    remember,
    require_session,
    signed_in,
    token_of,
)
from pullcord.store.port import Session

#: the link is its own key: it must not travel to other sites
LINK_HEADERS = {**HEADERS, "referrer-policy": "no-referrer"}


def local(address: str) -> str:
    """An address of this site to go to after signing in; the inbox for anything else."""
    parts = urlsplit(address)
    is_local = address.startswith("/") and not address.startswith(("//", "/\\"))
    if not is_local or parts.scheme or parts.netloc or "\\" in address or not address.isprintable():
        return "/"
    return address


async def sign_in_page(request: Request) -> Response:
    """`GET /sign-in`."""
    if await signed_in(request):
        return see_other(local(request.query_params.get("next", "/")))
    return _sign_in(next_=request.query_params.get("next", ""))


def _sign_in(
    *, next_: str, email: str = "", problem: Problem | None = None, status: int = 200
) -> Response:
    target = local(next_)
    reason = "Sign in to go on to that page." if target != "/" and problem is None else ""
    values = {"next": target, "email": email, "problem": problem, "reason": reason}
    return page("sign_in.html", values, status=status)


async def sign_in(request: Request) -> Response:
    """`POST /sign-in`."""
    check_origin(request)
    form = await form_of(request)
    email = form.get("email", "")[:200]
    check_sign_in_rate(request, account=email)
    try:
        token, session = await house_of(request).office.sign_in(email, form.get("password", ""))
    except NotSignedIn as error:
        problem = Problem(f"{str(error).capitalize()} Nothing else is told apart on purpose.")
        return _sign_in(
            next_=form.get("next", ""), email=email, problem=problem, status=status_of(error)
        )
    return _inside(request, token, session, to=local(form.get("next", "/")))


def _inside(request: Request, token: str, session: Session, *, to: str) -> Response:
    response = see_other(to)
    remember(response, token, session, secure=is_secure(house_of(request)))
    return response


async def sign_out(request: Request) -> Response:
    """`POST /sign-out`."""
    session = await require_session(request)
    await own_form_of(request, session)
    await house_of(request).office.sign_out(token_of(request))
    response = see_other("/sign-in")
    forget(response)
    return response


async def set_up_page(request: Request) -> Response:
    """`GET /setup/{token}`: shows the form; a scanner that opens it spends nothing."""
    return _set_up(request)


def _set_up(request: Request, problem: Problem | None = None, status: int = 200) -> Response:
    values: dict[str, Any] = {"token": request.path_params["token"], "problem": problem}
    return page("set_up.html", values, status=status, headers=LINK_HEADERS)


async def set_up(request: Request) -> Response:
    """`POST /setup/{token}`: sets the password, spends the link, signs in."""
    check_origin(request)
    check_sign_in_rate(request)
    form = await form_of(request)
    password = form.get("password", "")
    if password != form.get("again", ""):
        problem = Problem("The two are not the same. The link is still good.", field="again")
        return _set_up(request, problem, 422)
    try:
        token, session = await house_of(request).office.redeem(
            request.path_params["token"], password
        )
    except InvalidInput as error:
        what = error.limit or error.remedy
        problem = Problem(f"{what.capitalize()}. The link is still good.", field=error.field)
        return _set_up(request, problem, status_of(error))
    except NotSignedIn as error:
        return _set_up(request, Problem(f"{str(error).capitalize()}"), status_of(error))
    return _inside(request, token, session, to="/")


async def welcome_page(request: Request) -> Response:
    """`GET /welcome/{token}`: one button; the script presses it."""
    if await signed_in(request):
        return see_other("/")
    return _welcome(request)


def _welcome(request: Request, problem: Problem | None = None, status: int = 200) -> Response:
    values: dict[str, Any] = {"token": request.path_params["token"], "problem": problem}
    return page("welcome.html", values, status=status, headers=LINK_HEADERS)


async def welcome(request: Request) -> Response:
    """`POST /welcome/{token}`: signs the visitor of the demo in, once."""
    check_origin(request)
    check_sign_in_rate(request)
    try:
        token, session = await house_of(request).office.redeem_demo(request.path_params["token"])
    except NotSignedIn as error:
        return _welcome(request, Problem(str(error).capitalize()), status_of(error))
    return _inside(request, token, session, to="/")
