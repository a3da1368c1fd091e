"""A worker that dies or stands still: its work moves to the others, and it can do no harm later."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from pullcord.engine.house import House, furnish, opened
from pullcord.engine.timers import LEASE
from pullcord.store.postgres import PostgresStore
from tests.postgres.crowd import MASTER, founded, request
from tests.postgres.racer import Ahead
from tests.postgres.rival import Rival, rival_on

COUNT = 20
#: seconds by which the work of a dead worker has moved, and one look of the engine
MOVES_SECONDS, LOOK_SECONDS = 30, 1
#: seconds after opening at which the first rung has passed, at which the worker claims
LATER = 3_700


def house_at(dsn: str, ahead: float) -> House:
    """A house whose clock is that many seconds ahead."""
    store = PostgresStore(dsn, connect_seconds=20, write_seconds=20, read_seconds=20)
    return furnish(store, master=MASTER, clock=Ahead(ahead))


@pytest.fixture
async def stops(dsn: str) -> list[str]:
    """Escalations whose first rung passes in an hour."""
    _, key = await founded(dsn)
    async with opened(house_at(dsn, 0), runs=False) as house:
        found = [await house.desk.open(key, request(f"stop-{n}")) for n in range(COUNT)]
    return [each.row.escalation.id for each in found if each.row is not None]


@pytest.fixture
async def worker(dsn: str, stops: list[str]) -> AsyncIterator[Rival]:
    """Another process that has claimed all of them an hour later."""
    async with rival_on(dsn, "--ahead", str(LATER)) as rival:
        assert await rival.do("claim") == str(len(stops))
        yield rival


async def steps(dsn: str, stops: list[str]) -> list[int]:
    """How many Changes each of them saw after it was opened."""
    async with opened(house_at(dsn, 0), runs=False) as house:
        rows = [await house.store.load("shop", each) for each in stops]
    return [row.escalation.version - 1 for row in rows if row is not None]


async def taken_over(dsn: str, *, after: timedelta) -> int:
    """How many another worker claims and steps that much later."""
    async with opened(house_at(dsn, LATER + after.total_seconds()), runs=False) as house:
        return await house.timers.tick()


@pytest.mark.promise("dead-worker-is-replaced")
async def test_the_work_of_a_killed_worker_moves_within_thirty_seconds(
    dsn: str, stops: list[str], worker: Rival
) -> None:
    """Nobody waits for a process that is gone, and nobody is asked twice meanwhile."""
    await worker.kill()

    early = await taken_over(dsn, after=LEASE - timedelta(seconds=5))
    late = await taken_over(dsn, after=LEASE + timedelta(seconds=5))

    assert (early, late) == (0, COUNT)
    assert LEASE.total_seconds() + LOOK_SECONDS < MOVES_SECONDS
    assert await steps(dsn, stops) == [1] * COUNT


@pytest.mark.promise("dead-worker-is-replaced")
async def test_a_worker_that_wakes_up_late_writes_nothing(
    dsn: str, stops: list[str], worker: Rival
) -> None:
    """It believes to hold what others have long done: each of its writes is refused."""
    worker.freeze()
    moved = await taken_over(dsn, after=LEASE + timedelta(seconds=5))

    worker.thaw()
    still = await worker.do("release")

    assert (moved, still) == (COUNT, "0")
    assert await steps(dsn, stops) == [1] * COUNT
