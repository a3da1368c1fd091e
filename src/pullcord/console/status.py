"""The end user's page: no sign-in, no script, no cookie; what they send is marked "via link"."""

import re
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from pullcord.console.entered import Problem
from pullcord.console.frame import house_of
from pullcord.console.moments import zone_of
from pullcord.console.posting import form_of
from pullcord.console.rendering import STATUS_HEADERS, Moment, page, see_other
from pullcord.engine.filled import checked
from pullcord.errors import InvalidInput, NotFound, PullcordError, TooMuch, WorldMovedOn
from pullcord.path.escalation import Actor, ActorKind
from pullcord.server.limits import Buckets, Rate
from pullcord.server.problems import status_of
from pullcord.server.sessions import address_of
from pullcord.wire import requests as wire

#: how often the page looks again, in seconds; never while there is something to type into, and
#: never for who asked it to stand still
REFRESH_SECONDS = 20
#: the forms behind the page's links, by the word in `?do=`
FORMS = frozenset({"add", "notify", "cancel"})
#: what one link may send: a person who types, not a machine
POSTS = Rate(per_second=1 / 20, burst=10)
#: what one address may send over all links
POSTS_OF_ADDRESS = Rate(per_second=1, burst=60)

VIA_LINK = Actor(ActorKind.END_USER, "via link")
TEXT_MAX = 4_000

#: what the page says after a form, by the word in `?did=`
DID = {
    "reply": "Thank you, your answer has arrived.",
    "add": "Thank you, it was added.",
    "notify": "Noted. The person who looks after this sees your address.",
    "mailed": "We have written to that address. Open the letter to confirm that it is yours.",
    "confirm": "Thank you. We write to you there when something happens.",
    "cancel": "Your request was taken back.",
}
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\.[^@\s]{2,}")


class StatusPages:
    """The page and its three forms, held to a rate."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._links = Buckets(POSTS, now, what="messages through this link")
        self._addresses = Buckets(POSTS_OF_ADDRESS, now, what="messages from this address")

    async def show(self, request: Request) -> Response:
        """`GET /status/{token}`."""
        try:
            return await self._page(request)
        except NotFound as error:
            return _gone(error)

    async def _page(
        self,
        request: Request,
        *,
        problem: Problem | None = None,
        kept: str = "",
        kept_for: str = "",
        status: int = 200,
    ) -> Response:
        house = house_of(request)
        token = request.path_params["token"]
        view = await house.views.status(token)
        doing = kept_for or request.query_params.get("do", "")
        has_form = doing in FORMS or bool(view.pending_question and view.may_reply)
        looks_again = not (view.is_over or problem or has_form or "still" in request.query_params)
        values = {
            "view": view,
            "token": token,
            "moment": Moment(house.clock.now(), zone_of(view.timezone)),
            "refresh": REFRESH_SECONDS,
            "looks_again": looks_again,
            "flash": DID.get(request.query_params.get("did", ""), ""),
            "problem": problem,
            "doing": doing if doing in FORMS and not view.is_over else "",
            "kept": kept,
            "kept_for": kept_for,
            "sends_mail": house.hearing_back.sends_mail,
        }
        headers = dict(STATUS_HEADERS)
        if looks_again:
            headers["refresh"] = f"{REFRESH_SECONDS}; url=/status/{token}"
        return page("status.html", values, status=status, headers=headers)

    async def post(self, request: Request) -> Response:
        """`POST /status/{token}/reply|notify|cancel`."""
        what = request.path_params["what"]
        form: dict[str, str] = {}
        try:
            form = await form_of(request)
            what = _meant(what, form)
            self._links.take(request.path_params["token"])
            self._addresses.take(address_of(request))
            what = await self._done(request, what, form)
        except NotFound as error:
            return _gone(error)
        except PullcordError as error:
            kept = form.get("email" if what == "notify" else "text", "")
            return await self._refused(request, error, kept=kept, kept_for=what)
        return see_other(f"/status/{request.path_params['token']}?did={what}")

    async def _done(self, request: Request, what: str, form: dict[str, str]) -> str:
        """Do what a form says; which word the page says afterwards."""
        house, token = house_of(request), request.path_params["token"]
        found = (await house.views.status_row(token)).escalation
        if what == "notify" and house.hearing_back.sends_mail:
            address = _email(form)
            await house.hearing_back.offer(found, address, status_token=token)
            return "mailed"
        await house.desk.act(found.workspace, found.id, VIA_LINK, _act(what, form), via="link")
        return what

    async def confirm_page(self, request: Request) -> Response:
        """`GET /status/{token}/confirm/{code}`: a button; opening it confirms nothing."""
        try:
            view = await house_of(request).views.status(request.path_params["token"])
        except NotFound as error:
            return _gone(error)
        values = {"workspace_name": view.workspace_name, **request.path_params}
        return page("confirm.html", values, headers=STATUS_HEADERS)

    async def confirm(self, request: Request) -> Response:
        """`POST /status/{token}/confirm/{code}`: the address is theirs."""
        house, token = house_of(request), request.path_params["token"]
        try:
            self._links.take(token)
            self._addresses.take(address_of(request))
            found = (await house.views.status_row(token)).escalation
            await house.hearing_back.confirm(found, request.path_params["code"])
        except NotFound as error:
            return _gone(error)
        except PullcordError as error:
            return await self._refused(request, error, kept="", kept_for="confirm")
        return see_other(f"/status/{token}?did=confirm")

    async def _refused(
        self, request: Request, error: PullcordError, *, kept: str, kept_for: str
    ) -> Response:
        try:
            return await self._page(
                request,
                problem=_told(error),
                kept=kept,
                kept_for=kept_for,
                status=status_of(error),
            )
        except NotFound as missing:
            return _gone(missing)


def _meant(what: str, form: dict[str, str]) -> str:
    """Which of the page's forms this is: a reply without a question adds something."""
    if what not in ("reply", "notify", "cancel"):
        raise NotFound("there is no such form.")
    return "add" if what == "reply" and not form.get("question") else what


