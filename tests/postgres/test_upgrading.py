"""The schema: made once, upgraded while old code runs on it, refused where it does not fit."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import asyncpg
import pytest

from pullcord.errors import StoreBusy
from pullcord.store import migrating_postgres as migrating
from pullcord.store.codec import micros
from pullcord.store.connector import Connector
from pullcord.store.migrating_postgres import upgrade
from pullcord.store.offline_postgres import script
from pullcord.store.postgres import PostgresStore
from pullcord.store.schema_postgres import MIGRATIONS, NEWEST
from tests.conformance.stage import HOUR, NOON, Stage, commented, withdraws
from tests.postgres.crowd import CLOCK, Crowd, founded, house_on
from tests.postgres.databases import APP, Databases
from tests.postgres.next_version import ALL, NEXT


async def test_several_processes_may_make_the_schema_at_once(owner_dsn: str) -> None:
    """The first servers of a cluster start together: one makes it, the others find it done."""
    stores = [PostgresStore(owner_dsn, connect_seconds=20) for _ in range(4)]

    await asyncio.gather(*(each.start() for each in stores))

    assert [await each.epoch() for each in stores] == [1] * 4
    for each in stores:
        await each.close()


async def test_two_people_may_upgrade_at_once(owner_dsn: str) -> None:
    """Each step is applied once, whoever comes first."""
    await upgrade(Connector(owner_dsn))

    applied = await asyncio.gather(*(upgrade(Connector(owner_dsn), steps=ALL) for _ in range(3)))

    assert max(applied, key=len) == [NEXT.version]
    assert await upgrade(Connector(owner_dsn), steps=ALL) == []


@pytest.mark.promise("rolling-upgrade")
async def test_old_code_goes_on_while_the_next_schema_is_made_under_it(owner_dsn: str) -> None:
    """An upgrade takes nobody off the air: first the schema, then the servers one by one."""
    _, key = await founded(owner_dsn)
    house = house_on(owner_dsn)
    await house.store.start()
    crowd = Crowd(house, key)

    async with crowd.at_work():
        await crowd.wrote_since(asyncio.get_running_loop().time())
        applied = await upgrade(Connector(owner_dsn), steps=ALL)
        await crowd.wrote_since(asyncio.get_running_loop().time(), count=100)
        await house.store.ping()
        again = PostgresStore(owner_dsn)
        await again.start()
        await again.close()
    await house.store.close()

    assert applied == [NEXT.version]
    assert crowd.refused == 0
    assert await crowd.faults(owner_dsn) == []


async def test_code_of_before_keeps_what_waits_for_a_person_in_order(owner_dsn: str) -> None:
    """Servers of the version before do not know the column; the database fills it for them."""
    await upgrade(Connector(owner_dsn))
    store = PostgresStore(owner_dsn)
    await store.start()
    await Stage(store).open("esc_0")
    connection = await asyncpg.connect(owner_dsn)

    await connection.execute("insert into candidates values ('shop', 'dana', 'esc_0')")
    filled = await connection.fetchval("select due_at from candidates where person = 'dana'")
    row = await store.load("shop", "esc_0")
    await connection.close()
    await store.close()

    assert row is not None
    assert row.escalation.due_at is not None
    assert filled == micros(row.escalation.due_at)


OLD_CLAIM = "update escalations set wake_at = $1, nudged = 0 where id = 'esc_0'"
OLD_NUDGE = "update escalations set wake_at = least(wake_at, $1), nudged = 1 where id = 'esc_0'"


async def test_code_of_before_keeps_when_each_is_looked_at_next(owner_dsn: str) -> None:
    """Its claims and nudges go by a column; the database carries them to the table of now."""
    await upgrade(Connector(owner_dsn))
    store = PostgresStore(owner_dsn)
    await store.start()
    stage = Stage(store)
    row = await stage.open("esc_0")
    connection = await asyncpg.connect(owner_dsn)

    opened = await store.next_wake()
    await connection.execute(OLD_CLAIM, micros(NOON + 9 * HOUR))
    leased = await store.next_wake()
    await connection.execute(OLD_NUDGE, micros(NOON + HOUR / 12))
    nudged = await store.next_wake()
    await stage.act(row, commented)
    kept = await store.next_wake()
    await connection.close()
    await store.close()

    assert opened == row.escalation.due_at
    assert (leased, nudged, kept) == (NOON + 9 * HOUR, NOON + HOUR / 12, NOON + HOUR / 12)


async def test_a_wake_of_what_has_ended_is_rested_away(owner_dsn: str) -> None:
    """A row that ended while the upgrade copied it must not be looked at for ever."""
    await upgrade(Connector(owner_dsn))
    store = PostgresStore(owner_dsn)
    await store.start()
    stage = Stage(store)
    row = await stage.act(await stage.open("esc_0"), withdraws())
    connection = await asyncpg.connect(owner_dsn)
    await connection.execute("insert into wakes values ('shop', 'esc_0', 1)")

    claimed = await store.claim_due(NOON, lease_until=NOON + HOUR)
    await store.rest("shop", "esc_0", version=row.escalation.version)
    await connection.close()

    assert [each.escalation.id for each in claimed] == ["esc_0"]
    assert await store.next_wake() is None
    await store.close()


@pytest.fixture
def known_next(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From here on the code is that of the next version."""

    def become() -> None:
        monkeypatch.setattr(migrating, "MIGRATIONS", ALL)
        monkeypatch.setattr(migrating, "NEWEST", NEXT.version)

    return become


