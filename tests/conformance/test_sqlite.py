"""What only SQLite can get wrong: full disks, failed flushes, read-only files, lost indexes."""

import asyncio
import re
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pullcord.errors import CommitUnknown, StoreBusy
from pullcord.path.escalation import Terms
from pullcord.store import queries_sqlite as sql
from pullcord.store.codec import escalation_of, folded, state_of, unfolded
from pullcord.store.group import WAITING_MAX, GroupCommit
from pullcord.store.lane import YIELD_EVERY, Connect, InlineLane, Lane, ThreadLane
from pullcord.store.migrating_sqlite import apply_migration, statements_of
from pullcord.store.port import InvariantBroken, KeyTaken
from pullcord.store.schema_sqlite import MIGRATIONS
from pullcord.store.sqlite import SqliteStore
from tests.conformance.stage import Stage, accepts, blank


class Fragile(sqlite3.Connection):
    """A connection whose next statements of a kind fail, as a dying disk lets them."""

    failing: dict[str, sqlite3.Error]

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        error = getattr(self, "failing", {}).get(statement)
        if error is not None:
            raise error
        return super().execute(statement, *values)

    def rollback(self) -> None:
        if "rollback" in getattr(self, "failing", {}):
            raise self.failing["rollback"]
        super().rollback()


