"""Who may come in, by which link, and what opening a link must never do."""

import httpx2
import pytest
from playwright.sync_api import expect

from pullcord.errors import NotSignedIn
from pullcord.testing import Live
from tests.browser.conftest import Visit
from tests.browser.stage import REFUND, session_token, standing, stopped

PASSWORD = "a sentence nobody guesses 7"


def invited(live: Live, who: str, purpose: str = "setup") -> str:
    """A one-time link's token."""
    office = live.town.house.office
    token: str = live.call(office.invite(live.town.workspace, who, purpose=purpose))
    return token


@pytest.mark.promise("one-time-links-survive-scanners")
def test_a_set_up_link_opened_by_a_scanner_is_not_spent(live: Live, visit: Visit) -> None:
    """Mail scanners open every link before the person does."""
    token = invited(live, "maria")
    for method in ("GET", "HEAD", "GET"):
        httpx2.request(method, f"{live.url}/setup/{token}", trust_env=False)

    page = visit("", f"/setup/{token}", java_script_enabled=False)
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Save and sign in").click()

    expect(page.get_by_role("heading", name="Inbox")).to_be_visible()


@pytest.mark.promise("one-time-links-survive-scanners")
def test_a_set_up_link_works_once_and_a_bad_password_does_not_spend_it(
    live: Live, visit: Visit
) -> None:
    """A typing mistake must not lock the first admin out; a second user must be."""
    token = invited(live, "kim")
    page = visit("", f"/setup/{token}")

    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill("another one entirely")
    page.get_by_role("button", name="Save and sign in").click()
    expect(page.get_by_text("The two are not the same. The link is still good.")).to_be_visible()
    page.get_by_label("New password").fill("short")
    page.get_by_label("The same again").fill("short")
    page.get_by_role("button", name="Save and sign in").click()
    expect(page.locator(".field-problem")).to_contain_text("The link is still good.")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Save and sign in").click()
    expect(page.get_by_role("heading", name="Inbox")).to_be_visible()

    with pytest.raises(NotSignedIn):
        live.call(live.town.house.office.redeem(token, PASSWORD))


@pytest.mark.promise("sign-in-leads-where-you-wanted")
def test_signing_in_leads_to_the_page_that_was_asked_for(live: Live, visit: Visit) -> None:
    """A link in a message leads to the escalation, not to the start."""
    found = stopped(live, REFUND)
    live.call(live.town.house.office.redeem(invited(live, "maria"), PASSWORD))
    page = visit("", f"/escalations/{found['id']}")

    page.get_by_label("E-mail").fill("maria@example.com")
    page.get_by_label("Password").fill("not the right one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("is wrong")
    expect(page.get_by_label("E-mail")).to_have_value("maria@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    expect(page.locator("#question")).to_contain_text("Refund EUR 480")


@pytest.mark.promise("sign-in-leads-where-you-wanted")
@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_signing_in_never_leads_to_another_site(live: Live, target: str) -> None:
    """An open redirect would lend our name to a phisher."""
    live.call(live.town.house.office.redeem(invited(live, "maria"), PASSWORD))

    answer = httpx2.post(
        f"{live.url}/sign-in",
        data={"email": "maria@example.com", "password": PASSWORD, "next": target},
        trust_env=False,
    )

    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.promise("demo-welcome")
def test_the_welcome_link_of_the_demo_signs_a_visitor_in(live: Live, visit: Visit) -> None:
    """From the printed address to a living console without a form."""
    token = invited(live, "maria", "demo")
    httpx2.get(f"{live.url}/welcome/{token}", trust_env=False)

    page = visit("", f"/welcome/{token}")

    expect(page.get_by_role("heading", name="Inbox")).to_be_visible()


@pytest.mark.promise("sign-in-leads-where-you-wanted")
def test_signing_out_ends_the_session(live: Live, visit: Visit) -> None:
    """A shared screen at the end of a shift."""
    page = visit("maria", "/")

    page.locator("#viewer > summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/")

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.promise("forms-only-from-our-own-pages")
@pytest.mark.parametrize(
    ("headers", "csrf"),
    [
        ({"sec-fetch-site": "cross-site", "origin": "https://evil.example"}, True),
        ({"origin": "https://evil.example"}, True),
        ({}, False),
    ],
)
def test_a_form_of_another_site_decides_nothing(
    live: Live, headers: dict[str, str], csrf: bool
) -> None:
    """A page the operator happens to visit must not press our buttons."""
    found = stopped(live, REFUND)
    token = session_token(live, "maria")
    session = live.call(live.town.house.office.session_of(token))
    assert session is not None
    fields = {"csrf": session.csrf if csrf else "guessed"}

    answer = httpx2.post(
        f"{live.url}/escalations/{found['id']}/accept",
        data=fields,
        headers=headers,
        cookies={"pullcord_session": token},
        trust_env=False,
    )

    assert answer.status_code == 403
    assert "Not for you" in answer.text
    assert standing(live, found["id"]).status == "open"
