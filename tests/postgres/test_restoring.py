"""PostgreSQL restored by its own tools: held in a new epoch by its owner, served, and let go."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import httpx2
import pytest

from pullcord.engine.house import opened
from pullcord.errors import Held, NotAllowed, StoreBusy
from pullcord.path.escalation import Actor, ActorKind, person
from pullcord.store.keeping import Hold
from pullcord.store.postgres import PostgresStore
from pullcord.wire.requests import DecideIn
from tests.postgres.crowd import CLOCK, founded, house_on, request
from tests.postgres.databases import APP, OWNER, PASSWORD, Databases
from tests.postgres.processes import Running, engine_on, server_on, typed
from tests.postgres.programs import binaries

BY = ("--by", "Dana")
BY_HAND = Actor(ActorKind.ENGINE, "command line")
WITHIN = 40.0


def tool(program: str, *words: str, given: bytes = b"") -> bytes:
    """One of PostgreSQL's own programs, as its owner would run it."""
    done = subprocess.run(
        [binaries() / program, *words],
        input=given,
        capture_output=True,
        env={**os.environ, "PGPASSWORD": PASSWORD},
        timeout=WITHIN,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture
async def copy(pg: Databases, dsn: str) -> AsyncIterator[str]:
    """A database restored from a dump of `dsn` that has one decided and one open escalation."""
    _, key = await founded(dsn)
    async with opened(house_on(dsn), runs=False) as house:
        rows = [(await house.desk.open(key, request(f"k{n}"))).row for n in range(2)]
        assert rows[0] is not None
        name = rows[0].escalation.id
        await house.desk.act("shop", name, person("maria"), DecideIn(kind="approve"), via="x")
    source, name = urlsplit(dsn).path.lstrip("/"), pg.name()
    dumped = await asyncio.to_thread(tool, "pg_dump", "--format=custom", pg.of(source, user=OWNER))
    await pg.make(name)
    await asyncio.to_thread(
        tool, "pg_restore", "--no-owner", "--dbname", pg.of(name, user=OWNER), given=dumped
    )
    yield name
    await pg.drop(name)


@pytest.mark.promise("backup-restores-whole")
async def test_a_restored_database_is_held_by_its_owner_and_let_go_by_who_serves(
    pg: Databases, copy: str
) -> None:
    """The written procedure, step by step, with real tools and real processes."""
    serving, owning = (pg.of(copy, user=each) for each in (APP, OWNER))
    too_low = await asyncio.to_thread(typed, "hold", *BY, "--why", "a restore", "--db", serving)
    held = await asyncio.to_thread(typed, "hold", *BY, "--why", "a restore", "--db", owning)
    async with server_on(serving) as server, httpx2.AsyncClient(trust_env=False) as client:
        url = server.url
        ready = (await client.get(f"{url}/readyz")).json()
        figures = (await client.get(f"{url}/metrics")).text
        released = await asyncio.to_thread(typed, "release", *BY, "--db", serving)
        async with asyncio.timeout(WITHIN):
            while (await client.get(f"{url}/readyz")).json()["status"] != "ready":
                await CLOCK.sleep(0.1)
    proof = await asyncio.to_thread(typed, "verify", "--db", serving)

    assert too_low.returncode == 2
    assert "pullcord_owner" in too_low.stderr
    assert "in epoch 2" in held.stdout
    assert ready["status"] == "held"
    assert "a restore" in ready["warnings"][0]
    assert "pullcord_held 1.0" in figures
    assert "everything goes on" in released.stdout
    assert proof.stdout.startswith("✓ holds")


@pytest.mark.promise("held-until-let-go")
async def test_a_running_server_follows_a_hold_within_a_second(pg: Databases, dsn: str) -> None:
    """What it prepared before belongs to the old epoch and is refused by the database."""
    _, key = await founded(dsn)
    owning = pg.of(urlsplit(dsn).path.lstrip("/"), user=OWNER)
    async with (
        opened(house_on(dsn), runs=False) as house,
        opened(house_on(owning), runs=False) as o,
    ):
        before = await house.desk.open(key, request("k1"))
        await o.keeper.hold(by="Dana", why="a move", actor=BY_HAND)
        await CLOCK.sleep(1.1)
        with pytest.raises(Held, match="a move"):
            await house.desk.open(key, request("k2"))
        let_go = await house.keeper.let_go(by="Dana", actor=BY_HAND)
        after = await house.desk.open(key, request("k2"))

    assert before.is_new
    assert let_go
    assert after.is_new


async def test_who_serves_may_not_begin_an_epoch(dsn: str) -> None:
    """A server that is taken over must not be able to stop all others."""
    async with opened(house_on(dsn), runs=False) as house:
        with pytest.raises(NotAllowed, match="owns its schema"):
            await house.keeper.hold(by="Eve", why="mischief", actor=BY_HAND)

        assert await house.store.held() is None
        assert await house.store.epoch() == 1


async def test_a_store_that_is_not_open_holds_nothing(dsn: str) -> None:
    """What could not be done is told, and not taken for a lack of rights."""
    with pytest.raises(StoreBusy, match="not open"):
        await PostgresStore(dsn).hold(Hold(CLOCK.now(), "Dana", "a move"))


@asynccontextmanager
async def halves(dsn: str) -> AsyncIterator[tuple[list[str], list[Running]]]:
    """Two servers without an engine and two engines: (addresses of servers, engines)."""
    async with AsyncExitStack() as stack:
        engines = [await stack.enter_async_context(engine_on(dsn)) for _ in range(2)]
        servers = [await stack.enter_async_context(server_on(dsn, "--no-engine")) for _ in range(2)]
        yield [each.url for each in servers], engines


@pytest.mark.promise("engine-apart")
async def test_two_servers_and_two_engines_go_on_without_one_of_each(dsn: str) -> None:
    """An agent waits on one server, its engine is killed, and the other server decides."""
    shown, _ = await founded(dsn)
    headers = {"authorization": f"Bearer {shown}"}
    body = {"key": "call-1", "tool": "refund", "args": {"amount": 480.0}}
    async with (
        halves(dsn) as (urls, engines),
        httpx2.AsyncClient(trust_env=False, headers=headers, timeout=WITHIN) as client,
    ):
        stopped = await client.post(f"{urls[0]}/v1/escalations", json=body)
        name = stopped.json()["escalation"]["id"]
        poll = asyncio.create_task(client.get(f"{urls[0]}/v1/decisions", params={"wait": 30}))
        figures = (await client.get(f"{urls[1]}/metrics")).text
        await engines[0].kill()
        async with opened(house_on(dsn), runs=False) as house:
            await house.desk.act("shop", name, person("maria"), DecideIn(kind="approve"), via="x")
        answered = await poll
        ready = [(await client.get(f"{url}/readyz")).status_code for url in urls]

    assert "pullcord_engines 2.0" in figures
    assert name in answered.text
    assert ready == [200, 200]
