"""A Change is written whole or not at all, once, and never over somebody else's."""

import asyncio
from dataclasses import replace

import pytest

from pullcord.errors import StoreBusy
from pullcord.path.escalation import Status
from pullcord.path.timeline import broken, fold, public
from pullcord.store.port import (
    Filed,
    Filter,
    Head,
    InvariantBroken,
    KeyTaken,
    Row,
    RunHeld,
    Sealed,
    Store,
    VersionConflict,
)
from tests.conformance.places import Place
from tests.conformance.stage import (
    NOON,
    Stage,
    accepts,
    collects,
    commented,
    decides,
    message,
    outgoing,
    takes_over,
    withdraws,
)


async def timeline_faults(store: Store, row: Row) -> list[str]:
    links = await store.timeline("shop", row.escalation.id)
    assert fold(each.body for each in links) == public(row.escalation)
    assert Head(links[-1].seq, links[-1].hash) == row.head
    pairs = [(each.body, each.hash) for each in links]
    return broken(pairs, workspace="shop", chain=row.escalation.id)


async def test_what_was_committed_is_what_is_read(stage: Stage, store: Store) -> None:
    """The stored row is the record: every field comes back as it was."""
    row = await stage.open("esc_1", shown="the facts")

    row = await stage.act(row, accepts("maria"), decides("maria"), collects("a1"))

    assert await store.load("shop", "esc_1") == row
    assert await store.load_confirmed("shop", "esc_1") == row
    assert await timeline_faults(store, row) == []


async def test_an_unknown_escalation_is_none(store: Store) -> None:
    """Nothing there is an answer, not an error."""
    assert await store.load("shop", "esc_9") is None
    assert await store.load_confirmed("shop", "esc_9") is None
    assert await store.by_key("shop", "k1", "esc_9") is None


async def test_opening_twice_under_one_key_gives_one_escalation(stage: Stage, store: Store) -> None:
    """An agent that lost the reply sends again and must meet its own escalation."""
    first = await stage.open("esc_1", key="call-7", body_digest="pay 5")

    with pytest.raises(KeyTaken) as taken:
        await stage.open("esc_2", key="call-7", body_digest="pay 6")

    assert (taken.value.escalation, taken.value.digest) == ("esc_1", "pay 5")
    assert await store.load("shop", "esc_2") is None
    assert await store.timeline("shop", "esc_2") == []
    assert await store.by_key("shop", "k1", "call-7") == first


async def test_a_key_belongs_to_one_agent_key_and_one_workspace(stage: Stage, store: Store) -> None:
    """Two agents may number their calls alike."""
    await stage.open("esc_1", key="call-7")

    other_agent = await stage.open("esc_2", key="call-7", agent_key="k2")
    other_shop = await Stage(store, "other").open("esc_3", key="call-7")

    assert await store.by_key("shop", "k2", "call-7") == other_agent
    assert await store.by_key("other", "k1", "call-7") == other_shop


async def test_a_change_that_meets_a_taken_key_leaves_nothing_of_itself(
    stage: Stage, store: Store
) -> None:
    """A drift report and its new escalation stand or fall together."""
    await stage.open("esc_1", key="call-7")
    other = await stage.open("esc_2")
    ends = stage.filed(other, commented(other.escalation))
    opens = stage.opening("esc_3", key="call-7")

    with pytest.raises(KeyTaken):
        await store.commit(both(ends, opens))

    assert await store.load("shop", "esc_2") == other
    assert await timeline_faults(store, other) == []


