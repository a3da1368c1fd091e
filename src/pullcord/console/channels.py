"""Ways outward: how the channels are, one's own accounts on them, and how one is reached."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from pullcord.console.entered import Problem, problem_from
from pullcord.console.frame import frame, house_of, signed_in_viewer
from pullcord.console.office import may
from pullcord.console.posting import own_form_of
from pullcord.console.rendering import page, see_other
from pullcord.errors import InvalidInput, NotAllowed, NotFound
from pullcord.owner.reach import SEVERITIES, WAKES_MAX, Reach, ReachStep
from pullcord.owner.reach_words import quiet_of, quiet_words, steps_of, time_of, words_of
from pullcord.owner.roster import Person
from pullcord.server.problems import status_of
from pullcord.server.sessions import require_session
from pullcord.wire.views import TriedOut

Value = TypeVar("Value")

#: hours between two digests that the form offers; 0 is as news come
DIGESTS = (0, 1, 2, 4, 8, 24)


async def channels(request: Request) -> Response:
    """`GET /channels`."""
    return await _channels(request)


async def _channels(
    request: Request, *, code: str = "", code_for: str = "", tried: TriedOut | None = None
) -> Response:
    session, viewer = await signed_in_viewer(request)
    lines = await house_of(request).channel_desk.lines(session.workspace, session.person)
    values = {
        **frame(request, session, viewer),
        "here": "/channels",
        "lines": lines,
        "code": code,
        "code_for": code_for,
        "tried": tried,
    }
    return page("channels.html", values)


async def try_out(request: Request) -> Response:
    """`POST /channels/{name}/test`: a letter to oneself that asks nothing."""
    session = await require_session(request)
    await own_form_of(request, session)
    tried = await house_of(request).channel_desk.try_out(
        session.workspace, session.person, request.path_params["name"]
    )
    return await _channels(request, tried=tried)


async def make_code(request: Request) -> Response:
    """`POST /channels/{name}/code`: a one-time code, shown on this page and nowhere else."""
    session = await require_session(request)
    await own_form_of(request, session)
    name = request.path_params["name"]
    code = await house_of(request).linking.code(session.workspace, session.person, name)
    return await _channels(request, code=code, code_for=name)


async def add_device(request: Request) -> Response:
    """`POST /channels/{name}/devices`: this browser links itself, where a channel allows it."""
    session = await require_session(request)
    form = await own_form_of(request, session)
    house, name = house_of(request), request.path_params["name"]
    lines = await house.channel_desk.lines(session.workspace, session.person)
    if name not in {each.name for each in lines if each.links_here}:
        raise NotAllowed(f"an account of {name!r} is linked by a code, sent from the account.")
    await house.linking.put(
        session.workspace,
        session.person,
        name,
        account=form.get("account", "") or "browser",
        name=form.get("name", ""),
        address=form.get("address", ""),
    )
    return see_other("/channels?did=link")


async def unlink(request: Request) -> Response:
    """`POST /channels/{name}/unlink`: forget one of one's own accounts."""
    session = await require_session(request)
    form = await own_form_of(request, session)
    house, name = house_of(request), request.path_params["name"]
    account = form.get("account", "")
    lines = await house.channel_desk.lines(session.workspace, session.person)
    own = {each.account for line in lines if line.name == name for each in line.accounts}
    if account not in own:
        raise NotFound("this account is not one of yours.")
    await house.linking.drop(session.workspace, name, account, by=session.person)
    return see_other("/channels?did=unlink")


# --- how a person is reached ---------------------------------------------------------------------


async def reach(request: Request) -> Response:
    """`GET /people/{id}/reach`."""
    session, viewer = await signed_in_viewer(request)
    someone = await _someone(request, session.workspace)
    values = _typed(someone.reach)
    is_own_page = session.person == someone.id
    return await _reach(
        request,
        frame(request, session, viewer),
        values,
        someone=someone,
        may_change=is_own_page or may(viewer, "people"),
    )