def _act(what: str, form: dict[str, str]) -> wire.Act:
    if what == "cancel":
        return wire.WithdrawIn(reason="taken back by the end user")
    if what == "notify":
        return wire.ContextIn(text=f"Please tell me by e-mail: {_email(form)}")
    text = form.get("text", "").strip()
    if not text or len(text) > TEXT_MAX:
        raise InvalidInput(
            "text", value=text, limit=f"1 to {TEXT_MAX} characters", remedy="Write it shorter."
        )
    if what == "reply":
        return checked(wire.ReplyIn, {"question": form["question"], "text": text})
    return wire.ContextIn(text=text)


def _email(form: dict[str, str]) -> str:
    address = form.get("email", "").strip()
    if not _EMAIL.fullmatch(address):
        raise InvalidInput(
            "email", value=address, limit="name@example.com", remedy="Write it in full."
        )
    return address


def _told(error: PullcordError) -> Problem:
    """The error without anything internal."""
    if isinstance(error, TooMuch):
        return Problem("That was a lot at once. Please wait a minute; your text is kept.")
    if isinstance(error, WorldMovedOn):
        return Problem("It has moved on meanwhile; this page shows how it stands now.")
    if isinstance(error, InvalidInput):
        allowed = {
            "text": "Please write something, up to 4,000 characters.",
            "email": "Please write your address in full, such as name@example.com.",
        }
        return Problem(allowed.get(error.field, "It has moved on; please look again."))
    return Problem("It could not be saved just now. Your text is kept; please try again.")


def _gone(error: NotFound) -> Response:
    values = {
        "status": 404,
        "title": "This link shows nothing",
        "text": "It is not known, or its time is over.",
        "remedy": "If you still wait for an answer, write to the company that sent it to you.",
    }
    return page("status_gone.html", values, status=status_of(error), headers=STATUS_HEADERS)
