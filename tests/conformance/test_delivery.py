"""What providers hold of ours: remembered, due for an edit with every change, never lost."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from pullcord.path.escalation import ActorKind, Message, MessageKind
from pullcord.store.port import Copy, Linked, Outgoing, Planned, Settled, Store
from pullcord.store.receipts import Receipt, ReceiptState, Tally
from tests.conformance.stage import (
    HOUR,
    MINUTE,
    NOON,
    Stage,
    accepts,
    commented,
    decides,
    workspace_link,
)

LEASE = timedelta(seconds=30)


def message(escalation: str = "esc_1", *, to: str = "maria", at: datetime = NOON) -> Message:
    return Message(escalation, ActorKind.PERSON, to, MessageKind.ASKED, 1, at)


def waiting(name: str, *, due_at: datetime | None = None, channel: str = "slack") -> Outgoing:
    return Outgoing(name, message(), channel, "U1", due_at=due_at)


def receipt(name: str, state: ReceiptState, *, at: datetime = NOON) -> Receipt:
    return Receipt(name, "esc_1", "person:maria", "slack", state, at, "asked: ok")


def copy(name: str = "m1.slack", *, version: int = 1, is_edited: bool = True) -> Copy:
    return Copy(
        id=name,
        message=message(),
        channel="slack",
        address="U1",
        reference=f"ref-{name}",
        version=version,
        at=NOON,
        is_edited=is_edited,
    )


async def put(stage: Stage, *outgoing: Outgoing) -> None:
    """Only these are in the outbox."""
    await stage.open("esc_1")
    for _, each in await stage.store.claim_outgoing(NOON, lease_until=NOON + LEASE):
        await stage.store.plan_outgoing("shop", [Planned(each.id)])
    row = await stage.store.load("shop", "esc_1")
    assert row is not None
    filed = stage.filed(row, accepts("maria")(row.escalation))
    await stage.store.commit(replace(filed, outgoing=outgoing))


async def sent(store: Store, each: Copy, state: ReceiptState = ReceiptState.ACCEPTED) -> None:
    """Its message was in the outbox and is settled with this copy."""
    await store.settle_outgoing("shop", [Settled(receipt(each.id, state), copy=each)])


async def stale(store: Store, now: datetime, *, limit: int = 100) -> list[str]:
    """Copies that are due for an edit, leased."""
    claimed = await store.claim_copies(now, lease_until=now + LEASE, limit=limit)
    assert {workspace for workspace, _ in claimed} <= {"shop"}
    return [each.id for _, each in claimed]


# --- waiting -------------------------------------------------------------------------------------


async def test_a_copy_waits_for_its_own_time(stage: Stage, store: Store) -> None:
    """The call after five minutes comes after five minutes."""
    await put(stage, waiting("m1.slack", due_at=NOON + 5 * MINUTE))

    early = await store.claim_outgoing(NOON + 4 * MINUTE, lease_until=NOON + HOUR)
    then = await store.claim_outgoing(NOON + 5 * MINUTE, lease_until=NOON + HOUR)

    assert early == []
    assert [each.id for _, each in then] == ["m1.slack"]


async def test_a_postponed_message_has_no_try_more(stage: Stage, store: Store) -> None:
    """A rate that held it is no failure of it."""
    await put(stage, waiting("m1.slack"))
    await store.claim_outgoing(NOON, lease_until=NOON + LEASE)

    await store.postpone_outgoing("shop", "m1.slack", NOON + MINUTE)

    assert await store.claim_outgoing(NOON + LEASE, lease_until=NOON + HOUR) == []
    ((_, again),) = await store.claim_outgoing(NOON + MINUTE, lease_until=NOON + HOUR)
    assert again.tries == 0
    assert await store.receipts("shop", "esc_1") == []


async def test_when_one_way_fails_the_others_are_due_at_once(stage: Stage, store: Store) -> None:
    """Nobody waits five minutes for a call after the push came back."""
    await put(
        stage,
        waiting("m1.slack"),
        waiting("m1.voice", due_at=NOON + 5 * MINUTE),
        waiting("m10.voice", due_at=NOON + 5 * MINUTE),
    )
    await store.claim_outgoing(NOON, lease_until=NOON + LEASE)
    failed = receipt("m1.slack", ReceiptState.FAILED)
    await store.settle_outgoing("shop", [Settled(failed)])

    left = await store.hasten_outgoing("shop", "m1", NOON, later_than=NOON + LEASE)

    assert left == 1
    claimed = await store.claim_outgoing(NOON, lease_until=NOON + LEASE)
    assert [each.id for _, each in claimed] == ["m1.voice"]


async def test_what_is_leased_or_was_tried_is_not_hastened(stage: Stage, store: Store) -> None:
    """A copy in flight is not sent twice, and a provider's pause is kept."""
    await put(stage, waiting("m1.slack"), waiting("m1.mail"))
    await store.claim_outgoing(NOON, lease_until=NOON + LEASE)
    failed = receipt("m1.mail", ReceiptState.FAILED)
    await store.settle_outgoing("shop", [Settled(failed, NOON + HOUR)])

    left = await store.hasten_outgoing("shop", "m1", NOON, later_than=NOON + LEASE)

    assert left == 2
    assert await store.claim_outgoing(NOON, lease_until=NOON + LEASE) == []


