"""Web Push in a real browser: its service worker, its notifications, the Channels page."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Locator, Page, expect

from pullcord.channels.console import ConsoleChannel
from pullcord.channels.port import Channel
from pullcord.testing import Live, live_server
from tests.browser.devices import LockScreen, Loop, subscribes
from tests.browser.stage import POLICY, REFUND, session_token, standing, stopped
from tests.conformance.channels.webpush_double import Browser, WebPushDouble

#: milliseconds for a server to act and a page to follow
PATIENCE_MS = 10_000
#: a browser as it is where something stands in the way
WITHOUT_PUSH = "delete window.PushManager;"
ON_A_PHONE = f"{WITHOUT_PUSH} Object.defineProperty(navigator, 'standalone', {{ value: false }});"
NO_ANSWER = """PushManager.prototype.subscribe = async () => {
  throw new DOMException("Registration failed - push service error", "AbortError");
};"""


@dataclass(slots=True)
class Scene:
    """A shop that pushes, and one person's browser."""

    live: Live
    double: WebPushDouble
    browser: Browser
    chromium: Chromium
    contexts: list[BrowserContext]

    def page(
        self, who: str = "maria", *, may: bool = True, script: str = "", path: str = "/channels"
    ) -> Page:
        """This person's browser in front of the Channels page."""
        context = self.chromium.new_context(
            base_url=self.live.url, permissions=["notifications"] if may else []
        )
        context.set_default_timeout(PATIENCE_MS)
        self.contexts.append(context)
        token = session_token(self.live, who)
        context.add_cookies([{"name": "pullcord_session", "value": token, "url": self.live.url}])
        page = context.new_page()
        subscribes(page, self.browser)
        if script:
            page.add_init_script(script)
        page.goto(path)
        return page

    def linked(self) -> tuple[Page, LockScreen]:
        """Maria's browser, linked by herself."""
        page = self.page()
        page.get_by_role("button", name="Link this browser").click()
        expect(says(page)).to_have_text("This browser is linked.")
        return page, LockScreen(page, self.browser)

    def asked(self, screen: LockScreen) -> str:
        """An escalation, as it stands on Maria's lock screen."""
        name: str = stopped(self.live, REFUND)["id"]
        (note,) = screen.receive()
        assert note["tag"] == name
        return name


@pytest.fixture
def scene(chromium: Chromium, loop: Loop) -> Iterator[Scene]:
    """Four people, two agents, and a push service."""
    with loop.opened(WebPushDouble.opened()) as double:

        def channels(url: str) -> dict[str, Channel]:
            return {"console": ConsoleChannel(), "webpush": double.channel()}

        with live_server(POLICY, agent="support", channels=channels) as live:
            double.now = live.clock.now
            browser = next(iter(double.browsers.values()))
            found = Scene(live, double, browser, chromium, [])
            yield found
            for context in found.contexts:
                context.close()


def says(page: Page) -> Locator:
    """What the page says about this browser."""
    return page.locator("[data-says]")


# --- linking --------------------------------------------------------------------------------


@pytest.mark.promise("browser-links-itself")
def test_a_browser_is_linked_tried_and_unlinked(scene: Scene) -> None:
    """Two minutes before a night, without a manual."""
    page, screen = scene.linked()
    second = scene.double.subscribed()
    row = page.locator("form[data-account]")
    expect(row).to_contain_text("Chrome on Linux")
    expect(row).to_contain_text("this browser")

    channel = page.locator("li.channel", has_text="webpush")
    channel.get_by_role("button", name="Send me a test").click()
    expect(page.get_by_role("status").filter(has_text="Test by webpush: taken")).to_be_visible()
    (note,) = screen.receive()
    other = {"account": "x", "name": "Safari on iPhone", "address": second.subscription}
    put = scene.live.town.house.linking.put
    scene.live.call(put("example-shop", "maria", "webpush", **other))
    expect(row).to_have_count(2)
    here = row.filter(has=page.locator("[data-here]:visible"))
    expect(here).to_contain_text("Chrome on Linux")
    page.get_by_role("button", name="Unlink Chrome on Linux").click()

    expect(page.get_by_role("button", name="Link this browser")).to_be_visible()
    assert note["title"] == "Test from Pullcord: this way works"
    assert page.evaluate("sessionStorage.getItem('there')") is None
    left = scene.live.call(scene.live.town.house.store.links("example-shop"))
    assert [each.name for each in left] == ["Safari on iPhone"]


@pytest.mark.promise("browser-links-itself")
@pytest.mark.parametrize(
    ("script", "words"),
    [
        (WITHOUT_PUSH, "This browser cannot be notified"),
        (ON_A_PHONE, "add Pullcord to the Home Screen"),
        ("Object.defineProperty(window, 'isSecureContext', { value: false });", "only over https"),
    ],
)
def test_a_browser_that_cannot_be_notified_says_why(scene: Scene, script: str, words: str) -> None:
    """ "It does not work" is no help at ten in the evening."""
    page = scene.page(script=script)

    expect(says(page)).to_contain_text(words)
    expect(page.get_by_role("button", name="Link this browser")).to_be_hidden()


@pytest.mark.promise("browser-links-itself")
def test_a_person_who_said_no_is_told_where_to_say_yes(scene: Scene) -> None:
    """Browsers ask once; after that only their settings help."""
    page = scene.page(may=False)

    expect(says(page)).to_contain_text("Notifications of this site are blocked")
    expect(page.get_by_role("button", name="Link this browser")).to_be_hidden()


