"""Servers of two versions on one database, replaced one by one while everybody goes on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from pullcord.engine.house import House, opened
from tests.postgres.crowd import Crowd, founded, house_on
from tests.postgres.databases import APP, OWNER, Databases
from tests.postgres.processes import NEXT, server_on, typed
from tests.postgres.traffic import Traffic, session


@pytest.fixture
async def names(pg: Databases) -> AsyncIterator[tuple[str, str]]:
    """A database of this version's schema: as its servers know it, and as its owner."""
    name = pg.name()
    await pg.make_ready(name)
    yield pg.of(name, user=APP), pg.of(name, user=OWNER)
    await pg.drop(name)


@pytest.mark.promise("rolling-upgrade")
async def test_servers_are_replaced_one_by_one_and_nobody_notices(
    names: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """First the schema, by two people at once; old code on it; then new code beside old."""
    serving, owning = names
    shown, key = await founded(serving)
    async with AsyncExitStack() as stack:
        house: House = await stack.enter_async_context(opened(house_on(serving), runs=False))
        olds = [await stack.enter_async_context(server_on(serving)) for _ in range(2)]
        traffic = Traffic(
            Crowd(house, key),
            [each.url for each in olds],
            {"authorization": f"Bearer {shown}"},
            await session(house, "maria"),
        )
        async with traffic.flowing():
            await traffic.more()
            made = await asyncio.gather(*(upgraded(owning) for _ in range(2)))
            await traffic.more()
            for old in olds:
                new = await stack.enter_async_context(server_on(serving, version=NEXT))
                traffic.urls.append(new.url)
                await traffic.more()
                traffic.urls.remove(old.url)
                await old.stop()
                await traffic.more()
        tagged = await house.store.read("select count(*) from escalations where tags <> ''")  # type: ignore[attr-defined]

    with capsys.disabled():
        told = f"{len(traffic.crowd.collected)} stops, answers {dict(traffic.statuses)}"
        print(f"\n{told}, {tagged[0][0]} written by the next version")
    assert sorted("nothing to do" in each for each in made) == [False, True]
    assert set(traffic.statuses) == {200, 201}
    assert tagged[0][0] > 20
    assert await traffic.crowd.faults(serving) == []


async def upgraded(dsn: str) -> str:
    """What somebody who upgrades the schema is told."""
    done = await asyncio.to_thread(typed, "db", "upgrade", "--db", dsn, version=NEXT)
    assert done.returncode == 0, done.stderr
    return done.stdout
