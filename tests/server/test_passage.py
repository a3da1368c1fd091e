"""What every request meets: its id, its headers, its log line, and what happens at a bug."""

import asyncio
import io
import json
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pullcord.briefing.digest import NotCanonical
from pullcord.server.logs import configure, scrubbed, trace_of
from tests.server.place import Place, opening, place_of

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything this process logs, at every level, as it would be written."""
    stream = io.StringIO()
    kept = structlog.get_config()
    configure("debug", stream=stream)
    yield stream
    structlog.configure(**kept)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """The log as objects."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


async def test_a_log_line_names_request_trace_and_escalation(
    place: Place, logged: io.StringIO
) -> None:
    """From a customer's complaint to the line in the log in one search."""
    headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}

    reply = await place.agent().post("/v1/escalations", json=opening(), headers=headers)

    (line,) = [each for each in lines(logged) if each["event"] == "request"]
    assert line["escalation"] == reply.json()["escalation"]["id"]
    assert line["trace_id"] == TRACE
    assert line["request_id"] == reply.headers["x-request-id"]
    assert (line["route"], line["status"], line["level"]) == ("/v1/escalations", 201, "info")


async def test_a_trace_that_is_none_stays_out_of_the_log(place: Place, logged: io.StringIO) -> None:
    """Whatever a caller sends as a trace, a log line holds only what is one."""
    await place.agent().post("/v1/calls", json={"calls": []}, headers={"traceparent": "evil"})

    (line,) = [each for each in lines(logged) if each["event"] == "request"]
    assert "trace_id" not in line


@pytest.mark.promise("no-secret-in-logs")
async def test_no_key_link_or_session_is_ever_logged(place: Place, logged: io.StringIO) -> None:
    """Whoever may read logs may not thereby act as an agent, a person or an end user."""
    opened = await place.agent().post("/v1/escalations", json=opening())
    link = opened.json()["escalation"]["status_url"]
    token = link.rpartition("/")[2]

    await place.client().get(f"/status/{token}")
    await place.client().get(f"/v1/escalations/{place.shown_key}")
    structlog.get_logger().warning("sent", link=link, key=place.shown_key, tries=3)

    secret = place.shown_key.rpartition("_")[2]
    text = logged.getvalue()
    assert token not in text
    assert secret not in text
    assert "/status/…" in text


def test_secrets_are_known_by_their_shape() -> None:
    """What looks like a key, link or cookie goes; what one needs for finding it stays."""
    said = scrubbed("Bearer pk_live0123456789ab_Abc-_123456789 at /setup/abcdefgh1234?x=1")
    cookie = scrubbed("pullcord_session=abcdefgh1234; a=b")

    assert said == "Bearer pk_live0123456789ab_… at /setup/…?x=1"
    assert cookie == "pullcord_session=…; a=b"


@pytest.mark.parametrize(
    ("header", "trace"),
    [
        (f"00-{TRACE}-b7ad6b7169203331-01", TRACE),
        (f"00-{'0' * 32}-b7ad6b7169203331-01", ""),
        ("00-short-b7ad6b7169203331-01", ""),
        ("", ""),
    ],
)
def test_a_trace_is_read_as_the_standard_says(header: str, trace: str) -> None:
    """A header that is none must not get into logs or escalations."""
    assert trace_of(header) == trace


async def test_every_answer_carries_the_headers_of_a_careful_server(place: Place) -> None:
    """Problems, missing pages and replies alike: no sniffing, no framing, no caching."""
    replies = [
        await place.client().get("/livez"),
        await place.client().get("/nothing"),
        await place.client().get("/v1/escalations"),
    ]

    for reply in replies:
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert "strict-transport-security" not in reply.headers


async def broken(request: Request) -> Response:
    """A page with a bug."""
    raise ZeroDivisionError("the secret recipe")


async def uncanonical(request: Request) -> Response:
    """A page that meets a value without a canonical form."""
    raise NotCanonical("$.args.a: nested more than 64 levels")


async def page(request: Request) -> Response:
    """A page with headers of its own."""
    return PlainTextResponse("hello", headers={"cache-control": "max-age=60"})


PAGES = (Route("/broken", broken), Route("/uncanonical", uncanonical), Route("/page/{id}", page))


async def test_a_bug_tells_the_caller_an_id_and_the_log_everything(logged: io.StringIO) -> None:
    """A stack trace is for us; the caller gets what to name when asking."""
    async with place_of(extra_routes=PAGES) as place:
        reply = await place.client().get("/broken")

    (line,) = [each for each in lines(logged) if each["event"] == "broke"]
    assert reply.status_code == 500
    assert reply.json()["type"] == "urn:pullcord:problem:internal"
    assert "recipe" not in reply.text
    assert line["request_id"] in reply.json()["detail"]
    assert "the secret recipe" in line["exception"]


async def test_pages_keep_the_headers_they_set_themselves() -> None:
    """A style sheet may be cached although the interface may not."""
    async with place_of(extra_routes=PAGES) as place:
        own = await place.client().get("/page/7")
        refused = await place.client().get("/uncanonical")

    assert own.headers.get_list("cache-control") == ["max-age=60"]
    assert refused.status_code == 422
    assert refused.json()["field"] == "args.a"


async def test_strange_methods_and_paths_make_no_new_figures(place: Place) -> None:
    """A scanner cannot fill the memory with labels."""
    client = place.client()

    await client.request("BREW", "/livez")
    await client.get("/wp-admin/1")
    await client.get("/wp-admin/2")
    text = (await client.get("/metrics")).text

    assert "BREW" not in text
    assert "wp-admin" not in text
    assert 'method="GET",route="(none)",status="404"} 2.0' in text


async def test_the_lifespan_opens_the_house_and_runs_its_engine(place: Place) -> None:
    """One process is everything: interface, engine, database; stopping leaves nothing open."""
    app, house = place.app, place.town.house
    told: list[str] = []
    stop = asyncio.Event()
    started = asyncio.Event()

    async def receive() -> dict[str, str]:
        if not told:
            return {"type": "lifespan.startup"}
        await stop.wait()
        return {"type": "lifespan.shutdown"}

    async def send(message: MutableMapping[str, Any]) -> None:
        told.append(message["type"])
        started.set()

    life = asyncio.ensure_future(app({"type": "lifespan", "state": {}}, receive, send))
    await started.wait()
    running = len(house.runner._tasks)
    reply = await place.client().get("/readyz")
    stop.set()
    await life
    is_held = await place.agent().get("/v1/decisions?wait=55")

    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert running > 0
    assert reply.status_code == 200
    assert house.runner._tasks == []
    assert is_held.status_code == 503