async def test_nothing_is_left_of_a_message_whose_copies_are_settled(
    stage: Stage, store: Store
) -> None:
    """Then the ladder must know."""
    await put(stage, waiting("m1.slack"))
    failed = receipt("m1.slack", ReceiptState.FAILED)
    await store.settle_outgoing("shop", [Settled(failed)])

    assert await store.hasten_outgoing("shop", "m1", NOON, later_than=NOON) == 0


# --- copies --------------------------------------------------------------------------------------


async def test_a_copy_is_kept_with_its_receipt(stage: Stage, store: Store) -> None:
    """What a provider holds is known by its name of it."""
    await put(stage, waiting("m1.slack"))
    each = copy(version=2)

    await sent(store, each)

    assert await store.copies("shop", "esc_1") == [each]
    assert await store.copy_of("slack", "ref-m1.slack") == ("shop", each)
    assert await store.copy_of("mail", "ref-m1.slack") is None
    assert await store.copy_of("slack", "") is None
    assert await stale(store, NOON + HOUR) == []


async def test_a_copy_of_a_settled_message_is_not_kept_again(stage: Stage, store: Store) -> None:
    """A second courier that had it too changes nothing."""
    await put(stage)

    await sent(store, copy())

    assert await store.copies("shop", "esc_1") == []


async def test_a_letter_sent_again_replaces_its_copy(stage: Stage, store: Store) -> None:
    """A crash after sending: the second sending is the one the provider names."""
    await put(stage, waiting("m1.slack"))
    first = copy(version=2)
    again_at = NOON + MINUTE
    failed = receipt("m1.slack", ReceiptState.FAILED)
    await store.settle_outgoing("shop", [Settled(failed, again_at, copy=first)])

    await sent(store, replace(first, reference="ref-2"))

    (kept,) = await store.copies("shop", "esc_1")
    assert kept.reference == "ref-2"


async def test_every_change_makes_its_copies_due_in_the_same_write(
    stage: Stage, store: Store
) -> None:
    """No crash leaves a button standing that somebody could still press."""
    await put(stage, waiting("m1.slack"), waiting("m2.mail"))
    await sent(store, copy(version=2))
    await sent(store, copy("m2.mail", version=2, is_edited=False))
    before = await store.unedited_since(NOON + HOUR)
    row = await store.load("shop", "esc_1")
    assert row is not None

    await stage.act(row, decides("maria"))

    assert before is None
    assert await store.unedited_since(NOON + HOUR) is not None
    assert await stale(store, NOON + HOUR) == ["m1.slack"]


