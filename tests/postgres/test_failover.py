"""A primary with a synchronous standby is killed, stopped and frozen under load.

`PULLCORD_FAILOVERS` says how often. The test itself is the operator's fail-over manager: it sees
the primary gone, promotes the standby, and makes the old machine the new standby.
"""

import asyncio
import os
import signal
from itertools import cycle, islice

import pytest

from pullcord.errors import CommitUnknown, OutsideFailed, StoreBusy
from pullcord.store.port import KeyTaken
from pullcord.store.postgres import PostgresStore
from tests.conformance.stage import Stage
from tests.postgres.crowd import Crowd, founded, house_on
from tests.postgres.machine import Server, until
from tests.postgres.pair import FAULTS, Pair, apart

FAILOVERS = int(os.environ.get("PULLCORD_FAILOVERS", "3"))
#: seconds in which writes go on again after a primary died, and after it froze
DEAD_SECONDS, FROZEN_SECONDS = 10.0, 15.0


@pytest.mark.promise("failover-loses-nothing")
async def test_a_fail_over_loses_no_acknowledged_write_and_doubles_no_decision(
    pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever becomes of the primary, what somebody was told stays true, after seconds."""
    dsn = pair.dsn
    _, key = await founded(dsn)
    house = house_on(dsn)
    await house.store.start()
    crowd = Crowd(house, key)
    gaps: list[tuple[str, float]] = []

    async with crowd.at_work():
        for fault in islice(cycle(FAULTS), FAILOVERS):
            await crowd.wrote_since(asyncio.get_running_loop().time())
            struck_at = asyncio.get_running_loop().time()
            await apart(pair.strike, fault)
            old = await apart(pair.fail_over)
            await crowd.wrote_since(asyncio.get_running_loop().time())
            gaps.append((fault, crowd.gap(struck_at)))
            assert isinstance(old, Server)
            await apart(pair.rebuild, old)
    await house.store.close()

    with capsys.disabled():
        told = ", ".join(f"{fault} {gap:.1f} s" for fault, gap in gaps)
        print(f"\n{len(crowd.opened)} stops, {crowd.refused} tries refused; write gaps: {told}")
    assert await crowd.faults(pair.primary.dsn()) == []
    assert len(crowd.opened) > 20 * FAILOVERS
    for fault, gap in gaps:
        assert gap <= (FROZEN_SECONDS if fault == "frozen" else DEAD_SECONDS), gaps


@pytest.mark.promise("acknowledged-is-replicated")
async def test_nothing_is_acknowledged_that_the_standby_does_not_have(pair: Pair) -> None:
    """A retry that only reads would say "done" of what a fail-over takes back."""
    store = PostgresStore(pair.dsn, write_seconds=1.0)
    await store.start()
    stage = Stage(store)
    await stage.open("esc_0", key="before")
    pair.standby.freeze()
    filed = stage.opening("esc_1", key="call-7")

    told: list[BaseException | None] = []
    for each in (filed, filed, stage.opening("esc_2", key="call-7")):
        told += await asyncio.gather(store.commit(each), return_exceptions=True)
    looked = await asyncio.gather(store.load_confirmed("shop", "esc_0"), return_exceptions=True)
    pair.primary.restart()
    visible = await store.load("shop", "esc_1")
    late = await asyncio.gather(
        store.commit(stage.opening("esc_3", key="call-7")), return_exceptions=True
    )

    assert [type(each) for each in told] == [CommitUnknown] * 3
    assert isinstance(looked[0], CommitUnknown)
    assert visible is not None
    assert isinstance(late[0], CommitUnknown)
    pair.standby.thaw()
    with pytest.raises(KeyTaken):
        await insisted(store, stage)
    await store.close()


async def insisted(store: PostgresStore, stage: Stage) -> None:
    for number in range(40):
        try:
            await store.commit(stage.opening(f"esc_9{number}", key="call-7"))
        except OutsideFailed:
            continue


@pytest.mark.promise("acknowledged-is-replicated")
async def test_a_wait_for_the_standby_that_somebody_cancels_is_unknown(pair: Pair) -> None:
    """PostgreSQL answers it with success and a warning; only the warning is true."""
    store = PostgresStore(pair.dsn, write_seconds=20.0)
    await store.start()
    stage = Stage(store)
    await stage.open("esc_0")
    pair.standby.freeze()
    waiting = "from pg_stat_activity where wait_event = 'SyncRep'"

    writes = [
        asyncio.create_task(store.commit(stage.opening("esc_1"))),
        asyncio.create_task(
            store.enrol_duty("shop", "coverage", stage.opening("x").rows[0].escalation.opened_at)
        ),
    ]
    counted = lambda: pair.primary.sql(f"select count(*) {waiting}") == "2"  # noqa: E731
    await apart(until, counted, "two waiting writes")
    await apart(pair.primary.sql, f"select pg_cancel_backend(pid) {waiting}")
    told = await asyncio.gather(*writes, return_exceptions=True)

    assert [type(each) for each in told] == [CommitUnknown] * 2
    pair.standby.thaw()
    await store.close()


@pytest.mark.promise("old-primary-is-refused")
async def test_an_old_primary_that_comes_back_is_refused(pair: Pair) -> None:
    """Two machines that both believe to be the primary are one too many."""
    store = PostgresStore(pair.dsn)
    await store.start()
    stage = Stage(store)
    await stage.open("esc_0")
    pair.primary.freeze()
    old = await apart(pair.fail_over)
    assert isinstance(old, Server)
    await reached(store)
    pair.primary.stop(signal.SIGKILL)
    old.thaw()
    old.sql("alter system set synchronous_standby_names = ''; select pg_reload_conf();")

    told = [
        error
        for number in range(1, 4)
        for error in await asyncio.gather(
            store.commit(stage.opening(f"esc_{number}")), return_exceptions=True
        )
    ]

    assert isinstance(told[-1], StoreBusy)
    assert "was seen" in str(told[-1])
    await store.close()
    assert old.sql("select count(*) from escalations") == "1"


async def reached(store: PostgresStore) -> None:
    """Ask until somebody answers."""
    for _ in range(20):
        try:
            await store.ping()
        except OutsideFailed:
            continue
        return
