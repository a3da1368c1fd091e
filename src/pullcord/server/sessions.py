"""Signed-in people: the cookie, and proof that a request comes from our own pages.

A request that changes something needs three things beside the cookie: the session's token in a
header or form field, an Origin of ours, and a browser that calls it same-origin.
"""

import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from pullcord.engine.house import House
from pullcord.errors import NotAllowed, NotSignedIn
from pullcord.store.port import Session

COOKIE = "pullcord_session"
#: a browser takes a cookie of this prefix only with Secure, Path=/ and no Domain
SECURE_COOKIE = f"__Host-{COOKIE}"
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"

#: what Sec-Fetch-Site may say; "none" is a person who reloads or types the address
OWN_SITES = frozenset({"same-origin", "none"})


def _house(request: Request) -> House:
    house: House = request.app.state.house
    return house


def is_secure(house: House) -> bool:
    """Whether people reach this house by https."""
    return house.settings.public_url.startswith("https://")


def token_of(request: Request) -> str:
    """The session token of a request's cookie; empty when there is none."""
    name = SECURE_COOKIE if is_secure(_house(request)) else COOKIE
    return request.cookies.get(name, "")


async def signed_in(request: Request) -> Session | None:
    """The session of whoever sent this, or None."""
    token = token_of(request)
    return await _house(request).office.session_of(token) if token else None


async def require_session(request: Request) -> Session:
    """The session of whoever sent this.

    Raises:
        NotSignedIn: there is none, or it ended.
    """
    session = await signed_in(request)
    if session is None:
        raise NotSignedIn("you are not signed in, or your session has ended; sign in again.")
    return session


def check_origin(request: Request) -> None:
    """Refuse a form or call that another site's page sent.

    Raises:
        NotAllowed: says so.
    """
    site = request.headers.get("sec-fetch-site", "")
    origin = request.headers.get("origin", "")
    # with a referrer policy of no-referrer our own forms send `Origin: null`; then the browser's
    # own word in Sec-Fetch-Site, which no page can set, is what counts
    is_told = bool(site) and origin == "null"
    if (site and site not in OWN_SITES) or (origin and not is_told and not _is_ours(request)):
        raise NotAllowed("this request came from a page of another site, so it was refused.")


def _is_ours(request: Request) -> bool:
    """Whether the Origin is the address people use, or the very host this was sent to."""
    origin = request.headers["origin"]
    public = urlsplit(_house(request).settings.public_url)
    if origin == f"{public.scheme}://{public.netloc}":
        return True
    sent_to = request.headers.get("host", "")
    return bool(sent_to) and urlsplit(origin).netloc == sent_to


def check_csrf(request: Request, session: Session, form: Mapping[str, Any] | None = None) -> None:
    """Refuse a change that does not come from our own pages in this very session.

    Raises:
        NotAllowed: the token is missing or another session's, or the origin is not ours.
    """
    check_origin(request)
    sent = request.headers.get(CSRF_HEADER, "") or str((form or {}).get(CSRF_FIELD, ""))
    if not hmac.compare_digest(sent.encode(), session.csrf.encode()):
        raise NotAllowed(
            f"the page was opened in another session; load it again. (API: send {CSRF_HEADER}.)"
        )


def remember(response: Response, token: str, session: Session, *, secure: bool) -> None:
    """Give the browser its session cookie."""
    lasts = session.expires_at - session.started_at
    response.set_cookie(
        SECURE_COOKIE if secure else COOKIE,
        token,
        max_age=int(lasts.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def forget(response: Response) -> None:
    """Take the session cookie back, under both its names."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    response.delete_cookie(SECURE_COOKIE, path="/", secure=True, httponly=True, samesite="lax")


def address_of(request: Request) -> str:
    """The network address a request came from, as the server's socket names it."""
    return request.client.host if request.client else "unknown"


def check_sign_in_rate(request: Request, *, account: str = "") -> None:
    """Count one attempt to sign in from this address, and as this account where one is named.

    Unknown accounts are counted as known ones are, so that the answer tells nobody which exist.

    Raises:
        TooMuch: there were too many; says when to try again.
    """
    callers = request.app.state.parts.callers
    callers.sign_ins.take(address_of(request))
    if account:
        callers.accounts.take(account.strip().lower())
