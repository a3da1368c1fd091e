"""Two servers and two engines as real processes on one database, raced, killed and frozen.

`PULLCORD_RACES` says how many races are run.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle, islice
from typing import Any

import asyncpg
import httpx2
import pytest

from pullcord.engine.house import House, opened
from tests.postgres.crowd import CLOCK, POLICY, founded, house_on
from tests.postgres.processes import Running, engine_on, server_on
from tests.postgres.referee import fault_of
from tests.postgres.traffic import session

RACES = int(os.environ.get("PULLCORD_RACES", "1000"))
SEED = int(os.environ.get("PULLCORD_RACES_SEED", random.SystemRandom().randrange(10**9)))
#: races that are on at once; most of the time of one against a deadline is waiting for it
AT_ONCE, WAITING_AT_ONCE = 8, 64
#: how long before and after a deadline somebody decides, and an engine looks twice a second
AROUND_SECONDS = (-0.3, 0.6)
#: seconds by which the work of a dead or frozen worker has moved
MOVES_SECONDS = 30.0
#: stops that fall due together when a worker dies
DUE = 200
#: seconds any one thing may take on a busy machine
WITHIN = 120.0
#: a line that a server closes while a request is on its way would end a race without a word
LIMITS = httpx2.Limits(keepalive_expiry=2.0)
#: the shop with a tool whose stops are decided by rule after two seconds
HURRIED = POLICY.replace(
    "  refund: {",
    "  voucher: {reversible: no}\n  refund: {",
).replace(
    "rules:\n",
    'rules:\n  - {id: soon, tool: voucher, ask: "A voucher?", decide_within: 2s}\n',
)

Race = Callable[[str], Awaitable[tuple[str, str]]]


@dataclass(slots=True)
class Caller:
    """An agent or a person at one of the servers."""

    http: httpx2.AsyncClient

    async def do(self, path: str, body: dict[str, Any]) -> str:
        """What came of an act: "won", or the problem that was told and who was first."""
        answer = await self.http.post(path, json=body)
        if answer.is_success:
            return "won"
        problem = answer.json()
        return f"{problem['type'].rpartition(':')[2]} {problem.get('by', '')}".strip()

    async def decide(self, escalation: str) -> str:
        return await self.do(f"/v1/escalations/{escalation}/decide", {"kind": "approve"})


@dataclass
class Cluster:
    """The processes, the database behind them, and who calls them."""

    dsn: str
    house: House
    servers: list[Running]
    engines: list[Running]
    agents: list[Caller] = field(default_factory=list)
    maria: Caller = field(init=False)
    tom: Caller = field(init=False)

    async def stopped(self, key: str, *, tool: str = "refund") -> dict[str, Any]:
        """An agent stops at one of the servers."""
        body = {"key": key, "tool": tool, "args": {"amount": 480.0}}
        agent = self.agents[int(key.rpartition("-")[2]) % len(self.agents)]
        answer = await agent.http.post("/v1/escalations", json=body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()["escalation"]
        return found

    # --- races: this side at the first server, the other one at the second or in an engine ------
    async def decide_decide(self, name: str) -> tuple[str, str]:
        return await both(self.maria.decide(name), self.tom.decide(name))

    async def withdraw_decide(self, name: str) -> tuple[str, str]:
        withdrawal = self.agents[0].do(f"/v1/escalations/{name}/withdraw", {})
        return await both(withdrawal, self.tom.decide(name))

    async def collect_collect(self, name: str) -> tuple[str, str]:
        await self.maria.decide(name)
        here, there = self.agents
        path = f"/v1/escalations/{name}/collect"
        return await both(here.do(path, {"attempt": "here"}), there.do(path, {"attempt": "there"}))

    async def until_decided(self, name: str) -> str:
        """The engines' word: who decided, as the database says."""
        for _ in range(int(WITHIN / 0.05)):
            row = await self.house.store.load("shop", name)
            assert row is not None
            if row.escalation.decision is not None:
                return "won" if row.escalation.decision.by == "rule" else "lost"
            await CLOCK.sleep(0.05)
        raise AssertionError(f"{name} was decided by nobody within {WITHIN} s")


async def both(here: Awaitable[str], there: Awaitable[str]) -> tuple[str, str]:
    """Both at once; which of them is sent first is drawn."""
    if random.getrandbits(1):
        late, early = await asyncio.gather(there, here)
        return early, late
    told = await asyncio.gather(here, there)
    return told[0], told[1]


@pytest.fixture
async def cluster(dsn: str) -> AsyncIterator[Cluster]:
    shown, _ = await founded(dsn, HURRIED)
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(opened(house_on(dsn), runs=False))
        engines = [await stack.enter_async_context(engine_on(dsn)) for _ in range(2)]
        servers = [await stack.enter_async_context(server_on(dsn, "--no-engine")) for _ in range(2)]
        found = Cluster(dsn, house, servers, engines)
        bearer = {"authorization": f"Bearer {shown}"}
        for server in servers:
            found.agents.append(await caller(stack, server, bearer))
        found.maria = await caller(stack, servers[0], await session(house, "maria"))
        found.tom = await caller(stack, servers[1], await session(house, "tom"))
        yield found


