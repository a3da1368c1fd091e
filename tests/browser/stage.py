"""The shop in which the browser tests play, and the stops its agents make."""

from typing import Any

import httpx2

from pullcord.testing import Live

POLICY = """
workspace: example-shop
name: Example Shop
timezone: Europe/Berlin
people:
  kim:   {name: Kim Arndt, email: kim@example.com, role: admin}
  maria: {name: Maria Lopez, shown_as: Maria from Billing, email: maria@example.com}
  tom:   {name: Tom Ode, shown_as: Tom from Billing, email: tom@example.com}
  dana:  {name: Dana Weiss, email: dana@example.com, role: lead}
ladders:
  billing:
    rungs:
      - {ask: person/maria, accept_within: 10m}
      - {ask: person/tom, accept_within: 10m}
    catch_all: person/dana
agents:
  support: {ladder: billing, contact: tom}
  infra: {ladder: billing, contact: tom}
tools:
  issue_refund:
    reversible: no
    money: args.amount
    currency: EUR
    consequence: The money leaves within a minute and cannot be called back.
defaults: {mode: gate, decide_within: 2h, hold_for: 30m, fallback: reject}
rules:
  - id: refund-over-limit
    tool: issue_refund
    when: args.amount > 250
    severity: high
    ask: "Refund EUR {args.amount} to {end_user.name}?"
"""

ANNA = {"id": "u_7", "name": "Anna Keller"}
CLAIMS = {
    "situation": "Anna was charged twice on 20 November for order 8812.",
    "assessment": "Both charges look settled.",
    "unknowns": ["Whether the bank already reversed one of them"],
    "confidence": 0.71,
    "recommendation": "Refund the whole 480.00.",
}
MESSAGES = [
    {"role": "user", "content": "I was charged twice for order 8812, please send the money back."},
    {"role": "assistant", "content": "I am checking this with a colleague."},
]
REFUND: dict[str, Any] = {
    "key": "call-1",
    "tool": "issue_refund",
    "args": {"order": "8812", "amount": 480.0, "express": True},
    "run": "run-17",
    "end_user": ANNA,
    "messages": MESSAGES,
    "claims": CLAIMS,
}
CHOICE: dict[str, Any] = {
    "key": "call-2",
    "ask": {
        "kind": "choose",
        "question": "Two accounts match “J. Smith”. Which one is the caller's?",
        "options": [
            {"id": "a", "label": "j.smith@example.org", "consequence": "Her address is changed."},
            {"id": "n", "label": "Neither", "consequence": "The caller waits.", "is_safe": True},
        ],
    },
    "end_user": {"id": "u_8", "name": "J. Smith"},
}
QUESTION: dict[str, Any] = {
    "key": "call-3",
    "ask": {"kind": "answer", "question": "Does clause 7 cover water from a neighbour's flat?"},
    "end_user": {"id": "u_9", "name": "Ömer Çelik"},
}


def stopped(live: Live, request: dict[str, Any]) -> dict[str, Any]:
    """What an agent is told when it is stopped: the escalation as its key may see it."""
    answer = httpx2.post(
        f"{live.url}/v1/escalations",
        json=request,
        headers={"authorization": f"Bearer {live.key}"},
        trust_env=False,
    )
    assert answer.status_code == 201, answer.text
    escalation: dict[str, Any] = answer.json()["escalation"]
    return escalation


def standing(live: Live, escalation: str) -> Any:
    """The escalation as the store has it now."""
    return live.call(live.town.row(escalation)).escalation


def decided_content(live: Live, escalation: str) -> dict[str, Any]:
    """The sealed part of its decision."""
    found = standing(live, escalation)
    house = live.town.house
    content: dict[str, Any] = live.call(
        house.contents.one(found.workspace, found.id, found.decision.content)
    )
    return content


def session_token(live: Live, who: str) -> str:
    """The cookie of somebody who signed in."""
    office = live.town.house.office
    ticket = live.call(office.invite(live.town.workspace, who, purpose="demo"))
    token, _ = live.call(office.redeem_demo(ticket))
    return token
