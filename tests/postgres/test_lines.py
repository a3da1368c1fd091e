"""What only a database behind a network can get wrong: lost lines, late answers, moved epochs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from pullcord.errors import CommitUnknown, InvalidInput, StoreBusy
from pullcord.store import lines_postgres, queries_postgres
from pullcord.store.connector import Connection, Connector, Era, Line, Lines, hosts_of, shown
from pullcord.store.mishaps_postgres import mishap
from pullcord.store.port import Filter, InvariantBroken, KeyTaken, VersionConflict
from pullcord.store.postgres import PostgresStore
from tests.conformance.stage import HOUR, NOON, Stage, commented, decides
from tests.conformance.test_writing import both
from tests.postgres.crowd import CLOCK
from tests.postgres.databases import OWNER, Databases
from tests.postgres.machine import free_port


@pytest.fixture
async def store(dsn: str) -> AsyncIterator[PostgresStore]:
    started = PostgresStore(dsn, connect_seconds=20)
    await started.start()
    yield started
    await started.close()


@pytest.fixture
def stage(store: PostgresStore) -> Stage:
    return Stage(store)


async def lines_lost(pg: Databases, dsn: str, *, where: str = "true") -> None:
    """The server ends every connection to this database but its own."""
    database = dsn.rpartition("/")[2]
    await pg.run(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        f"where datname = '{database}' and pid <> pg_backend_pid() and {where}"
    )


# --- addresses ---------------------------------------------------------------------------------

ADDRESSES = {
    "postgresql://a": [("a", 5432)],
    "postgres://u:p@a:7/d": [("a", 7)],
    "postgresql://u@a,b:6,c/d": [("a", 5432), ("b", 6), ("c", 5432)],
    "postgresql://u@[::1]:7,[fe80::1]/d": [("::1", 7), ("fe80::1", 5432)],
    "postgresql:///d?host=/run/pg&port=7": [("/run/pg", 7)],
    "postgresql:///d?host=a,b&port=6,7": [("a", 6), ("b", 7)],
}


@pytest.mark.parametrize(("address", "hosts"), ADDRESSES.items(), ids=ADDRESSES.keys())
def test_an_address_names_its_hosts_in_order(address: str, hosts: list[tuple[str, int]]) -> None:
    """The same addresses that the database's own tools take."""
    assert hosts_of(address) == hosts


@pytest.mark.parametrize(
    "address", ["mysql://a/d", "postgresql:///d", "postgresql://a:x/d", "postgresql://a,/d"]
)
def test_an_address_without_a_host_is_refused_without_telling_its_password(address: str) -> None:
    """What people paste into a terminal or a ticket must not hold a password."""
    with pytest.raises(InvalidInput, match="at least one host"):
        hosts_of(address)

    assert shown("postgresql://u:secret@a/d?password=secret") == "postgresql://u@a/d"


async def test_a_database_that_is_not_there_is_named_in_the_refusal() -> None:
    """The first thing somebody asks is which host was tried."""
    port = free_port()

    with pytest.raises(StoreBusy, match=f"127.0.0.1:{port}"):
        await PostgresStore(f"postgresql://u@127.0.0.1:{port}/d").start()


async def test_the_last_good_host_is_asked_first(dsn: str) -> None:
    """A dead first host costs its time-out once, not at every connection."""
    good = hosts_of(dsn)[0]
    bad = ("127.0.0.1", free_port())
    connector = Connector(
        dsn.replace(f"127.0.0.1:{good[1]}", f"{bad[0]}:{bad[1]},127.0.0.1:{good[1]}")
    )

    line = await connector.connect()

    assert connector._hosts == [good, bad]
    line.connection.terminate()


# --- lines -------------------------------------------------------------------------------------


async def test_a_read_that_meets_a_lost_line_is_asked_again(
    pg: Databases, dsn: str, store: PostgresStore, stage: Stage
) -> None:
    """A restarted database is not the reader's trouble."""
    row = await stage.open("esc_1")
    await asyncio.gather(*(store.load("shop", "esc_1") for _ in range(8)))

    await lines_lost(pg, dsn)

    assert await store.load("shop", "esc_1") == row


