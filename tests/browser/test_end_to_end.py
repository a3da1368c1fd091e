"""One stop from the guard to the proof, decided by a person in a real browser."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.served import PASSWORD, Place, invited, key_of, pullcord
from tests.acceptance.test_one_stop import POLICY, STORY, parked
from tests.keeping import Kept

#: milliseconds for a server to act and a page to follow
PATIENCE_MS = 20_000


@pytest.fixture
def place(tmp_path: Path, kept: Kept) -> Place:
    """An empty directory and database."""
    return Place(tmp_path, kept)


def _signed_in(page: Page, link: str) -> None:
    page.goto(link)
    page.fill("input[name=password]", PASSWORD)
    page.fill("input[name=again]", PASSWORD)
    page.get_by_role("button", name="Save and sign in").click()
    expect(page.locator("h1")).to_contain_text("Inbox")


@pytest.mark.promise("one-stop-in-a-browser")
def test_a_person_changes_and_approves_in_the_browser_and_the_agent_goes_on(
    place: Place, chromium: Browser
) -> None:
    """Guard parks, ladder advances, a person changes and approves, another process runs it once."""
    with place.serving(policy=POLICY) as (server, url):
        key = key_of(place)
        name = parked(place, url, key)
        context = chromium.new_context(base_url=url)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        _signed_in(page, invited(place, "tom", url))
        expect(page.locator(f'a[href*="{name}"]').first).to_be_visible(timeout=PATIENCE_MS)
        page.goto(f"/escalations/{name}")
        page.get_by_role("button", name="I have it").click()
        expect(page.get_by_text("You have it").first).to_be_visible()
        page.get_by_label("amount").fill("240")
        page.get_by_role("button", name="Approve with changes").click()
        expect(page.get_by_text("approved it with changes").first).to_be_visible()
        with (
            place.agent("resume", url=url, key=key) as first,
            place.agent("resume", url=url, key=key) as second,
        ):
            expect(page.get_by_text("reported: executed").first).to_be_visible()
            said = [line for each in (first, second) for line in each.lines]
        told = page.locator("main").inner_text()
        status = page.get_by_role("link", name="status page").get_attribute("href")
        visitor = chromium.new_context().new_page()
        visitor.goto(str(status))
        seen = visitor.locator("body").inner_text()
        context.close()
        visitor.context.close()
        server.end()
    proof = json.loads(pullcord("verify", "--json", kept=place.kept).stdout)

    assert place.payments() == ["A-17 240.00"]
    assert not [line for line in said if "480" in line]
    assert "Maria Lopez did not answer in time" in told
    assert "Tom Ode has it" in told
    assert "Tom from Billing" in seen
    assert STORY[-1] == "reported"
    assert proof["holds"] is True
