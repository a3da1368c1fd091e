"""People: the cookie, and the proof that a change comes from our own pages."""

from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pullcord.engine.settings import Settings
from pullcord.server.sessions import (
    COOKIE,
    CSRF_FIELD,
    CSRF_HEADER,
    SECURE_COOKIE,
    check_csrf,
    check_sign_in_rate,
    forget,
    is_secure,
    remember,
    require_session,
)
from tests.server.place import Place, place_of


async def sign_in(request: Request) -> Response:
    """What the console's sign-in does, without its page."""
    check_sign_in_rate(request)
    house = request.app.state.house
    token = await house.office.invite("shop", "maria", purpose="demo")
    token, session = await house.office.redeem_demo(token)
    response = JSONResponse({"csrf": session.csrf})
    remember(response, token, session, secure=is_secure(house))
    return response


async def change(request: Request) -> Response:
    """What a form of the console does: its token comes in a field."""
    session = await require_session(request)
    check_csrf(request, session, await request.form())
    return JSONResponse({"person": session.person})


async def sign_out(request: Request) -> Response:
    """What the console's sign-out answers."""
    response = Response()
    forget(response)
    return response


PAGES = (
    Route("/sign-in", sign_in, methods=["POST"]),
    Route("/change", change, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
)


async def comment(place: Place, client: httpx2.AsyncClient, **headers: str) -> httpx2.Response:
    """A change by a person, with these headers besides."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    page = await place.agent().get("/v1/escalations")
    escalation = page.json()["escalations"][0]["id"]
    path = f"/v1/escalations/{escalation}/comment"
    return await client.post(path, json={"text": "Hm."}, headers=named)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://127.0.0.1:8710"}, 200),
        ({"origin": "http://127.0.0.1:8710", "sec_fetch_site": "same-origin"}, 200),
        ({"origin": "https://127.0.0.1:8710", "sec_fetch_site": "same-origin"}, 200),
        ({"origin": "null", "sec_fetch_site": "same-origin"}, 200),
        ({"sec_fetch_site": "none"}, 200),
        ({"origin": "null"}, 403),
        ({"origin": "null", "sec_fetch_site": "cross-site"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "https://evil.example", "sec_fetch_site": "same-origin"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"x_csrf_token": ""}, 403),
        ({"x_csrf_token": "0" * 48}, 403),
    ],
)
@pytest.mark.promise("own-pages-only")
async def test_a_change_must_come_from_our_own_pages(
    place: Place, headers: dict[str, str], status: int
) -> None:
    """A page of another site cannot act with somebody's cookie."""
    await place.opened()
    maria = await place.person("maria")

    reply = await comment(place, maria, **headers)

    assert reply.status_code == status, reply.text


async def test_a_session_ends_and_is_signed_out_with_its_person(place: Place) -> None:
    """A laptop left open, or somebody who left the company, opens nothing."""
    maria, tom = await place.person("maria"), await place.person("tom")
    office = place.town.house.office
    someone = (await office.people("shop"))["tom"]

    before = await tom.get("/v1/on-call")
    await office.put_person("shop", replace(someone, is_active=False), by="ruth")
    left = await tom.get("/v1/on-call")
    place.town.clock.turn(timedelta(hours=13))
    over = await maria.get("/v1/on-call")

    assert [before.status_code, left.status_code, over.status_code] == [200, 401, 401]
    assert over.headers["www-authenticate"].startswith("Bearer")


async def test_the_cookie_is_kept_from_scripts_and_other_sites() -> None:
    """The session token is readable by nobody but the browser itself."""
    async with place_of(extra_routes=PAGES) as place:
        client = place.client()

        reply = await client.post("/sign-in")
        cookie = reply.headers["set-cookie"]
        changed = await client.post("/change", data={CSRF_FIELD: reply.json()["csrf"]})
        refused = await client.post("/change", data={CSRF_FIELD: "other"})
        out = await client.post("/sign-out")
        after = await client.post("/change", data={CSRF_FIELD: reply.json()["csrf"]})

    assert cookie.startswith(f"{COOKIE}=")
    for part in ("HttpOnly", "SameSite=lax", "Path=/", "Max-Age=43200"):
        assert part in cookie
    assert "Secure" not in cookie
    assert changed.json() == {"person": "maria"}
    assert refused.status_code == 403
    assert [each.split("=")[0] for each in out.headers.get_list("set-cookie")] == [
        COOKIE,
        SECURE_COOKIE,
    ]
    assert after.status_code == 401


async def test_over_https_the_cookie_is_bound_to_the_host() -> None:
    """No neighbour on a sub-domain can plant a session."""
    async with place_of(
        settings=Settings(public_url="https://cord.example.com"), extra_routes=PAGES
    ) as place:
        reply = await place.client().post("/sign-in")
        livez = await place.client().get("/livez")

    assert reply.headers["set-cookie"].startswith(f"{SECURE_COOKIE}=")
    assert "Secure" in reply.headers["set-cookie"]
    assert "max-age" in livez.headers["strict-transport-security"]


async def test_guessing_a_password_is_slowed_down_per_address() -> None:
    """Twenty tries, then one in five seconds: a list of passwords takes years."""
    async with place_of(extra_routes=PAGES) as place:
        client = place.client()
        tries = [(await client.post("/sign-in")).status_code for _ in range(21)]
        slow = await client.post("/sign-in")
        place.town.clock.turn(timedelta(seconds=5))
        later = await client.post("/sign-in")

    assert tries == [200] * 20 + [429]
    assert slow.headers["retry-after"] == "5"
    assert later.status_code == 200


async def test_a_person_who_is_no_longer_known_may_nothing(place: Place) -> None:
    """A header without the token is refused before anything is looked up."""
    token, _ = await place.session("maria")

    reply = await place.client(cookies={COOKIE: token}).post(
        "/v1/drills", json={"ladder": "billing"}
    )

    assert reply.status_code == 403
    assert CSRF_HEADER in reply.json()["detail"]
