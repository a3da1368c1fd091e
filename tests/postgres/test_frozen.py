"""A process that stands still in the middle of a write holds nobody up for long."""

import pytest

from pullcord.errors import OutsideFailed
from pullcord.store import connector
from pullcord.store.connector import Connector
from pullcord.store.mishaps_postgres import FAILURES
from pullcord.store.postgres import PostgresStore
from tests.conformance.stage import Stage
from tests.postgres.crowd import CLOCK


@pytest.mark.promise("dead-worker-is-replaced")
async def test_what_a_frozen_process_has_locked_is_free_again_within_the_lease(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its transaction is taken from it: it could wait for a commit that never comes."""
    limit = "idle_in_transaction_session_timeout"
    allowed = int(connector.SESSION[limit])
    monkeypatch.setitem(connector.SESSION, limit, "300")
    store = PostgresStore(dsn, write_seconds=20)
    await store.start()
    await Stage(store).open("esc_1")
    frozen = await Connector(dsn).connect()
    await frozen.connection.execute("begin")
    await frozen.connection.execute("update wakes set nudged = 1")

    await store.rest("shop", "esc_1", version=1)

    with pytest.raises(FAILURES):
        await frozen.connection.execute("commit")
    assert allowed < 20_000, "shorter than the lease, after which another worker needs the row"
    await store.close()


@pytest.mark.promise("dead-worker-is-replaced")
async def test_whoever_lost_a_transaction_that_way_is_told_and_goes_on(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that wakes up late has written nothing, and its next write is a new one."""
    monkeypatch.setitem(connector.SESSION, "idle_in_transaction_session_timeout", "100")
    store = PostgresStore(dsn, write_seconds=20)
    await store.start()
    stage = Stage(store)
    await stage.open("esc_1")

    async def sleeps(connection: connector.Connection) -> None:
        await connection.execute("update escalations set nudged = 1")
        while not connection.is_closed():
            await CLOCK.sleep(0.02)

    with pytest.raises(OutsideFailed):
        await store.transact(sleeps)
    await stage.open("esc_2")

    found = await store.read("select id from escalations where nudged = 1")
    assert [list(each) for each in found] == []
    assert await store.chains("shop") == ["esc_1", "esc_2"]
    await store.close()
