"""A real Chromium in front of a real server; the clock is turned, nothing sleeps.

Every page that a test opens is watched: a message in the browser's console (a refused script, a
style that the policy forbids, an error of ours) fails the test.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from pullcord.testing import Live, live_server
from tests.browser.devices import Loop
from tests.browser.stage import POLICY, session_token
from tests.keeping import Kept

CHROMIUM = os.environ.get("PULLCORD_CHROMIUM", "/usr/bin/chromium")
#: milliseconds Playwright waits for what a test expects
PATIENCE_MS = 10_000

Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a file; each gets a context of its own.

    Playwright keeps an event loop running in this thread for as long as the browser lives. No other
    async test could run in this process, so it ends with the file.
    """
    found = CHROMIUM if Path(CHROMIUM).exists() else None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    """Where providers run beside a test that is no coroutine."""
    found = Loop()
    yield found
    found.close()


@pytest.fixture
def live(kept: Kept) -> Iterator[Live]:
    """A server with one shop, four people, two agents."""
    with live_server(POLICY, agent="support", store=kept.store) as server:
        yield server


@pytest.fixture
def visit(chromium: Browser, live: Live) -> Iterator[Visit]:
    """Opens a page as somebody: `visit("tom", "/")`; "" is a visitor without a session."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def complain(message: ConsoleMessage) -> None:
        # the browser itself notes every answer of 4xx; the tests assert those where they matter
        is_answer = message.text.startswith("Failed to load resource")
        if message.type in ("error", "warning") and not is_answer:
            complaints.append(message.text)

    def opening(who: str, path: str, **options: Any) -> Page:
        context = chromium.new_context(base_url=live.url, **options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        if who:
            token = session_token(live, who)
            context.add_cookies([{"name": "pullcord_session", "value": token, "url": live.url}])
        page = context.new_page()
        page.on("console", complain)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield opening
    for context in contexts:
        context.close()
    assert not complaints, "\n".join(complaints)
