"""Errors become pages: what happened, what was not done, what to do, and the input kept."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from pullcord.console.entered import MACHINERY, WORDS
from pullcord.console.posting import form_of
from pullcord.console.rendering import HEADERS, page, see_other
from pullcord.errors import (
    Held,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotSignedIn,
    OutsideFailed,
    PullcordError,
    TooMuch,
    WorldMovedOn,
)
from pullcord.server.problems import status_of

#: seconds after which a page that could not be shown is fetched again
LOOK_AGAIN_SECONDS = 3

Handler = Callable[[Request], Awaitable[Response]]

TITLES: tuple[tuple[type[PullcordError], str], ...] = (
    (NotFound, "Not here"),
    (NotAllowed, "Not for you"),
    (NotSignedIn, "Your session has ended"),
    (TooMuch, "Too much at once"),
    (InvalidInput, "Please look again"),
    (WorldMovedOn, "Somebody or something was first"),
    (Held, "Everything is held"),
    (OutsideFailed, "Not saved"),
)
REMEDIES: Mapping[type[PullcordError], str] = {
    NotFound: "The link may be old, or it belongs to another workspace.",
    NotAllowed: "Nothing was changed.",
    NotSignedIn: "Nothing was changed. Sign in, then do it again.",
    Held: "Nothing was saved. Look around; whoever may lets everything go on.",
    OutsideFailed: "The database did not take it just now. Nothing was lost or done twice.",
}
#: the same where somebody only looked; the page then looks again by itself
AWAY_TITLE = "The database does not answer"
AWAY_REMEDY = f"This page looks again every {LOOK_AGAIN_SECONDS} seconds."


def paged(handler: Handler) -> Handler:
    """A handler whose errors are told as pages; reading without a session leads to sign-in."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except NotSignedIn as error:
            if request.method in ("GET", "HEAD"):
                return see_other(f"/sign-in?next={quote(_way_back(request), safe='')}")
            return await refusal_page(request, error)
        except PullcordError as error:
            return await refusal_page(request, error)

    answer.__name__ = handler.__name__
    answer.__doc__ = handler.__doc__
    return answer


def _way_back(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{request.url.path}{query}"[:500]


async def refusal_page(request: Request, error: PullcordError) -> Response:
    """One error as a page of its own, with the words of a refused form."""
    is_outside = isinstance(error, OutsideFailed)
    kept = await _kept(request, whole=is_outside)
    title = next((title for kind, title in TITLES if isinstance(error, kind)), "That did not work")
    remedy = next((text for kind, text in REMEDIES.items() if isinstance(error, kind)), "")
    status = status_of(error)
    headers = dict(HEADERS)
    if is_outside:
        headers["retry-after"] = "1"
    if is_outside and request.method in ("GET", "HEAD"):
        title, remedy = AWAY_TITLE, AWAY_REMEDY
        headers["refresh"] = str(LOOK_AGAIN_SECONDS)
    return page(
        "problem.html",
        {
            "status": status,
            "title": title,
            "text": str(error),
            "remedy": remedy,
            "kept": kept,
            "may_retry": is_outside and request.method == "POST",
            "hidden": MACHINERY,
            "labels": WORDS,
            "action": request.url.path,
            "back": "/sign-in" if isinstance(error, NotSignedIn) else "/",
            "back_label": "Sign in" if isinstance(error, NotSignedIn) else "To the inbox",
        },
        status=status,
        headers=headers,
    )


async def _kept(request: Request, *, whole: bool) -> list[tuple[str, str]]:
    """What a refused form held: all of it to send again, else only a person's words."""
    if request.method != "POST":
        return []
    try:
        form = await form_of(request)
    except (PullcordError, RuntimeError):
        return []  # the body itself was refused, or its stream is spent
    return [
        (name, value)
        for name, value in form.items()
        if "password" not in name and (whole or (name in WORDS and value.strip()))
    ]


async def not_found(request: Request) -> Response:
    """Any address that is none of ours, for people."""
    missing = NotFound(f"There is no page {request.url.path[:200]}.")
    response = await refusal_page(request, missing)
    response.status_code = HTTPStatus.NOT_FOUND
    return response
