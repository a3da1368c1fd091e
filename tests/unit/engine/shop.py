"""A small shop on a real SQLite file: people, a ladder, an agent, and a clock that is turned."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pullcord.engine.desk import Opened
from pullcord.engine.house import House, furnish, opened
from pullcord.engine.settings import Settings
from pullcord.path.escalation import Actor, ActorKind, agent, person
from pullcord.store.port import AgentKey, Row
from pullcord.store.sqlite import SqliteStore
from pullcord.testing.clock import SeededIds, TurnableClock
from pullcord.wire import requests as wire
from pullcord.wire.views import DetailView

#: a Monday, 14:00 in Berlin
NOON = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
SHOP = "example-shop"
VIA_LINK = Actor(ActorKind.END_USER, "via link")

POLICY = """
workspace: example-shop
name: Example Shop
timezone: Europe/Berlin
people:
  maria: {name: Maria Lopez, shown_as: Maria from Billing, email: maria@example.com,
          timezone: Europe/Berlin}
  tom: {name: Tom Ode, email: tom@example.com, phone: "+491510000001"}
  dana: {name: Dana Weiss, email: dana@example.com, role: lead}
  audrey: {name: Audrey Ling, email: audrey@example.com, role: auditor}
schedules:
  billing: {rotate: weekly, hand_off: "Mon 09:00", people: [maria]}
teams:
  finance: {members: [tom, dana], lead: dana}
ladders:
  billing:
    rungs:
      - {ask: schedule/billing, accept_within: 10m}
      - {ask: person/tom, accept_within: 10m, wake: true}
    catch_all: person/dana
  finance:
    rungs: [{ask: team/finance, accept_within: 5m}]
    catch_all: person/dana
agents:
  support: {ladder: billing, contact: tom}
tools:
  issue_refund:
    reversible: no
    money: args.amount
    currency: EUR
    consequence: The money leaves within a minute.
  send_letter: {reversible: yes}
defaults: {decide_within: 30m, hold_for: 10m, fallback: reject, extend_at_most: 1h}
rules:
  - id: refund-over-limit
    tool: issue_refund
    when: args.amount > 250
    steward: dana
    ask: "Refund EUR {args.amount} to {end_user.name}?"
  - {id: never-close, tool: close_account, mode: deny}
  - {id: big-refund, tool: wire_money, ladder: finance, quorum: 2, severity: high}
  - {id: wants-a-person, tool: talk, ask_kind: take_over, fallback: keep_waiting}
"""

MESSAGES: list[dict[str, Any]] = [
    {"role": "user", "content": "I was charged twice on 20 Nov."},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {
                "id": "c1",
                "function": {"name": "cancel_order", "arguments": '{"order": "8813"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "cancelled"},
]


@dataclass(frozen=True)
class Shop:
    """The house, its clock, and shorthand for what people and agents do in it."""

    house: House
    clock: TurnableClock
    key: AgentKey

    async def stop(self, name: str = "k1", **changes: Any) -> Opened:
        """The agent wants a refund that needs a person; `changes` go into the request."""
        request: dict[str, Any] = {
            "key": name,
            "tool": "issue_refund",
            "args": {"order": "8812", "amount": 480.0},
            "run": "run_1",
            "call": f"call_{name}",
            "end_user": wire.EndUserIn(id="u_7", name="Anna"),
            "messages": MESSAGES,
            **changes,
        }
        return await self.house.desk.open(self.key, wire.OpenIn(**request))

    async def opened(self, name: str = "k1", **changes: Any) -> str:
        """The same, when only the id matters."""
        found = await self.stop(name, **changes)
        assert found.row is not None
        return found.row.escalation.id

    async def does(self, who: str, escalation: str, request: wire.Act) -> Row:
        """A person uses the console."""
        by = person(who)
        return await self.house.desk.act(SHOP, escalation, by, request, via="console")

    async def agent_does(self, escalation: str, request: wire.Act) -> Row:
        """The agent uses its key."""
        by = agent(self.key.agent)
        return await self.house.desk.act(
            SHOP, escalation, by, request, via="api", agent_key=self.key.id
        )

    async def end_user_does(self, escalation: str, request: wire.Act) -> Row:
        """The end user uses the status page."""
        return await self.house.desk.act(SHOP, escalation, VIA_LINK, request, via="link")

    async def decided(self, name: str = "k1", **changes: Any) -> str:
        """Opened and approved by Maria, or what `changes` say of the decision."""
        escalation = await self.opened(name)
        await self.does("maria", escalation, wire.DecideIn(**{"kind": "approve", **changes}))
        return escalation

    async def collected(self, name: str = "k1", **changes: Any) -> str:
        """The same, collected by attempt a1."""
        escalation = await self.decided(name, **changes)
        await self.house.desk.collect(self.key, escalation, wire.CollectIn(attempt="a1"))
        return escalation

    async def erased(self) -> None:
        """All sealed contents are deleted, as an erasure does."""
        store = self.house.store
        assert isinstance(store, SqliteStore)
        await store.write(lambda connection: connection.execute("delete from sealed").rowcount)

    async def passes(self, span: timedelta) -> None:
        """Time passes and everything that is due by then is done."""
        self.clock.turn(span)
        for _ in range(50):
            if not await self.house.timers.tick():
                return
        raise AssertionError(f"still something due after {span}")


@asynccontextmanager
async def open_shop(
    folder: Path, *, environment: str = "production", policy: str = POLICY
) -> AsyncIterator[Shop]:
    """A shop with its policy applied and one key of the agent `support`, made by Dana."""
    clock = TurnableClock(NOON)
    house = furnish(
        SqliteStore(folder / "shop.db"),
        master=bytes(32),
        clock=clock,
        ids=SeededIds(clock),
        settings=Settings(public_url="https://pull.example"),
        channels={},
    )
    async with opened(house, runs=False):
        await house.office.apply(policy, by="dana")
        _, key = await house.office.mint_key(
            SHOP, agent="support", environment=environment, creator="dana"
        )
        yield Shop(house, clock, key)


# --- a person at the page of one escalation -----------------------------------------------------

#: the arguments most escalations of these tests are about
ARGS = {"order": "8812", "amount": 480.0}


async def page(shop: Shop, escalation: str, who: str = "maria") -> DetailView:
    """The page as this person sees it."""
    return await shop.house.views.detail(SHOP, who, escalation)


def allowed(view: DetailView) -> list[str]:
    """The acts this viewer may use."""
    return [each.verb for each in view.acts if each.is_allowed]


def why_not(view: DetailView, verb: str) -> str:
    """Why this viewer may not use this act."""
    return next(each.why_not for each in view.acts if each.verb == verb)
