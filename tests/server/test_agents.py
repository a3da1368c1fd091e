"""The agent's side of the interface: open, wait, collect, report."""

import pytest

from tests.server.place import Place, opening


async def test_a_stopped_call_opens_an_escalation(place: Place) -> None:
    """The agent learns at once who is being asked and what to tell its user."""
    reply = await place.agent().post("/v1/escalations", json=opening())

    told = reply.json()
    assert reply.status_code == 201
    assert told["verdict"] == "gate"
    assert told["is_new"] is True
    assert told["escalation"]["owner"]["id"] == "maria"
    assert told["escalation"]["status"] == "open"
    assert "/status/" in told["escalation"]["status_url"]


@pytest.mark.promise("open-is-idempotent")
async def test_opening_twice_with_one_key_is_one_escalation(place: Place) -> None:
    """An agent that lost the answer repeats the request; nobody is asked twice."""
    agent = place.agent()

    first = await agent.post("/v1/escalations", json=opening())
    again = await agent.post("/v1/escalations", json=opening())

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["is_new"] is False
    assert first.json()["escalation"]["id"] == again.json()["escalation"]["id"]
    assert len(await place.town.escalations()) == 1


async def test_a_call_that_no_rule_stops_is_allowed_and_kept_nowhere(place: Place) -> None:
    """Only what needs a person makes an escalation."""
    reply = await place.agent().post("/v1/escalations", json=opening(amount=20.0))

    assert reply.status_code == 200
    assert reply.json()["verdict"] == "allow"
    assert reply.json()["escalation"] is None


async def test_a_denied_call_wakes_nobody(place: Place) -> None:
    """A rule that refuses outright answers at once and says why."""
    reply = await place.agent().post("/v1/escalations", json={"key": "k", "tool": "delete_account"})

    assert reply.status_code == 200
    assert reply.json()["verdict"] == "deny"
    assert reply.json()["for_model"]


async def test_the_whole_path_over_http(place: Place) -> None:
    """Open, accept, change the amount, collect exactly that, report it: the reason we exist."""
    agent, maria = place.agent(), await place.person("maria")
    opened = await agent.post("/v1/escalations", json=opening())
    path = f"/v1/escalations/{opened.json()['escalation']['id']}"
    args = {"order": "A-1", "amount": 300.0}

    accepted = await maria.post(f"{path}/accept", json={})
    decided = await maria.post(f"{path}/decide", json={"kind": "edit", "args": args})
    collected = await agent.post(f"{path}/collect", json={"attempt": "a1"})
    reported = await agent.post(
        f"{path}/report", json={"attempt": "a1", "outcome": "executed", "args": args}
    )

    assert accepted.json()["status"] == "accepted"
    assert decided.json()["decision"]["kind"] == "edit"
    assert collected.json()["args"] == args
    assert collected.json()["by"]["shown_as"] == "Maria from Billing"
    assert reported.json()["closed_as"] == "executed"


async def test_the_same_attempt_collects_the_same_reply_and_another_is_told(place: Place) -> None:
    """A crash between collect and effect must never let two processes run one decision."""
    path = f"/v1/escalations/{await place.decided()}/collect"
    agent = place.agent()

    first = await agent.post(path, json={"attempt": "a1"})
    again = await agent.post(path, json={"attempt": "a1"})
    other = await agent.post(path, json={"attempt": "a2"})

    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert other.status_code == 409
    assert other.json()["type"] == "urn:pullcord:problem:already-collected"
    assert other.json()["attempt"] == "a1"


async def test_an_agent_adds_context_replies_and_withdraws(place: Place) -> None:
    """What an agent may do while a person thinks."""
    path = f"/v1/escalations/{await place.opened()}"
    agent, maria = place.agent(), await place.person("maria")
    await maria.post(f"{path}/accept", json={})
    asked = await maria.post(f"{path}/ask", json={"to": "agent", "text": "Which order?"})
    timeline = await agent.get(f"{path}/timeline")
    question = timeline.json()["entries"][-1]["facts"]["question"]

    context = await agent.post(f"{path}/context", json={"text": "They wrote again."})
    reply = await agent.post(f"{path}/reply", json={"question": question, "text": "A-1"})
    withdrawn = await agent.post(f"{path}/withdraw", json={"reason": "paid otherwise"})

    assert asked.status_code == context.status_code == reply.status_code == 200
    assert withdrawn.json()["status"] == "withdrawn"


async def test_calls_that_needed_nobody_are_counted(place: Place) -> None:
    """Without denominators nobody knows how often a rule fires."""
    call = {"id": "c1", "at": "2027-01-05T12:00:00Z", "tool": "t", "verdict": "allow"}

    reply = await place.agent().post("/v1/calls", json={"calls": [call], "lost": 3})

    assert reply.status_code == 202
    assert reply.json() == {"recorded": 2}


async def test_explain_says_what_would_happen_and_does_nothing(place: Place) -> None:
    """A developer tries a rule without waking anybody."""
    before = await place.contents()

    reply = await place.agent().post(
        "/v1/explain", json={"tool": "issue_refund", "args": {"amount": 480}}
    )

    assert reply.json()["verdict"] == "gate"
    assert reply.json()["owner"]["id"] == "maria"
    assert await place.contents() == before


async def test_the_rules_come_with_a_tag_and_are_sent_once(place: Place) -> None:
    """SDKs ask every minute; an unchanged policy costs them nothing."""
    agent = place.agent()

    first = await agent.get("/v1/policy")
    tag = first.headers["etag"]
    same = await agent.get("/v1/policy", headers={"if-none-match": f'"other", W/{tag}'})

    assert first.json()["agent"] == "support"
    assert first.json()["public_keys"]
    assert (same.status_code, same.content) == (304, b"")


async def test_another_keys_escalation_is_not_there(place: Place) -> None:
    """An agent cannot tell what it does not own from what does not exist."""
    escalation = await place.opened()
    other = place.agent(place.other_key)

    seen = await other.get(f"/v1/escalations/{escalation}")
    listed = await other.get("/v1/escalations")
    timeline = await other.get(f"/v1/escalations/{escalation}/timeline")
    withdrawn = await other.post(f"/v1/escalations/{escalation}/withdraw", json={})
    collected = await other.post(f"/v1/escalations/{escalation}/collect", json={"attempt": "a"})

    assert listed.json()["escalations"] == []
    for reply in (seen, timeline, withdrawn, collected):
        assert reply.status_code == 404
        assert reply.json()["type"] == "urn:pullcord:problem:not-found"


async def test_the_trace_of_the_caller_is_kept_with_the_escalation(place: Place) -> None:
    """From a trace one finds who decided; from an escalation one finds the trace."""
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}

    reply = await place.agent().post("/v1/escalations", json=opening(), headers=headers)

    row = await place.town.row(reply.json()["escalation"]["id"])
    assert row.escalation.trace == trace
