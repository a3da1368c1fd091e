"""The console lives: what others do appears, and what is being typed stays."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from pullcord.errors import StoreBusy
from pullcord.testing import Live
from tests.browser.conftest import Visit
from tests.browser.stage import ANNA, QUESTION, REFUND, stopped


@pytest.mark.promise("console-is-live")
def test_a_new_stop_appears_in_the_inbox_by_itself(live: Live, visit: Visit) -> None:
    """Nobody reloads a page at 3 a.m."""
    page = visit("maria", "/")
    expect(page.locator("#live")).to_have_text("live")
    expect(page.get_by_text("Nothing needs you.")).to_be_visible()

    stopped(live, REFUND)

    expect(page.get_by_role("link", name="Refund EUR 480.00 to Anna Keller?")).to_be_visible()
    expect(page).to_have_title("(1) Inbox · Pullcord")


@pytest.mark.promise("console-is-live")
def test_a_page_follows_what_others_do_and_keeps_what_is_being_typed(
    live: Live, visit: Visit
) -> None:
    """A reply must appear without taking the sentence that is being written."""
    found = stopped(live, REFUND)
    page = visit("maria", f"/escalations/{found['id']}")
    page.get_by_role("button", name="I have it").click()
    expect(page.get_by_text("You have it", exact=True)).to_be_visible()
    page.get_by_label("amount").fill("240")
    note = page.get_by_label("Reason or note")
    note.fill("half of")
    note.focus()

    with live.operator("dana") as dana:
        dana.act(found["id"], "comment", text="The bank reversed one charge.")

    expect(page.locator("#timeline")).to_contain_text("The bank reversed one charge.")
    expect(note).to_be_focused()
    page.keyboard.type(" it")
    expect(note).to_have_value("half of it")
    expect(page.get_by_label("amount")).to_have_value("240")
    expect(page.locator("#difference")).to_contain_text("480 → 240")


@pytest.mark.promise("console-is-live")
def test_words_in_a_form_that_is_overtaken_are_kept_and_can_no_longer_be_sent(
    live: Live, visit: Visit
) -> None:
    """Somebody else decided: the half-written reason may still be needed elsewhere."""
    found = stopped(live, REFUND)
    with live.operator("maria") as maria:
        maria.accept(found["id"])
        maria.act(found["id"], "reassign", to="tom")
        page = visit("tom", f"/escalations/{found['id']}")
        expect(page.locator("#live")).to_have_text("live")
        page.get_by_label("Reason or note").fill("I would rather")

        maria.approve(found["id"])

    expect(page.get_by_role("heading", name="Decided")).to_be_visible()
    expect(page.get_by_label("Reason or note")).to_have_value("I would rather")
    expect(page.get_by_role("button", name="Reject")).to_be_disabled()


@pytest.mark.promise("console-is-live")
def test_the_ladder_advances_in_view(live: Live, visit: Visit) -> None:
    """Both see who is asked now: who did not answer, and who is asked instead."""
    found = stopped(live, REFUND)
    page = visit("maria", f"/escalations/{found['id']}")
    expect(page.locator("#standing")).to_contain_text("You are being asked")
    inbox = visit("tom", "/")
    expect(inbox.locator("#live")).to_have_text("live")

    live.turn(timedelta(minutes=11))

    expect(page.locator("#standing")).to_contain_text("Tom Ode is being asked")
    expect(inbox.get_by_text("You are being asked")).to_be_visible()


@pytest.mark.promise("console-is-live")
def test_a_lost_connection_is_told(live: Live, visit: Visit) -> None:
    """A stale inbox that looks live is the worst failure of all."""
    page = visit("maria", "/")
    expect(page.locator("#live")).to_have_text("live")

    live.stop()
    expect(page.locator("#live")).to_have_text("reconnecting")
    live.start()

    expect(page.locator("#live")).to_have_text("live")


@pytest.mark.promise("console-is-live")
def test_a_database_that_is_away_is_told_and_the_page_comes_back_with_it(
    live: Live, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fail-over takes seconds: nobody takes an old inbox for the present one, or reloads."""
    page = visit("maria", "/")
    expect(page.locator("#live")).to_have_text("live")
    banner = page.locator("#away")
    expect(banner).to_be_hidden()

    async def away(*_: object, **__: object) -> None:
        raise StoreBusy("no database takes writes now.")

    with monkeypatch.context() as patched:
        patched.setattr(live.town.house.views, "inbox", away)
        stopped(live, REFUND)
        expect(banner).to_be_visible()
        expect(page.locator("#live")).to_have_text("reconnecting")
        late = visit("maria", "/", java_script_enabled=False)
        expect(late.get_by_role("heading", name="The database does not answer")).to_be_visible()

    refund = "Refund EUR 480.00 to Anna Keller?"
    expect(page.get_by_role("link", name=refund)).to_be_visible()
    expect(banner).to_be_hidden()
    expect(page.locator("#live")).to_have_text("live")
    expect(late.get_by_role("link", name=refund)).to_be_visible()


@pytest.mark.promise("console-keeps-input")
def test_a_form_sent_into_a_dead_server_keeps_its_words(live: Live, visit: Visit) -> None:
    """Not sent must read as not sent."""
    found = stopped(live, QUESTION)
    page = visit("maria", f"/escalations/{found['id']}")
    page.get_by_label("Answer, for the agent").fill("Yes, it does.")

    live.stop()
    page.locator("[data-decision=answer]").click()

    expect(page.locator("#toasts")).to_contain_text("Not sent")
    expect(page.get_by_label("Answer, for the agent")).to_have_value("Yes, it does.")
    live.start()
    page.locator("[data-decision=answer]").click()
    expect(page.get_by_role("heading", name="Decided")).to_be_visible()


@pytest.mark.promise("inbox-most-urgent-first")
def test_the_most_severe_and_soonest_stands_first(live: Live, visit: Visit) -> None:
    """What to open first is not a matter of scrolling."""
    stopped(live, REFUND)
    stopped(live, QUESTION)
    another = {**REFUND, "key": "call-9", "args": {"order": "9", "amount": 999.0}}
    stopped(live, {**another, "end_user": ANNA, "run": "run-18"})

    page = visit("maria", "/", java_script_enabled=False)

    titles = page.locator(".row h2").all_inner_texts()
    assert titles == [
        "Refund EUR 480.00 to Anna Keller?",
        "Refund EUR 999.00 to Anna Keller?",
        "Does clause 7 cover water from a neighbour's flat?",
    ]
