"""What was decided, by whom and with which changes, and what became of it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from pullcord.store.port import Settled
from pullcord.store.receipts import Receipt, ReceiptState
from pullcord.wire import requests as wire
from tests.unit.engine.shop import ARGS, NOON, POLICY, SHOP, Shop, open_shop, page, why_not


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as found:
        yield found


# --- votes ----------------------------------------------------------------------------------------


async def test_the_first_vote_stays_hidden_until_the_second_is_given(shop: Shop) -> None:
    """A second person who sees the first one's vote is no second person."""
    escalation = await shop.opened(tool="wire_money", args={"to": "x"})
    asked = (await page(shop, escalation)).offer
    assert asked is not None
    voters = [each.id for each in asked.candidates]
    await shop.does(voters[0], escalation, wire.DecideIn(kind="reject", note="smells"))

    before = await page(shop, escalation, voters[1])
    own = await page(shop, escalation, voters[0])
    await shop.does(voters[1], escalation, wire.DecideIn(kind="reject"))
    after = await page(shop, escalation, voters[1])

    assert (before.votes_needed, before.votes_given, before.decided) == (2, 1, None)
    assert "decided against" not in repr(before.timeline)
    assert "smells" not in repr(before)
    assert "reject" not in [line.detail for line in before.timeline]
    assert why_not(own, "decide") == "Your vote is given and stands."
    assert after.timeline[-1].sentence.count("decided against it") == 3


# --- what became of it ----------------------------------------------------------------------------


async def test_a_changed_decision_shows_what_was_changed(shop: Shop) -> None:
    """Approved with changes: which, from what, to what."""
    escalation = await shop.decided(kind="edit", args={**ARGS, "amount": 240.0}, note="half")

    decided = (await page(shop, escalation)).decided

    assert decided is not None
    assert decided.args == {**ARGS, "amount": 240.0}
    assert [(each.path, each.before, each.after) for each in decided.changes] == [
        ("amount", "480.0", "240.0")
    ]
    assert decided.note == "half"


async def test_an_unchanged_approval_shows_no_changes(shop: Shop) -> None:
    """As it was proposed means exactly that."""
    decided = (await page(shop, await shop.decided())).decided

    assert decided is not None
    assert decided.args == ARGS
    assert decided.changes == []


async def test_a_fallback_that_approves_runs_what_was_shown(shop: Shop) -> None:
    """Where a rule approves when nobody decides, the page says what that was."""
    policy = POLICY.replace("    steward: dana\n", "    steward: dana\n    fallback: approve\n")
    await shop.house.office.apply(policy, by="dana")
    escalation = await shop.opened()
    before = await page(shop, escalation)
    await shop.passes(timedelta(minutes=30))

    decided = (await page(shop, escalation)).decided

    assert before.fallback == (
        "If nobody decides by 14:30, it is approved by rule, and Anna is told so."
    )
    assert decided is not None
    assert (decided.args, decided.changes) == (ARGS, [])


async def test_drift_is_shown_on_both_pages(shop: Shop) -> None:
    """Who decided and who is asked about it now see the same difference."""
    escalation = await shop.collected()
    report = wire.ReportIn(
        attempt="a1", outcome="executed", args={**ARGS, "amount": 500.0}, result="paid"
    )
    await shop.house.desk.report(shop.key, escalation, report)
    ended = await page(shop, escalation)
    (asked,) = (await shop.house.views.inbox(SHOP, "maria", tab="queues")).rows

    follow_up = await page(shop, asked.id)

    expected = [("amount", "480.0", "500.0")]
    assert [(each.path, each.before, each.after) for each in ended.drift] == expected
    assert [(each.path, each.before, each.after) for each in follow_up.drift] == expected
    assert ended.report == "executed: paid"
    assert follow_up.follows == escalation


async def test_a_report_without_a_result_is_its_outcome(shop: Shop) -> None:
    """Nothing is added to what the agent said."""
    escalation = await shop.collected()
    report = wire.ReportIn(attempt="a1", outcome="not_needed")
    await shop.house.desk.report(shop.key, escalation, report)

    view = await page(shop, escalation)

    assert (view.report, view.drift) == ("not needed", [])


async def test_what_was_added_since_is_attributed_and_dated(shop: Shop) -> None:
    """Replies and context are claims of somebody at a time."""
    escalation = await shop.opened()
    await shop.does("maria", escalation, wire.AcceptIn())
    await shop.does("maria", escalation, wire.QuestionIn(to="end_user", text="Which card?"))
    shop.clock.turn(timedelta(minutes=2))
    await shop.end_user_does(escalation, wire.ReplyIn(question="question/3", text="The blue one"))
    await shop.agent_does(escalation, wire.ContextIn(text="It is a Visa."))
    await shop.does("dana", escalation, wire.CommentIn(text="Seen before."))

    view = await page(shop, escalation)

    assert [(each.role, each.who, each.text, each.via) for each in view.notes] == [
        ("person", "Maria Lopez", "Which card?", ""),
        ("end_user", "The end user", "The blue one", "link"),
        ("agent", "The agent support", "It is a Visa.", ""),
        ("person", "Dana Weiss", "Seen before.", ""),
    ]
    assert view.notes[1].at == NOON + timedelta(minutes=2)
    assert view.timeline[-1].detail == "Seen before."


async def test_receipts_say_what_became_of_each_message(shop: Shop) -> None:
    """ "Sent" is not "reached": each try and its end is visible."""
    escalation = await shop.opened()
    await shop.does("maria", escalation, wire.AcceptIn())
    store, now = shop.house.store, shop.clock.now()
    for _, outgoing in await store.claim_outgoing(now, lease_until=now + timedelta(minutes=1)):
        to = f"{outgoing.message.to}:{outgoing.message.to_id}"
        receipt = Receipt(
            outgoing.id, escalation, to, "console", ReceiptState.DELIVERED, now, "seen"
        )
        await store.settle_outgoing(SHOP, [Settled(receipt)])

    view = await page(shop, escalation)

    assert {(each.to, each.channel, each.state, each.detail) for each in view.receipts} == {
        ("Maria Lopez", "console", "delivered", "seen"),
        ("The agent support", "console", "delivered", "seen"),
        ("The end user", "console", "delivered", "seen"),
    }
