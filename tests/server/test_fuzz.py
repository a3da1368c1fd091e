"""Whatever is sent, no route breaks, and no answer is one the interface does not describe."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from pullcord.server.limits import Rate, Rates
from pullcord.server.openapi import document
from pullcord.server.sessions import COOKIE, CSRF_HEADER
from pullcord.server.table import ROUTES
from pullcord.testing.live import Live, live_server
from tests.server.place import POLICY, opening

#: requests per operation; with all operations together well under a minute
EXAMPLES = 15
ENDLESS = frozenset({"/v1/changes"})
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
UNLIMITED = Rate(per_second=1_000_000, burst=1_000_000)

DESCRIBED = document([route for route in ROUTES if route.path not in ENDLESS])
schema = schemathesis.openapi.from_dict(DESCRIBED)
BY_AGENTS = {(route.method, route.path) for route in ROUTES if route.agents}


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    """A real server whose limits are far away."""
    rates = Rates(key=UNLIMITED, person=UNLIMITED, sign_in=UNLIMITED, address=UNLIMITED)
    with live_server(POLICY, agent="support", rates=rates) as running:
        yield running


@pytest.fixture(scope="module")
def admin(live: Live) -> dict[str, str]:
    """The headers of a signed-in person who may do everything."""
    token, session = live.call(live._signed_in("ruth"))
    return {"cookie": f"{COOKIE}={token}", CSRF_HEADER: session.csrf}


@pytest.fixture(scope="module")
def escalation(live: Live) -> str:
    """One that exists, so that not every answer is 404."""
    agent = {"authorization": f"Bearer {live.key}"}
    reply = httpx2.post(f"{live.url}/v1/escalations", json=opening(), headers=agent)
    found: str = reply.json()["escalation"]["id"]
    return found


@schema.parametrize()
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@pytest.mark.promise("any-input-any-route")
def test_no_input_breaks_a_route_or_gets_an_undescribed_answer(
    case: schemathesis.Case[Any], live: Live, admin: dict[str, str], escalation: str
) -> None:
    """Agents are programs written by strangers: what they send is anybody's guess."""
    if "wait" in case.query:
        case.query["wait"] = 0
    if len(str(case.path_parameters.get("id", ""))) % 2:
        case.path_parameters["id"] = escalation
    is_agent = (case.operation.method.upper(), case.operation.path) in BY_AGENTS
    headers = {"authorization": f"Bearer {live.key}"} if is_agent else admin

    reply = case.call_and_validate(base_url=live.url, headers=headers, checks=CHECKS, timeout=20)

    assert reply.status_code < 500


def test_an_escalation_survives_everything_that_is_sent_to_it(live: Live) -> None:
    """After the storm the plain path still works."""
    with httpx2.Client(base_url=live.url, headers={"authorization": f"Bearer {live.key}"}) as agent:
        reply = agent.post("/v1/escalations", json=opening("after-the-storm", run="calm"))

    assert reply.status_code == 201
