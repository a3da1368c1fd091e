"""Bad input: each kind its own clear problem with field, value and remedy; nothing is changed."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from pullcord.wire.bounds import BODY_BYTES_MAX
from tests.server.place import Place, opening

OPEN = "/v1/escalations"
JSON = {"content-type": "application/json"}


def expect_problem(reply: httpx2.Response, status: int, name: str, **said: str) -> dict[str, Any]:
    """The reply is this problem, and says these things in these fields."""
    problem: dict[str, Any] = reply.json()
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:pullcord:problem:{name}"
    assert problem["status"] == status
    assert problem["detail"]
    for field, part in said.items():
        assert part in problem[field], problem
    return problem


@pytest.mark.parametrize(
    ("body", "status", "name", "said"),
    [
        (b"", 400, "malformed-request", {"detail": "empty"}),
        (b"{", 400, "malformed-request", {"detail": "not JSON"}),
        (b"\xff\xfe\xfa", 400, "malformed-request", {"detail": "not JSON"}),
        (b'{"key": 1' + b"0" * 5_000 + b"}", 422, "invalid-input", {"value": "2^53"}),
        (b"[]", 422, "invalid-input", {"field": "body", "limit": "object"}),
        (b'{"key": "k", "colour": 1}', 422, "invalid-input", {"field": "colour", "limit": "tool"}),
        (b"{}", 422, "invalid-input", {"field": "key", "limit": "needed"}),
        (b'{"key": 7}', 422, "invalid-input", {"field": "key", "value": "7", "limit": "str"}),
        (b'{"key": ""}', 422, "invalid-input", {"field": "key", "limit": "length >= 1"}),
        (b'{"key": "a", "key": "b"}', 422, "invalid-input", {"detail": "twice"}),
        (b'{"key": "a\\u0000"}', 422, "invalid-input", {"field": "key", "value": "NUL"}),
        (b'{"key": "\\ud800"}', 422, "invalid-input", {"field": "key", "value": "surrogate"}),
        (b'{"key": "k", "args": {"a": NaN}}', 422, "invalid-input", {"value": "NaN"}),
        (b'{"key": "k", "args": {"a": 1e999}}', 422, "invalid-input", {"field": "args.a"}),
        (
            b'{"key": "k", "args": {"a": 9007199254740993}}',
            422,
            "invalid-input",
            {"value": "2^53", "remedy": "text"},
        ),
        (
            b'{"key": "k", "args": ' + b'{"a":' * 70 + b"1" + b"}" * 70 + b"}",
            422,
            "invalid-input",
            {"value": "64 levels"},
        ),
        (
            b'{"key": "k", "args": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
            422,
            "invalid-input",
            {"value": "64 levels"},
        ),
        (
            b'{"key": "k", "ask": {"options": [{"id": "a", "label": "A"}, {"id": 3}]}}',
            422,
            "invalid-input",
            {"field": "ask.options[1].id", "value": "3"},
        ),
        (
            b'{"key": "k", "end_user": {"name": "Anna"}}',
            422,
            "invalid-input",
            {"field": "end_user.id"},
        ),
        (
            b'{"key": "k", "end_user": {"id": "a", "age": 3}}',
            422,
            "invalid-input",
            {"field": "end_user.age", "value": "3"},
        ),
        (
            b'{"key": "k", "signals": {"x": []}}',
            422,
            "invalid-input",
            {"field": "signals"},
        ),
        (
            b'{"key": "k", "claims": {"confidence": 2}}',
            422,
            "invalid-input",
            {"field": "claims.confidence", "limit": "<= 1.0"},
        ),
        (b'{"key": "~mine", "tool": "t"}', 422, "invalid-input", {"field": "key"}),
        (
            b'{"key": "k", "ask": {"kind": "choose", "options": []}}',
            422,
            "invalid-input",
            {"field": "ask.options"},
        ),
    ],
)
async def test_a_bad_opening_is_refused_with_field_value_and_remedy(
    place: Place, body: bytes, status: int, name: str, said: dict[str, str]
) -> None:
    """A developer finds the mistake from the answer alone, and nothing was half done."""
    before = await place.contents()

    reply = await place.agent().post(OPEN, content=body, headers=JSON)

    expect_problem(reply, status, name, **said)
    assert await place.contents() == before


@pytest.mark.promise("big-body-costs-little")
async def test_a_body_over_the_limit_is_refused_before_it_is_read(place: Place) -> None:
    """50 MB must cost the server one megabyte at most, whether their size is declared or not."""
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(800):
            read += 65_536
            yield b" " * 65_536

    declared = await place.agent().post(OPEN, content=b" " * 50_000_000, headers=JSON)
    streamed = await place.agent().post(OPEN, content=endless(), headers=JSON)

    expect_problem(declared, 413, "too-much", detail="50000000")
    expect_problem(streamed, 413, "too-much", detail=str(BODY_BYTES_MAX))
    assert read <= BODY_BYTES_MAX + 65_536


@pytest.mark.parametrize("sent", ["", "text/plain", "application/x-www-form-urlencoded"])
async def test_a_body_that_does_not_claim_to_be_json_is_refused(place: Place, sent: str) -> None:
    """A form on another site can send these without asking; so they never count."""
    headers = {"content-type": sent} if sent else {}

    reply = await place.agent().post(OPEN, content=b'{"key": "k"}', headers=headers)

    expect_problem(reply, 415, "unsupported-media-type", detail="application/json")


async def test_an_unknown_tool_is_judged_by_the_rules_and_shown_as_unknown(place: Place) -> None:
    """A tool nobody registered is no error: it is shown raw and marked, or allowed by rule."""
    reply = await place.agent().post(OPEN, json={"key": "k", "tool": "no_such_tool"})

    assert reply.status_code == 200
    assert reply.json()["verdict"] == "allow"


async def test_a_key_reused_for_another_action_is_a_conflict(place: Place) -> None:
    """Two actions under one key would let one decision run the other."""
    escalation = await place.opened("k1")
    before = await place.contents()

    reply = await place.agent().post(OPEN, json=opening("k1", amount=9_999.0))

    expect_problem(reply, 409, "key-reused", detail=escalation)
    assert await place.contents() == before


async def test_a_decision_on_a_withdrawn_escalation_is_refused(place: Place) -> None:
    """Nobody's approval may wake something that was taken back."""
    path = f"/v1/escalations/{await place.opened()}"
    await place.agent().post(f"{path}/withdraw", json={})
    maria = await place.person("maria")
    before = await place.contents()

    reply = await maria.post(f"{path}/decide", json={"kind": "approve"})

    expect_problem(reply, 409, "already-withdrawn")
    assert await place.contents() == before


