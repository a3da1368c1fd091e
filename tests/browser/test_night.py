"""A night, from the lock screen of one person to the decision of another, told by its timeline."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

from pullcord.channels.console import ConsoleChannel
from pullcord.channels.port import Channel
from pullcord.path.timeline import Link
from pullcord.testing import Live, live_server
from tests.browser.devices import LockScreen, Loop, subscribes
from tests.browser.stage import REFUND, session_token, standing, stopped
from tests.conformance.channels.twilio_double import VoiceDouble
from tests.conformance.channels.webpush_double import WebPushDouble

BERLIN = ZoneInfo("Europe/Berlin")
MARIA, TOM = "+491510000001", "+491510000002"
POLICY = """
workspace: example-shop
name: Example Shop
timezone: Europe/Berlin
people:
  kim: {name: Kim Arndt, email: kim@example.com, role: admin}
  maria:
    name: Maria Lopez
    shown_as: Maria from Billing
    email: maria@example.com
    phone: "+491510000001"
    timezone: Europe/Berlin
    reach: {steps: [{by: webpush}, {by: voice, after: 5m}], quiet: "22:00-07:00"}
  tom:
    name: Tom Ode
    shown_as: Tom from Billing
    email: tom@example.com
    phone: "+491510000002"
    timezone: Europe/Berlin
  dana: {name: Dana Weiss, email: dana@example.com, role: lead}
ladders:
  billing:
    rungs:
      - {ask: person/maria, accept_within: 20m}
      - {ask: person/tom, accept_within: 20m, wake: true}
    catch_all: person/dana
agents:
  support: {ladder: billing, contact: dana}
tools:
  issue_refund:
    reversible: no
    money: args.amount
    currency: EUR
    consequence: The money leaves within a minute and cannot be called back.
defaults: {mode: gate, decide_within: 2h, hold_for: 30m, fallback: reject}
rules:
  - id: refund-over-limit
    tool: issue_refund
    when: args.amount > 250
    severity: high
    ask: "Refund EUR {args.amount} to {end_user.name}?"
