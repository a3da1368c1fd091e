"""Every role at every route: who gets in, who is refused and how; a new route needs a row here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from starlette.routing import Route as Served

from pullcord.server.route import Route
from pullcord.server.table import ROUTES
from pullcord.wire.requests import QuestionIn
from tests.server.place import POLICY, ROLES, Place, opening

#: in this order the outcomes of a row stand
COLUMNS = ("agent", "other", "operator", "lead", "developer", "auditor", "admin")
#: who holds nothing that counts: no credentials, an end user's link, a key that is none
OUTSIDERS = ("nobody", "link", "forged")


@dataclass(frozen=True, slots=True)
class Row:
    """What the roles get, in the order of `COLUMNS`; outsiders get 401 unless it is public."""

    outcomes: tuple[int, ...]
    body: Any = None
    #: what must be there first, see `staged`
    stage: str = "open"


def people(operator: int, lead: int, developer: int, auditor: int, admin: int) -> tuple[int, ...]:
    """A route for people: agents are refused."""
    return (403, 403, operator, lead, developer, auditor, admin)


def agents(own: int, other: int) -> tuple[int, ...]:
    """A route for agents: people are refused."""
    return (own, other, 403, 403, 403, 403, 403)


READ = (200, 404, 200, 200, 200, 200, 200)
#: everybody of the workspace and both agents
ALL = (200,) * 7
#: Maria is asked, Dana leads; in production developers and auditors look and do not act
OWN_ACT = people(200, 403, 403, 403, 403)
LED_ACT = people(200, 200, 403, 403, 200)
MATRIX: Mapping[tuple[str, str], Row] = {
    ("POST", "/v1/escalations"): Row(agents(201, 201), opening("new")),
    ("GET", "/v1/escalations"): Row(ALL),
    ("GET", "/v1/escalations/{id}"): Row(READ),
    ("GET", "/v1/escalations/{id}/timeline"): Row(READ),
    ("POST", "/v1/escalations/{id}/accept"): Row(LED_ACT, {}),
    ("POST", "/v1/escalations/{id}/decline"): Row(OWN_ACT, {}),
    ("POST", "/v1/escalations/{id}/release"): Row(OWN_ACT, {}, "accepted"),
    ("POST", "/v1/escalations/{id}/reassign"): Row(LED_ACT, {"to": "tom"}, "accepted"),
    ("POST", "/v1/escalations/{id}/snooze"): Row(LED_ACT, {"seconds": 2_400}, "accepted"),
    ("POST", "/v1/escalations/{id}/extend"): Row(LED_ACT, {"seconds": 600}, "accepted"),
    ("POST", "/v1/escalations/{id}/ask"): Row(
        OWN_ACT, {"to": "agent", "text": "Which order?"}, "accepted"
    ),
    ("POST", "/v1/escalations/{id}/comment"): Row(people(200, 200, 200, 200, 200), {"text": "Hm."}),
    ("POST", "/v1/escalations/{id}/take-over"): Row(OWN_ACT, {}, "accepted"),
    ("POST", "/v1/escalations/{id}/hand-back"): Row(OWN_ACT, {"note": {}}, "taken_over"),
    ("POST", "/v1/escalations/{id}/decide"): Row(OWN_ACT, {"kind": "approve"}),
    ("POST", "/v1/escalations/{id}/decide-late"): Row(
        people(201, 201, 403, 403, 201), None, "timed_out"
    ),
    ("POST", "/v1/escalations/{id}/context"): Row(
        (200, 404, 200, 200, 403, 403, 200), {"text": "More."}
    ),
    ("POST", "/v1/escalations/{id}/reply"): Row(
        agents(200, 404), {"question": "q", "text": "A-1"}, "asked"
    ),
    ("POST", "/v1/escalations/{id}/withdraw"): Row(agents(200, 404), {}),
    ("POST", "/v1/escalations/{id}/collect"): Row(agents(200, 404), {"attempt": "a1"}, "decided"),
    ("POST", "/v1/escalations/{id}/report"): Row(
        agents(200, 404), {"attempt": "a1", "outcome": "not_needed"}, "collected"
    ),
    ("POST", "/v1/escalations/{id}/outcome"): Row(people(200, 200, 200, 403, 200), {"label": "ok"}),
    ("POST", "/v1/outcomes"): Row(people(202, 202, 202, 403, 202), {"outcomes": []}),
    ("GET", "/v1/decisions"): Row(agents(200, 200)),
    ("POST", "/v1/calls"): Row(agents(202, 202), {"calls": []}),
    ("POST", "/v1/explain"): Row(agents(200, 200), {"tool": "issue_refund"}),
    ("GET", "/v1/policy"): Row(agents(200, 200)),
    ("POST", "/mcp"): Row(agents(200, 200), {"jsonrpc": "2.0", "id": 1, "method": "ping"}),
    ("PUT", "/v1/policy"): Row(people(403, 200, 403, 403, 200), POLICY),
    ("POST", "/v1/drills"): Row(people(403, 201, 403, 403, 201), {"ladder": "billing"}),
    ("GET", "/v1/on-call"): Row(people(200, 200, 200, 200, 200)),
    ("GET", "/v1/people"): Row(people(200, 200, 200, 200, 200)),
    ("GET", "/v1/schedules"): Row(people(200, 200, 200, 200, 200)),
    ("GET", "/v1/hold"): Row(people(200, 200, 200, 200, 200)),
    ("DELETE", "/v1/hold"): Row(people(403, 200, 403, 403, 200)),
    ("GET", "/v1/export"): Row(people(403, 200, 403, 200, 200)),
    ("GET", "/v1/changes"): Row(ALL),
    ("POST", "/callbacks/{channel}"): Row((404,) * 7),
    ("GET", "/livez"): Row(ALL),
    ("GET", "/readyz"): Row(ALL),
    ("GET", "/metrics"): Row(ALL),
    ("GET", "/openapi.json"): Row(ALL),
}


@pytest.mark.promise("roles-by-table")
async def test_every_route_has_a_row_and_every_row_a_route(place: Place) -> None:
    """Who may use a new route is decided in this file, or the build is red."""
    served = {
        (method, route.path)
        for route in place.app.routes
        if isinstance(route, Served)
        for method in (route.methods or set()) - {"HEAD"}
    }

    assert served == set(MATRIX) == {(route.method, route.path) for route in ROUTES}


async def staged(place: Place, stage: str, key: str) -> str:
    """An escalation of Maria's in this stage."""
    escalation = await place.opened(key, run=key)
    maria = place.town.person("maria")
    if stage in ("accepted", "taken_over", "asked"):
        await maria.accept(escalation)
    if stage == "taken_over":
        await maria.take_over(escalation)
    if stage == "asked":
        await maria.act(escalation, QuestionIn(to="agent", text="Which order?"))
    if stage in ("decided", "collected"):
        await maria.approve(escalation)
    if stage == "collected":
        await place.agent().post(f"/v1/escalations/{escalation}/collect", json={"attempt": "a1"})
    if stage == "timed_out":
        await place.town.turn(timedelta(hours=3))
    return escalation