async def _reach(
    request: Request,
    framed: Mapping[str, Any],
    values: Mapping[str, str],
    *,
    someone: Person,
    may_change: bool,
    problem: Problem | None = None,
    status: int = 200,
) -> Response:
    session, desk = await require_session(request), house_of(request).channel_desk
    woken, allowed = await desk.woken(session.workspace, someone)
    shown = {
        **framed,
        "here": "/people",
        "who": someone.id,
        "name": someone.name,
        "ways": desk.ways,
        "woken": woken,
        "woken_at_most": allowed,
        "may_change": may_change,
        "entered": values,
        "severities": SEVERITIES,
        "digests": DIGESTS,
        "wakes_max": WAKES_MAX,
        "problem": problem,
    }
    return page("reach.html", shown, status=status)


async def set_reach(request: Request) -> Response:
    """`POST /people/{id}/reach`."""
    session, viewer = await signed_in_viewer(request)
    form = await own_form_of(request, session)
    someone = await _someone(request, session.workspace)
    try:
        found = reach_from(form, ways=house_of(request).channel_desk.ways)
    except InvalidInput as error:
        return await _reach(
            request,
            frame(request, session, viewer),
            {**_typed(someone.reach), **form},
            someone=someone,
            may_change=True,
            problem=problem_from(error),
            status=status_of(error),
        )
    office = house_of(request).office
    await office.set_reach(session.workspace, someone.id, found, by=session.person)
    return see_other(f"/people/{someone.id}/reach?did=reach")


async def _someone(request: Request, workspace: str) -> Person:
    who = request.path_params["id"]
    someone = (await house_of(request).office.people(workspace)).get(who)
    if someone is None:
        raise NotFound(f"there is no person {who[:80]!r} in this workspace.")
    return someone


def _typed(rules: Reach) -> dict[str, str]:
    """A person's rules as the form shows them."""
    every = rules.digest_every
    return {
        "steps": words_of(rules.steps),
        "urgent": words_of(rules.urgent),
        "quiet": quiet_words(rules.quiet),
        "quiet_below": rules.quiet_below,
        "wakes_per_day": str(rules.wakes_per_day),
        "wakes_per_night": str(rules.wakes_per_night),
        "digest": str(int(every.total_seconds() // 3_600)) if every else "0",
        "daily_at": f"{rules.daily_at:%H:%M}" if rules.daily_at else "",
    }


def reach_from(form: Mapping[str, str], *, ways: Sequence[str]) -> Reach:
    """A person's rules from the form.

    Raises:
        InvalidInput: names the field and how it is written.
    """
    hours = _number(form, "digest", high=max(DIGESTS))
    quiet_below = form.get("quiet_below", "high")
    if quiet_below not in SEVERITIES:
        raise InvalidInput("quiet_below", value=quiet_below, limit=", ".join(SEVERITIES))
    return Reach(
        steps=_steps(form, "steps", ways),
        urgent=_steps(form, "urgent", ways),
        quiet=_read(form, "quiet", quiet_of),
        quiet_below=quiet_below,
        wakes_per_day=_number(form, "wakes_per_day", high=WAKES_MAX),
        wakes_per_night=_number(form, "wakes_per_night", high=WAKES_MAX),
        digest_every=timedelta(hours=hours) if hours else None,
        daily_at=_read(form, "daily_at", time_of),
    )


def _steps(form: Mapping[str, str], name: str, ways: Sequence[str]) -> tuple[ReachStep, ...]:
    """Steps by ways there are: one that is not there would be skipped when it is needed."""
    steps = _read(form, name, steps_of)
    for each in steps:
        if each.channel not in ways:
            raise InvalidInput(
                name,
                value=each.channel,
                limit=", ".join(ways),
                remedy="Only these are set up here.",
            )
    return steps


def _read(form: Mapping[str, str], name: str, read: Callable[[str], Value]) -> Value:
    text = form.get(name, "")[:500]
    try:
        return read(text)
    except ValueError as error:
        raise InvalidInput(
            name, value=text, limit=str(error), remedy="Write it like this."
        ) from None


def _number(form: Mapping[str, str], name: str, *, high: int) -> int:
    text = form.get(name, "0").strip() or "0"
    if not (text.isascii() and text.isdigit() and int(text) <= high):
        raise InvalidInput(name, value=text, limit=f"0 to {high}", remedy="Write a whole number.")
    return int(text)
