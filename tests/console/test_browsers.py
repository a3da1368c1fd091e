"""The console as an app on a phone: its worker, manifest, devices, presses from a lock screen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pullcord.channels.port import Verb
from pullcord.path.escalation import Status
from tests.conformance.channels.webpush_double import WebPushDouble
from tests.console.pages import Pages, pages
from tests.console.test_acts import link_of, status

JSON = {"accept": "application/json"}


@asynccontextmanager
async def pushed() -> AsyncIterator[tuple[Pages, WebPushDouble]]:
    async with WebPushDouble.opened() as double, pages(push=double.channel()) as found:
        double.now = found.board.town.clock.now
        yield found, double


async def test_a_press_from_the_lock_screen_is_answered_for_a_program() -> None:
    """The service worker shows these words; nobody signs in for it."""
    async with pages() as found:
        name, link = await link_of(found)

        done = await found.client().post(link, headers=JSON)
        again = await found.client().post(link, headers=JSON)
        none = await found.client().post("/acts/nothing", headers=JSON)

        assert done.json() == {"text": "You have it.", "is_done": True, "escalation": name}
        assert done.headers["cache-control"] == "no-store"
        assert again.json() == done.json()
        assert (none.status_code, none.json()["is_done"]) == (404, False)
        assert await status(found, name) is Status.ACCEPTED


async def test_asking_for_json_does_not_turn_a_look_into_an_act() -> None:
    """GET never acts, whatever it accepts."""
    async with pages() as found:
        name, link = await link_of(found, Verb.DECLINE)

        page = await found.client().get(link, headers=JSON)

        assert page.headers["content-type"].startswith("text/html")
        assert (await found.board.town.row(name)).escalation.owner == "maria"


async def test_a_press_from_another_site_does_nothing() -> None:
    """A page elsewhere that got hold of the address may not press it."""
    async with pages() as found:
        name, link = await link_of(found)

        reply = await found.client().post(
            link, headers={**JSON, "origin": "https://elsewhere.example"}
        )

        assert reply.status_code == 403
        assert await status(found, name) is Status.OPEN


async def test_the_worker_may_speak_with_us_and_do_nothing_else() -> None:
    """It runs when no page is open: what it may do is said by its own answer."""
    async with pages() as found:
        worker = await found.client().get("/worker.js")
        manifest = await found.client().get("/static/app.webmanifest")
        icon = await found.client().get("/static/icon-192.png")

        policy = worker.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "connect-src 'self'" in policy
        assert worker.headers["content-type"].startswith("text/javascript")
        assert worker.headers["cache-control"] == "no-cache"
        assert manifest.headers["content-type"].startswith("application/manifest+json")
        assert manifest.json()["start_url"] == "/"
        assert icon.content.startswith(b"\x89PNG")


async def test_a_device_is_listed_by_its_name_and_unlinked_by_its_person() -> None:
    """The page shows what was linked, and never where its push service is."""
    async with pushed() as (found, double):
        maria, form = await found.signed_in("maria")
        browser = double.subscribed()
        device = {"name": "Firefox on Android", "address": browser.subscription}

        linked = await maria.post("/channels/webpush/devices", data={**form, **device})
        page = await maria.get("/channels")
        (kept,) = await found.board.town.house.store.links("shop")
        gone = await maria.post("/channels/webpush/unlink", data={**form, "account": kept.account})

        assert linked.status_code == gone.status_code == 303
        assert "Firefox on Android" in page.text
        assert f'data-key="{browser.server_key}"' in page.text
        assert "/static/push.js?v=" in page.text
        assert browser.endpoint not in page.text
        assert await found.board.town.house.store.links("shop") == []


async def test_what_is_no_subscription_is_refused_with_a_way_out() -> None:
    """A form of ours may be sent by anything."""
    async with pushed() as (found, _):
        maria, form = await found.signed_in("maria")

        reply = await maria.post("/channels/webpush/devices", data={**form, "address": "{}"})

        assert reply.status_code == 422
        assert "Link the device again" in reply.text


async def test_no_script_is_sent_where_no_browser_can_be_linked() -> None:
    """A page carries what it needs."""
    async with pages() as found:
        maria, _ = await found.signed_in("maria")

        page = await maria.get("/channels")

        assert "push.js" not in page.text
        assert "data-browser" not in page.text