async def test_the_second_decision_is_told_who_was_first(place: Place) -> None:
    """The first decision stands; the loser learns whose it was."""
    path = f"/v1/escalations/{await place.decided()}"
    dana = await place.person("dana")
    before = await place.contents()

    reply = await dana.post(f"{path}/decide", json={"kind": "reject"})

    expect_problem(reply, 409, "already-decided", by="maria")
    assert await place.contents() == before


async def test_a_stale_generation_or_document_is_refused(place: Place) -> None:
    """What was on the screen is not what is there now, so the click does not count."""
    path = f"/v1/escalations/{await place.opened()}"
    maria = await place.person("maria")
    before = await place.contents()

    stale = await maria.post(f"{path}/accept", json={"generation": 99})
    other = await maria.post(f"{path}/accept", json={"shown_digest": "0" * 64})

    expect_problem(stale, 409, "stale-view", detail="generation 99")
    expect_problem(other, 409, "stale-view")
    assert await place.contents() == before


async def test_an_undecided_escalation_cannot_be_collected_or_reported(place: Place) -> None:
    """Nothing runs before a decision."""
    path = f"/v1/escalations/{await place.opened()}"
    agent = place.agent()
    before = await place.contents()

    collected = await agent.post(f"{path}/collect", json={"attempt": "a1"})
    reported = await agent.post(f"{path}/report", json={"attempt": "a", "outcome": "not_needed"})

    expect_problem(collected, 409, "not-yet-decided")
    assert reported.status_code == 409
    assert await place.contents() == before


