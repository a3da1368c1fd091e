"""Real mails in a real browser: what opens their links, and what they look like to everybody.

A scanner is a browser too: some run scripts, follow what a page loads and come back. So the mail's
own links are opened by all of them, and nothing happens; then a person presses, and it does.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from pullcord.engine.settings import Settings
from pullcord.path.escalation import Status
from pullcord.testing import Live, live_server
from tests.browser.stage import POLICY, REFUND, standing, stopped
from tests.browser.test_looking import AXE
from tests.conformance.channels.email_double import (
    SENDER,
    PostOffice,
    html_of,
    opened_mail,
    plain_of,
    post_office,
)
from tests.conformance.channels.threads import in_thread
from tests.pictures.camera import LOOKS, shown

#: a mail is shown inside the page of a mail program, which has the landmarks
OPTIONS: dict[str, Any] = {
    **AXE,
    "rules": {"region": {"enabled": False}, "landmark-one-main": {"enabled": False}},
}
LINK = re.compile(r"https?://[^\s\"'<>]+")


@dataclass(slots=True)
class Town:
    """A server that writes mail, and the office where it arrives."""

    live: Live
    office: PostOffice

    def mail_to(self, address: str) -> bytes:
        """The last mail to somebody."""
        letters = [raw for raw in self.office.letters if opened_mail(raw)["To"] == address]
        assert letters, f"nothing came to {address}"
        return letters[-1]


@contextmanager
def mailing() -> Iterator[Town]:
    """`live_server`, with e-mail set up as an operator would."""
    office = PostOffice()
    with in_thread(lambda: post_office(office, tls="none")) as port:
        options = {
            "sender": f"Example Shop <{SENDER}>",
            "host": "127.0.0.1",
            "port": str(port),
            "tls": "none",
        }
        settings = Settings(channels={"email": options})
        with live_server(POLICY, agent="support", settings=settings) as live:
            yield Town(live, office)


@pytest.fixture
def town() -> Iterator[Town]:
    with mailing() as found:
        yield found


def arrived(town: Town, address: str) -> bytes:
    """The mail to somebody, once everything due is done."""
    town.live.call(town.live.town.settle())
    town.live.call(town.live.town.house.courier.rest())
    return town.mail_to(address)


def links_of(raw: bytes) -> list[str]:
    """Every address that a scanner finds in either part of a mail."""
    found = LINK.findall(html_of(raw)) + LINK.findall(plain_of(raw))
    return sorted({each.rstrip(".,)") for each in found})


@pytest.mark.promise("a-scanner-decides-nothing")
def test_a_scanner_that_opens_every_link_of_a_mail_changes_nothing_and_a_person_does(
    town: Town, chromium: Browser
) -> None:
    """GET, HEAD, OPTIONS, and a browser that runs every script; then one press of a real button."""
    stop = stopped(town.live, REFUND)
    raw = arrived(town, "maria@example.com")
    before = standing(town.live, stop["id"])
    links = links_of(raw)
    acts = [each for each in links if "/acts/" in each]

    with httpx2.Client(trust_env=False, follow_redirects=True) as scanner:
        for link in links:
            for method in ("GET", "HEAD", "OPTIONS"):
                scanner.request(method, link)
    context = chromium.new_context()
    for link in links:
        page = context.new_page()
        page.goto(link, wait_until="networkidle")
        page.mouse.move(100, 100)
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        page.reload(wait_until="networkidle")
        page.go_back()
    after_scanners = standing(town.live, stop["id"])

    have_it = next(
        each for each in acts if re.search(rf'href="{each}"[^>]*>I have it', html_of(raw))
    )
    page = context.new_page()
    page.goto(have_it)
    expect(page.get_by_role("heading", name="I have it?")).to_be_visible()
    page.get_by_role("button", name="I have it").click()
    expect(page.get_by_text("You have it.")).to_be_visible()
    context.close()

    assert len(acts) == 2
    assert after_scanners == before
    assert before.status is Status.OPEN
    assert standing(town.live, stop["id"]).status is Status.ACCEPTED
    assert standing(town.live, stop["id"]).decision is None


@pytest.mark.promise("every-copy-tells-the-truth")
def test_the_links_of_an_old_mail_say_who_decided(town: Town, chromium: Browser) -> None:
    """A mail cannot be edited; what it leads to can."""
    stop = stopped(town.live, REFUND)
    raw = arrived(town, "maria@example.com")
    with town.live.operator("maria") as maria:
        maria.approve(stop["id"])
    context = chromium.new_context()
    page = context.new_page()

    for link in (each for each in links_of(raw) if "/acts/" in each):
        page.goto(link)

        expect(page.get_by_role("heading", name="It has moved on")).to_be_visible()
        expect(page.get_by_text("Maria Lopez approved it at")).to_be_visible()
        assert page.get_by_role("button").count() == 0
    context.close()


def violations(chromium: Browser, html: str, kind: str) -> list[str]:
    """What axe finds wrong with a mail in one look, and what does not fit."""
    asked: list[str] = []
    with shown(chromium, html, LOOKS[kind]) as page:
        page.on("request", lambda each: asked.append(each.url))
        found = Axe().run(page, options=OPTIONS).response["violations"]
        width = page.evaluate("document.documentElement.scrollWidth")
    told = [f"{kind}: {each['id']}: {each['nodes'][0]['failureSummary']}" for each in found]
    if width > LOOKS[kind].width:
        told.append(f"{kind}: {width} pixels wide")
    return told + [f"{kind} asked for {each}" for each in asked]


@pytest.mark.promise("mails-are-readable")
def test_mails_are_readable_in_light_and_dark_on_desk_and_phone(
    town: Town, chromium: Browser
) -> None:
    """Contrast, order and width for everybody; nothing is loaded from anywhere."""
    stop = stopped(town.live, REFUND)
    hostile = {
        **REFUND,
        "key": "call-2",
        "run": "run-2",
        "args": {"order": "W" * 300, "amount": 480.0},
    }
    asked = arrived(town, "maria@example.com")
    stopped(town.live, hostile)
    strange = arrived(town, "maria@example.com")
    with town.live.operator("dana") as dana:
        dana.accept(stop["id"])
    house = town.live.town.house
    town.live.call(house.channel_desk.try_out(town.live.town.workspace, "tom", "email"))
    tried = town.mail_to("tom@example.com")

    found = [
        problem
        for raw in (asked, strange, tried)
        for kind in LOOKS
        for problem in violations(chromium, html_of(raw), kind)
    ]

    assert found == [], "\n".join(found)