async def test_a_write_whose_line_is_lost_is_unknown_and_may_be_sent_again(
    pg: Databases, dsn: str, store: PostgresStore, stage: Stage
) -> None:
    """It may have been written: only the same key tells."""
    await stage.open("esc_0")
    blocker = await asyncpg.connect(pg.of(dsn.rpartition("/")[2], user=OWNER))
    await blocker.execute("begin; lock table escalations in access exclusive mode")
    filed = stage.opening("esc_1")
    writing = asyncio.create_task(store.commit(filed))
    stuck = "wait_event_type = 'Lock'"
    while not await count(pg, dsn, where=stuck):
        pass

    await lines_lost(pg, dsn, where=stuck)

    with pytest.raises(CommitUnknown, match="same key"):
        await writing
    await blocker.close()
    await store.commit(filed)
    assert await store.load("shop", "esc_1") == filed.rows[0]


async def count(pg: Databases, dsn: str, *, where: str) -> int:
    database = dsn.rpartition("/")[2]
    connection = await asyncpg.connect(pg.dsn)
    found = await connection.fetchval(
        f"select count(*) from pg_stat_activity where datname = '{database}' and {where}"
    )
    await connection.close()
    return int(found)


async def test_what_is_not_answered_in_time_is_dropped_not_cancelled(
    pg: Databases, dsn: str
) -> None:
    """A write is unknown then; a read, and a transaction not yet sent, was not done."""
    store = PostgresStore(dsn, connect_seconds=20, write_seconds=0.3, read_seconds=0.3)
    await store.start()
    stage = Stage(store)
    await stage.open("esc_0")
    blocker = await asyncpg.connect(pg.of(dsn.rpartition("/")[2], user=OWNER))
    await blocker.execute("begin; lock table escalations, duties in access exclusive mode")

    told = await asyncio.gather(
        store.commit(stage.opening("esc_1")),
        store.load("shop", "esc_0"),
        store.enrol_duty("shop", "coverage", NOON),
        return_exceptions=True,
    )
    still_waiting = await count(pg, dsn, where="wait_event_type = 'Lock'")
    await blocker.close()

    assert [type(each) for each in told] == [CommitUnknown, StoreBusy, StoreBusy]
    assert still_waiting >= 1
    await store.close()


async def test_a_mistake_of_the_caller_costs_one_line_and_no_more(
    store: PostgresStore, stage: Stage
) -> None:
    """A bug is an error, not a store that slowly runs out of connections."""
    filed = stage.opening("esc_1")
    for _ in range(40):
        with pytest.raises(AssertionError):
            await store.commit(replace(filed, workspace="other"))
        with pytest.raises(ZeroDivisionError):
            await store.transact(_breaks)

    await store.commit(filed)

    assert await store.load("shop", "esc_1") == filed.rows[0]


async def _breaks(_: Connection) -> float:
    return 1 / 0


