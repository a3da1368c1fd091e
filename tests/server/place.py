"""A house behind its HTTP interface, in process: every role has a client, the clock is turned."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from pullcord.engine.settings import Settings
from pullcord.server.app import create_app
from pullcord.server.limits import Rates
from pullcord.server.sessions import COOKIE, CSRF_HEADER
from pullcord.store.port import AgentKey, Session
from pullcord.store.sqlite import SqliteStore
from pullcord.testing.town import Town, running_house

URL = "http://127.0.0.1:8710"

POLICY = """
workspace: shop
name: Example Shop
timezone: Europe/Berlin
people:
  maria: {name: Maria Lopez, shown_as: Maria from Billing, email: maria@example.com}
  tom: {name: Tom Ode, email: tom@example.com}
  dana: {name: Dana Weiss, email: dana@example.com, role: lead}
  devi: {name: Devi Rao, email: devi@example.com, role: developer}
  alex: {name: Alex Kim, email: alex@example.com, role: auditor}
  ruth: {name: Ruth Ban, email: ruth@example.com, role: admin}
schedules:
  billing: {rotate: weekly, hand_off: "Mon 09:00", people: [maria, tom]}
ladders:
  billing:
    rungs:
      - {ask: person/maria, accept_within: 10m}
      - {ask: person/tom, accept_within: 10m}
    catch_all: person/dana
agents:
  support: {ladder: billing, contact: tom}
  claims: {ladder: billing, contact: tom}
tools:
  issue_refund: {reversible: no, money: args.amount}
rules:
  - id: refund-over-limit
    tool: issue_refund
    when: args.amount > 250
    ask: "Refund EUR {args.amount}?"
  - id: never-delete
    tool: delete_account
    when: "true"
    mode: deny
  - id: wants-a-person
    when: end_user.asks_for_person
    ask_kind: take_over
    fallback: keep_waiting
"""

ROLES: Mapping[str, str] = {
    "operator": "maria",
    "lead": "dana",
    "developer": "devi",
    "auditor": "alex",
    "admin": "ruth",
}


@dataclass
class Place:
    """One workspace behind HTTP."""

    town: Town
    app: Starlette
    shown_key: str
    key: AgentKey
    other_key: str
    clients: list[httpx2.AsyncClient] = field(default_factory=list)

    def client(self, **options: Any) -> httpx2.AsyncClient:
        """A client with these headers and cookies; closed with the place."""
        transport = httpx2.ASGITransport(app=self.app, raise_app_exceptions=False)
        made = httpx2.AsyncClient(transport=transport, base_url=URL, **options)
        self.clients.append(made)
        return made

    def agent(self, shown: str = "") -> httpx2.AsyncClient:
        """The agent `support`, or whoever has this key."""
        return self.client(headers={"authorization": f"Bearer {shown or self.shown_key}"})

    async def session(self, who: str) -> tuple[str, Session]:
        """A new session of a person."""
        office = self.town.house.office
        token = await office.invite(self.town.workspace, who, purpose="demo")
        return await office.redeem_demo(token)

    async def person(self, who: str) -> httpx2.AsyncClient:
        """A signed-in person's client, as our own pages send."""
        token, session = await self.session(who)
        return self.client(cookies={COOKIE: token}, headers={CSRF_HEADER: session.csrf})

    async def opened(self, key: str = "k1", amount: float = 480.0, **more: Any) -> str:
        """A new escalation of the agent `support`; its id."""
        async with self.agent() as agent:
            reply = await agent.post("/v1/escalations", json=opening(key, amount, **more))
        assert reply.status_code == 201, reply.text
        found: str = reply.json()["escalation"]["id"]
        return found

    async def decided(self, key: str = "k1", **more: Any) -> str:
        """An escalation that Maria approved; its id."""
        escalation = await self.opened(key, **more)
        await self.town.person("maria").approve(escalation)
        return escalation

    async def contents(self) -> list[tuple[Any, ...]]:
        """Everything the database holds, but for the count of repeated openings."""
        store = self.town.house.store
        assert isinstance(store, SqliteStore), "the store of these tests is SQLite"
        tables = await store.read("select name from sqlite_master where type = 'table'")
        found: list[tuple[Any, ...]] = []
        for (table,) in sorted(tables):
            columns = await store.read("select name from pragma_table_info(?)", table)
            names = ", ".join(name for (name,) in columns if name != "touched")
            rows = await store.read(f"select {names} from {table}")
            found.extend((table, *row) for row in sorted(rows, key=repr))
        return found


def opening(key: str = "k1", amount: float = 480.0, **more: Any) -> dict[str, Any]:
    """A request to open: a refund over the limit."""
    return {
        "key": key,
        "tool": "issue_refund",
        "args": {"order": "A-1", "amount": amount},
        "run": "run-1",
        "call": "call-1",
        "end_user": {"id": "u_7", "name": "Anna"},
        "messages": [{"role": "user", "content": "I want my money back."}],
        **more,
    }


@asynccontextmanager
async def place_of(
    policy: str = POLICY,
    *,
    settings: Settings | None = None,
    rates: Rates | None = None,
    extra_routes: tuple[BaseRoute, ...] = (),
) -> AsyncIterator[Place]:
    """A place with this policy; the engine stands still until the town's clock is turned."""
    async with running_house(policy, settings=settings) as town:
        app = create_app(town.house, rates=rates, extra_routes=extra_routes)
        mint = town.house.office.mint_key
        shown, key = await mint(
            town.workspace, agent="support", environment="production", creator="dana"
        )
        other, _ = await mint(
            town.workspace, agent="claims", environment="production", creator="dana"
        )
        place = Place(town, app, shown, key, other)
        try:
            yield place
        finally:
            for client in place.clients:
                await client.aclose()
