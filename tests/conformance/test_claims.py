"""What the engine claims is leased, never given twice, and never forgotten."""

import asyncio
from datetime import datetime, timedelta

import pytest

from pullcord.path.escalation import Change
from pullcord.store.port import Filed, InvariantBroken, Outgoing, Planned, Settled, Store
from pullcord.store.receipts import Receipt, ReceiptState
from tests.conformance.stage import (
    HOUR,
    MINUTE,
    NOON,
    Stage,
    accepts,
    commented,
    message,
    outgoing,
    withdraws,
)

DUE = NOON + 10 * MINUTE
LEASE = timedelta(seconds=30)


async def due(store: Store, now: datetime, *, limit: int = 100) -> list[str]:
    rows = await store.claim_due(now, lease_until=now + LEASE, limit=limit)
    return [each.escalation.id for each in rows]


async def test_nothing_is_claimed_before_its_time(stage: Stage, store: Store) -> None:
    """Nobody is passed over early."""
    await stage.open("esc_1")

    assert await due(store, DUE - timedelta(microseconds=1)) == []
    assert await due(store, DUE) == ["esc_1"]


async def test_a_claim_is_a_lease(stage: Stage, store: Store) -> None:
    """A worker that dies leaves its work to the others after the lease, and not before."""
    await stage.open("esc_1")
    first = await due(store, DUE)

    during = await due(store, DUE + LEASE - timedelta(microseconds=1))
    after = await due(store, DUE + LEASE)

    assert (first, during, after) == (["esc_1"], [], ["esc_1"])


async def test_concurrent_claims_never_double(stage: Stage, store: Store) -> None:
    """Eight workers, one instant, no escalation twice."""
    for n in range(40):
        await stage.open(f"esc_{n:02}")

    claims = await asyncio.gather(*(due(store, DUE, limit=7) for _ in range(8)))

    taken = [each for claim in claims for each in claim]
    assert sorted(taken) == [f"esc_{n:02}" for n in range(40)]


async def test_the_longest_due_is_claimed_first(stage: Stage, store: Store) -> None:
    """Under load nobody starves."""
    for n in range(3):
        await stage.open(f"esc_{n}", at=NOON - n * MINUTE)

    assert await due(store, DUE, limit=2) == ["esc_1", "esc_2"]


async def test_a_commit_sets_the_next_wake(stage: Stage, store: Store) -> None:
    """The deadline in the row is the timer; it is lost by no crash."""
    row = await stage.open("esc_1")
    first = await store.next_wake()
    row = await stage.act(row, accepts("maria"))
    second = await store.next_wake()

    await stage.act(row, withdraws())

    assert first == DUE
    assert second == NOON + 30 * MINUTE
    assert await store.next_wake() is None
    assert await due(store, NOON + 24 * HOUR) == []


async def test_a_rested_escalation_sleeps_until_its_own_deadline(
    stage: Stage, store: Store
) -> None:
    """After a nudge with nothing to do the deadline stands where it stood."""
    row = await stage.open("esc_1")
    nudged = await store.nudge("shop", NOON)
    claimed = await due(store, NOON)

    await store.rest("shop", "esc_1", version=row.escalation.version)

    assert (nudged, claimed) == (1, ["esc_1"])
    assert await store.next_wake() == DUE


async def test_a_rest_of_an_older_version_does_nothing(stage: Stage, store: Store) -> None:
    """A worker that wakes late cannot put a changed escalation to sleep."""
    await stage.open("esc_1")
    await due(store, DUE)

    await store.rest("shop", "esc_1", version=99)

    assert await store.next_wake() == DUE + LEASE


