"""Clients that know nothing but HTTP, on the same stormy worlds; their histories are checked.

Every reply about an escalation names its version. So: one version never looks two ways, a version
somebody was told of never disappears, and who asks after that is never told of an older one.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2

from pullcord.briefing.digest import digest
from pullcord.engine.house import House
from pullcord.errors import OutsideFailed, PullcordError
from pullcord.server.app import create_app
from pullcord.store.port import Session
from tests.simulation.loop import elapse
from tests.simulation.policy import OPERATORS, WORKSPACE
from tests.simulation.world import Effect, Lost, World

#: statuses a client may meet in a storm; anything else is a fault of the server
EXPECTED = frozenset({200, 201, 202, 401, 403, 404, 409, 410, 422, 423, 503})
BASE = "http://127.0.0.1:8710"


class Refused(Exception):
    """The server said no, for a reason of the domain."""


class SignedOut(Refused):
    """The session has ended: a person who is no longer active is signed out everywhere."""


@dataclass(slots=True)
class Histories:
    """What was told to whom, over all clients."""

    world: World
    #: (escalation, version) to how it looked
    looks: dict[tuple[str, int], str] = field(default_factory=dict)
    #: highest version anybody was told of, by escalation
    known: dict[str, int] = field(default_factory=dict)
    #: (agent key, key) to escalation
    opened: dict[tuple[str, str], str] = field(default_factory=dict)
    replies: int = 0
    statuses: dict[int, int] = field(default_factory=dict)

    def saw(self, told: dict[str, Any], before: dict[str, int]) -> None:
        """A reply about one escalation; `before` is what was known when it was asked for."""
        self.replies += 1
        name, version = told["id"], told["version"]
        look = repr((told["status"], told["owner"]["id"], told["decision"], told["closed_as"]))
        first = self.looks.setdefault((name, version), look)
        if first != look:
            self.world.violated(f"{name} version {version} looks two ways: {first} and {look}")
        if version < before.get(name, 0):
            self.world.violated(f"{name} was told as version {version} after {before[name]}")
        self.known[name] = max(version, self.known.get(name, 0))

    def audit(self) -> None:
        """At the end nothing anybody was told of may be missing."""
        for name, version in self.known.items():
            row = self.world.watch.rows.get(name)
            if row is None or row.escalation.version < version:
                self.world.violated(f"{name} version {version} was told of and is not there")


class Wire:
    """Requests of one client to whichever process answers."""

    def __init__(self, histories: Histories, headers: dict[str, str]) -> None:
        self.histories = histories
        self.world = histories.world
        self.headers = headers

    async def send(self, method: str, path: str, **more: Any) -> Any:
        """One request; the decoded reply.

        Raises:
            Lost, OutsideFailed: ask again. Refused: no.
        """
        before = dict(self.histories.known)

        async def act(house: House) -> httpx2.Response:
            client = client_of(house)
            return await client.request(method, path, headers=self.headers, **more)

        response = await self.world.call(act)
        count = self.histories.statuses
        count[response.status_code] = count.get(response.status_code, 0) + 1
        if response.status_code not in EXPECTED:
            self.world.violated(f"{method} {path}: {response.status_code} {response.text[:200]}")
        if response.status_code == 503:
            raise OutsideFailed(response.text)
        reply = response.json()
        if response.status_code == 401:
            raise SignedOut(reply["type"])
        if response.status_code >= 400:
            raise Refused(reply["type"])
        for told in _escalations_in(reply):
            self.histories.saw(told, before)
        return reply

    async def insist(self, method: str, path: str, **more: Any) -> Any:
        """The same request until there is an answer."""
        for _ in range(400):
            try:
                return await self.send(method, path, **more)
            except (Lost, OutsideFailed):
                await elapse(self.world.rng.uniform(0.5, 8))
        raise AssertionError("the server did not answer any more")


def client_of(house: House) -> httpx2.AsyncClient:
    """The in-process client of one house's application; it dies with the process."""
    known = _CLIENTS.get(id(house))
    if known is None or known[0] is not house:
        transport = httpx2.ASGITransport(app=create_app(house), raise_app_exceptions=False)
        known = (house, httpx2.AsyncClient(transport=transport, base_url=BASE))
        _CLIENTS[id(house)] = known
    return known[1]


_CLIENTS: dict[int, tuple[House, httpx2.AsyncClient]] = {}


def _escalations_in(reply: Any) -> list[dict[str, Any]]:
    if "version" in reply and "owner" in reply:
        return [reply]
    listed = [*reply.get("escalations", ()), *reply.get("decided", ())]
    one = reply.get("escalation")
    return [*listed, one] if isinstance(one, dict) else listed