def failure(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk trouble")
    error.sqlite_errorcode = code
    return error


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    started = SqliteStore(tmp_path / "pullcord.db")
    await started.start()
    yield started
    await started.close()


@pytest.fixture
def stage(store: SqliteStore) -> Stage:
    return Stage(store)


async def fragile(store: SqliteStore, failing: dict[str, sqlite3.Error]) -> None:
    """Give the writer a connection that fails from now on."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            store.path, isolation_level=None, check_same_thread=False, factory=Fragile
        )
        connection.failing = failing
        return connection

    store._writer = GroupCommit(InlineLane(connect))


async def touched(store: SqliteStore, escalation: str) -> int:
    rows = await store.read("select touched from escalations where id = ?", escalation)
    return int(rows[0][0])


async def test_a_reply_about_a_taken_key_follows_a_write(stage: Stage, store: SqliteStore) -> None:
    """On a replicated database a reply without a write may tell of a row the standby never got."""
    await stage.open("esc_1", key="call-7")

    with pytest.raises(KeyTaken):
        await stage.open("esc_2", key="call-7")

    assert await touched(store, "esc_1") == 1


async def test_a_full_disk_refuses_and_writes_nothing(stage: Stage, store: SqliteStore) -> None:
    """A 503 now, everything as it was, and again possible when there is room."""
    row = await stage.open("esc_1")
    pages = int((await store.read("pragma page_count"))[0][0])
    await store.write(lambda link: link.execute(f"pragma max_page_count = {pages}").fetchone())

    with pytest.raises(StoreBusy):
        await stage.open("esc_2", shown=NOISE)

    assert await store.load("shop", "esc_1") == row
    assert await store.load("shop", "esc_2") is None
    assert await store.timeline("shop", "esc_2") == []
    await store.write(lambda link: link.execute("pragma max_page_count = 100000").fetchone())
    assert await store.load("shop", (await stage.open("esc_2", shown=NOISE)).escalation.id)


#: more than a page holds after compression
NOISE = "".join(chr(0x4E00 + (n * 7919) % 20000) for n in range(60_000))


async def test_a_disk_that_is_full_for_one_serves_its_neighbours(
    stage: Stage, store: SqliteStore
) -> None:
    """A small decision still fits where a large briefing does not."""
    row = await stage.open("esc_1")
    pages = int((await store.read("pragma page_count"))[0][0])
    await store.write(lambda link: link.execute(f"pragma max_page_count = {pages}").fetchone())

    results = await asyncio.gather(
        stage.open("esc_2", shown=NOISE),
        stage.act(row, accepts("maria")),
        return_exceptions=True,
    )

    assert isinstance(results[0], StoreBusy)
    assert await store.load("shop", "esc_1") == results[1]


async def test_a_group_the_database_gave_up_is_refused_whole(
    stage: Stage, store: SqliteStore
) -> None:
    """When one failure rolls back everything, nobody of the group is told "done"."""

    def disaster(connection: sqlite3.Connection) -> None:
        connection.rollback()
        raise failure(sqlite3.SQLITE_FULL)

    results = await asyncio.gather(
        store.commit(stage.opening("esc_1")),
        store.write(disaster),
        store.commit(stage.opening("esc_2")),
        return_exceptions=True,
    )

    assert [type(each) for each in results] == [StoreBusy] * 3
    assert await store.chains("shop") == []
    await stage.open("esc_3")
    assert await store.chains("shop") == ["esc_3"]


async def test_a_savepoint_that_cannot_be_undone_gives_up_the_group(
    stage: Stage, store: SqliteStore
) -> None:
    """Half of a Change is never kept to save the neighbours."""
    await fragile(store, {"rollback to one": failure(sqlite3.SQLITE_IOERR)})
    stale = replace(stage.opening("esc_1"), links=())

    results = await asyncio.gather(
        store.commit(stage.opening("esc_2")), store.commit(stale), return_exceptions=True
    )

    assert [type(each) for each in results] == [StoreBusy, StoreBusy]
    assert await store.chains("shop") == []


async def test_a_busy_database_is_told_as_busy(stage: Stage, store: SqliteStore) -> None:
    """Another process holds the lock: try again, nothing was written."""
    await fragile(store, {"begin immediate": failure(sqlite3.SQLITE_BUSY)})

    with pytest.raises(StoreBusy, match="busy"):
        await stage.open("esc_1")

    assert await store.chains("shop") == []


async def test_a_commit_that_was_refused_is_certain(stage: Stage, store: SqliteStore) -> None:
    """No room at the commit: rolled back for sure, and the store goes on."""
    failing: dict[str, sqlite3.Error] = {"commit": failure(sqlite3.SQLITE_FULL)}
    await fragile(store, failing)

    with pytest.raises(StoreBusy):
        await stage.open("esc_1")

    failing.clear()
    await stage.open("esc_2")
    assert await store.chains("shop") == ["esc_2"]


@pytest.mark.parametrize("undo", [True, False], ids=["rolled back", "not even that"])
async def test_after_a_failed_flush_the_store_says_unknown_and_stops(
    undo: bool, stage: Stage, store: SqliteStore
) -> None:
    """A second flush after a failed one would lie; only a restart reads what is really there."""
    code = sqlite3.SQLITE_IOERR if undo else sqlite3.SQLITE_FULL
    failing: dict[str, sqlite3.Error] = {"commit": failure(code)}
    if not undo:
        failing["rollback"] = failure(sqlite3.SQLITE_IOERR)
    await fragile(store, failing)

    with pytest.raises(CommitUnknown):
        await stage.open("esc_1")

    with pytest.raises(StoreBusy, match="restart it"):
        await stage.open("esc_2")
    failing.clear()
    await store.close()


async def test_a_connection_that_cannot_be_made_fails_only_its_callers(
    stage: Stage, store: SqliteStore, tmp_path: Path
) -> None:
    """The next caller tries again; nobody waits for a writer that died."""

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(tmp_path / "nowhere" / "pullcord.db")

    store._writer = GroupCommit(ThreadLane(connect))

    for _ in range(2):
        with pytest.raises(StoreBusy, match="cannot be opened"):
            await stage.open("esc_1")


class Stuck:
    """A lane that never comes back."""

    async def run(self, job: object) -> Any:
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Nothing to close."""


async def test_callers_of_a_stopped_writer_are_told(stage: Stage, store: SqliteStore) -> None:
    """What was in flight is unknown, what still waited was not written; nobody hangs."""
    store._writer = GroupCommit(Stuck())
    flying = asyncio.create_task(store.commit(stage.opening("esc_1")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting = asyncio.create_task(store.commit(stage.opening("esc_2")))
    await asyncio.sleep(0)
    drain = store._writer._drain
    assert drain is not None

    drain.cancel()
    await asyncio.gather(drain, return_exceptions=True)
    await store.close()

    results = await asyncio.gather(flying, waiting, return_exceptions=True)
    assert [type(each) for each in results] == [CommitUnknown, StoreBusy]


async def test_a_writer_whose_queue_is_full_refuses(stage: Stage, store: SqliteStore) -> None:
    """A flood is answered at once instead of filling the memory."""
    writer = GroupCommit(Stuck())
    store._writer = writer
    jobs = [asyncio.create_task(writer.run(lambda link: None)) for _ in range(WAITING_MAX + 64)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    refused = [each for each in jobs if each.done()]

    assert len(refused) == 64
    assert all(isinstance(each.exception(), StoreBusy) for each in refused)
    assert writer._drain is not None
    writer._drain.cancel()
    await store.close()
    await asyncio.gather(*jobs, return_exceptions=True)


async def test_a_read_that_fails_is_told_as_busy(store: SqliteStore) -> None:
    """Callers see one error of the store, whatever the database calls it."""
    with pytest.raises(StoreBusy, match="did not answer"):
        await store.read("select nothing from nowhere")


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """A wrong path overwrites nothing."""
    path = tmp_path / "letter.txt"
    path.write_text("Dear Maria, " * 100)

    with pytest.raises(StoreBusy, match="cannot be used"):
        await SqliteStore(path).start()

    assert path.read_text().startswith("Dear Maria")


async def test_a_path_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """The message says what stands in the way."""
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreBusy, match="cannot be used"):
        await SqliteStore(tmp_path / "file" / "pullcord.db").start()


async def test_a_database_without_its_log_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where WAL mode is impossible an acknowledgement would promise too much."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "pullcord.db"
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("create table one (one)")
    holder.execute("begin exclusive")

    with pytest.raises(StoreBusy, match="cannot be used"):
        await SqliteStore(path, busy_seconds=0).start()
    holder.close()
    with pytest.raises(StoreBusy, match="memory mode"):
        await SqliteStore(":memory:").start()


async def test_a_read_only_file_is_read_and_not_written(stage: Stage, store: SqliteStore) -> None:
    """A disk that was remounted read-only: people still see, nobody is told "done"."""
    row = await stage.open("esc_1")

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            f"file:{store.path}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )

    store._writer = GroupCommit(InlineLane(connect))

    with pytest.raises(StoreBusy):
        await stage.open("esc_2")

    assert await store.load("shop", "esc_1") == row


async def test_the_file_is_private_and_flushed(store: SqliteStore) -> None:
    """It holds what customers said; and an acknowledgement survives a power cut."""
    flags = await store.write(lambda link: link.execute("pragma synchronous").fetchone()[0])
    mode = await store.write(lambda link: link.execute("pragma journal_mode").fetchone()[0])
    keys = await store.write(lambda link: link.execute("pragma foreign_keys").fetchone()[0])

    assert (flags, mode, keys) == (2, "wal", 1)
    assert store.path.stat().st_mode & 0o077 == 0


async def test_the_thread_lane_runs_jobs_in_order_on_one_connection(tmp_path: Path) -> None:
    """One writer: what was handed over first is written first."""
    lane: Lane = ThreadLane(lambda: sqlite3.connect(tmp_path / "a.db"))
    seen: list[int] = []

    await asyncio.gather(*(lane.run(lambda _, n=n: seen.append(n)) for n in range(20)))  # type: ignore[misc]
    unused: Lane = ThreadLane(lambda: sqlite3.connect(tmp_path / "b.db"))
    await unused.close()
    await lane.close()

    assert seen == list(range(20))
    assert not (tmp_path / "b.db").exists()


async def test_the_store_runs_without_threads_too(tmp_path: Path) -> None:
    """The simulation drives the same code on one thread."""
    inline: Callable[[Connect], Lane] = InlineLane
    store = SqliteStore(tmp_path / "a.db", lane=inline)
    await store.start()

    row = await Stage(store).open("esc_1", terms=Terms(quorum=2))

    assert await store.load("shop", "esc_1") == row
    assert await store.next_wake() == row.escalation.due_at
    await store.close()


HOT = {
    "claim due": (sql.CLAIM, ("escalations_wake",)),
    "next wake": (sql.NEXT_WAKE, ("escalations_wake",)),
    "overdue": (sql.OVERDUE, ("escalations_due",)),
    "claim outgoing": (sql.CLAIM_OUT, ("outbox_due",)),
    "a key": (sql.BY_KEY, ("autoindex_escalations",)),
    "a status page": (sql.BY_STATUS, ("escalations_status",)),
    "who controls a run": (sql.HUMAN, ("escalations_run",)),
    "loads": (sql.LOADS, ("escalations_owner", "escalations_living")),
    "decided": (sql.DECIDED, ("escalations_decided",)),
    "the living": (sql.LIVING_PAGE.format(more=""), ("escalations_living",)),
    "what needs a person": (
        sql.NEEDING_PAGE.format(more=""),
        ("escalations_owner", "candidates_due"),
    ),
    "counting what needs a person": (
        sql.COUNT_NEEDING.format(more=""),
        ("escalations_owner", "candidates_due"),
    ),
    "the ended": (sql.ENDED_PAGE.format(more=""), ("escalations_ended",)),
    "counting the living": (
        sql.COUNT.format(more=sql.LIVING),
        ("escalations_living", "escalations_owner"),
    ),
    "counting the ended": (sql.COUNT.format(more=sql.ENDED), ("escalations_ended",)),
    "contents": (sql.CONTENTS.format(more=""), ("autoindex_sealed",)),
    "one content of many": (sql.CONTENTS_OF.format(places="?,?"), ("autoindex_sealed",)),
    "receipts": (sql.RECEIPTS, ("receipts_of",)),
    "outcomes": (sql.OUTCOMES, ("outcomes_of",)),
    "calls": (sql.COUNTS, ("calls_at",)),
    "sessions that are over": (sql.SESSIONS_OVER, ("sessions_over",)),
}


@pytest.mark.parametrize(("statement", "indexes"), HOT.values(), ids=HOT.keys())
async def test_a_hot_query_never_reads_a_whole_table(
    statement: str, indexes: tuple[str, ...], store: SqliteStore
) -> None:
    """What is quick with ten escalations stays quick with a million."""
    numbered = [int(each) for each in re.findall(r"\?(\d+)", statement)]
    values = [None] * max(numbered, default=statement.count("?"))

    plan = await store.read(f"explain query plan {statement}", *values)

    steps = [str(step[-1]) for step in plan]
    assert any(index in step for step in steps for index in indexes), steps
    assert not [each for each in steps if each.startswith("SCAN e")], steps


def test_a_script_is_cut_at_its_statements() -> None:
    """A trigger's body holds semicolons and stays whole."""
    script = "create table a (b);\ncreate trigger c before update on a\nbegin select 1; end;\n"

    assert len(statements_of(script)) == 2


async def test_a_migration_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """The next start tries again from the same place; half a schema never stands."""
    path = tmp_path / "pullcord.db"
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("create table epoch (anything)")

    with pytest.raises(StoreBusy, match="already exists"):
        await SqliteStore(path).start()

    tables = holder.execute("select name from sqlite_master where type = 'table'").fetchall()
    assert sorted(tables) == [("epoch",), ("schema_version",)]
    holder.execute("drop table epoch")
    holder.close()
    store = SqliteStore(path)
    await store.start()
    assert await store.epoch() == 1
    await store.close()


async def test_a_migration_another_process_did_is_not_done_again(store: SqliteStore) -> None:
    """Two that start at once: the slower one finds it done and changes nothing."""
    connection = sqlite3.connect(store.path, isolation_level=None)

    apply_migration(connection, 1, "create table never (never);")

    assert not connection.execute("select 1 from sqlite_master where name = 'never'").fetchall()
    connection.close()


async def test_a_look_that_would_wait_goes_where_nobody_else_waits(
    stage: Stage, store: SqliteStore
) -> None:
    """A small read is done at once in the loop; one that meets a lock is left to the thread."""
    row = await stage.open("esc_1")

    class Busy:
        async def run(self, job: object) -> Any:
            raise sqlite3.OperationalError("database is locked")

        async def close(self) -> None:
            """Nothing to close."""

    near, store._near = store._near, Busy()

    assert await store.load("shop", "esc_1") == row
    assert near is not None
    await near.close()


async def test_a_caller_who_gave_up_leaves_the_thread_at_work(tmp_path: Path) -> None:
    """What was handed over is done; the thread serves those who come after."""
    lane: Lane = ThreadLane(lambda: sqlite3.connect(tmp_path / "a.db"))
    may_end = threading.Event()
    gone = asyncio.create_task(lane.run(lambda _: may_end.wait(10)))
    await asyncio.sleep(0)

    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    may_end.set()

    assert await lane.run(lambda link: link.execute("select 1").fetchone()) == (1,)
    await lane.close()


def test_a_thread_outlives_the_loop_it_answered_to(tmp_path: Path) -> None:
    """A loop that ended has nobody left to tell; the thread says nothing and ends when asked."""
    lane: Lane = ThreadLane(lambda: sqlite3.connect(tmp_path / "a.db"))
    may_end, has_ended = threading.Event(), threading.Event()

    async def begin() -> None:
        asyncio.get_running_loop().create_task(lane.run(lambda _: may_end.wait(10)))
        await asyncio.sleep(0)

    async def finish() -> None:
        await lane.run(lambda _: has_ended.set())
        await lane.close()

    asyncio.run(begin())
    may_end.set()
    asyncio.run(finish())

    assert has_ended.is_set()


async def test_whoever_only_reads_lets_others_go_on(store: SqliteStore) -> None:
    """A loop that waits for a row must not keep the one who writes it, or a timeout, waiting."""
    went_on = asyncio.Event()
    asyncio.get_running_loop().call_soon(went_on.set)

    reads = 0
    while not went_on.is_set() and reads < 1_000:
        await store.load("shop", "esc_1")
        reads += 1

    assert went_on.is_set()
    assert reads <= YIELD_EVERY + 1


async def test_timelines_of_before_are_kept_in_the_order_of_writing(tmp_path: Path) -> None:
    """An upgrade moves every entry as it stands, and the rules of timelines with them."""
    path = tmp_path / "pullcord.db"
    link = sqlite3.connect(path, isolation_level=None)
    link.execute(sql.SCHEMA_TABLE)
    for version, script in MIGRATIONS[:4]:
        apply_migration(link, version, script)
    link.execute(sql.LINK, ("shop", "esc_1", 1, 5, "opened", b'{"seq":1}', "h1"))
    link.close()
    store = SqliteStore(path)
    await store.start()

    (kept,) = await store.timeline("shop", "esc_1")

    assert (kept.seq, kept.kind, kept.body, kept.hash) == (1, "opened", b'{"seq":1}', "h1")
    with pytest.raises(InvariantBroken, match="a timeline never changes"):
        await store.write(lambda writer: writer.execute("update links set hash = 'h2'").rowcount)
    with pytest.raises(InvariantBroken, match="a timeline never changes"):
        await store.write(lambda writer: writer.execute("delete from links").rowcount)
    await store.close()


@pytest.mark.parametrize("body", [b"{}", b'{"long":"' + b"a" * 2_000 + b'"}', b"", b"x"])
def test_an_entry_comes_back_as_it_was_kept(body: bytes) -> None:
    """A timeline is proved by its bytes: not one may differ, however they are kept."""
    assert unfolded(folded(body)) == body


def test_an_entry_that_somebody_altered_comes_back_as_it_stands() -> None:
    """The proof must see what is there, not an error of the compression."""
    kept = folded(b"a" * 2_000)

    assert unfolded(kept[:-4]) == kept[:-4]
    assert unfolded(b"x" + kept) == b"x" + kept


def test_what_nobody_answered_yet_takes_no_room() -> None:
    """Two waiting escalations share a page; read again, both are whole."""
    waiting = blank("esc_1")
    asking = replace(waiting, attempt='","votes":[]}')

    assert escalation_of(state_of(waiting)) == waiting
    assert b"votes" not in state_of(waiting)
    assert escalation_of(state_of(asking)) == asking
