"""Pages of reaching people: channels, links of letters, the end user's address."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page, expect

from pullcord.channels.console import ConsoleChannel
from pullcord.channels.port import Abilities, Answer, Channel, FoundBy
from pullcord.testing import Live, live_server
from tests.browser.devices import LockScreen, Loop, subscribes
from tests.browser.stage import POLICY, REFUND, session_token, stopped
from tests.browser.test_looking import DESK, PHONE, violations
from tests.conformance.channels.paper import event_of
from tests.conformance.channels.paper_double import PaperDouble
from tests.conformance.channels.webpush_double import WebPushDouble
from tests.unit.engine.pigeons import GONE, GOOD, Pigeons

PATIENCE_MS = 10_000
FITS = "document.documentElement.scrollWidth <= innerWidth"


@dataclass(slots=True)
class Field:
    """A shop with a channel of every kind, one of them broken."""

    live: Live
    chromium: Chromium
    push: WebPushDouble
    mail: Pigeons
    contexts: list[BrowserContext]

    def page(self, who: str, path: str, **options: Any) -> Page:
        """Somebody's browser; "" is a visitor without a session."""
        context = self.chromium.new_context(
            base_url=self.live.url, permissions=["notifications"], **options
        )
        context.set_default_timeout(PATIENCE_MS)
        self.contexts.append(context)
        if who:
            token = session_token(self.live, who)
            cookie = {"name": "pullcord_session", "value": token, "url": self.live.url}
            context.add_cookies([cookie])  # type: ignore[list-item]
        page = context.new_page()
        subscribes(page, next(iter(self.push.browsers.values())))
        page.goto(path)
        return page

    def tells(self, **told: str) -> Answer:
        """The board calls back with one event."""
        taken = self.live.town.house.inbound.take("paper", [event_of(told)])
        (answer,) = self.live.call(taken)
        return answer

    def letter(self, kind: str) -> str:
        """The path in the last letter of a kind."""
        url = next(each.url for each in reversed(self.mail.letters) if each.kind == kind)
        return url.removeprefix(self.live.url)


@pytest.fixture
def field(chromium: Chromium, loop: Loop) -> Iterator[Field]:
    """A server, a push service, a board, a post office, and a webhook that is gone."""
    mail = Pigeons(GOOD, name="email")
    mail.can = Abilities(is_private=True, answers=True, found_by=FoundBy.EMAIL)
    with loop.opened(WebPushDouble.opened()) as push, loop.opened(PaperDouble.opened()) as paper:
        ways: dict[str, Channel] = {
            "console": ConsoleChannel(),
            "email": mail,
            "paper": paper.channel(),
            "webhook": Pigeons(GONE),
            "webpush": push.channel(),
        }
        with live_server(POLICY, agent="support", channels=lambda _: ways) as live:
            push.now = live.clock.now
            found = Field(live, chromium, push, mail, [])
            yield found
            for context in found.contexts:
                context.close()


def top_of(page: Page, selector: str) -> float:
    """How far down a part of the page begins."""
    box = page.locator(selector).first.bounding_box()
    assert box is not None, f"{selector} is not there"
    return box["y"]


def card(page: Page, channel: str) -> Any:
    """What the Channels page says of one channel."""
    return page.locator("li.channel").filter(has=page.get_by_role("heading", name=channel))


def options_of(scheme: str, size: dict[str, int]) -> dict[str, Any]:
    """A browser as axe sees it best: nothing moves while it looks."""
    seen = {"color_scheme": scheme, "viewport": size, "reduced_motion": "reduce"}
    return {**seen, "bypass_csp": True}