async def test_too_many_writes_at_once_are_refused(
    store: PostgresStore, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood is told to come back; memory has a limit."""
    monkeypatch.setattr(lines_postgres, "WRITES_MAX", 3)

    told = await asyncio.gather(
        *(store.commit(stage.opening(f"esc_{n}")) for n in range(5)), return_exceptions=True
    )

    assert [type(each) for each in told].count(StoreBusy) == 2


async def test_everybody_waits_for_a_line_in_turn_and_not_for_ever(dsn: str) -> None:
    """Few lines serve many callers; who waits too long is told that nothing was written."""
    lines = Lines(Connector(dsn, connect_seconds=20), most=1)
    line = await lines.take()
    first = asyncio.create_task(lines.take())
    gone = asyncio.create_task(lines.take())
    late = asyncio.create_task(lines.take())
    await asyncio.sleep(0)

    with pytest.raises(StoreBusy, match="busy"):
        await lines.take(within=0.01)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    lines.give(line)

    assert await first is line
    lines.give(line)
    assert await late is line
    lines.give(line)
    await lines.close()


@pytest.mark.parametrize("is_dropped", [False, True])
async def test_a_line_handed_to_somebody_who_left_goes_to_the_next(
    is_dropped: bool, dsn: str
) -> None:
    """A client that hangs up at the wrong instant takes no line with it."""
    lines = Lines(Connector(dsn, connect_seconds=20), most=1)
    line = await lines.take()
    gone, following = (asyncio.create_task(lines.take()) for _ in range(2))
    await asyncio.sleep(0)

    (lines.drop if is_dropped else lines.give)(line)
    gone.cancel()
    told = await asyncio.gather(gone, return_exceptions=True)

    assert isinstance(told[0], asyncio.CancelledError)
    lines.give(await following)
    await lines.close()


async def test_a_line_that_cannot_be_opened_leaves_its_place_to_the_next() -> None:
    """However often a database is away, the number of lines stays what it is."""
    lines = Lines(Connector(f"postgresql://u@127.0.0.1:{free_port()}/d"), most=1)

    told = await asyncio.gather(*(lines.take() for _ in range(5)), return_exceptions=True)

    assert {type(each) for each in told} == {StoreBusy}
    assert all("busy" not in str(each) for each in told)


async def test_closing_ends_the_wait_for_a_line(pg: Databases, dsn: str) -> None:
    """A shutdown leaves nobody hanging."""
    lines = Lines(Connector(dsn, connect_seconds=20), most=1)
    line = await lines.take()
    waiting = [asyncio.create_task(lines.take()) for _ in range(2)]
    await asyncio.sleep(0)

    await lines.close()
    told = await asyncio.gather(*waiting, return_exceptions=True)
    lines.give(line)

    assert [type(each) for each in told] == [StoreBusy] * 2
    assert line.connection.is_closed()


async def test_idle_lines_that_ended_are_forgotten(pg: Databases, dsn: str) -> None:
    """A line that the server closed overnight is no line."""
    lines = Lines(Connector(dsn, connect_seconds=20), most=2)
    one, other = await lines.take(), await lines.take()
    lines.give(one)
    await lines_lost(pg, dsn)
    while not (one.connection.is_closed() and other.connection.is_closed()):
        await CLOCK.sleep(0.01)

    fresh = await lines.take()
    lines.give(other)

    assert not fresh.connection.is_closed()
    lines.give(fresh)
    await lines.close()


async def test_after_a_loss_no_line_of_before_is_used_again(dsn: str) -> None:
    """The primary may be another machine now; one lost line is word enough."""
    lines = Lines(Connector(dsn, connect_seconds=20), most=3)
    one, other, idle = [await lines.take() for _ in range(3)]
    lines.give(idle)

    lines.distrust(one)
    lines.distrust(other)
    fresh = await lines.take()
    lines.give(other)

    assert idle.connection.is_closed()
    assert other.connection.is_closed()
    assert not fresh.connection.is_closed()
    lines.drop(one)
    lines.give(fresh)
    await lines.close()


async def test_a_farewell_that_is_not_heard_delays_nothing(pg: Databases, dsn: str) -> None:
    """Closing a store whose database is gone ends well."""
    lines = Lines(Connector(dsn, connect_seconds=20))
    line = await lines.take()
    lines.give(line)

    class Deaf:
        def __getattr__(self, name: str) -> object:
            return getattr(connection, name)

        async def close(self) -> None:
            raise ConnectionResetError

    connection, line.connection = line.connection, Deaf()  # type: ignore[assignment]
    await lines.close()

    assert connection.is_closed()


async def test_an_old_primary_and_a_standby_are_no_primary(pg: Databases, dsn: str) -> None:
    """A host that answers and is not the primary is passed over, and the reason is told."""
    connector = Connector(dsn, connect_seconds=20)
    connector._era = Era(epoch=7)
    with pytest.raises(StoreBusy, match="was seen"):
        await connector.connect()

    await pg.run(f"alter database {dsn.rpartition('/')[2]} set default_transaction_read_only = on")

    with pytest.raises(StoreBusy, match="standby or read-only"):
        await Connector(dsn, connect_seconds=20).connect()


async def test_a_reader_that_hangs_up_costs_one_line(store: PostgresStore) -> None:
    """Its line may be in the middle of an answer, so it is not used again."""
    reading = asyncio.create_task(store.read("select pg_sleep(30)"))
    await CLOCK.sleep(0.05)

    reading.cancel()
    told = await asyncio.gather(reading, return_exceptions=True)

    assert isinstance(told[0], asyncio.CancelledError)
    assert await store.epoch() == 1


async def test_a_write_that_is_answered_with_a_warning_is_unknown(
    pg: Databases, dsn: str, store: PostgresStore, stage: Stage
) -> None:
    """That is how PostgreSQL says that it did not wait for the standby."""
    await stage.open("esc_0")
    warns = """create function warn() returns trigger language plpgsql as
      'begin raise warning ''canceling wait for synchronous replication''; return new; end';
    create trigger warns before insert on links for each row execute function warn();
    create trigger warns before insert on duties for each row execute function warn()"""
    await pg.run(warns, database=dsn.rpartition("/")[2], user=OWNER)

    told = await asyncio.gather(
        store.commit(stage.opening("esc_1")),
        store.enrol_duty("shop", "coverage", NOON),
        return_exceptions=True,
    )

    assert [type(each) for each in told] == [CommitUnknown] * 2


# --- what the database says ----------------------------------------------------------------------


async def test_a_store_of_another_epoch_writes_nothing_until_it_has_looked_again(
    pg: Databases, dsn: str, store: PostgresStore, stage: Stage
) -> None:
    """After a restore or a fail-over by hand, whoever did not notice is refused, then goes on."""
    await stage.open("esc_0")
    for n in range(4):
        await store.finish_duty("shop", f"d{n}", NOON)
    await pg.run("update epoch set epoch = 2", database=dsn.rpartition("/")[2], user=OWNER)

    with pytest.raises(StoreBusy, match="the epoch is 2"):
        await stage.open("esc_1")

    assert await store.load("shop", "esc_1") is None
    await stage.open("esc_2")
    assert await store.epoch() == 2


CLAIMS = ("claim_due", "claim_outgoing", "claim_copies", "claim_duties")


@pytest.mark.parametrize("verb", ["transact", "load_confirmed", *CLAIMS])
async def test_every_kind_of_write_is_fenced(
    verb: str, pg: Databases, dsn: str, store: PostgresStore, stage: Stage
) -> None:
    """One verb that forgets the fence would be the hole an old primary writes through."""
    await stage.open("esc_0")
    await pg.run("update epoch set epoch = 2", database=dsn.rpartition("/")[2], user=OWNER)
    writes: dict[str, Callable[[], Awaitable[object]]] = {
        "transact": lambda: store.enrol_duty("shop", "coverage", NOON),
        "load_confirmed": lambda: store.load_confirmed("shop", "esc_0"),
        **{each: lambda: getattr(store, verb)(NOON, lease_until=NOON) for each in CLAIMS},
    }

    with pytest.raises(StoreBusy, match="the epoch is 2"):
        await writes[verb]()


async def test_a_text_that_postgresql_cannot_hold_is_refused_and_found_nowhere(
    store: PostgresStore, stage: Stage
) -> None:
    """NUL and lone surrogates come from broken programs; they must not look like an outage."""
    await stage.open("esc_1")
    for text in ("a\0b", "a\ud800b"):
        assert await store.load("shop", text) is None
        assert (await store.find("shop", Filter(run=text))).rows == ()
        assert await store.counts("shop", Filter(run=text)) == 0
        with pytest.raises(InvalidInput, match="NUL"):
            await store.unlink("shop", text, "")
    with pytest.raises(InvalidInput, match="NUL"):
        await stage.open("esc_2", run="a\0b")

    await stage.open("esc_2")


async def test_a_change_of_two_that_comes_second_is_undone_whole(
    store: PostgresStore, stage: Stage
) -> None:
    """A stale half must not leave the fresh half behind."""
    one = await stage.open("esc_1")
    ends = stage.filed(one, commented(one.escalation))
    await store.commit(ends)

    with pytest.raises(VersionConflict):
        await store.commit(both(ends, stage.opening("esc_2")))

    assert await store.load("shop", "esc_2") is None


async def test_a_taken_key_is_told_after_a_write_also_when_all_was_undone(
    store: PostgresStore, stage: Stage
) -> None:
    """The reply tells of the standing escalation, so the standby must have it."""
    await stage.open("esc_1", key="call-7")
    other = await stage.open("esc_2")
    ends = stage.filed(other, commented(other.escalation))

    with pytest.raises(KeyTaken) as taken:
        await store.commit(both(ends, stage.opening("esc_3", key="call-7")))

    rows = await store.read("select touched from escalations where id = 'esc_1'")
    assert (taken.value.escalation, taken.value.digest) == ("esc_1", "body")
    assert rows[0][0] == 1


async def test_no_calls_are_no_write(store: PostgresStore) -> None:
    """An empty batch costs nothing."""
    await store.record_calls("shop", [])

    assert await store.call_counts("shop", since=NOON) == {}


async def test_the_database_tells_its_time(store: PostgresStore) -> None:
    """Several servers agree on one clock."""
    assert abs(await store.time() - datetime.now(UTC)) < timedelta(seconds=30)


async def test_what_changed_lately_is_told_for_hints_that_were_lost(
    store: PostgresStore, stage: Stage
) -> None:
    """A look every few seconds finds what nobody heard of."""
    await stage.open("esc_1", at=NOON - HOUR)
    row = await stage.act(await stage.open("esc_2"), decides("maria"))

    found = await store.changed_since(NOON - HOUR / 2)

    told = [(each.id, each.version, each.agent_key, each.is_decided) for each in found]
    assert told == [("esc_2", row.escalation.version, "k1", True)]


def error(code: str) -> asyncpg.PostgresError:
    return asyncpg.PostgresError.new({"C": code, "M": "told"})


MEANINGS: dict[str, tuple[type[Exception], bool]] = {
    "23505": (InvariantBroken, False),
    "40P01": (VersionConflict, False),
    "22021": (InvalidInput, False),
    "25006": (StoreBusy, True),
    "53100": (StoreBusy, False),
    "57P01": (CommitUnknown, True),
    "08006": (CommitUnknown, True),
    "XX000": (CommitUnknown, True),
}


@pytest.mark.parametrize(("code", "meaning"), MEANINGS.items(), ids=MEANINGS.keys())
def test_each_answer_of_the_database_has_one_meaning(
    code: str, meaning: tuple[type[Exception], bool]
) -> None:
    """Refused, not written, or unknown: never one taken for another."""
    found = mishap(error(code), is_sent=True)
    unsent = mishap(error(code), is_sent=False)

    assert (type(found.error), found.is_lost) == meaning
    assert not isinstance(unsent.error, CommitUnknown)


def test_a_connection_that_breaks_leaves_a_write_unknown() -> None:
    """The answer was on its way, or the request never arrived."""
    found = mishap(ConnectionResetError("gone"), is_sent=True)

    assert (type(found.error), found.is_lost, found.is_moved) == (CommitUnknown, True, True)


def test_only_a_warning_makes_a_write_unknown() -> None:
    """A notice, in whatever language, is only a notice."""
    line = Line(connection=None, era=Connector("postgresql://a").era)  # type: ignore[arg-type]
    notice = asyncpg.PostgresLogMessage.new({"S": "HINWEIS", "V": "NOTICE", "C": "00000", "M": "x"})
    warning = asyncpg.PostgresLogMessage.new(
        {"S": "WARNUNG", "V": "WARNING", "C": "01000", "M": "y"}
    )

    line.heard(None, notice)
    before = line.warning
    line.heard(None, warning)

    assert (before, line.warning != "") == ("", True)


def test_a_statement_is_kept_prepared() -> None:
    """The driver prepares a longer statement anew at every write."""
    assert len(queries_postgres.OPEN) < 15_000
    assert len(queries_postgres.CHANGE) < 15_000
