"""Alive, ready, figures, and the description of the interface."""

import json
from datetime import timedelta
from typing import Any

import pytest
from openapi_spec_validator import validate

from pullcord.errors import StoreBusy
from pullcord.server import metrics
from pullcord.server.openapi import problems_of
from pullcord.server.table import ROUTES
from tests.server.place import Place, opening


async def test_a_process_that_answers_is_alive(place: Place) -> None:
    """A restart is for a process that hangs, not for a database that is away."""
    reply = await place.client().get("/livez")

    assert (reply.status_code, reply.json()) == (200, {"status": "alive"})


async def test_it_is_ready_once_the_engine_has_looked(place: Place) -> None:
    """No traffic before the first cycle: nobody would act on a deadline."""
    client = place.client()

    before = await client.get("/readyz")
    await place.town.settle()
    after = await client.get("/readyz")

    assert before.status_code == 503
    assert "first cycle" in before.json()["detail"]
    assert (after.status_code, after.json()) == (200, {"status": "ready"})


async def test_it_says_why_it_is_not_ready(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is woken at night reads the reason in the first line."""
    await place.opened()
    await place.town.settle()
    place.town.clock.turn(timedelta(minutes=11))
    await place.town.house.watchdog.check()
    client = place.client()

    late = await client.get("/readyz")

    async def away(self: Any) -> None:
        raise StoreBusy("the database did not answer")

    monkeypatch.setattr(type(place.town.house.store), "ping", away)
    busy = await client.get("/readyz")

    assert late.status_code == busy.status_code == 503
    assert "a deadline passed 60 s ago" in late.json()["detail"]
    assert "did not answer" in busy.json()["detail"]
    assert busy.headers["retry-after"] == "5"


def figures(page: str) -> dict[str, float]:
    """A page of metrics as name and value."""
    lines = [line.rpartition(" ") for line in page.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


async def test_the_figures_tell_what_waits_and_what_was_decided(place: Place) -> None:
    """One page answers: how many wait, how fast people decide, is anything late."""
    await place.opened("k1")
    await place.decided("k2")
    timed_out = await place.opened("k3")
    await place.town.turn(timedelta(hours=2, minutes=1))
    client = place.client()

    page = await client.get("/metrics")

    found = figures(page.text)
    assert page.headers["content-type"].startswith("text/plain; version=")
    assert found['pullcord_escalations_opened_total{ladder="billing"}'] == 3
    assert found['pullcord_decision_seconds_count{kind="approve"}'] == 1
    assert found['pullcord_decision_seconds_count{kind="nobody_decided"}'] == 2
    assert found['pullcord_timeouts_total{ladder="billing"}'] == 2
    assert found["pullcord_late_seconds"] == 0
    assert found["pullcord_outbox_lag_seconds"] == 0
    assert found["pullcord_waiting_clients"] == 0
    requests = 'pullcord_http_requests_total{method="POST",route="/v1/escalations",status="201"}'
    assert found[requests] == 3
    assert timed_out not in page.text


async def test_lateness_and_the_outbox_are_seen_from_outside(place: Place) -> None:
    """An engine that stands still is visible before anybody misses a decision."""
    await place.opened()
    place.town.clock.turn(timedelta(minutes=12))

    found = figures((await place.client().get("/metrics")).text)

    assert found["pullcord_late_seconds"] == 120
    assert found["pullcord_outbox_lag_seconds"] == 720


async def test_a_scrape_loads_the_database_seldom_and_in_bounds(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can bring the server down by reading its figures."""
    monkeypatch.setattr(metrics, "COUNTED_MAX", 2)
    monkeypatch.setattr(metrics, "PAGE", 1)
    living = 'pullcord_escalations_living{ladder="billing",status="open"}'
    client = place.client()
    for number in range(3):
        await place.opened(f"k{number}")

    capped = figures((await client.get("/metrics")).text)
    await place.agent().post("/v1/escalations", json=opening("k9"))
    kept = figures((await client.get("/metrics")).text)
    monkeypatch.setattr(metrics, "COUNTED_MAX", 100)
    place.town.clock.turn(timedelta(seconds=10))
    fresh = figures((await client.get("/metrics")).text)

    assert (capped[living], capped["pullcord_escalations_living_capped"]) == (2, 1)
    assert kept[living] == 2
    assert (fresh[living], fresh["pullcord_escalations_living_capped"]) == (4, 0)


async def test_drills_are_counted_nowhere(place: Place) -> None:
    """A drill must not make the figures of real work look better or worse."""
    lead = await place.person("dana")

    drill = await lead.post("/v1/drills", json={"ladder": "billing"})
    found = figures((await place.client().get("/metrics")).text)

    assert drill.status_code == 201
    assert not any(name.startswith("pullcord_escalations_opened_total") for name in found)


async def test_the_interface_describes_itself(place: Place) -> None:
    """A client in another language is made from this page."""
    reply = await place.client().get("/openapi.json")

    described = reply.json()
    validate(described)
    operations = {
        (method.upper(), path) for path, methods in described["paths"].items() for method in methods
    }
    assert described["openapi"] == "3.1.0"
    assert operations == {(route.method, route.path) for route in ROUTES}


async def test_every_route_describes_its_problems(place: Place) -> None:
    """Whoever calls a route knows beforehand what may go wrong."""
    described = (await place.client().get("/openapi.json")).json()

    for route in ROUTES:
        responses = described["paths"][route.path][route.method.lower()]["responses"]
        for status in problems_of(route):
            assert "application/problem+json" in responses[str(status)]["content"]
        assert {str(each) for each in route.statuses} <= set(responses)


async def test_operations_have_names_of_their_own(place: Place) -> None:
    """Generated clients call a method by its operation's name."""
    described = json.loads(place.app.state.parts.openapi)

    names = [
        operation["operationId"]
        for methods in described["paths"].values()
        for operation in methods.values()
    ]

    assert len(names) == len(set(names)) == len(ROUTES)