"""
PHONE: ViewportSize = {"width": 390, "height": 844}
PATIENCE_MS = 10_000
CLOCK = re.compile(r"\d\d:\d\d")


@dataclass(slots=True)
class Night:
    """The shop at night: who pushes, who calls, and the phones of two people."""

    live: Live
    loop: Loop
    push: WebPushDouble
    voice: VoiceDouble
    chromium: Chromium
    contexts: list[BrowserContext]

    def phone_of(self, who: str) -> Page:
        """A browser of the size of a phone, with its person signed in."""
        context = self.chromium.new_context(
            base_url=self.live.url,
            viewport=PHONE,
            has_touch=True,
            is_mobile=True,
            permissions=["notifications"],
            timezone_id="Europe/Berlin",
        )
        context.set_default_timeout(PATIENCE_MS)
        self.contexts.append(context)
        token = session_token(self.live, who)
        context.add_cookies([{"name": "pullcord_session", "value": token, "url": self.live.url}])
        return context.new_page()

    def turns_to(self, clock: str) -> None:
        """The next time the clocks of Berlin show this."""
        now = self.live.clock.now().astimezone(BERLIN)
        hour, minute = map(int, clock.split(":"))
        wanted = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if wanted <= now:
            wanted = (wanted + timedelta(days=1)).replace(hour=hour)
        self.live.turn(wanted.astimezone(ZoneInfo("UTC")) - self.live.clock.now())

    def calls(self) -> list[tuple[str, str]]:
        """(name of the call, number) of everybody who was called, oldest first."""
        return [(sid, form["To"]) for sid, form in self.voice.asked.items()]

    def answers(self, sid: str) -> str:
        """Somebody picks up, listens, and hangs up without pressing a key."""
        return " ".join(self.loop.call(self.voice.rings(sid)))

    def entries(self, escalation: str) -> list[tuple[str, datetime]]:
        """What happened, and when."""
        return [(each.kind, each.at) for each in self.live.call(self._timeline(escalation))]

    async def _timeline(self, escalation: str) -> list[Link]:
        return list(await self.live.town.timeline(escalation))


@pytest.fixture
def night(chromium: Chromium, loop: Loop) -> Iterator[Night]:
    """A shop that pushes and calls."""
    with loop.opened(WebPushDouble.opened()) as push, loop.opened(VoiceDouble.opened()) as voice:

        def channels(url: str) -> dict[str, Channel]:
            voice.public_url = url
            ways = {"webpush": push.channel(), "voice": voice.channel()}
            return {"console": ConsoleChannel(), **ways}

        with live_server(POLICY, agent="support", channels=channels) as live:
            push.now = voice.now = live.clock.now
            found = Night(live, loop, push, voice, chromium, [])
            yield found
            for context in found.contexts:
                context.close()


@pytest.mark.promise("a-night-comes-to-a-decision")
def test_push_is_silent_a_call_wakes_not_me_asks_the_next_who_decides_on_a_phone(
    night: Night,
) -> None:
    """The reason people dare to let an agent work at night."""
    live = night.live
    device = next(iter(night.push.browsers.values()))

    # in the evening Maria links her phone and tries it
    night.turns_to("21:40")
    marias = night.phone_of("maria")
    subscribes(marias, device)
    marias.goto("/channels")
    marias.get_by_role("button", name="Link this browser").click()
    expect(marias.locator("[data-says]")).to_have_text("This browser is linked.")
    screen = LockScreen(marias, device)
    marias.get_by_role("button", name="Send me a test by webpush").click()
    (test,) = screen.receive()
    assert test["title"] == "Test from Pullcord: this way works"

    # at night the agent stops; Maria sleeps, her phone is on silent
    night.turns_to("02:10")
    name: str = stopped(live, REFUND)["id"]
    ask = next(each for each in screen.receive() if each["tag"] == name)
    assert ask["title"] == "An escalation needs you: high, by 02:30"
    assert "EUR 480.00. This cannot be undone." in ask["body"]
    assert "Anna" not in str(ask)
    assert night.calls() == []

    # nothing for five minutes: a voice wakes her; she listens, and looks at her phone
    live.turn(timedelta(minutes=5))
    ((sid, number),) = night.calls()
    heard = night.answers(sid)
    assert number == MARIA
    assert "Example Shop" in heard
    assert standing(live, name).status == "open"

    # she has a fever: "Not me" on the lock screen, without unlocking it
    screen.press(name, "decline")
    pressed = next(each for each in screen.notes() if each["tag"] == name)
    assert pressed["title"] == "Noted: not you. The next person is being asked."
    assert standing(live, name).owner == "tom"

    # Tom's rung wakes: his phone rings at once, and Maria's screen tells it
    live.turn(timedelta(0))
    (_, (sid, number)) = night.calls()
    assert number == TOM
    night.answers(sid)
    passed_on = next(each for each in screen.receive() if each["tag"] == name)
    assert "Tom Ode is being asked" in passed_on["title"] + passed_on["body"]
    assert (passed_on["actions"], passed_on["silent"]) == ([], True)

    # Tom accepts and decides on the page, as his phone shows it
    toms = night.phone_of("tom")
    toms.goto("/")
    toms.get_by_role("link", name="Refund EUR 480.00 to Anna Keller?").tap()
    toms.get_by_role("button", name="I have it").tap()
    expect(toms.get_by_text("You have it", exact=True)).to_be_visible()
    toms.get_by_label("Reason or note").fill("both charges are on the statement")
    toms.get_by_role("button", name="Approve It runs").tap()
    expect(toms.get_by_role("heading", name="Decided")).to_be_visible()
    assert toms.evaluate("document.documentElement.scrollWidth <= innerWidth")
    live.turn(timedelta(0))
    after = screen.receive(title="Tom Ode approved it")
    decided = next(each for each in after if each["tag"] == name)
    assert decided["title"].startswith("Tom Ode approved it at 02:")
    assert (decided["actions"], decided["silent"]) == ([], True)

    # and the timeline tells the night
    _is_told(night, toms, name)


#: each row of a table as its cells, however narrow the page is
ROWS = "rows => rows.map(row => [...row.cells].map(each => each.innerText).join('\\t'))"


def _is_told(night: Night, page: Page, name: str) -> None:
    """Timeline and letters, as Tom's page tells them."""
    story = page.locator("#timeline .line-what").all_inner_texts()
    letters = page.locator(".receipts tbody tr").evaluate_all(ROWS)

    assert [CLOCK.sub("…", each) for each in story] == [
        "The agent support was stopped at issue_refund by rule refund-over-limit.",
        "Maria Lopez is being asked: Maria Lopez is named by the ladder.",
        "Maria Lopez said: not me.",
        "Tom Ode is being asked until …, and may be woken: Tom Ode is named by the ladder.",
        "Tom Ode has it.",
        "Tom Ode approved it.",
    ]
    asks = [CLOCK.sub("…", each).split("\t", 1)[1] for each in letters if "corrected" not in each]
    assert asks[:3] == [
        "Maria Lopez\twebpush\task: taken by the provider answered 201",
        "Maria Lopez\tvoice\task: taken by the provider queued at Twilio",
        "Maria Lopez\tvoice\task: delivered picked up",
    ]
    assert sorted(asks[3:]) == [
        "Tom Ode\tconsole\task: delivered in the inbox",
        "Tom Ode\tvoice\task: delivered picked up",
        "Tom Ode\tvoice\task: taken by the provider queued at Twilio",
    ]
    at = dict(reversed(night.entries(name)))
    assert at["accepted"] - at["opened"] < timedelta(minutes=10), "nobody waited for a rung to end"