@pytest.mark.promise("console-is-accessible")
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["1280", "390"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_channels_page_in_any_state(
    field: Field, scheme: str, size: dict[str, int]
) -> None:
    """Fresh, with a code, after a test that came and one that did not, with a device, an alarm."""
    stopped(field.live, REFUND)
    options = options_of(scheme, size)
    page = field.page("maria", "/channels", **options)
    expect(card(page, "webhook").get_by_role("alert")).to_contain_text("nothing was delivered")
    found = violations(page)
    page.get_by_role("button", name="Link this browser").click()
    expect(page.locator("form[data-account]")).to_be_visible()
    found += violations(page)

    for press, shown in (
        (card(page, "paper").get_by_role("button", name="Link my account"), "#secret"),
        (page.get_by_role("button", name="Send me a test by email"), ".notice[role=status]"),
        (page.get_by_role("button", name="Send me a test by webhook"), ".problem[role=status]"),
    ):
        press.click()
        expect(page.locator(shown)).to_be_visible()
        found += violations(page)
        assert page.evaluate(FITS), f"{shown} does not fit {size}"
    page.goto("/people/maria/reach")
    page.get_by_label("Quiet hours", exact=True).fill("at night")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#problem-quiet")).to_be_visible()
    found += violations(page)

    assert found == [], "\n".join(found)


@pytest.mark.promise("console-is-accessible")
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["1280", "390"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_behind_the_links_of_letters(
    field: Field, scheme: str, size: dict[str, int]
) -> None:
    """A question, "done", "too late", a link that is none; the end user's address, confirmed."""
    device = next(iter(field.push.browsers.values()))
    put = field.live.town.house.linking.put
    kept = {"account": "x", "name": "Phone", "address": device.subscription}
    field.live.call(put("example-shop", "maria", "webpush", **kept))
    options = options_of(scheme, size)
    escalation = stopped(field.live, REFUND)
    device.waits_for(1, within=20)
    accept, decline = (each["path"] for each in device.notes[0]["buttons"])
    page = field.page("", decline, **options)
    found = violations(page)

    page.get_by_role("button", name="Not me").click()
    expect(page.get_by_role("heading", name="Done")).to_be_visible()
    found += violations(page)
    for path, says in ((accept, "It has moved on"), ("/acts/none", "Nothing was done")):
        page.goto(path)
        expect(page.get_by_role("heading", name=says)).to_be_visible()
        found += violations(page)
    page.goto(escalation["status_url"].removeprefix(field.live.url) + "?do=notify")
    found += violations(page)
    page.get_by_label("Your e-mail address").fill("anna@example.org")
    page.get_by_role("button", name="Leave it").click()
    expect(page.get_by_role("status")).to_contain_text("We have written to that address")
    found += violations(page)
    page.goto(field.letter("confirm"))
    found += violations(page)
    assert page.evaluate(FITS)
    page.get_by_role("button", name="Yes, write to me there").click()
    expect(page.get_by_role("status")).to_contain_text("We write to you there")
    found += violations(page)

    assert found == [], "\n".join(found)


@pytest.mark.promise("accounts-are-linked-by-code")
def test_an_account_is_linked_by_a_code_tried_and_unlinked(field: Field) -> None:
    """The page shows what to send, sees it arrive by itself, and takes it back."""
    page = field.page("tom", "/channels")
    expect(page.locator("#live")).to_have_text("live")
    expect(card(page, "paper")).to_contain_text("no way to you yet")

    card(page, "paper").get_by_role("button", name="Link my account").click()
    words = page.get_by_label("What to send").input_value()
    answer = field.tells(kind="commanded", account="tom-9", words=words, name="tom@board")
    expect(card(page, "paper")).to_contain_text("tom@board")
    assert top_of(page, "#secret") < top_of(page, "li.channel"), "the code stays where it was"
    again = field.tells(kind="commanded", account="eve-1", words=words)
    card(page, "paper").get_by_role("button", name="Send me a test").click()
    expect(page.get_by_role("status").filter(has_text="Test by paper: taken")).to_be_visible()
    page.get_by_role("button", name="Unlink tom@board").click()

    expect(page.locator("#toasts")).to_contain_text("Unlinked. Nothing goes there any more.")
    expect(card(page, "paper")).to_contain_text("no way to you yet")
    assert answer.text == "Linked: you are Tom Ode."
    assert "wrong, was used" in again.text
    assert re.fullmatch(r"link [0-9A-Z]{10}", words)


@pytest.mark.promise("accounts-are-linked-by-code")
def test_all_of_it_works_without_script_but_linking_a_browser_which_says_so(field: Field) -> None:
    """A locked-down browser still links a chat account and tries each way."""
    page = field.page("maria", "/channels", java_script_enabled=False)

    expect(card(page, "webpush")).to_contain_text("switch on JavaScript")
    card(page, "paper").get_by_role("button", name="Link my account").click()
    expect(page.get_by_label("What to send")).to_be_visible()
    page.get_by_role("button", name="Send me a test by email").click()

    expect(page.get_by_role("status").filter(has_text="Test by email: taken")).to_be_visible()


@pytest.mark.promise("lock-screen-tells-the-truth")
def test_a_link_of_a_letter_acts_by_its_button_without_script_and_once(field: Field) -> None:
    """The same act as on the lock screen, for phones that show no buttons there."""
    page = field.page("maria", "/channels")
    page.get_by_role("button", name="Link this browser").click()
    expect(page.locator("form[data-account]")).to_be_visible()
    screen = LockScreen(page, next(iter(field.push.browsers.values())))
    name = stopped(field.live, REFUND)["id"]
    screen.receive()
    note = next(iter(field.push.browsers.values())).notes[-1]
    visitor = field.page("", note["buttons"][0]["path"], java_script_enabled=False)

    visitor.get_by_role("button", name="I have it").click()
    expect(visitor.get_by_text("You have it.")).to_be_visible()
    (then,) = screen.receive()

    assert then["tag"] == name
    assert "Maria Lopez has it" in then["body"]