async def test_a_nudge_during_a_claim_is_not_lost(stage: Stage, store: Store) -> None:
    """People change while a worker looks at the old list: it looks again."""
    row = await stage.open("esc_1")
    soon = NOON + LEASE / 3
    await store.nudge("shop", NOON)
    await due(store, NOON)

    await store.nudge("shop", soon)
    await store.rest("shop", "esc_1", version=row.escalation.version)

    assert await store.next_wake() == soon
    assert await due(store, soon) == ["esc_1"]
    await store.rest("shop", "esc_1", version=row.escalation.version)
    assert await store.next_wake() == DUE


async def test_a_nudge_outlives_somebody_elses_write(stage: Stage, store: Store) -> None:
    """A comment between the change of people and the engine's next look must not hide it."""
    row = await stage.open("esc_1")
    await store.nudge("shop", NOON + MINUTE)

    await stage.act(row, commented)

    assert await store.next_wake() == NOON + MINUTE


async def test_a_nudge_wakes_the_open_ones_of_one_workspace(stage: Stage, store: Store) -> None:
    """A change of people concerns who is being asked, here."""
    await stage.open("esc_1")
    await stage.act(await stage.open("esc_2"), accepts("maria"))
    await stage.act(await stage.open("esc_3"), withdraws())
    await Stage(store, "other").open("esc_4")

    assert await store.nudge("shop", NOON) == 1
    assert await due(store, NOON) == ["esc_1"]


async def test_a_nudge_never_delays(stage: Stage, store: Store) -> None:
    """It may wake earlier; it never lets a deadline slip."""
    await stage.open("esc_1")

    await store.nudge("shop", NOON + HOUR)

    assert await store.next_wake() == DUE


async def test_the_watchdog_sees_the_oldest_passed_deadline(stage: Stage, store: Store) -> None:
    """A lease hides nothing from the watchdog: late is late."""
    await stage.open("esc_1")
    before = await store.overdue_since(DUE - MINUTE)
    await due(store, DUE)

    assert before is None
    assert await store.overdue_since(DUE + HOUR) == DUE


# --- the outbox ------------------------------------------------------------------------------


async def send(store: Store, now: datetime = NOON, *, limit: int = 100) -> list[Outgoing]:
    claimed = await store.claim_outgoing(now, lease_until=now + LEASE, limit=limit)
    assert all(workspace == "shop" for workspace, _ in claimed)
    return [each for _, each in claimed]


async def put(stage: Stage, *messages: Outgoing) -> None:
    """An escalation with these messages and no others."""
    filed = stage.opening("esc_1")
    await stage.store.commit(
        Filed("shop", filed.rows, filed.links, filed.sealed, outgoing=messages)
    )


def receipt(id: str, state: ReceiptState, *, detail: str = "") -> Receipt:
    return Receipt(id, "esc_1", "person:maria", "email", state, NOON, detail)


async def test_messages_leave_with_their_change_and_are_leased(stage: Stage, store: Store) -> None:
    """A crash of the courier only delays."""
    await put(stage, outgoing("m1", "esc_1"))

    first = await send(store)
    during = await send(store, NOON + LEASE - timedelta(microseconds=1))
    after = await send(store, NOON + LEASE)

    assert first == [outgoing("m1", "esc_1")]
    assert during == []
    assert after == first


async def test_the_watchdog_sees_how_long_messages_wait(stage: Stage, store: Store) -> None:
    """A courier that stands still is noticed by what lies there."""
    before = await store.unsent_since(NOON)
    await put(stage, outgoing("m1", "esc_1"))
    waiting = await store.unsent_since(NOON + HOUR)

    await send(store, NOON + HOUR)

    assert (before, waiting) == (None, NOON)
    assert await store.unsent_since(NOON + HOUR) is None


async def test_concurrent_couriers_never_share_a_message(stage: Stage, store: Store) -> None:
    """Nobody is paged twice because two processes run."""
    await put(stage, *(outgoing(f"m{n:02}", "esc_1") for n in range(40)))

    claims = await asyncio.gather(*(send(store, limit=7) for _ in range(8)))

    taken = [each.id for claim in claims for each in claim]
    assert sorted(taken) == [f"m{n:02}" for n in range(40)]