class HttpAgent:
    """An agent that opens, polls, collects, runs and reports."""

    def __init__(self, histories: Histories, shown: str, key: str) -> None:
        self.wire = Wire(histories, {"authorization": f"Bearer {shown}"})
        self.world = histories.world
        self.histories = histories
        self.key = key
        self._ran: dict[str, dict[str, Any]] = {}
        self._mine: set[str] = set()

    async def work(self, count: int, until: float) -> None:
        """Open that many, and open some of them again."""
        rng = self.world.rng
        self.world.busy += 1
        for number in range(count):
            await elapse(rng.expovariate(count / until))
            body = {
                "key": f"call-{number}",
                "tool": "refund",
                "args": {"order": f"o{number}", "amount": rng.choice((260, 480, 1200))},
                "run": f"run-{number}",
            }
            for _ in range(rng.choice((1, 1, 2))):
                await self._open(body)
        self.world.busy -= 1

    async def _open(self, body: dict[str, Any]) -> None:
        reply = await self.wire.insist("POST", "/v1/escalations", json=body)
        told = reply["escalation"]
        if told is None:
            return
        self._mine.add(told["id"])
        first = self.histories.opened.setdefault((self.key, body["key"]), told["id"])
        if first != told["id"]:
            self.world.violated(f"{body['key']} was opened as {first} and as {told['id']}")

    async def live(self, attempt: str) -> None:
        """Held polls, one after the other; each decision is collected, run and reported."""
        rng = self.world.rng
        while True:
            query = {"attempt": attempt, "wait": rng.choice((0, 5, 30))}
            with suppress(Lost, OutsideFailed):
                reply = await self.wire.send("GET", "/v1/decisions", params=query)
                for told in reply["decided"]:
                    with suppress(Refused):
                        await self._take(told["id"], attempt)
            await elapse(rng.uniform(1, 30))
            if rng.random() < 0.1:
                await self._lists()

    async def _lists(self) -> None:
        """A page with room for all shows all it ever opened."""
        mine = set(self._mine)
        with suppress(Lost, OutsideFailed):
            reply = await self.wire.send("GET", "/v1/escalations", params={"limit": 200})
            missing = mine - {each["id"] for each in reply["escalations"]}
            if missing and not reply["cursor"]:
                self.world.violated(f"a listing misses {sorted(missing)}")

    async def _take(self, name: str, attempt: str) -> None:
        path = f"/v1/escalations/{name}"
        found = await self.wire.insist("POST", f"{path}/collect", json={"attempt": attempt})
        facts = (found["kind"], found["decided_digest"], found["by"]["id"], found["at"])
        seen = self.world.history.decisions.setdefault(name, set())
        seen.add(facts)
        if len(seen) > 1:
            self.world.violated(f"{name} has two decisions: {sorted(seen)}")
        report: dict[str, Any] = {"attempt": attempt, "outcome": "not_needed"}
        if found["decided_digest"]:
            if name not in self._ran:
                self._ran[name] = found["args"]
                document = {**found["document"], "args": found["args"]}
                effect = Effect(name, digest(document), self.world.clock.elapsed(), self.key)
                self.world.history.effects.append(effect)
            report = {"attempt": attempt, "outcome": "executed", "args": self._ran[name]}
        await self.wire.insist("POST", f"{path}/report", json=report)


class HttpPerson:
    """Somebody signed in who looks and acts."""

    def __init__(self, histories: Histories, who: str) -> None:
        self.wire = Wire(histories, {})
        self.world = histories.world
        self.who = who
        self.world.pinged[who] = asyncio.Event()

    async def live(self) -> None:
        """Look now and then; act on what the page showed."""
        rng = self.world.rng
        while True:
            calm = self.world.weather.is_calm
            await elapse(rng.uniform(5, 30) if calm else rng.uniform(20, 200))
            try:
                await self._look(calm=calm)
            except SignedOut:
                await self._sign_in()
            except (Lost, OutsideFailed, Refused):
                continue

    async def _look(self, *, calm: bool) -> None:
        query = {"status": "open,accepted", "limit": 20}
        page = await self.wire.send("GET", "/v1/escalations", params=query)
        mine = [each for each in page["escalations"] if self._is_mine(each)]
        for told in mine if calm else mine[:2]:
            await self._treat(told)

    async def _sign_in(self) -> None:
        """By a link, as in the demo; refused while somebody is not active."""

        async def signed_in(house: House) -> tuple[str, Session]:
            link = await house.office.invite(WORKSPACE, self.who, purpose="demo")
            return await house.office.redeem_demo(link)

        with suppress(Lost, PullcordError):
            token, session = await self.world.call(signed_in)
            self.wire.headers = {
                "cookie": f"pullcord_session={token}",
                "x-csrf-token": session.csrf,
            }

    def _is_mine(self, told: dict[str, Any]) -> bool:
        asked = [each["id"] for each in (told["offer"] or {}).get("candidates", ())]
        return self.who == told["owner"]["id"] or self.who in asked

    async def _treat(self, told: dict[str, Any]) -> None:
        rng = self.world.rng
        await elapse(rng.uniform(0.1, 20))
        path = f"/v1/escalations/{told['id']}"
        body = {"generation": told["generation"], "shown_digest": told["shown_digest"]}
        draw = 1.0 if self.world.weather.is_calm else rng.random()
        if draw < 0.3:
            await self.wire.send("POST", f"{path}/accept", json=body)
        elif draw < 0.4:
            await self.wire.send("POST", f"{path}/decline", json=body)
        else:
            kind = rng.choice(("approve", "approve", "reject"))
            again: list[Awaitable[Any]] = [
                self.wire.send("POST", f"{path}/decide", json={**body, "kind": kind})
                for _ in range(rng.choice((1, 1, 2)))
            ]
            results = await asyncio.gather(*again, return_exceptions=True)
            for each in results:
                if isinstance(each, Exception):
                    raise each
        with suppress(Lost, OutsideFailed, Refused):
            await self.wire.send("GET", path)


async def begin(world: World, seconds: float) -> Histories:
    """Set up clients of every kind on a world whose house is up."""
    histories = Histories(world)
    office = world.processes[0].house.office
    for number, agent in enumerate(("support", "infra")):
        shown, key = await office.mint_key(
            WORKSPACE, agent=agent, environment="production", creator="dev"
        )
        client = HttpAgent(histories, shown, key.id)
        world.acts(client.work(max(1, world.escalations // 2), seconds))
        for attempt in range(world.rng.choice((1, 2))):
            world.acts(client.live(f"h{number}.{attempt}"))
    for who in OPERATORS:
        world.acts(HttpPerson(histories, who).live())
    return histories
