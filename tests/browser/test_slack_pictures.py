"""Pictures of Slack's messages and forms, drawn from what is sent: readable anywhere."""

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.pictures import slack_page
from tests.pictures.slack_scenes import MESSAGES, blocks_of, view

#: where the pictures are kept for people who want to look, as those of the guide were
PICTURES = os.environ.get("PULLCORD_PICTURES", "")
THEMES = ("light", "dark")
WIDTHS = {"desk": 760, "phone": 390}
ERRORS = {"arg.amount": "It takes a number such as 240 or 240.50."}

pytestmark = pytest.mark.promise("decided-in-the-message")


def drawn(chromium: Browser, content: str, *, width: int) -> Page:
    """The page of one picture."""
    page = chromium.new_context(viewport={"width": width, "height": 900}).new_page()
    page.set_content(content)
    return page


def kept(page: Page, name: str) -> bytes:
    """The picture."""
    picture = page.locator("body").screenshot()
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        Path(PICTURES, f"{name}.png").write_bytes(picture)
    return picture


def overflow(page: Page) -> int:
    """Pixels that stand out at the side."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


@pytest.mark.parametrize("where", list(WIDTHS))
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("scene", list(MESSAGES))
def test_a_message_is_good_to_read(chromium: Browser, scene: str, theme: str, where: str) -> None:
    """By day and by night, at a desk and on a phone, whatever somebody wrote."""
    page = drawn(
        chromium,
        slack_page.message(blocks_of(scene), theme=theme),
        width=WIDTHS[where],
    )

    picture = kept(page, f"slack-{scene}-{theme}-{where}")

    assert picture.startswith(b"\x89PNG")
    assert overflow(page) <= 0
    ask = page.get_by_text("Refund EUR 480.00 to Anna Keller?").bounding_box()
    assert ask is not None
    assert ask["y"] < 200
    found = Axe().run(page, options={"runOnly": ["wcag2aa"]}).response["violations"]
    assert [each["id"] for each in found] == []
    page.context.close()


def test_what_an_agent_wrote_looks_like_text(chromium: Browser) -> None:
    """No bold, no link, no mention of theirs on the page."""
    page = drawn(chromium, slack_page.message(blocks_of("hostile"), theme="light"), width=760)

    links = page.get_by_role("link").all()
    bold = page.locator("strong").all_text_contents()

    assert [each.get_attribute("href") for each in links] == []
    assert not [each for each in bold if "Approved by Maria" in each]
    assert page.get_by_text("<!channel>").count() >= 2
    page.context.close()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("errors", [{}, ERRORS], ids=["fresh", "wrong"])
def test_a_form_is_good_to_read(chromium: Browser, theme: str, errors: dict[str, str]) -> None:
    """What was proposed stands beside each input, what is wrong beneath it."""
    page = drawn(chromium, slack_page.modal(view(), theme=theme, errors=errors), width=760)

    picture = kept(page, f"slack-form-{'wrong' if errors else 'fresh'}-{theme}")

    assert picture.startswith(b"\x89PNG")
    assert overflow(page) <= 0
    assert page.get_by_text("Proposed: 480").is_visible()
    assert page.locator(".error").count() == len(errors)
    page.context.close()
