"""The end user's page: who has it and when they hear, and nothing that is not theirs to know."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from pullcord.errors import NotFound
from pullcord.wire import requests as wire
from pullcord.wire.views import StatusView, to_plain
from tests.unit.engine.shop import NOON, Shop, open_shop

#: what must never stand on the page of the end user of `Shop.stop`
INTERNAL = ("refund-over-limit", "480", "8812", "issue_refund", "Maria Lopez", "maria", "esc_")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as found:
        yield found


async def page_of(shop: Shop, token: str) -> StatusView:
    """The page behind a token, checked for everything internal."""
    page = await shop.house.views.status(token)
    text = repr(to_plain(page))
    found = [each for each in INTERNAL if each in text]
    assert not found, f"{found} must not stand on the end user's page: {text}"
    return page


async def test_the_page_promises_a_time_and_repeats_what_was_passed_on(shop: Shop) -> None:
    """Nobody wants to say it twice, and nobody wants to wait without knowing how long."""
    opened = await shop.stop()

    page = await page_of(shop, opened.status_token)

    assert page.workspace_name == "Example Shop"
    assert page.headline == "Your request is with our billing team."
    assert page.promise == "You will hear from us by 14:30."
    assert page.passed_on == ["I was charged twice on 20 Nov."]
    assert (page.may_reply, page.may_cancel, page.is_over) == (True, True, False)
    assert [step.is_now for step in page.steps] == [False, True, False, False]
    assert (page.outcome, page.timezone) == ("", "Europe/Berlin")


async def test_the_page_names_who_has_it_as_they_are_shown(shop: Shop) -> None:
    """A name that people choose for the outside, never the one of the staff list."""
    opened = await shop.stop()
    assert opened.row is not None
    shop.clock.turn(timedelta(minutes=4))
    await shop.does("maria", opened.row.escalation.id, wire.AcceptIn())

    page = await page_of(shop, opened.status_token)

    assert page.headline == "Your request is with Maria from Billing since 14:04."
    assert page.steps[1].label == "Maria from Billing has it"
    assert page.steps[1].at == NOON + timedelta(minutes=4)


async def test_a_question_to_the_end_user_stands_on_their_page(shop: Shop) -> None:
    """They can answer only what they can read; what goes to the agent is not for them."""
    opened = await shop.stop()
    assert opened.row is not None
    escalation = opened.row.escalation.id
    await shop.does("maria", escalation, wire.AcceptIn())
    await shop.does("maria", escalation, wire.QuestionIn(to="end_user", text="Which card?"))
    asked = await page_of(shop, opened.status_token)
    reply = wire.ReplyIn(question=asked.question_id, text="The blue one")
    await shop.end_user_does(escalation, reply)
    await shop.end_user_does(escalation, wire.ContextIn(text="Please hurry"))
    await shop.does("maria", escalation, wire.CommentIn(text="difficult customer"))
    await shop.does("maria", escalation, wire.QuestionIn(to="agent", text="Which bank?"))
    answered = await page_of(shop, opened.status_token)

    assert asked.headline == "Maria from Billing has a question for you."
    assert asked.pending_question == "Which card?"
    assert (answered.pending_question, answered.question_id) == ("", "")
    assert [(each.who, each.text, each.via) for each in answered.said] == [
        ("You", "The blue one", "link"),
        ("You", "Please hurry", "link"),
    ]
    assert "difficult" not in repr(to_plain(answered))


async def test_the_page_tells_the_outcome_and_then_that_it_is_over(shop: Shop) -> None:
    """What was promised is kept on the page on which it was promised."""
    opened = await shop.stop()
    assert opened.row is not None
    escalation = opened.row.escalation.id
    await shop.does("maria", escalation, wire.DecideIn(kind="approve"))
    decided = await page_of(shop, opened.status_token)
    await shop.house.desk.collect(shop.key, escalation, wire.CollectIn(attempt="a1"))
    args = {"order": "8812", "amount": 480.0}
    report = wire.ReportIn(attempt="a1", outcome="executed", args=args)
    await shop.house.desk.report(shop.key, escalation, report)
    over = await page_of(shop, opened.status_token)

    assert decided.outcome == ("Maria from Billing approved it at 14:00. It is being carried out.")
    assert (decided.may_reply, decided.promise_by, decided.is_over) == (False, None, False)
    assert over.outcome.endswith("It was carried out at 14:00.")
    assert over.is_over
    assert all(step.is_done for step in over.steps)


async def test_the_link_opens_for_a_while_after_the_end_and_then_no_more(shop: Shop) -> None:
    """A link that lives for ever is a leak that waits."""
    opened = await shop.stop()
    assert opened.row is not None
    await shop.agent_does(opened.row.escalation.id, wire.WithdrawIn())
    shop.clock.turn(timedelta(days=30) - timedelta(seconds=1))
    page = await shop.house.views.status(opened.status_token)
    row = await shop.house.views.status_row(opened.status_token)
    shop.clock.turn(timedelta(seconds=1))

    assert page.is_over
    assert row.escalation.id == opened.row.escalation.id
    with pytest.raises(NotFound, match="not known, or its time is over"):
        await shop.house.views.status(opened.status_token)


async def test_an_unknown_link_is_not_told_from_an_expired_one(shop: Shop) -> None:
    """Whoever guesses learns nothing."""
    with pytest.raises(NotFound, match="not known, or its time is over"):
        await shop.house.views.status("guessed")


async def test_hidden_characters_of_the_end_users_words_are_made_visible(shop: Shop) -> None:
    """Their words are untrusted like everybody's, on their own page too."""
    messages = [{"role": "user", "content": "pay \u202etwice"}, {"role": "user", "content": " "}]
    opened = await shop.stop(messages=messages)

    page = await page_of(shop, opened.status_token)

    assert page.passed_on == ["pay ⟦U+202E⟧twice"]


async def test_an_erased_page_still_says_where_the_request_is(shop: Shop) -> None:
    """Erasure takes the words and leaves the promise."""
    opened = await shop.stop()
    assert opened.row is not None
    escalation = opened.row.escalation.id
    await shop.does("maria", escalation, wire.AcceptIn())
    await shop.does("maria", escalation, wire.QuestionIn(to="end_user", text="Which card?"))
    await shop.erased()

    page = await page_of(shop, opened.status_token)

    assert page.headline == "Maria from Billing has a question for you."
    assert page.passed_on == []
    assert page.pending_question == ""