async def test_an_agent_opens_nothing_in_a_run_that_a_person_has(
    stage: Stage, store: Store
) -> None:
    """Asked in the same write, so that no taking over comes between; a key that stands says so."""
    held = await stage.open("esc_1", key="call-1", run="r1")
    await stage.act(held, accepts("maria"), takes_over("maria"))

    def by_agent(name: str, key: str, run: str) -> Filed:
        return replace(stage.opening(name, key=key, run=run), needs_free_run=True)

    with pytest.raises(RunHeld) as refused:
        await store.commit(by_agent("esc_2", "call-2", "r1"))
    with pytest.raises(KeyTaken) as taken:
        await store.commit(by_agent("esc_3", "call-1", "r1"))
    await store.commit(by_agent("esc_4", "call-4", "r2"))
    await store.commit(by_agent("esc_5", "call-5", ""))
    await stage.open("esc_6", run="r1")

    assert (refused.value.escalation, taken.value.escalation) == ("esc_1", "esc_1")
    read = await store.load_several("shop", [f"esc_{number}" for number in range(1, 7)])
    assert sorted(read) == ["esc_1", "esc_4", "esc_5", "esc_6"]
    assert await store.timeline("shop", "esc_2") == []


def both(one: Filed, other: Filed) -> Filed:
    return Filed(
        "shop",
        one.rows + other.rows,
        one.links + other.links,
        one.sealed + other.sealed,
        one.outgoing + other.outgoing,
    )


async def test_a_change_of_two_escalations_commits_together(stage: Stage, store: Store) -> None:
    """Neither half can be seen without the other."""
    one = await stage.open("esc_1")
    ends = stage.filed(one, commented(one.escalation))
    opens = stage.opening("esc_2")

    await store.commit(both(ends, opens))

    assert await store.load("shop", "esc_1") == ends.rows[0]
    assert await store.load("shop", "esc_2") == opens.rows[0]


async def test_the_second_writer_of_a_version_is_told(stage: Stage, store: Store) -> None:
    """The first decision wins because the second cannot be written."""
    row = await stage.open("esc_1")
    one = stage.filed(row, accepts("maria")(row.escalation))
    other = stage.filed(row, accepts("tom")(row.escalation))

    results = await asyncio.gather(store.commit(one), store.commit(other), return_exceptions=True)

    won = one if results[0] is None else other
    assert sorted(map(type, results), key=str) == [type(None), VersionConflict]
    assert await store.load("shop", "esc_1") == won.rows[0]
    assert await timeline_faults(store, won.rows[0]) == []


async def test_a_change_to_an_escalation_that_is_not_there_is_a_conflict(stage: Stage) -> None:
    """Nothing appears by being changed."""
    row = stage.opening("esc_1").rows[0]

    with pytest.raises(VersionConflict):
        await stage.act(row, accepts("maria"))


async def test_a_failing_change_never_fails_its_neighbours(stage: Stage, store: Store) -> None:
    """Callers share a flush to disk, never a failure."""
    row = await stage.open("esc_0")
    good = [stage.opening(f"esc_{n}") for n in range(1, 9)]
    stale = stage.filed(row, commented(replace(row.escalation, version=7)))
    again = stage.opening("esc_20", key="esc_0")
    broken_ = replace(stage.opening("esc_21"), links=good[0].links)
    jobs = [*good[:3], stale, *good[3:5], again, broken_, *good[5:]]

    results = await asyncio.gather(*map(store.commit, jobs), return_exceptions=True)

    failed = [type(each) for each in results if each is not None]
    assert failed == [VersionConflict, KeyTaken, AssertionError]
    for filed in good:
        assert await store.load("shop", filed.rows[0].escalation.id) == filed.rows[0]


async def test_a_row_must_name_the_end_of_its_timeline(stage: Stage, store: Store) -> None:
    """State and entries that do not belong together are a bug, and nothing is written."""
    filed = stage.opening("esc_1")
    row = replace(filed.rows[0], head=Head(9, "elsewhere"))

    with pytest.raises(AssertionError, match="ends of the timelines"):
        await store.commit(replace(filed, rows=(row,)))

    assert await store.load("shop", "esc_1") is None
    assert await store.timeline("shop", "esc_1") == []


async def test_a_row_of_another_workspace_is_refused(stage: Stage, store: Store) -> None:
    """No write crosses a workspace."""
    filed = replace(stage.opening("esc_1"), workspace="other")

    with pytest.raises(AssertionError, match="another workspace"):
        await store.commit(filed)

    assert await store.load("other", "esc_1") is None


