"""Deciding in the browser: with and without script, by keys alone, and against others."""

import re

import pytest
from playwright.sync_api import Page, expect

from pullcord.testing import Live
from tests.browser.conftest import Visit
from tests.browser.stage import CHOICE, QUESTION, REFUND, decided_content, standing, stopped


@pytest.mark.promise("console-works-without-script")
def test_without_script_a_person_accepts_changes_the_amount_and_approves(
    live: Live, visit: Visit
) -> None:
    """A locked-down browser at 3 a.m. must be enough to decide."""
    found = stopped(live, REFUND)
    page = visit("maria", "/", java_script_enabled=False)

    page.get_by_role("link", name="Refund EUR 480.00 to Anna Keller?").click()
    page.get_by_role("button", name="I have it").click()
    expect(page.get_by_text("You have it", exact=True)).to_be_visible()
    page.get_by_label("amount").fill("240")
    page.get_by_label("Reason or note").fill("one charge was reversed already")
    page.get_by_role("button", name="Approve with changes").click()
    expect(page.locator("#difference")).to_contain_text("amount 480.0 → 240.0")
    assert standing(live, found["id"]).decision is None
    page.get_by_role("button", name="Approve with changes").click()

    expect(page.get_by_role("heading", name="Decided")).to_be_visible()
    content = decided_content(live, found["id"])
    assert content["args"] == {"order": "8812", "amount": 240.0, "express": True}
    assert content["note"] == "one charge was reversed already"


@pytest.mark.promise("console-shows-what-changes")
def test_the_difference_is_shown_while_typing_and_numbers_stay_numbers(
    live: Live, visit: Visit
) -> None:
    """What a person changes must be in view before they press, and keep its type."""
    found = stopped(live, REFUND)
    page = visit("maria", f"/escalations/{found['id']}")

    expect(page.get_by_role("button", name="Approve with changes")).to_be_disabled()
    page.get_by_label("amount").fill("99.50")
    page.get_by_label("express").uncheck()

    difference = page.locator("#difference")
    expect(difference).to_contain_text("amount 480 → 99.50")
    expect(difference).to_contain_text("express yes → no")
    expect(page.get_by_role("button", name=re.compile(r"^Approve\s+It runs"))).to_be_disabled()
    page.get_by_role("button", name="Approve with changes").click()
    expect(page.get_by_role("heading", name="Decided")).to_be_visible()
    assert decided_content(live, found["id"])["args"] == {
        "order": "8812",
        "amount": 99.5,
        "express": False,
    }


@pytest.mark.promise("console-keeps-input")
def test_a_value_that_does_not_fit_is_told_beside_its_field_and_nothing_is_lost(
    live: Live, visit: Visit
) -> None:
    """A typing mistake costs one correction, never the reason that was written with it."""
    found = stopped(live, REFUND)
    page = visit("maria", f"/escalations/{found['id']}")

    page.get_by_label("amount").fill("24o")
    page.get_by_label("Reason or note").fill("half of it")
    page.get_by_role("button", name="Approve with changes").click()

    expect(page.locator("[data-path=amount] .field-problem")).to_contain_text("number such as 240")
    expect(page.get_by_label("amount")).to_be_focused()
    expect(page.get_by_label("amount")).to_have_value("24o")
    expect(page.get_by_label("Reason or note")).to_have_value("half of it")
    assert standing(live, found["id"]).decision is None


@pytest.mark.promise("console-keeps-input")
def test_a_rejection_needs_a_reason(live: Live, visit: Visit) -> None:
    """The agent goes on with this sentence; a bare no helps nobody."""
    found = stopped(live, REFUND)
    page = visit("maria", f"/escalations/{found['id']}", java_script_enabled=False)

    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("Say why: the agent goes on with this sentence.").first).to_be_visible()
    page.get_by_label("Reason or note").fill("wrong customer")
    page.get_by_role("button", name="Reject").click()

    expect(page.get_by_role("heading", name="Decided")).to_be_visible()
    assert standing(live, found["id"]).decision.kind == "reject"


@pytest.mark.promise("console-enter-decides-nothing")
@pytest.mark.parametrize("script", [True, False])
def test_enter_in_a_field_decides_nothing(live: Live, visit: Visit, script: bool) -> None:
    """A reflex must not approve a refund."""
    found = stopped(live, REFUND)
    page = visit("maria", f"/escalations/{found['id']}", java_script_enabled=script)

    page.get_by_label("amount").press("Enter")
    page.get_by_label("order").press("Enter")

    expect(page.get_by_role("button", name="I have it")).to_be_visible()
    assert standing(live, found["id"]).status == "open"