async def caller(stack: AsyncExitStack, server: Running, headers: dict[str, str]) -> Caller:
    client = httpx2.AsyncClient(
        base_url=server.url, headers=headers, timeout=WITHIN, limits=LIMITS, trust_env=False
    )
    return Caller(await stack.enter_async_context(client))


# --- races ------------------------------------------------------------------------------------
@pytest.mark.promise("one-winner")
async def test_every_race_between_processes_has_one_winner(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two people, a person and the clock, an agent and a person, two attempts of an agent."""
    rng = random.Random(SEED)
    told: list[tuple[str, str, tuple[str, str]]] = []
    races: dict[str, Race] = {
        "decide/decide": cluster.decide_decide,
        "withdraw/decide": cluster.withdraw_decide,
        "collect/collect": cluster.collect_collect,
    }
    quick = iter(islice(enumerate(cycle(races)), RACES - RACES // 4))
    slow = iter(range(RACES // 4))

    async def run() -> None:
        for number, kind in quick:
            found = await cluster.stopped(f"race-{number}")
            told.append((kind, found["id"], await races[kind](found["id"])))

    async def run_out() -> None:
        for number in slow:
            found = await cluster.stopped(f"soon-{number}", tool="voucher")
            pair = await against_the_clock(cluster, found, rng.uniform(*AROUND_SECONDS))
            told.append(("decide/fall back", found["id"], pair))

    await asyncio.gather(*(run() for _ in range(AT_ONCE)))
    await asyncio.gather(*(run_out() for _ in range(WAITING_AT_ONCE)))

    odd = [each for each in told if each[2].count("won") != 1]
    faults = [fault for each in told for fault in await fault_of(cluster.house, *each)]
    won_here = Counter(kind for kind, _, pair in told if pair[0] == "won")
    with capsys.disabled():
        print(f"\n{len(told)} races (seed {SEED}), {len(odd)} odd, won here: {dict(won_here)}")
    assert (odd[:5], faults[:5]) == ([], [])
    assert len(told) == RACES
    for kind in (*races, "decide/fall back"):
        assert 0 < won_here[kind] < RACES / 4, f"one side always won: {won_here}"
    losers = {pair[1] for kind, _, pair in told if kind == "decide/decide" and pair[0] == "won"}
    assert losers <= {"already-decided Maria Lopez", "already-decided maria"}, losers


async def against_the_clock(
    cluster: Cluster, found: dict[str, Any], apart: float
) -> tuple[str, str]:
    """A person decides so many seconds from the instant at which an engine does."""
    due_at = datetime.fromisoformat(found["decide_by"])
    await CLOCK.sleep((due_at - datetime.now(UTC)).total_seconds() + apart)
    here = await cluster.maria.decide(found["id"])
    return here, await cluster.until_decided(found["id"])


# --- workers that die or stand still ------------------------------------------------------------
@pytest.mark.promise("dead-worker-is-replaced")
@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_what_an_engine_held_when_it_fell_is_done_by_the_other(
    cluster: Cluster, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody waits for a process that is gone or stands still, and it does no harm afterwards."""
    victim, other = cluster.engines
    for each in cluster.engines:
        each.freeze()
    stops = [await cluster.stopped(f"due-{n}", tool="voucher") for n in range(DUE)]
    names = [each["id"] for each in stops]
    last = max(datetime.fromisoformat(each["decide_by"]) for each in stops)
    await CLOCK.sleep((last - datetime.now(UTC)).total_seconds() + 0.1)

    held = await fallen(cluster, victim, how)
    fell_at = asyncio.get_running_loop().time()
    other.thaw()
    for each in names:
        await cluster.until_decided(each)
    took = asyncio.get_running_loop().time() - fell_at
    before = await versions(cluster, names)
    await woken(cluster, victim, other, how)

    with capsys.disabled():
        print(f"\n{how} with {held} of {DUE} in its hands: all done {took:.1f} s later")
    assert held > 0
    assert took <= MOVES_SECONDS
    assert await versions(cluster, names) == before
    for each in names:
        assert await fault_of(cluster.house, "decide/fall back", each, ("lost", "won")) == []


async def fallen(cluster: Cluster, victim: Running, how: str) -> int:
    """Let this engine claim what is due and take it away in the middle: how many it held."""
    connection = await asyncpg.connect(cluster.dsn)
    counting = """select count(*) from escalations e join wakes w using (workspace, id)
      where e.status = 'open' and w.wake_at > e.due_at"""
    victim.thaw()
    for _ in range(int(WITHIN / 0.002)):
        if await connection.fetchval(counting):
            break
        await CLOCK.sleep(0.002)
    victim.freeze()
    await CLOCK.sleep(0.5)  # what it had sent is written by now
    held: int = await connection.fetchval(counting)
    await connection.close()
    if how == "killed":
        await victim.kill()
    return held


async def versions(cluster: Cluster, names: list[str]) -> list[int]:
    rows = [await cluster.house.store.load("shop", each) for each in names]
    return [row.escalation.version for row in rows if row is not None]


async def woken(cluster: Cluster, victim: Running, other: Running, how: str) -> None:
    """A frozen engine wakes up, tries what it held, and then does new work alone."""
    if how == "killed":
        return
    victim.thaw()
    await other.stop()
    found = await cluster.stopped("afterwards-1", tool="voucher")
    assert await cluster.until_decided(found["id"]) == "won"