@pytest.mark.promise("browser-links-itself")
def test_a_push_service_that_does_not_answer_is_named(scene: Scene) -> None:
    """Some browsers are built without one."""
    page = scene.page(script=NO_ANSWER)

    page.get_by_role("button", name="Link this browser").click()

    expect(says(page)).to_contain_text("push service did not answer")
    expect(says(page)).to_contain_text("push service error")
    expect(page.get_by_role("button", name="Link this browser")).to_be_enabled()


# --- the lock screen ---------------------------------------------------------------------------


@pytest.mark.promise("lock-screen-tells-the-truth")
def test_what_stands_on_the_lock_screen_is_enough_and_tells_nothing_personal(scene: Scene) -> None:
    """Whoever stands near may read it."""
    _, screen = scene.linked()

    scene.asked(screen)

    (note,) = screen.notes()
    assert note["title"].startswith("An escalation needs you: high, by ")
    assert "EUR 480.00. This cannot be undone." in note["body"]
    assert "refund-over-limit" in note["body"]
    assert note["actions"] == ["I have it", "Not me"]
    assert not [word for word in ("Anna", "Keller", "8812", "Refund") if word in str(note)]


@pytest.mark.promise("lock-screen-tells-the-truth")
def test_i_have_it_is_said_from_the_lock_screen(scene: Scene) -> None:
    """Half asleep, one thumb; then the screen says so, and its buttons are gone."""
    _, screen = scene.linked()
    name = scene.asked(screen)

    screen.press(name, "accept")
    (pressed,) = screen.notes()
    (then,) = screen.receive()

    assert (standing(scene.live, name).status, standing(scene.live, name).owner) == (
        "accepted",
        "maria",
    )
    assert (pressed["title"], pressed["actions"]) == ("You have it.", [])
    assert (then["actions"], then["silent"]) == ([], True)
    assert "has it until" in then["title"] + then["body"]


@pytest.mark.promise("lock-screen-tells-the-truth")
def test_a_button_that_comes_too_late_says_who_was_first(scene: Scene) -> None:
    """An old button must not look as if it had done something."""
    _, screen = scene.linked()
    name = scene.asked(screen)
    with scene.live.operator("dana") as dana:
        dana.accept(name)

    screen.press(name, "accept")

    (note,) = screen.notes()
    assert note["title"] == "Nothing was done"
    assert "Dana Weiss has it until" in note["body"]
    assert note["actions"] == []


@pytest.mark.promise("lock-screen-tells-the-truth")
def test_a_button_that_did_not_arrive_says_so_and_can_be_pressed_again(scene: Scene) -> None:
    """In a tunnel "Not me" must not vanish as if somebody had heard it."""
    _, screen = scene.linked()
    name = scene.asked(screen)
    scene.live.stop()

    screen.press(name, "decline")
    (note,) = screen.notes()
    scene.live.start()
    screen.press(name, "decline")

    assert note["title"] == "Not sent"
    assert note["actions"] == ["I have it", "Not me"]
    assert screen.notes()[0]["title"] == "Noted: not you. The next person is being asked."
    assert standing(scene.live, name).owner == "tom"


@pytest.mark.promise("lock-screen-tells-the-truth")
def test_letters_out_of_order_leave_the_newest(scene: Scene) -> None:
    """A push service may deliver the old ask after the decision."""
    _, screen = scene.linked()
    name = scene.asked(screen)
    with scene.live.operator("maria") as maria:
        maria.reject(name)
    (decided,) = screen.receive()

    screen.push(json.dumps(scene.browser.notes[0]))
    screen.push("not even JSON")
    unread = next(each for each in screen.notes() if each["tag"] == "pullcord")

    kept = next(each for each in screen.notes() if each["tag"] == name)
    assert kept == decided
    assert kept["actions"] == []
    assert unread["title"] == "Something happened in Pullcord"
    assert unread["body"] == "Open it to see what."


# --- opening ------------------------------------------------------------------------------------


@pytest.mark.promise("lock-screen-tells-the-truth")
def test_a_press_on_the_note_opens_its_page_in_the_window_there_is(scene: Scene) -> None:
    """One window, on the right page; nobody loses what they type in another."""
    page, screen = scene.linked()
    name = scene.asked(screen)
    screen.lets_windows_open()

    page.goto("/people")
    screen.press(name)
    elsewhere = screen.opened()
    screen.push(json.dumps(scene.browser.notes[0]))
    page.goto("/")
    screen.press(name)
    page.wait_for_url(f"**/escalations/{name}")

    assert elsewhere == [f"{scene.live.url}/escalations/{name}"]
    assert screen.opened() == elsewhere


@pytest.mark.promise("lock-screen-tells-the-truth")
def test_a_page_that_cannot_be_opened_is_told(scene: Scene) -> None:
    """Browsers refuse windows now and then; the address is a way out."""
    page, screen = scene.linked()
    name = scene.asked(screen)

    page.goto("/people")
    screen.press(name)

    (note,) = screen.notes()
    assert f"{scene.live.url}/escalations/{name}" in note["body"]


@pytest.mark.promise("browser-links-itself")
def test_a_subscription_that_the_browser_ended_is_told(scene: Scene) -> None:
    """Silence after that would look like a quiet night."""
    _, screen = scene.linked()

    screen.loses_its_subscription()

    (note,) = screen.notes()
    assert note["title"] == "This browser is no longer linked"
    assert note["path"] == "/channels"