@pytest.mark.promise("console-by-keyboard")
def test_a_person_decides_with_the_keyboard_alone(live: Live, visit: Visit) -> None:
    """Letters only move there; Enter acts."""
    found = stopped(live, REFUND)
    page = visit("maria", "/")
    expect(page.locator("#live")).to_have_text("live")

    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/escalations/{found['id']}")
    expect(page.locator("#live")).to_have_text("live")
    page.keyboard.press("c")
    assert standing(live, found["id"]).status == "open"
    page.keyboard.press("Enter")
    expect(page.get_by_text("You have it", exact=True)).to_be_visible()
    page.keyboard.press("e")
    page.keyboard.press("Tab")
    page.keyboard.type("240")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="Approve with changes")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Decided")).to_be_visible()
    assert decided_content(live, found["id"])["args"]["amount"] == 240.0


@pytest.mark.promise("console-by-keyboard")
def test_single_letters_can_be_switched_off(live: Live, visit: Visit) -> None:
    """WCAG 2.1.4: who dictates or trembles must not be moved about by stray letters."""
    stopped(live, REFUND)
    page = visit("maria", "/")
    expect(page.locator("#live")).to_have_text("live")

    page.locator("#viewer > summary").click()
    page.get_by_label("Single-letter keys").uncheck()
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.locator("#keys-help")).to_be_hidden()
    page.keyboard.press("Control+k")

    expect(page.locator("#palette")).to_be_visible()


@pytest.mark.promise("console-by-keyboard")
def test_the_palette_leads_anywhere(live: Live, visit: Visit) -> None:
    """One way to every room for who does not know the letters."""
    page = visit("maria", "/")
    expect(page.locator("#live")).to_have_text("live")

    page.keyboard.press("Control+k")
    page.keyboard.type("on call")
    page.keyboard.press("Enter")

    page.wait_for_url("**/on-call")
    expect(page.get_by_role("heading", name="Who answers now")).to_be_visible()


def _asked_too(live: Live, escalation: str) -> None:
    """Maria has it and passes it on to Tom; both may decide until he accepts."""
    with live.operator("maria") as maria:
        maria.accept(escalation)
        maria.act(escalation, "reassign", to="tom")


@pytest.mark.promise("second-operator-is-told-who-was-first")
@pytest.mark.parametrize("script", [True, False])
def test_the_second_of_two_operators_is_told_who_was_first(
    live: Live, visit: Visit, script: bool
) -> None:
    """Two people at once end in one decision, a name, and kept words."""
    found = stopped(live, REFUND)
    _asked_too(live, found["id"])
    tom = visit("tom", f"/escalations/{found['id']}", java_script_enabled=script)
    tom.route("**/v1/changes", lambda route: route.abort())
    tom.get_by_label("Reason or note").fill("I would not do that")
    expect(tom.get_by_role("button", name="Reject")).to_be_visible()

    _decide_behind(live, found["id"], tom)

    alert = tom.locator("#problem")
    expect(alert).to_contain_text("Maria Lopez was first")
    expect(alert).to_contain_text("Nothing of yours was done.")
    expect(alert).to_contain_text("I would not do that")
    assert standing(live, found["id"]).decision.by == "maria"


def _decide_behind(live: Live, escalation: str, page: Page) -> None:
    """The other person decides in the moment in which this one's form is on its way."""

    def first(route: object) -> None:
        with live.operator("maria") as maria:
            maria.approve(escalation)
        route.continue_()  # type: ignore[attr-defined]

    page.route("**/decide", first)
    page.get_by_role("button", name="Reject").click()


@pytest.mark.promise("stale-page-is-refused")
def test_a_page_that_shows_other_people_than_are_asked_now_is_refused(
    live: Live, visit: Visit
) -> None:
    """A decision binds to what was on the screen; a page from before lunch decides nothing."""
    found = stopped(live, REFUND)
    page = visit("maria", f"/escalations/{found['id']}", java_script_enabled=False)
    with live.operator("maria") as elsewhere:
        elsewhere.accept(found["id"])
        elsewhere.act(found["id"], "release")
        elsewhere.act(found["id"], "comment", text="released by mistake")
    with live.operator("dana") as dana:
        dana.act(found["id"], "reassign", to="maria")

    page.get_by_label("Reason or note").fill("fine with me")
    page.get_by_role("button", name=re.compile(r"^Approve\s+It runs")).click()

    alert = page.locator("#problem")
    expect(alert).to_contain_text("It changed since you opened it")
    expect(alert).to_contain_text("Nothing was done")
    expect(page.get_by_label("Reason or note")).to_have_value("fine with me")
    assert standing(live, found["id"]).decision is None