async def test_the_urgent_comes_first(stage: Stage, store: Store) -> None:
    """Who is asked now is told before who is only informed."""
    messages = [
        Outgoing(f"m{n}", message("esc_1", urgency=urgency)) for n, urgency in enumerate((2, 0, 1))
    ]
    await put(stage, *messages)

    assert [each.id for each in await send(store)] == ["m1", "m2", "m0"]


async def test_a_plan_replaces_the_message_by_its_copies_once(stage: Stage, store: Store) -> None:
    """One copy a channel, however often the plan is made."""
    await put(stage, outgoing("m1", "esc_1"))
    await send(store)
    copies = [outgoing(f"m1.{name}", "esc_1", channel=name, address="a") for name in ("e", "w")]

    await store.plan_outgoing("shop", [Planned("m1", tuple(copies))])
    await store.plan_outgoing("shop", [Planned("m1", tuple(copies))])

    assert await send(store) == copies


async def test_a_plan_may_be_empty(stage: Stage, store: Store) -> None:
    """Nobody can be reached on any channel: the message is done, the ladder takes over."""
    await put(stage, outgoing("m1", "esc_1"))
    await send(store)

    await store.plan_outgoing("shop", [Planned("m1")])

    assert await send(store, NOON + HOUR) == []


async def test_a_settled_message_is_done_and_its_receipt_stays(stage: Stage, store: Store) -> None:
    """ "Sent" can be shown afterwards."""
    await put(stage, outgoing("m1", "esc_1", channel="email"))
    await send(store)
    kept = receipt("m1", ReceiptState.DELIVERED, detail="at 12:00")

    await store.settle_outgoing("shop", [Settled(kept)])

    assert await send(store, NOON + HOUR) == []
    assert await store.receipts("shop", "esc_1") == [kept]


async def test_a_failed_message_is_tried_again_at_the_named_time(
    stage: Stage, store: Store
) -> None:
    """The number of tries grows, and each has its receipt, oldest first."""
    await put(stage, outgoing("m1", "esc_1", channel="email"))
    await send(store)
    failed = receipt("m1", ReceiptState.FAILED, detail="x" * 900)

    await store.settle_outgoing("shop", [Settled(failed, NOON + MINUTE)])
    early = await send(store, NOON + MINUTE - timedelta(microseconds=1))
    again = await send(store, NOON + MINUTE)
    done = receipt("m1", ReceiptState.ACCEPTED)
    await store.settle_outgoing("shop", [Settled(done)])

    assert early == []
    assert [each.tries for each in again] == [1]
    kept = await store.receipts("shop", "esc_1")
    assert [each.state for each in kept] == [ReceiptState.FAILED, ReceiptState.ACCEPTED]
    assert len(kept[0].detail) == 500


async def test_a_message_settled_twice_has_one_receipt(stage: Stage, store: Store) -> None:
    """A second courier that had the message too does not count twice."""
    await put(stage, outgoing("m1", "esc_1", channel="email"))
    kept = receipt("m1", ReceiptState.ACCEPTED)

    await store.settle_outgoing("shop", [Settled(kept)])
    await store.settle_outgoing("shop", [Settled(kept)])
    await store.settle_outgoing("shop", [Settled(kept, NOON)])

    assert await store.receipts("shop", "esc_1") == [kept]


