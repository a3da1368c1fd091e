"""Providers beside a real browser: doubles on a loop of their own, and a browser that is pushed to.

A browser in a test has no push service: what it would subscribe to is put in its place, and what
arrives there is handed to the real service worker through DevTools, as the push service would.
"""

import asyncio
import json
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, TypeVar

from playwright.sync_api import BrowserContext, CDPSession, Page, Worker

from tests.conformance.channels.webpush_double import Browser

T = TypeVar("T")
WITHIN = 20.0
#: looks for what a browser tells by itself, and what passes between two of them
LOOKS_MAX = 500
A_MOMENT = "navigator.serviceWorker.ready.then(() => new Promise((done) => setTimeout(done, 20)))"

#: stands in for the part of a browser that talks to its maker's push service
SUBSCRIBES = """
(subscription) => {
  const key = (text) => Uint8Array.from(
    atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
  let there = null;
  const made = (options) => ({
    endpoint: subscription.endpoint,
    options: { ...options, applicationServerKey: key(options.applicationServerKey).buffer },
    toJSON: () => subscription,
    unsubscribe: async () => { there = null; sessionStorage.removeItem("there"); return true; },
  });
  const kept = sessionStorage.getItem("there");
  if (kept) there = made(JSON.parse(kept));
  PushManager.prototype.getSubscription = async () => there;
  PushManager.prototype.subscribe = async (options) => {
    if (!options.userVisibleOnly) throw new Error("not visible");
    sessionStorage.setItem("there", JSON.stringify(options));
    there = made(options);
    return there;
  };
}
"""

#: presses a button of a notification, or its body, and waits until the worker has done with it
CLICKS = """
async ([tag, action]) => {
  const [notification] = await registration.getNotifications({ tag });
  const event = new NotificationEvent("notificationclick", { notification, action });
  let done = Promise.resolve();
  // events of scripts may not be waited for; the browser's own may
  event.waitUntil = (promise) => { done = promise; };
  dispatchEvent(event);
  await done;
}
"""

#: counts pushes beside the worker's own listener
COUNTS = """
() => {
  if (globalThis.pushes !== undefined) return pushes;
  globalThis.pushes = 0;
  addEventListener("push", () => { pushes += 1; });
  return 0;
}
"""
#: waits until one more push came and the worker has done with it
ARRIVED = """
async (before) => {
  for (let tries = 0; tries < 500 && pushes <= before; tries++) {
    await new Promise((done) => setTimeout(done, 20));
  }
  await turn;
  return pushes > before;
}
"""
LETS_OPEN = """
() => {
  globalThis.opened = [];
  clients.openWindow = async (url) => { opened.push(url); };
  WindowClient.prototype.focus = async function () { return this; };
}
"""
LOSES = """
async () => {
  const event = new ExtendableEvent("pushsubscriptionchange");
  let done = Promise.resolve();
  event.waitUntil = (promise) => { done = promise; };
  dispatchEvent(event);
  await done;
}
"""

#: everything on the lock screen
SHOWS = """
async () => (await registration.getNotifications()).map((each) => ({
  title: each.title, body: each.body, tag: each.tag, silent: each.silent,
  actions: (each.actions ?? []).map((action) => action.title), path: each.data?.path ?? "",
}))
"""


class Loop:
    """An event loop in a thread: real servers beside tests that are no coroutines."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WITHIN)

    @contextmanager
    def opened(self, block: AbstractAsyncContextManager[T]) -> Iterator[T]:
        """What an async block gives, for as long as this one lasts."""
        entered = self.call(_entered(block))
        try:
            yield entered
        finally:
            self.call(_left(block))

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WITHIN)
        self._loop.close()


async def _entered(block: AbstractAsyncContextManager[T]) -> T:
    return await block.__aenter__()


async def _left(block: AbstractAsyncContextManager[Any]) -> None:
    await block.__aexit__(None, None, None)


def subscribes(page: Page, browser: Browser) -> None:
    """This browser's push service is the double from now on."""
    page.add_init_script(f"({SUBSCRIBES})({browser.subscription})")


class LockScreen:
    """The notifications of one browser, as its person sees and presses them."""

    def __init__(self, page: Page, browser: Browser) -> None:
        self._browser = browser
        self._context: BrowserContext = page.context
        self._origin = page.evaluate("location.origin")
        self._devtools: CDPSession = page.context.new_cdp_session(page)
        #: DevTools' name of the service worker's registration
        self._registration = ""
        self._devtools.on("ServiceWorker.workerRegistrationUpdated", self._heard)
        self._shown = 0
        self._devtools.send("ServiceWorker.enable")
        for _ in range(LOOKS_MAX):
            if self._registration:
                break
            # what DevTools has to tell comes between answers
            page.evaluate(A_MOMENT)
        assert self._registration, "the browser told of no service worker"

    def _heard(self, told: dict[str, Any]) -> None:
        for each in told["registrations"]:
            if each["scopeURL"].startswith(self._origin) and not each["isDeleted"]:
                self._registration = each["registrationId"]

    @property
    def worker(self) -> Worker:
        """The service worker."""
        found = self._context.service_workers
        return found[0] if found else self._context.wait_for_event("serviceworker")

    def receive(self, count: int = 1, *, title: str = "") -> list[dict[str, Any]]:
        """So many letters more, and one that begins so, pushed; what is on the screen then."""
        self._browser.waits_for(self._shown + count, title=title, within=WITHIN)
        for note in self._browser.notes[self._shown :]:
            self.push(json.dumps(note))
        self._shown = len(self._browser.notes)
        return self.notes()

    def push(self, text: str) -> None:
        """What the browser does with a letter it opened: hand it to the service worker."""
        told = {"origin": self._origin, "registrationId": self._registration, "data": text}
        before = self.worker.evaluate(COUNTS)
        self._devtools.send("ServiceWorker.deliverPushMessage", told)
        assert self.worker.evaluate(ARRIVED, before), f"never arrived: {text}"

    def notes(self) -> list[dict[str, Any]]:
        """What stands on the screen."""
        found: list[dict[str, Any]] = self.worker.evaluate(SHOWS)
        return found

    def lets_windows_open(self) -> None:
        """As after a real press: scripts of tests may neither focus nor open windows."""
        self.worker.evaluate(LETS_OPEN)

    def opened(self) -> list[str]:
        """Addresses for which a new window was opened."""
        found: list[str] = self.worker.evaluate("opened")
        return found

    def loses_its_subscription(self) -> None:
        """The browser gives up its address at the push service."""
        self.worker.evaluate(LOSES)

    def press(self, tag: str, action: str = "") -> None:
        """Press a button of a notification; without one, the notification itself."""
        self.worker.evaluate(CLICKS, [tag, action])