@pytest.mark.promise("console-every-act")
def test_every_other_act_is_one_form_away(live: Live, visit: Visit) -> None:
    """Ask back, note, context, more time, take over, hand back: no act needs the API."""
    found = stopped(live, REFUND)
    page = visit("maria", f"/escalations/{found['id']}")
    page.get_by_role("button", name="I have it").click()
    expect(page.get_by_text("You have it", exact=True)).to_be_visible()

    for fold, fields, button in (
        ("Ask back", {"Question": "Which card?"}, "Ask"),
        ("Note", {"Note for colleagues": "called the bank"}, "Save the note"),
        ("Add context", {"What else is known": "bank reversed one"}, "Add"),
    ):
        page.locator("summary", has_text=fold).click()
        if fold == "Ask back":
            page.get_by_role("radio", name="the agent").check()
        for label, text in fields.items():
            page.get_by_label(label).fill(text)
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.locator("#timeline")).to_contain_text(next(iter(fields.values())))
    page.locator("summary", has_text="More time").click()
    page.get_by_label("Decide later, by minutes").fill("30")
    page.get_by_role("button", name="Decide later").click()
    expect(page.locator("#toasts")).to_contain_text("promised the new time")
    page.locator("summary", has_text="Take over").click()
    page.get_by_role("button", name="Take over the conversation").click()
    expect(page.get_by_text("has the conversation; the agent waits")).to_be_visible()
    page.locator("summary", has_text="Hand back to the agent").click()
    page.get_by_label("What the agent may assume").fill("the bank refunds it")
    page.get_by_role("button", name="Hand back", exact=True).click()

    expect(page.get_by_role("heading", name="Decided")).to_be_visible()
    assert decided_content(live, found["id"])["hand_back"]["may_assume"] == "the bank refunds it"


@pytest.mark.promise("console-every-act")
def test_not_me_asks_the_next_person_at_once(live: Live, visit: Visit) -> None:
    """Declining is as easy as accepting, so nobody sits on what they cannot do."""
    found = stopped(live, REFUND)
    page = visit("maria", f"/escalations/{found['id']}")

    page.locator("summary", has_text="Not me").click()
    page.get_by_label(re.compile("^Why")).first.fill("on a train")
    page.get_by_role("button", name="Ask the next person now").click()

    expect(page.locator("#standing")).to_contain_text("Tom Ode is being asked")
    assert standing(live, found["id"]).owner == "tom"


@pytest.mark.promise("console-every-kind-of-ask")
def test_a_choice_is_made_with_one_press(live: Live, visit: Visit) -> None:
    """Options are equal: none is preselected, none is louder."""
    found = stopped(live, CHOICE)
    page = visit("maria", f"/escalations/{found['id']}")

    expect(page.locator(".clock-fallback")).to_contain_text("“Neither” is taken")
    widths = page.locator(".options .option").evaluate_all("all => all.map(x => x.offsetWidth)")
    assert max(widths) - min(widths) <= 1
    assert page.locator("#main input:checked").count() == 0
    page.get_by_role("button", name="j.smith@example.org").click()

    expect(page.get_by_role("heading", name="Decided")).to_be_visible()
    assert standing(live, found["id"]).decision.option == "a"


@pytest.mark.promise("console-every-kind-of-ask")
def test_a_question_is_answered_in_words(live: Live, visit: Visit) -> None:
    """Free text arrives as it was written, and an empty answer is none."""
    found = stopped(live, QUESTION)
    page = visit("maria", f"/escalations/{found['id']}")

    page.get_by_role("button", name=re.compile("^Answer")).click()
    expect(page.get_by_text("Write what the agent should know.").first).to_be_visible()
    page.get_by_label("Answer, for the agent").fill("Yes, if the leak\nwas sudden.")
    page.get_by_role("button", name=re.compile("^Answer")).click()

    expect(page.get_by_role("heading", name="Decided")).to_be_visible()
    assert decided_content(live, found["id"])["answer"] == "Yes, if the leak\nwas sudden."