async def test_new_code_waits_for_its_schema_and_says_how_to_get_it(
    owner_dsn: str, known_next: Callable[[], None]
) -> None:
    """A server never changes the schema under others that run; an operator does."""
    await upgrade(Connector(owner_dsn))
    known_next()

    with pytest.raises(StoreBusy, match="run `pullcord db upgrade`"):
        await PostgresStore(owner_dsn).start()

    await upgrade(Connector(owner_dsn), steps=ALL)
    store = PostgresStore(owner_dsn)
    await store.start()
    await store.close()


async def test_a_schema_that_no_longer_serves_old_code_is_refused_by_it(owner_dsn: str) -> None:
    """After the contracting step old code would miss what it needs."""
    contract = replace(NEXT, serves=NEXT.version)
    await upgrade(Connector(owner_dsn), steps=(*MIGRATIONS, contract))

    with pytest.raises(StoreBusy, match="or a newer one"):
        await PostgresStore(owner_dsn).start()
    with pytest.raises(StoreBusy, match="or a newer one"):
        await upgrade(Connector(owner_dsn))


async def test_an_upgrade_lets_others_go_first(
    owner_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long report holds a table: the upgrade steps back, so that no write waits behind it."""
    await upgrade(Connector(owner_dsn))
    monkeypatch.setattr(migrating, "PAUSE_SECONDS", 0.01)
    reader = await asyncpg.connect(owner_dsn)
    await reader.execute("begin; lock table escalations in access share mode")
    waiting = asyncio.create_task(upgrade(Connector(owner_dsn), steps=ALL))
    for _ in range(40):
        await CLOCK.sleep(0.05)  # longer than one try lasts

    is_waiting = not waiting.done()
    await reader.execute("commit")

    assert is_waiting
    assert await waiting == [NEXT.version]
    await reader.close()


async def test_an_upgrade_gives_up_and_leaves_the_schema_as_it_was(
    owner_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so after a while; nothing of the step stays."""
    await upgrade(Connector(owner_dsn))
    monkeypatch.setattr(migrating, "PATIENCE", 2)
    monkeypatch.setattr(migrating, "PAUSE_SECONDS", 0.0)
    reader = await asyncpg.connect(owner_dsn)
    await reader.execute("begin; lock table outbox in access share mode")

    with pytest.raises(StoreBusy, match="cannot be used"):
        await upgrade(Connector(owner_dsn), steps=ALL)

    await reader.execute("commit")
    assert await reader.fetchval("select max(version) from schema_version") == NEWEST
    await reader.close()


async def test_a_role_that_may_not_make_the_schema_is_told_who_may(
    pg: Databases, database: str
) -> None:
    """The first start with the serving role must not leave people guessing."""
    with pytest.raises(StoreBusy, match="run `pullcord db upgrade` as that role"):
        await PostgresStore(pg.of(database, user=APP)).start()


async def test_the_schema_can_be_made_by_hand(owner_dsn: str) -> None:
    """Where programs may not change a schema, an administrator runs the printed SQL."""
    connection = await asyncpg.connect(owner_dsn)
    await connection.execute(script(MIGRATIONS))
    await connection.close()

    store = PostgresStore(owner_dsn)
    await store.start()
    await Stage(store).open("esc_1")

    assert await store.chains("shop") == ["esc_1"]
    assert await upgrade(Connector(owner_dsn)) == []
    await store.close()
