"""Two real servers on one database: an agent waits on one while a person decides on the other."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from pullcord.engine.house import opened
from pullcord.path.escalation import person
from pullcord.wire.requests import DecideIn
from tests.postgres.crowd import CLOCK, POLICY, founded, house_on
from tests.postgres.databases import OWNER, Databases
from tests.postgres.processes import WITHIN, server_on, typed


@pytest.mark.promise("heard-in-every-process")
async def test_a_decision_on_one_server_answers_the_poll_on_another(dsn: str) -> None:
    """Nobody has to reach the same server twice."""
    shown, _ = await founded(dsn)
    headers = {"authorization": f"Bearer {shown}"}
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(server_on(dsn)) for _ in range(2)]
        here, there = (each.url for each in servers)
        client = await stack.enter_async_context(
            httpx2.AsyncClient(trust_env=False, headers=headers, timeout=WITHIN)
        )
        body = {"key": "call-1", "tool": "refund", "args": {"amount": 480.0}}
        stopped = await client.post(f"{here}/v1/escalations", json=body)
        again = await client.post(f"{there}/v1/escalations", json=body)
        poll = asyncio.create_task(client.get(f"{there}/v1/decisions", params={"wait": 30}))
        escalation = again.json()["escalation"]["id"]
        house = await stack.enter_async_context(opened(house_on(dsn), runs=False))
        await CLOCK.sleep(0.5)
        decided_at = asyncio.get_running_loop().time()
        await house.desk.act("shop", escalation, person("maria"), DecideIn(kind="approve"), via="x")
        answered = await poll
        took = asyncio.get_running_loop().time() - decided_at

    assert (stopped.status_code, again.status_code) == (201, 200)
    assert stopped.json()["escalation"]["id"] == escalation
    assert escalation in answered.text
    assert took < 4.0, "the poll was answered by its safety look, not by the hint"


async def test_the_first_server_starts_on_an_empty_database(owner_dsn: str, tmp_path: Path) -> None:
    """The quick start needs one command, with the role that owns the database."""
    policy = tmp_path / "pullcord.yaml"
    policy.write_text(POLICY)

    async with server_on(owner_dsn, "--config", str(policy)):
        minted = await asyncio.to_thread(
            typed, "keys", "mint", "--agent", "support", "--creator", "maria", "--db", owner_dsn
        )

    assert minted.returncode == 0, minted.stderr
    assert minted.stdout.startswith("pk_")


async def test_an_older_schema_is_upgraded_by_its_own_command(
    pg: Databases, owner_dsn: str, database: str
) -> None:
    """A server that is started too early says which command is missing; the command does it."""
    made = await asyncio.to_thread(typed, "db", "upgrade", "--db", owner_dsn)
    again = await asyncio.to_thread(typed, "db", "upgrade", "--db", owner_dsn)
    await pg.run("delete from schema_version", database=database, user=OWNER)
    await pg.run("insert into schema_version values (0, 1, 0)", database=database, user=OWNER)

    early = await asyncio.to_thread(typed, "serve", "--port", "0", "--db", owner_dsn)

    assert "applied 1" in made.stdout
    assert "nothing to do" in again.stdout
    assert early.returncode == 1
    assert "run `pullcord db upgrade`" in early.stderr