async def test_many_changes_are_one_edit(stage: Stage, store: Store) -> None:
    """Only how it stands matters, not what it was in between."""
    await put(stage, waiting("m1.slack"))
    await sent(store, copy(version=2))
    row = await store.load("shop", "esc_1")
    assert row is not None

    row = await stage.act(row, commented, decides("maria"))

    assert await stale(store, NOON + HOUR) == ["m1.slack"]
    await _shown(store, row.escalation.version)
    assert await stale(store, NOON + 2 * HOUR) == []


async def _shown(store: Store, version: int, *, receipt: Receipt | None = None) -> None:
    await store.settle_copy("shop", "m1.slack", version=version, receipt=receipt, again_at=None)


async def test_a_change_during_an_edit_is_edited_after_it(stage: Stage, store: Store) -> None:
    """The lease holds, so that an older edit never lands after a newer one."""
    await put(stage, waiting("m1.slack"))
    await sent(store, copy(version=1))
    first = await stale(store, NOON)
    row = await store.load("shop", "esc_1")
    assert row is not None
    await stage.act(row, decides("maria"))

    during = await stale(store, NOON + LEASE / 2)
    await _shown(store, row.escalation.version)
    after = await stale(store, NOON + LEASE / 2)

    assert (first, during, after) == (["m1.slack"], [], ["m1.slack"])


async def test_a_letter_that_was_overtaken_is_due_at_once(stage: Stage, store: Store) -> None:
    """It changed while the letter was on its way."""
    await put(stage, waiting("m1.slack"))

    await sent(store, copy(version=1))

    assert await stale(store, NOON) == ["m1.slack"]


async def test_an_edit_that_failed_is_tried_again_later(stage: Stage, store: Store) -> None:
    """With its receipt, and one try more."""
    await put(stage, waiting("m1.slack"))
    await sent(store, copy(version=1))
    await stale(store, NOON)
    failed = receipt("m1.slack/edit", ReceiptState.FAILED)

    await store.settle_copy(
        "shop", "m1.slack", version=2, receipt=failed, again_at=NOON + 5 * MINUTE
    )

    assert await stale(store, NOON + 4 * MINUTE) == []
    ((_, again),) = await store.claim_copies(NOON + 5 * MINUTE, lease_until=NOON + HOUR)
    assert again.tries == 1
    assert again.version == 1
    assert (await store.receipts("shop", "esc_1"))[-1] == failed
    await _shown(store, 2, receipt=receipt("m1.slack", ReceiptState.EDITED))
    (kept,) = await store.copies("shop", "esc_1")
    assert (kept.tries, kept.version) == (0, 2)


async def test_concurrent_couriers_never_share_a_copy(stage: Stage, store: Store) -> None:
    """One edit at a time, whoever makes it."""
    names = [f"m{n}.slack" for n in range(20)]
    await put(stage, *(waiting(name) for name in names))
    for name in names:
        await sent(store, copy(name, version=1))

    claims = await asyncio.gather(*(stale(store, NOON, limit=3) for _ in range(8)))

    assert sorted(name for claim in claims for name in claim) == sorted(names)


# --- what counts against rates and budgets --------------------------------------------------------


async def test_what_went_to_a_destination_is_counted(stage: Stage, store: Store) -> None:
    """Declared limits hold over restarts and over processes."""
    await put(stage, *(waiting(f"m{n}.slack") for n in range(3)))
    for n in range(3):
        await sent(store, replace(copy(f"m{n}.slack"), at=NOON + n * MINUTE, address=f"U{n // 2}"))

    found = await store.sent_to("shop", "slack", "U0", since=NOON)
    late = await store.sent_to("shop", "slack", "U0", since=NOON + MINUTE)
    one = await store.sent_to("shop", "slack", "U0", since=NOON, limit=1)

    assert found == [NOON + MINUTE, NOON]
    assert late == one == [NOON + MINUTE]


