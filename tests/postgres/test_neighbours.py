"""Several processes on one database hear of each other at once, and miss nothing for long."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest
import structlog.testing

from pullcord.engine import neighbours
from pullcord.engine.bus import RESYNC, Concern, Signal
from pullcord.engine.clock import DatabaseClock
from pullcord.engine.house import House, opened
from pullcord.errors import StoreBusy
from pullcord.path.escalation import person
from pullcord.store import hints_postgres
from pullcord.store.connector import Connector
from pullcord.store.hints_postgres import CHANNEL, WAITING_MAX, PostgresHints
from pullcord.store.port import AgentKey, Copy, Settled
from pullcord.store.postgres import PostgresStore
from pullcord.store.receipts import Receipt, ReceiptState
from pullcord.store.sharing import Hint
from pullcord.wire.requests import DecideIn
from tests.postgres.crowd import CLOCK, founded, house_on, request
from tests.postgres.databases import Databases
from tests.postgres.machine import free_port
from tests.postgres.test_lines import count, lines_lost

WITHIN = 20.0


async def until(fact: Callable[[], object]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(WITHIN):
        while not fact():
            await CLOCK.sleep(0.005)


class Ear:
    """Hints as one process hears them."""

    def __init__(self, dsn: str, **more: Any) -> None:
        self.hints = PostgresHints(Connector(dsn, connect_seconds=20), **more)
        self.heard: list[Hint] = []
        self.batches = 0
        self.lost = 0

    def hear(self, hints: Sequence[Hint]) -> None:
        self.heard.extend(hints)
        self.batches += 1

    def lose(self) -> None:
        self.lost += 1


@pytest.fixture
async def ears(dsn: str) -> AsyncIterator[tuple[Ear, Ear]]:
    """Two processes that hear each other."""
    here, there = Ear(dsn), Ear(dsn)
    for each in (here, there):
        await each.hints.start(each.hear, each.lose)
    yield here, there
    for each in (here, there):
        await each.hints.close()


async def acquainted(here: Ear, there: Ear) -> None:
    """Both listen: what one says is heard by the other."""
    async with asyncio.timeout(WITHIN):
        while not there.heard:
            here.hints.tell(Hint("shop", "hello"))
            await CLOCK.sleep(0.01)
    there.heard.clear()


# --- the wire ----------------------------------------------------------------------------------


async def test_what_one_tells_the_other_hears_and_never_itself(ears: tuple[Ear, Ear]) -> None:
    """An echo would wake everybody twice."""
    here, there = ears
    hint = Hint("shop", "escalation", "esc_1", 3, "k1", is_decided=True)
    mine = list(here.heard)

    here.hints.tell(hint)
    await until(lambda: hint in there.heard)

    assert [each for each in there.heard if each.topic != "hello"] == [hint]
    assert here.heard == mine


async def test_many_hints_are_one_notification(ears: tuple[Ear, Ear]) -> None:
    """A notification per write would put all writes of the database in one line."""
    here, there = ears
    batches = there.batches
    for n in range(400):
        here.hints.tell(Hint("shop", "escalation", f"esc_{n % 100:03}", n))

    await until(lambda: len({each.id for each in there.heard if each.id}) == 100)

    newest = {each.id: each.version for each in there.heard if each.id}
    assert set(newest.values()) == set(range(300, 400))
    assert there.batches - batches <= 4


async def test_a_payload_is_never_longer_than_the_database_takes() -> None:
    """One long name must not silence all others."""
    wire = PostgresHints(Connector("postgresql://a"))
    hints = [Hint("shop", "escalation", f"{n}" * 900, n) for n in range(30)]
    hints.insert(7, Hint("shop", "escalation", "x" * 9_000, 1))

    payloads = list(wire._payloads(hints))

    assert max(len(each) for each in payloads) <= hints_postgres.PAYLOAD_MAX + 20
    told = [json.loads(each)[3] for piece in payloads for each in piece.split("\n")[1:]]
    assert told == list(range(30))
    assert list(wire._payloads([])) == []
    assert list(wire._payloads([Hint("s", "t", "x" * 9_000)])) == []


async def test_hints_that_nobody_takes_are_bounded() -> None:
    """A database that is away must not fill the memory of the server."""
    wire = PostgresHints(Connector("postgresql://a"))
    for n in range(WAITING_MAX + 10):
        wire.tell(Hint("shop", "escalation", f"esc_{n}"))

    assert len(wire._waiting) == WAITING_MAX
    await wire.close()


async def test_strangers_on_the_channel_do_no_harm(ears: tuple[Ear, Ear], dsn: str) -> None:
    """Whoever may connect may notify; what is not understood is left alone."""
    here, there = ears
    connection = await asyncpg.connect(dsn)
    for payload in ("", "x\n{", "x\n7", "x\n[1,2,3,4,5,6,7,8]"):
        await connection.execute("select pg_notify($1, $2)", CHANNEL, payload)
    await connection.close()

    here.hints.tell(Hint("shop", "after"))
    await until(lambda: Hint("shop", "after") in there.heard)

    assert {each.topic for each in there.heard} <= {"hello", "after"}


async def test_after_a_lost_wire_everything_is_looked_at_again(
    ears: tuple[Ear, Ear], pg: Databases, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was said meanwhile is gone: say so, and listen again."""
    here, there = ears
    monkeypatch.setattr(hints_postgres, "AGAIN_SECONDS", 0.01)

    await lines_lost(pg, dsn)
    here.hints.tell(Hint("shop", "before"))
    await until(lambda: here.lost and there.lost)
    there.heard.clear()
    await acquainted(here, there)

    assert (here.lost, there.lost) >= (1, 1)


