"""A small shop for the engine's tests: one policy, one town, an agent's key and its requests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pullcord.store.port import AgentKey
from pullcord.testing import Town, running_house
from pullcord.wire import requests as wire

POLICY = """
workspace: shop
people:
  maria: {name: Maria Lopez, shown_as: Maria from Billing, email: maria@example.com}
  tom: {name: Tom Ode, email: tom@example.com}
  dana: {name: Dana Weiss, email: dana@example.com, role: lead}
  rita: {name: Rita Moss, email: rita@example.com, role: auditor}
ladders:
  billing:
    rungs:
      - {ask: person/maria, accept_within: 10m}
      - {ask: person/tom, accept_within: 10m, wake: true}
    catch_all: person/dana
  board:
    rungs:
      - {ask: person/dana, accept_within: 10m}
    catch_all: person/dana
agents:
  support: {ladder: billing, contact: tom}
tools:
  issue_refund: {money: args.amount, currency: EUR}
defaults: {decide_within: 2h, hold_for: 30m}
rules:
  - {id: never-negative, tool: issue_refund, mode: deny, when: args.amount < 0}
  - {id: refund-over-limit, tool: issue_refund, when: args.amount > 250}
  - {id: huge-refund, tool: issue_refund, when: args.amount > 5000, severity: critical,
     ladder: board}
  - {id: wants-a-person, tool: hand_over, ask_kind: take_over, fallback: keep_waiting}
"""


@asynccontextmanager
async def shop(policy: str = POLICY) -> AsyncIterator[tuple[Town, AgentKey]]:
    """A town with this policy and the key of its support agent."""
    async with running_house(policy) as town:
        shown = await town.key(agent="support", creator="dana")
        yield town, await town.house.office.key_of(shown)


def refund(amount: Any = 480.0, **changes: Any) -> wire.OpenIn:
    """The request of a refund that is stopped."""
    fields: dict[str, Any] = {
        "key": "k1",
        "tool": "issue_refund",
        "args": {"order": "H-1", "amount": amount},
        "run": "run-1",
        "end_user": wire.EndUserIn(id="u_7", name="Anna"),
        **changes,
    }
    return wire.OpenIn(**fields)


async def stopped(town: Town, key: AgentKey, request: wire.OpenIn | None = None) -> str:
    """The id of a fresh escalation."""
    opened = await town.house.desk.open(key, request or refund())
    assert opened.row is not None, opened.judgement.reason
    return opened.row.escalation.id