async def test_what_woke_somebody_is_counted(stage: Stage, store: Store) -> None:
    """A budget of four rings a night is one of four rings."""
    await put(stage, *(waiting(f"m{n}.voice") for n in range(3)))
    for n in range(3):
        each = replace(copy(f"m{n}.voice"), at=NOON + n * MINUTE, wakes=n > 0)
        await sent(store, each)

    assert await store.woken("shop", "maria", since=NOON) == 2
    assert await store.woken("shop", "maria", since=NOON + 2 * MINUTE) == 1
    assert await store.woken("shop", "tom", since=NOON) == 0


# --- receipts ------------------------------------------------------------------------------------


async def test_a_late_receipt_is_kept_once(stage: Stage, store: Store) -> None:
    """Providers repeat their callbacks."""
    await stage.open("esc_1")
    told = receipt("m1.slack", ReceiptState.DELIVERED)

    await store.note_receipt("shop", told)
    await store.note_receipt("shop", replace(told, at=NOON + MINUTE))
    await store.note_receipt("shop", replace(told, state=ReceiptState.SEEN))

    states = [each.state for each in await store.receipts("shop", "esc_1")]
    assert states == [ReceiptState.DELIVERED, ReceiptState.SEEN]


async def test_receipts_are_tallied_by_channel_and_state(stage: Stage, store: Store) -> None:
    """A channel that only fails is seen before somebody misses a message."""
    await stage.open("esc_1")
    for n, state in enumerate((ReceiptState.FAILED, ReceiptState.FAILED, ReceiptState.ACCEPTED)):
        await store.note_receipt("shop", receipt(f"m{n}", state, at=NOON + n * MINUTE))
    unplanned = replace(receipt("m9", ReceiptState.STALE), channel="")
    await store.note_receipt("shop", unplanned)

    assert await store.tallies("shop", since=NOON) == [
        Tally("slack", ReceiptState.ACCEPTED, 1, NOON + 2 * MINUTE, NOON + 2 * MINUTE),
        Tally("slack", ReceiptState.FAILED, 2, NOON, NOON + MINUTE),
    ]
    assert await store.tallies("shop", since=NOON + HOUR) == []


async def test_a_failed_try_says_why(stage: Stage, store: Store) -> None:
    """An alarm without its reason sends somebody looking at the wrong provider."""
    await stage.open("esc_1")
    for channel in ("slack", "sms"):
        tried = receipt(f"m1.{channel}", ReceiptState.FAILED)
        said = replace(tried, channel=channel, detail=f"{channel} is")
        await store.note_receipt("shop", said)
    await store.note_receipt("shop", receipt("m2", ReceiptState.ACCEPTED, at=NOON + MINUTE))

    assert await store.why_failed("shop", "sms", NOON) == "sms is"
    assert await store.why_failed("shop", "slack", NOON + MINUTE) == ""
    assert await store.why_failed("other", "sms", NOON) == ""


# --- linked accounts -----------------------------------------------------------------------------


def account(name: str = "U1", *, workspace: str = "shop", person: str = "maria") -> Linked:
    return Linked(workspace, "slack", name, person, "D1", "maria.l", NOON)


async def linked(store: Store, *accounts: Linked) -> None:
    for each in accounts:
        head = await store.workspace_head(each.workspace)
        await store.record(each.workspace, workspace_link(each.workspace, head), kept=(each,))


async def test_an_account_belongs_to_one_person_a_workspace(store: Store) -> None:
    """Linked again it is the new one's, and nobody else's."""
    await linked(store, account(), account(workspace="other", person="zoe"))
    await linked(store, account(person="tom"))

    assert [each.person for each in await store.linked("slack", "U1")] == ["zoe", "tom"]
    assert await store.links("shop") == [account(person="tom")]
    assert await store.linked("mail", "U1") == []


async def test_an_unlinked_account_is_nobodys(store: Store) -> None:
    """Who lost their phone is not asked there any more."""
    await linked(store, account(), account("U2"), account(workspace="other"))

    await store.unlink("shop", "slack", "U1")
    await store.unlink("shop", "slack", "U1")

    assert await store.links("shop") == [account("U2")]
    assert [each.workspace for each in await store.linked("slack", "U1")] == ["other"]
