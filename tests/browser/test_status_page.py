"""The end user's page: no sign-in, no script, no cookie, nothing internal."""

import httpx2
import pytest
from playwright.sync_api import expect

from pullcord.testing import Live
from tests.browser.conftest import Visit
from tests.browser.stage import MESSAGES, REFUND, standing, stopped


def path_of(escalation: dict[str, str]) -> str:
    """The page's address without the host."""
    return (
        escalation["status_url"].partition("/status/")[1]
        + escalation["status_url"].rpartition("/")[2]
    )


@pytest.mark.promise("status-page-without-script-and-cookies")
def test_the_status_page_needs_neither_script_nor_cookies(live: Live, visit: Visit) -> None:
    """Whoever waits has an old phone and a link, no account."""
    found = stopped(live, REFUND)
    page = visit("", path_of(found), java_script_enabled=False)

    expect(page.locator(".promise")).to_contain_text("You will hear from us by")
    expect(page.locator(".steps li")).to_have_count(4)
    expect(page.get_by_text(MESSAGES[0]["content"])).to_be_visible()
    assert page.locator("script").count() == 0
    assert page.context.cookies() == []
    with live.operator("maria") as maria:
        maria.accept(found["id"])
    page.reload()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Maria from Billing")
    assert page.context.cookies() == []


@pytest.mark.promise("status-page-tells-nothing-internal")
def test_the_status_page_tells_nothing_internal(live: Live) -> None:
    """The rule, the agent's claims, colleagues' names and the limit stay inside."""
    found = stopped(live, REFUND)

    answer = httpx2.get(found["status_url"], trust_env=False)

    inside = ("refund-over-limit", "Maria Lopez", "settled", "250", "esc_", "Tom Ode", "maria@")
    assert [word for word in inside if word in answer.text] == []
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "noindex" in answer.headers["x-robots-tag"]
    assert "set-cookie" not in answer.headers


@pytest.mark.promise("status-page-answers")
def test_the_end_user_answers_a_question_and_the_operator_sees_it_at_once(
    live: Live, visit: Visit
) -> None:
    """One question back and forth without a phone call."""
    found = stopped(live, REFUND)
    with live.operator("maria") as maria:
        maria.accept(found["id"])
        maria.act(found["id"], "ask", to="end_user", text="Which card was charged?")
    operator = visit("maria", f"/escalations/{found['id']}")
    expect(operator.locator("#live")).to_have_text("live")
    page = visit("", path_of(found), java_script_enabled=False)

    expect(page.get_by_text("Which card was charged?")).to_be_visible()
    page.get_by_label("Your answer").fill("The one ending in 1234")
    page.get_by_role("button", name="Send the answer").click()

    expect(page.get_by_role("status")).to_contain_text("your answer has arrived")
    said = operator.locator(".message[data-role=end_user]", has_text="The one ending in 1234")
    expect(said).to_be_visible()


@pytest.mark.promise("status-page-answers")
def test_the_end_user_adds_leaves_an_address_and_takes_it_back(live: Live, visit: Visit) -> None:
    """Everything they may do, with forms alone."""
    found = stopped(live, REFUND)
    page = visit("", path_of(found), java_script_enabled=False)

    page.get_by_text("Add or correct something").click()
    page.get_by_label("What should we know?").fill("It was order 8813, sorry")
    page.get_by_role("button", name="Send it").click()
    expect(page.get_by_text("It was order 8813, sorry")).to_be_visible()
    page.get_by_text("Leave an e-mail address").click()
    page.get_by_label("Your e-mail address").fill("anna@example.org")
    page.get_by_role("button", name="Leave it").click()
    expect(page.get_by_role("status")).to_contain_text("Noted")
    page.get_by_role("link", name="I no longer need this").click()
    page.get_by_role("button", name="Take my request back").click()

    expect(page.get_by_role("status")).to_contain_text("taken back")
    assert standing(live, found["id"]).status == "withdrawn"
    assert page.locator("form").count() == 0


@pytest.mark.promise("scanners-change-nothing")
def test_a_scanner_that_opens_every_address_changes_nothing(live: Live) -> None:
    """Link scanners of mail gateways open what they find, with GET and HEAD."""
    found = stopped(live, REFUND)
    before = standing(live, found["id"])
    places = [
        found["status_url"],
        *(f"{found['status_url']}/{what}" for what in ("reply", "cancel", "notify")),
        *(
            f"{live.url}/escalations/{found['id']}{verb}"
            for verb in ("", "/accept", "/decline", "/decide", "/take-over", "/hand-back")
        ),
    ]

    with live.operator("maria") as maria:
        for place in places:
            for method in ("GET", "HEAD", "OPTIONS"):
                httpx2.request(method, place, trust_env=False)
            maria.get(place.removeprefix(live.url))

    assert standing(live, found["id"]) == before


@pytest.mark.promise("status-page-is-held-to-a-rate")
def test_a_flood_through_one_link_is_stopped_and_the_text_is_kept(live: Live) -> None:
    """A link that leaked must not become a fire hose on the operator."""
    found = stopped(live, REFUND)

    answers = [
        httpx2.post(
            f"{found['status_url']}/reply", data={"text": f"hello {number}"}, trust_env=False
        )
        for number in range(12)
    ]

    assert [each.status_code for each in answers] == [303] * 10 + [429] * 2
    assert "hello 11" in answers[-1].text


@pytest.mark.promise("status-page-tells-nothing-internal")
@pytest.mark.parametrize("token", ["", "x", "A" * 32, "%00", "é"])
def test_a_link_that_is_none_tells_only_that(live: Live, token: str) -> None:
    """Unknown, expired and malformed look alike."""
    answer = httpx2.get(f"{live.url}/status/{token}", trust_env=False)

    assert answer.status_code == 404
    assert "Traceback" not in answer.text


@pytest.mark.promise("status-page-never-takes-what-is-typed")
def test_the_page_looks_again_by_itself_but_never_under_somebody_who_types(live: Live) -> None:
    """A refresh that empties a half-written answer is worse than no refresh at all."""
    found = stopped(live, REFUND)

    def refresh_of(address: str) -> str:
        answer: str = httpx2.get(address, trust_env=False).headers.get("refresh", "")
        return answer

    reading, typing = refresh_of(found["status_url"]), refresh_of(found["status_url"] + "?do=add")
    standing_still = refresh_of(found["status_url"] + "?still")
    with live.operator("maria") as maria:
        maria.accept(found["id"])
        maria.act(found["id"], "ask", to="end_user", text="Which card?")
    being_asked = refresh_of(found["status_url"])

    assert reading == f"20; url={path_of(found)}"
    assert (typing, standing_still, being_asked) == ("", "", "")