async def test_a_timeline_takes_no_second_link_of_one_number(stage: Stage, store: Store) -> None:
    """What happened, happened once."""
    row = await stage.open("esc_1")
    filed = stage.filed(row, commented(row.escalation))
    hole = replace(filed.links[0], seq=filed.links[0].seq + 1)
    head = Head(hole.seq, hole.hash)

    with pytest.raises(InvariantBroken):
        await store.commit(replace(filed, links=(hole,), rows=(replace(filed.rows[0], head=head),)))

    assert await store.load("shop", "esc_1") == row
    assert await timeline_faults(store, row) == []


async def test_a_content_is_sealed_once(stage: Stage, store: Store) -> None:
    """A second content under the first one's name would change what was shown."""
    row = await stage.open("esc_1", shown="first")
    filed = stage.filed(row, commented(row.escalation))
    second = Sealed("esc_1", "shown", b"salt", b"other")

    with pytest.raises(InvariantBroken):
        await store.commit(replace(filed, sealed=(*filed.sealed, second)))

    assert [each.name for each in await store.contents("shop", "esc_1")] == ["shown"]


STATEMENTS = {
    "a link's body": "update links set kind = 'other' where chain = 'esc_1'",
    "a link away": "delete from links where chain = 'esc_1' and seq = 1",
    "a sealed content": "update sealed set name = 'other' where chain = 'esc_1'",
    "a jump in version": "update escalations set version = 99 where id = 'esc_1'",
    "a decision's time": "update escalations set decided_at = decided_at + 1 where id = 'esc_1'",
    "a decided one reopened": "update escalations set status = 'open' where id = 'esc_1'",
    "a decision withdrawn": "update escalations set status = 'withdrawn' where id = 'esc_1'",
    "the key": "update escalations set key = 'other' where id = 'esc_1'",
    "what was asked": "update escalations set body_digest = 'other' where id = 'esc_1'",
    "no owner": "update escalations set owner = '' where id = 'esc_2'",
    "no deadline": "update escalations set due_at = null where id = 'esc_2'",
    "an unknown status": "update escalations set status = 'lost' where id = 'esc_2'",
    "decided without decision": "update escalations set status = 'decided' where id = 'esc_2'",
    "who collected": "update escalations set attempt = 'a2' where id = 'esc_3'",
    "a collected one returned": "update escalations set status = 'decided' where id = 'esc_3'",
    "a deadline after the end": "update escalations set due_at = 1 where id = 'esc_4'",
    "an ended one open": "update escalations set status = 'open', due_at = 1 where id = 'esc_4'",
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
async def test_the_database_itself_refuses_to_break_an_invariant(
    statement: str, stage: Stage, store: Store, place: Place
) -> None:
    """Even a bug of ours cannot take an owner away or change a decision."""
    await stage.act(await stage.open("esc_1"), decides("maria"))
    await stage.open("esc_2")
    await stage.act(await stage.open("esc_3"), decides("maria"), collects("a1"))
    await stage.act(await stage.open("esc_4"), withdraws())
    before = [await store.load("shop", f"esc_{n}") for n in range(1, 5)]

    with pytest.raises(InvariantBroken):
        await place.run(store, statement)

    assert [await store.load("shop", f"esc_{n}") for n in range(1, 5)] == before


async def test_the_database_keeps_the_decision_as_it_was(stage: Stage, store: Store) -> None:
    """A later version of a decided escalation carries the very same decision."""
    row = await stage.act(await stage.open("esc_1"), decides("maria"))
    decision = row.escalation.decision
    assert decision is not None
    other = replace(decision, by="tom")
    filed = stage.filed(row, commented(replace(row.escalation, decision=other)))

    with pytest.raises(InvariantBroken, match="never changes"):
        await store.commit(filed)

    assert await store.load("shop", "esc_1") == row


async def test_a_message_of_an_escalation_that_is_not_there_is_refused(
    stage: Stage, store: Store
) -> None:
    """The outbox never speaks of nothing."""
    filed = replace(stage.opening("esc_1"), outgoing=(outgoing("m1", "esc_9"),))

    with pytest.raises(InvariantBroken):
        await store.commit(filed)

    assert await store.load("shop", "esc_1") is None


@pytest.mark.parametrize("steps", range(6))
async def test_a_cancelled_caller_neither_loses_nor_doubles_its_write(
    steps: int, stage: Stage, store: Store, place: Place
) -> None:
    """A client that hangs up does not decide what is durable: it is there once, or not at all."""
    filed = stage.opening("esc_1")
    task = asyncio.create_task(store.commit(filed))
    for _ in range(steps):
        await asyncio.sleep(0)

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    neighbour = await stage.open("esc_2")
    await store.close()  # finishes what was taken in

    again = place.store()
    await again.start()
    found = await again.load("shop", "esc_1")
    assert found in (None, filed.rows[0])
    assert found is not None or steps == 0
    assert await again.load("shop", "esc_2") == neighbour
    outbox = await again.claim_outgoing(NOON, lease_until=NOON)
    ours = [each for _, each in outbox if each.message.escalation == "esc_1"]
    assert len(ours) == (len(filed.outgoing) if found else 0)
    await again.close()


async def test_a_closed_store_takes_nothing_and_says_so(
    stage: Stage, store: Store, place: Place
) -> None:
    """A late caller learns that nothing was written; it never waits for ever."""
    await store.close()

    with pytest.raises(StoreBusy):
        await stage.open("esc_1")
    with pytest.raises(StoreBusy):
        await store.load("shop", "esc_1")

    await store.close()
    again = place.store()
    await again.start()
    assert await again.load("shop", "esc_1") is None
    await again.close()


async def test_closing_finishes_what_was_taken_in(stage: Stage, store: Store, place: Place) -> None:
    """A shutdown loses no write that somebody waits for."""
    jobs = [asyncio.create_task(store.commit(stage.opening(f"esc_{n:03}"))) for n in range(200)]
    await asyncio.sleep(0)

    await store.close()
    results = await asyncio.gather(*jobs, return_exceptions=True)

    again = place.store()
    await again.start()
    written = set(await again.chains("shop"))
    acknowledged = {f"esc_{n:03}" for n, each in enumerate(results) if each is None}
    assert written == acknowledged
    assert len(written) == 200
    await again.close()


async def test_what_was_acknowledged_is_there_after_a_restart(
    stage: Stage, store: Store, place: Place
) -> None:
    """Acknowledged means durable."""
    row = await stage.act(await stage.open("esc_1"), decides("maria"))
    await store.close()

    again = place.store()
    await again.start()

    assert await again.load("shop", "esc_1") == row
    assert await timeline_faults(again, row) == []
    await again.close()


async def test_everybody_who_is_asked_is_a_candidate_until_it_is_accepted(
    stage: Stage, store: Store
) -> None:
    """The inbox of a person shows what they are asked and what they own."""
    row = await stage.open("esc_1")
    asked = [await store.counts("shop", Filter(candidate=who)) for who in ("maria", "tom")]

    row = await stage.act(row, accepts("maria"))

    assert asked == [1, 1]
    assert await store.counts("shop", Filter(candidate="maria")) == 1
    assert await store.counts("shop", Filter(candidate="tom")) == 0
    assert row.escalation.status is Status.ACCEPTED


async def test_when_a_person_was_asked_is_remembered_after_they_answered(
    stage: Stage, store: Store
) -> None:
    """Fairness asks who was asked longest ago, not who is being asked now."""
    row = await stage.open("esc_1")
    await stage.act(row, accepts("maria"), decides("maria"))
    filed = stage.opening("esc_2", at=NOON.replace(hour=14))
    late = replace(filed.outgoing[0], message=message("esc_2", "tom", at=NOON.replace(hour=14)))

    await store.commit(replace(filed, outgoing=(late,)))

    assert await store.last_asked("shop") == {"maria": NOON, "tom": NOON.replace(hour=14)}
