"""A database that crashes every few seconds, under load.

`PULLCORD_RESTART_SECONDS` says how long, `PULLCORD_RESTART_SEED` repeats the instants.
"""

import asyncio
import os
import random
from collections.abc import Iterator

import pytest

from tests.postgres.crowd import CLOCK, Crowd, founded, house_on
from tests.postgres.machine import Server, new_folder, new_server, throw_away
from tests.postgres.programs import binaries

SECONDS = float(os.environ.get("PULLCORD_RESTART_SECONDS", "30"))
SEED = int(os.environ.get("PULLCORD_RESTART_SEED", random.SystemRandom().randrange(10**9)))
#: seconds between two crashes
LIVES = (2.0, 7.0)


@pytest.fixture
def server() -> Iterator[Server]:
    folder = new_folder()
    found = new_server(folder, binaries())
    try:
        yield found
    finally:
        throw_away(folder, [found])


@pytest.mark.promise("restarted-database-loses-nothing")
async def test_a_database_that_is_restarted_again_and_again_loses_nothing(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """Crash after crash: who was told something finds it, and work goes on by itself."""
    rng = random.Random(SEED)
    dsn = server.dsn()
    _, key = await founded(dsn)
    house = house_on(dsn)
    await house.store.start()
    crowd = Crowd(house, key)
    began = asyncio.get_running_loop().time()
    crashes = 0

    async with crowd.at_work():
        while asyncio.get_running_loop().time() - began < SECONDS:
            await CLOCK.sleep(rng.uniform(*LIVES))
            await asyncio.to_thread(server.restart)
            crashes += 1
        await crowd.wrote_since(asyncio.get_running_loop().time())
    await house.store.close()

    with capsys.disabled():
        told = f"{len(crowd.opened)} stops through {crashes} crashes, {crowd.refused} tries refused"
        print(f"\n{told} (seed {SEED})")
    assert await crowd.faults(dsn) == []
    assert len(crowd.opened) > 10 * crashes
