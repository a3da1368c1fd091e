"""The inbox: what needs a person, in which tab, and what it says when nothing does."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from pullcord.engine import views_inbox
from pullcord.errors import InvalidInput
from pullcord.store.port import Filter
from pullcord.wire import requests as wire
from pullcord.wire.views import InboxRow
from tests.unit.engine.shop import SHOP, Shop, open_shop


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as found:
        yield found


async def row_of(shop: Shop, who: str, *, tab: str = "queues") -> InboxRow:
    """The only row of a tab."""
    (row,) = (await shop.house.views.inbox(SHOP, who, tab=tab)).rows
    return row


# --- one line -------------------------------------------------------------------------------------


async def test_a_line_tells_everything_needed_to_choose_what_to_open(shop: Shop) -> None:
    """Ask, stakes, deadline and what happens otherwise, before anything is opened."""
    escalation = await shop.opened()

    row = await row_of(shop, "maria")

    assert row.id == escalation
    assert row.question == "Refund EUR 480.00 to Anna?"
    assert (row.agent, row.environment, row.tool) == ("support", "production", "issue_refund")
    assert (row.end_user, row.rule, row.completeness) == ("Anna", "refund-over-limit", 9)
    assert row.is_irreversible
    assert row.fallback == "nobody decides → reject"
    assert row.due_at is not None


async def test_a_line_is_offered_before_it_is_mine(shop: Shop) -> None:
    """Until acceptance people read "being asked", never "has it"."""
    escalation = await shop.opened()
    before = await row_of(shop, "maria")
    await shop.does("maria", escalation, wire.AcceptIn())
    after = await row_of(shop, "maria")

    assert (before.standing, before.is_offered_to_me, before.is_mine) == (
        "you are being asked",
        True,
        False,
    )
    assert (after.standing, after.is_offered_to_me, after.is_mine) == ("you have it", False, True)


async def test_others_read_by_name_who_is_asked_and_who_has_it(shop: Shop) -> None:
    """Nobody asks around who looks after it."""
    escalation = await shop.opened()
    asked = await row_of(shop, "tom")
    await shop.does("maria", escalation, wire.AcceptIn())
    accepted = await row_of(shop, "tom")
    await shop.does("maria", escalation, wire.TakeOverIn())
    taken_over = await row_of(shop, "tom")

    assert asked.standing == "Maria Lopez is being asked"
    assert accepted.standing == "Maria Lopez has it"
    assert taken_over.standing == "Maria Lopez has the conversation"


async def test_where_several_are_asked_the_line_says_how_many(shop: Shop) -> None:
    """A team that is asked is not one person who has it."""
    await shop.opened(tool="wire_money", args={})

    row = await row_of(shop, "dana")

    assert row.standing == "Tom Ode and 1 more are being asked"


async def test_a_line_follows_the_decision_to_its_end(shop: Shop) -> None:
    """Waiting for the agent is a state of its own: somebody may have to look after the agent."""
    escalation = await shop.decided()
    decided = await row_of(shop, "maria", tab="waiting")
    await shop.house.desk.collect(shop.key, escalation, wire.CollectIn(attempt="a1"))
    collected = await row_of(shop, "maria", tab="waiting")
    report = wire.ReportIn(
        attempt="a1", outcome="executed", args={"order": "8812", "amount": 480.0}
    )
    await shop.house.desk.report(shop.key, escalation, report)
    closed = await row_of(shop, "maria", tab="decided")

    assert (decided.standing, decided.decided_as) == ("waiting for the agent", "approve")
    assert collected.standing == "the agent has the decision"
    assert (closed.standing, closed.closed_as, closed.elapsed) == ("executed", "executed", 1.0)


async def test_a_withdrawn_one_says_so(shop: Shop) -> None:
    """Nobody searches for a decision that was never asked for again."""
    escalation = await shop.opened()
    await shop.agent_does(escalation, wire.WithdrawIn())

    row = await row_of(shop, "maria", tab="decided")

    assert (row.standing, row.decided_as) == ("withdrawn", "")


async def test_the_bar_of_a_line_is_the_share_of_the_time_that_has_passed(shop: Shop) -> None:
    """A bar half full means that half of the promise is used up."""
    await shop.opened()
    fresh = await row_of(shop, "maria")
    await shop.passes(timedelta(minutes=15))
    half = await row_of(shop, "maria")

    assert fresh.elapsed == 0.0
    assert half.elapsed == 0.5


# --- tabs -----------------------------------------------------------------------------------------


async def test_an_item_needs_only_whoever_can_act_on_it(shop: Shop) -> None:
    """An inbox of things others must do teaches people not to look."""
    await shop.opened()

    maria = await shop.house.views.inbox(SHOP, "maria")
    tom = await shop.house.views.inbox(SHOP, "tom")

    assert len(maria.rows) == 1
    assert tom.rows == []
    assert (maria.counts["needs_me"], tom.counts["needs_me"]) == (1, 0)
    assert tom.counts["queues"] == 1


async def test_a_decided_one_leaves_the_inbox_by_itself(shop: Shop) -> None:
    """Nothing has to be archived by hand."""
    await shop.decided()

    page = await shop.house.views.inbox(SHOP, "maria")

    assert page.rows == []
    assert page.counts == {"needs_me": 0, "queues": 0, "waiting": 1, "decided": 1}


async def test_pages_follow_one_another(shop: Shop) -> None:
    """A long queue is read to its end, earliest deadline first."""
    first_id = await shop.opened("k1")
    shop.clock.turn(timedelta(minutes=1))
    second_id = await shop.opened("k2")

    first = await shop.house.views.inbox(SHOP, "maria", limit=1)
    second = await shop.house.views.inbox(SHOP, "maria", limit=1, cursor=first.cursor)

    assert [row.id for row in first.rows] == [first_id]
    assert [row.id for row in second.rows] == [second_id]


async def test_a_filter_narrows_every_tab_and_its_count(shop: Shop) -> None:
    """Counts that do not fit the list are worse than none."""
    await shop.opened("k1")
    await shop.decided("k2")
    wanted = Filter(statuses=("open",), agent="support")

    queues = await shop.house.views.inbox(SHOP, "maria", tab="queues", wanted=wanted)
    waiting = await shop.house.views.inbox(SHOP, "maria", tab="waiting", wanted=wanted)

    assert len(queues.rows) == 1
    assert queues.counts == {"needs_me": 1, "queues": 1, "waiting": 0, "decided": 0}
    assert waiting.rows == []


async def test_a_tab_that_is_none_is_refused_by_name(shop: Shop) -> None:
    """A mistyped address says what there is."""
    with pytest.raises(InvalidInput, match="needs_me, queues, waiting, decided"):
        await shop.house.views.inbox(SHOP, "maria", tab="everything")


# --- nothing --------------------------------------------------------------------------------------


async def test_an_empty_inbox_says_what_went_on_without_people(shop: Shop) -> None:
    """Figures of the day tell an inbox that is quiet from one that is broken."""
    quiet = await shop.house.views.inbox(SHOP, "tom")
    call = wire.CallIn(id="c1", at="2026-11-23T12:00:00Z", tool="search", verdict="allow", count=14)
    await shop.house.desk.record_calls(shop.key, wire.CallsIn(calls=[call]))
    await shop.opened()
    busy = await shop.house.views.inbox(SHOP, "tom")

    assert quiet.empty == (
        "Nothing needs you. Nothing is open with other people either. "
        "0 calls ran today without asking anybody."
    )
    assert busy.empty == (
        "Nothing needs you. 1 is open with other people. 14 calls ran today without asking anybody."
    )


async def test_every_empty_tab_has_words_of_its_own(shop: Shop) -> None:
    """A blank page looks like a broken one."""
    empty = {
        tab: (await shop.house.views.inbox(SHOP, "tom", tab=tab)).empty for tab in views_inbox.TABS
    }

    assert empty["queues"].startswith("Nothing is open.")
    assert empty["waiting"] == "No decision waits for its agent."
    assert empty["decided"] == "Nothing was decided yet."


async def test_a_count_that_stopped_counting_says_or_more(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counting a million rows for a badge costs more than the badge is worth."""
    monkeypatch.setattr(views_inbox, "COUNTED_TO", 2)
    for number in range(3):
        await shop.opened(f"k{number}")

    page = await shop.house.views.inbox(SHOP, "tom")

    assert (page.counts["queues"], page.counted_to) == (2, 2)
    assert "2 or more are open with other people." in page.empty


# --- erased, and hidden characters ----------------------------------------------------------------


async def test_hidden_characters_of_a_question_are_made_visible(shop: Shop) -> None:
    """A question that reads differently than it is would be decided differently than meant."""
    ask = wire.AskIn(question="Refund \u202e084 RUE to Anna?")
    await shop.opened(ask=ask)

    row = await row_of(shop, "maria")

    assert row.question == "Refund ⟦U+202E⟧084 RUE to Anna?"


async def test_a_line_whose_content_was_erased_says_so(shop: Shop) -> None:
    """Erasure leaves the path and takes the words."""
    await shop.opened()
    await shop.erased()

    row = await row_of(shop, "maria")

    assert row.question == "(the content was erased)"
    assert row.end_user == "u_7"