async def test_a_silent_wire_is_tried(dsn: str, pg: Databases) -> None:
    """A connection that a firewall forgot looks like one that nobody uses."""
    ear = Ear(dsn, quiet_seconds=0.01)
    await ear.hints.start(ear.hear, ear.lose)

    with structlog.testing.capture_logs() as logs:
        while not await count(pg, dsn, where="query like '%pg_notify%'"):
            pass
        await lines_lost(pg, dsn, where="query like '%pg_notify%'")
        await until(lambda: ear.lost or any(each["event"] == "hints_lost" for each in logs))

    await ear.hints.close()
    assert ear.heard == []


async def test_what_is_left_is_told_before_the_end(dsn: str) -> None:
    """The last act of a process that stops is heard too."""
    here, there = Ear(dsn), Ear(dsn)
    for each in (here, there):
        await each.hints.start(each.hear, each.lose)

    here.hints.tell(Hint("shop", "last"))
    await here.hints.close()
    await until(lambda: Hint("shop", "last") in there.heard)

    await here.hints.close()
    await there.hints.close()
    assert there.lost == 0


async def test_a_database_that_is_away_delays_no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hints are a help; without them everything works, a little later."""
    ear = Ear(f"postgresql://u@127.0.0.1:{free_port()}/d")
    monkeypatch.setattr(hints_postgres, "ANSWER_SECONDS", 0.05)

    await ear.hints.start(ear.hear, ear.lose)

    assert ear.hints._work is not None
    await ear.hints.close()


async def test_a_wire_that_hangs_delays_no_end(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is told to stop stops, whatever its database does."""
    ear = Ear(dsn)

    async def hangs(connection: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(ear.hints, "_tell", hangs)
    monkeypatch.setattr(hints_postgres, "ANSWER_SECONDS", 0.5)
    await ear.hints.start(ear.hear, ear.lose)

    await ear.hints.close()

    assert ear.hints._work is None


# --- two houses --------------------------------------------------------------------------------


@pytest.fixture
async def houses(dsn: str) -> AsyncIterator[tuple[House, House, AgentKey]]:
    """Two servers on one database."""
    _, key = await founded(dsn)
    async with AsyncExitStack() as stack:
        here, there = [
            await stack.enter_async_context(opened(house_on(dsn), runs=False)) for _ in range(2)
        ]
        yield here, there, key


class Waiter:
    """Who waits in the other process."""

    def __init__(self, house: House) -> None:
        self.heard: list[tuple[str, Signal, Concern | None]] = []
        self.listener = house.bus.listen("shop")
        self.waker = house.bus.waker()
        house.bus.overhear(lambda *told: self.heard.append(told))

    def of(self, escalation: str) -> list[tuple[int, Concern | None]]:
        return [(each.version, concern) for _, each, concern in self.heard if each.id == escalation]


@pytest.mark.promise("heard-in-every-process")
async def test_who_waits_in_another_process_hears_at_once(
    houses: tuple[House, House, AgentKey],
) -> None:
    """An agent waits on one server while the person decides on the other."""
    here, there, key = houses
    waiter = Waiter(there)
    found = await here.desk.open(key, request("call-1"))
    assert found.row is not None
    escalation = found.row.escalation.id
    await until(lambda: waiter.of(escalation))

    decided = await here.desk.act(
        "shop", escalation, person("maria"), DecideIn(kind="approve"), via="test"
    )
    await until(lambda: waiter.of(escalation)[-1][0] == decided.escalation.version)

    assert waiter.of(escalation)[0] == (1, Concern(key.id))
    assert waiter.of(escalation)[-1][1] == Concern(key.id, is_decided=True)
    assert (await waiter.listener.next()).id == escalation
    assert waiter.waker.is_set()
    assert isinstance(there.clock, DatabaseClock)
    assert abs(there.clock.offset) < 5


async def test_a_change_of_the_workspace_is_heard_too(
    houses: tuple[House, House, AgentKey],
) -> None:
    """A new policy, a person who is away: every console shows it."""
    here, there, _ = houses
    waiter = Waiter(there)

    here.bus.publish("shop", "people", "maria")
    await until(lambda: waiter.heard)

    assert waiter.heard[0] == ("shop", Signal("people", "maria"), None)


@pytest.mark.promise("heard-in-every-process")
async def test_what_was_not_heard_is_found_by_looking(
    houses: tuple[House, House, AgentKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hints may be lost; nobody waits longer than a few seconds for that."""
    here, there, key = houses
    assert here.neighbours is not None
    assert there.neighbours is not None
    monkeypatch.setattr(here.neighbours._hints, "tell", lambda hint: None)
    waiter = Waiter(there)
    found = await here.desk.open(key, request("call-1"))
    assert found.row is not None

    missed = await there.neighbours.look()
    again = await there.neighbours.look()

    assert (missed, again) == (1, 0)
    assert waiter.of(found.row.escalation.id) == [(1, Concern(key.id))]
    assert await here.neighbours.look() == 0


async def test_a_copy_kept_while_its_escalation_changed_is_due_by_looking(
    houses: tuple[House, House, AgentKey],
) -> None:
    """Two writes at one instant see neither each other; a copy that lies must not last."""
    here, _, key = houses
    assert here.neighbours is not None
    found = await here.desk.open(key, request("call-1"))
    assert found.row is not None
    name = found.row.escalation.id
    now = here.clock.now()
    ((workspace, outgoing), *_) = await here.store.claim_outgoing(now, lease_until=now)
    receipt = Receipt(
        outgoing.id, name, "person:maria", "slack", ReceiptState.ACCEPTED, now, "asked: taken"
    )
    copy = Copy(
        outgoing.id, outgoing.message, "slack", "U1", "ref-1", version=0, at=now, is_edited=True
    )
    await here.store.settle_outgoing(workspace, [Settled(receipt, copy=copy)])
    await as_it_was_kept(here, copy)

    before = await here.store.unedited_since(here.clock.now())
    await here.neighbours.look()

    assert before is None
    assert await here.store.unedited_since(here.clock.now()) is not None


async def as_it_was_kept(house: House, copy: Copy) -> None:
    """The copy at an older version than its escalation, and marked by nobody."""
    store = house.store
    assert isinstance(store, PostgresStore)
    await store.change(
        "update copies set version = $2, due_at = null where id = $1", copy.id, copy.version
    )


async def test_a_process_looks_by_itself_and_forgets_in_time(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look goes on through a database that does not answer, and memory stays small."""
    monkeypatch.setattr(neighbours, "LOOK_SECONDS", 0.01)
    await founded(dsn)
    house = house_on(dsn)
    assert house.neighbours is not None
    looked = 0

    async def fails(*_: object, **__: object) -> list[Hint]:
        nonlocal looked
        looked += 1
        raise StoreBusy("not now")

    async with opened(house, runs=False):
        house.bus.publish("shop", "people")
        house.neighbours._seen[("shop", "esc_1")] = 7
        monkeypatch.setattr(house.store, "changed_since", fails)
        await until(lambda: looked > 2 * neighbours.ROUNDS_SEEN + 1)
        assert house.neighbours._seen == house.neighbours._seen_before == {}
    await house.neighbours.stop()

    assert house.neighbours._looking is None


async def test_lost_hints_make_everybody_look_again(
    houses: tuple[House, House, AgentKey],
) -> None:
    """Nobody knows what was missed, so everything may have changed."""
    _, there, _ = houses
    waiter = Waiter(there)

    there.bus.lost()

    assert waiter.heard == [("", RESYNC, None)]
    assert await waiter.listener.next() == RESYNC


async def test_a_house_with_a_clock_of_its_own_keeps_it(dsn: str) -> None:
    """A test or a replay turns its clock; the database has no say in it."""
    await founded(dsn)
    from pullcord.engine.house import furnish
    from tests.postgres.crowd import MASTER

    house = furnish(PostgresStore(dsn, connect_seconds=20), master=MASTER, clock=CLOCK)
    async with opened(house, runs=False):
        assert house.clock is CLOCK