async def test_many_are_planned_and_settled_in_one_write(stage: Stage, store: Store) -> None:
    """A batch keeps its order, and what somebody else planned or settled meanwhile is left out."""
    await put(stage, *(outgoing(f"m{n}", "esc_1") for n in range(4)))
    await send(store)
    await store.plan_outgoing("shop", [Planned("m3")])
    plans = [
        Planned(f"m{n}", (outgoing(f"m{n}.e", "esc_1", channel="e", address="a"),))
        for n in range(4)
    ]

    await store.plan_outgoing("shop", plans)
    planned = await send(store)
    kept = [receipt(f"m{n}.e", ReceiptState.ACCEPTED, detail=f"“{n}” ✓") for n in (2, 0, 1, 3)]
    await store.settle_outgoing(
        "shop", [Settled(each, NOON + HOUR if each is kept[0] else None) for each in kept]
    )

    assert [each.id for each in planned] == ["m0.e", "m1.e", "m2.e"]
    assert await store.receipts("shop", "esc_1") == kept[:3]
    assert [each.id for each in await send(store, NOON + HOUR)] == ["m2.e"]


async def test_the_same_message_twice_in_one_batch_is_settled_once(
    stage: Stage, store: Store
) -> None:
    """A lease that ended while the provider was slow is no second receipt."""
    await put(stage, outgoing("m1", "esc_1", channel="email"))
    first = receipt("m1", ReceiptState.ACCEPTED)

    await store.settle_outgoing(
        "shop", [Settled(first), Settled(receipt("m1", ReceiptState.FAILED), NOON)]
    )

    assert await store.receipts("shop", "esc_1") == [first]
    assert await send(store, NOON + HOUR) == []


async def test_a_batch_is_written_whole_or_not_at_all(stage: Stage, store: Store) -> None:
    """The one that cannot be written takes no other half with it."""
    await put(stage, outgoing("m1", "esc_1"), outgoing("m2", "esc_1"))
    await send(store)
    good = Planned("m1", (outgoing("m1.e", "esc_1", channel="e"),))
    poisoned = Planned("m2", (outgoing("m2.e", "esc_of_nobody", channel="e"),))

    with pytest.raises(InvariantBroken):
        await store.plan_outgoing("shop", [good, poisoned])

    assert [each.id for each in await send(store, NOON + HOUR)] == ["m1", "m2"]


# --- duties ------------------------------------------------------------------------------------


async def test_a_duty_is_claimed_when_it_is_due_by_one(store: Store) -> None:
    """Each round of a duty is done once, by whoever comes first."""
    await store.finish_duty("shop", "coverage", NOON)
    await store.finish_duty("other", "coverage", NOON + HOUR)

    early = await store.claim_duties(NOON - MINUTE, lease_until=NOON)
    both = await asyncio.gather(
        *(store.claim_duties(NOON, lease_until=NOON + LEASE) for _ in range(2))
    )
    after = await store.claim_duties(NOON + LEASE, lease_until=NOON + HOUR)

    assert early == []
    assert sorted(both, key=len) == [[], [("shop", "coverage")]]
    assert after == [("shop", "coverage")]


async def test_a_finished_duty_rests_until_its_next_time(store: Store) -> None:
    """Finishing a known duty moves it, finishing a new one makes it."""
    await store.finish_duty("shop", "coverage", NOON)
    await store.finish_duty("shop", "coverage", NOON + HOUR)

    assert await store.claim_duties(NOON, lease_until=NOON + HOUR) == []
    assert await store.claim_duties(NOON + HOUR, lease_until=NOON + 2 * HOUR, limit=1) == [
        ("shop", "coverage")
    ]


async def test_enrolling_a_duty_again_moves_nothing(store: Store) -> None:
    """Every start enrols its duties; a restart must not put them off."""
    await store.enrol_duty("shop", "coverage", NOON)
    await store.enrol_duty("shop", "coverage", NOON + HOUR)

    assert await store.claim_duties(NOON, lease_until=NOON + HOUR) == [("shop", "coverage")]


async def test_claiming_changes_no_version(stage: Stage, store: Store) -> None:
    """A lease is the engine's own; nobody's decision conflicts with it."""
    row = await stage.open("esc_1")
    await due(store, DUE)

    await stage.act(row, lambda each: Change() + commented(each))

    found = await store.load("shop", "esc_1")
    assert found is not None
    assert found.escalation.version == row.escalation.version + 1