async def filled(place: Place, body: Any, escalation: str) -> Any:
    """The body with what only the staged escalation knows."""
    if isinstance(body, dict) and body.get("question") == "q":
        found = (await place.town.row(escalation)).escalation.question
        assert found is not None, "nothing was asked"
        return {**body, "question": found.id}
    if isinstance(body, dict) and "outcomes" in body:
        return {"outcomes": [{"escalation": escalation, "label": "ok"}]}
    return body


async def send(client: httpx2.AsyncClient, method: str, path: str, body: Any) -> httpx2.Response:
    """One request with a body of the right kind."""
    if path == "/v1/changes":
        # a stream that never ends is asked for its head only
        return await client.head(path)
    if isinstance(body, str):
        headers = {"content-type": "text/yaml"}
        return await client.request(method, path, content=body, headers=headers)
    return await client.request(method, path, json=body)


async def client_of(place: Place, role: str) -> httpx2.AsyncClient:
    """Whoever has this role, or holds nothing that counts."""
    if role in ROLES:
        return await place.person(ROLES[role])
    if role == "link":
        page = await place.agent().get("/v1/escalations")
        link = page.json()["escalations"][0]["status_url"]
        return place.agent(link.rpartition("/")[2])
    keys = {
        "agent": place.shown_key,
        "other": place.other_key,
        "forged": place.shown_key[:-4] + "AAAA",
    }
    return place.agent(keys[role]) if role in keys else place.client()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
@pytest.mark.promise("roles-by-table")
async def test_each_role_gets_what_the_table_says(place: Place, route: Route) -> None:
    """One wrong cell is somebody who approves what they may not, or cannot do their work."""
    row = MATRIX[route.method, route.path]
    outside = dict.fromkeys(OUTSIDERS, row.outcomes[0] if route.public else 401)
    expected = {**dict(zip(COLUMNS, row.outcomes, strict=True)), **outside}
    await place.town.settle()

    found: dict[str, int] = {}
    for role in expected:
        escalation = await staged(place, row.stage, role)
        client = await client_of(place, role)
        path = route.path.replace("{id}", escalation)
        body = await filled(place, row.body, escalation)
        reply = await send(client, route.method, path, body)
        found[role] = reply.status_code

    assert found == expected