async def test_an_expired_decision_is_gone(place: Place) -> None:
    """A decision of last week may not run today."""
    path = f"/v1/escalations/{await place.decided()}"
    place.town.clock.turn(timedelta(days=8))

    reply = await place.agent().post(f"{path}/collect", json={"attempt": "a1"})

    expect_problem(reply, 410, "decision-expired")


async def test_a_report_without_the_arguments_that_ran_is_refused(place: Place) -> None:
    """Without them nobody could tell a drift from the decision."""
    path = f"/v1/escalations/{await place.decided()}"
    agent = place.agent()
    await agent.post(f"{path}/collect", json={"attempt": "a1"})

    reply = await agent.post(f"{path}/report", json={"attempt": "a1", "outcome": "executed"})

    expect_problem(reply, 422, "invalid-input", field="args")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("wait=56", "wait"),
        ("wait=soon", "wait"),
        ("wait=1&wait=2", "wait"),
        ("colour=1", "colour"),
        ("attempt=%00", "attempt"),
        ("attempt=" + "a" * 300, "attempt"),
        ("attempt=" + "a" * 5_000, "query"),
    ],
)
async def test_a_bad_query_is_refused_by_name(place: Place, query: str, field: str) -> None:
    """A misspelt filter that is ignored would answer another question."""
    reply = await place.agent().get(f"/v1/decisions?{query}")

    expect_problem(reply, 422, "invalid-input", field=field)


@pytest.mark.parametrize(
    ("query", "field"),
    [("status=opened", "status"), ("cursor=nonsense", "cursor"), ("limit=0", "limit")],
)
async def test_a_bad_listing_is_refused_by_name(place: Place, query: str, field: str) -> None:
    """The same for listings."""
    reply = await place.agent().get(f"/v1/escalations?{query}")

    expect_problem(reply, 422, "invalid-input", field=field)


@pytest.mark.parametrize("id", ["esc_none", "%00", "a" * 300, "%F0%9F%98%80"])
async def test_an_id_that_is_none_of_ours_is_not_found(place: Place, id: str) -> None:
    """Whatever stands in the address, the answer is the same."""
    reply = await place.agent().get(f"/v1/escalations/{id}")

    expect_problem(reply, 404, "not-found")


async def test_an_address_or_method_that_does_not_exist_is_a_problem_too(place: Place) -> None:
    """Clients read one kind of error everywhere."""
    agent = place.agent()

    missing = await agent.get("/v1/nothing")
    slash = await agent.post("/v1/escalations/", json=opening())
    method = await agent.delete("/v1/escalations")

    expect_problem(missing, 404, "not-found", detail="/openapi.json")
    expect_problem(slash, 404, "not-found")
    expect_problem(method, 405, "method-not-allowed", detail="allowed:")
    assert method.headers["allow"]


@pytest.mark.parametrize(
    ("body", "status", "name"),
    [
        (b"workspace: shop\nladders: {", 422, "invalid-policy"),
        (b"workspace: other\n", 422, "invalid-policy"),
        (b"\xff\xfe", 422, "invalid-input"),
        (b"workspace: shop\x00", 422, "invalid-input"),
        (b"workspace: ${env:HOME}\n", 422, "invalid-policy"),
    ],
)
async def test_a_policy_that_does_not_hold_is_refused_whole(
    place: Place, body: bytes, status: int, name: str
) -> None:
    """The policy in force stays until a better one is whole."""
    dana = await place.person("dana")
    before = await place.contents()

    reply = await dana.put("/v1/policy", content=body, headers={"content-type": "text/yaml"})

    expect_problem(reply, status, name)
    assert await place.contents() == before
