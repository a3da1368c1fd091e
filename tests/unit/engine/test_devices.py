"""Browsers that link themselves: what they are pushed, and how one that is gone is forgotten."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from pullcord.engine.linking import LINKS_MAX
from pullcord.errors import InvalidInput
from tests.conformance.channels.webpush_double import Browser, WebPushDouble
from tests.unit.engine.board import Board, board


@asynccontextmanager
async def pushed() -> AsyncIterator[tuple[Board, WebPushDouble, Browser]]:
    """A shop with Web Push beside paper; Maria has linked one browser and has no paper."""
    async with (
        WebPushDouble.opened() as double,
        board(more={"webpush": double.channel()}, linked=("tom", "dana")) as found,
    ):
        double.now = found.town.clock.now
        browser = next(iter(double.browsers.values()))
        await linked(found, "maria", browser)
        yield found, double, browser


async def linked(found: Board, who: str, browser: Browser, *, account: str = "x") -> None:
    await found.town.house.linking.put(
        "shop", who, "webpush", account=account, name="Phone", address=browser.subscription
    )


async def links(found: Board) -> list[tuple[str, str]]:
    """(person, name) of everything linked by push."""
    kept = await found.town.house.store.links("shop")
    return [(each.person, each.name) for each in kept if each.channel == "webpush"]


async def test_a_push_says_what_is_at_stake_and_never_whose_it_is() -> None:
    """A lock screen is read by whoever stands near."""
    async with pushed() as (found, _, browser):
        await found.stopped()

        (note,) = browser.notes
        assert note["title"].startswith("An escalation needs you: ")
        assert "EUR 480.00. This cannot be undone." in note["body"]
        assert "refund-over-limit" in note["body"]
        assert [each["title"] for each in note["buttons"]] == ["I have it", "Not me"]
        assert not [word for word in ("Anna", "H-1", "Refund") if word in str(note)]


async def test_the_note_on_the_screen_follows_what_happens() -> None:
    """One place on the screen for each escalation, and it holds what is true."""
    async with pushed() as (found, _, browser):
        name = await found.stopped()
        await found.town.person("maria").decline(name)
        await found.town.settle()
        await found.town.person("tom").approve(name)
        await found.town.settle()

        asked, declined, approved = browser.notes
        assert {each["tag"] for each in browser.notes} == {name}
        assert asked["is_open"]
        assert (declined["is_open"], declined["is_quiet"], declined["buttons"]) == (False, True, [])
        assert "Tom Ode is being asked" in declined["title"] + declined["body"]
        assert "Tom Ode approved" in approved["title"]


async def test_a_device_that_is_gone_is_forgotten_and_the_ladder_goes_on() -> None:
    """A phone that was lost must not swallow the night."""
    async with pushed() as (found, _, browser):
        browser.is_gone = True

        name = await found.stopped()

        assert await links(found) == []
        escalation = (await found.town.row(name)).escalation
        assert escalation.owner == "tom"
        chain = await found.town.house.store.timeline("shop", "workspace")
        gone = [each for each in chain if each.kind == "account_unlinked"]
        assert len(gone) == 1
        assert b'"why":"gone"' in gone[0].body


async def test_a_device_that_goes_before_an_edit_is_forgotten_too() -> None:
    """Whoever switches notifications off is believed."""
    async with pushed() as (found, _, browser):
        name = await found.stopped()
        browser.is_gone = True

        await found.town.person("maria").decline(name)
        await found.town.settle()

        assert await links(found) == []


async def test_a_test_goes_to_every_device_and_finds_the_one_that_is_gone() -> None:
    """Before a night one wants to know about each of them."""
    async with pushed() as (found, double, browser):
        gone = double.subscribed()
        await linked(found, "maria", gone)
        gone.is_gone = True
        desk = found.town.house.channel_desk

        first = await desk.try_out("shop", "maria", "webpush")
        then = await desk.try_out("shop", "maria", "webpush")

        assert not first.has_arrived
        assert first.detail.startswith("1 of 2: answered 410")
        assert (then.has_arrived, then.detail) == (True, "answered 201")
        assert [each["tag"] for each in browser.notes] == ["test", "test"]
        assert await links(found) == [("maria", "Phone")]


async def test_a_browser_is_of_whoever_signed_in_last() -> None:
    """On a shared computer nobody gets a colleague's escalations."""
    async with pushed() as (found, _, browser):
        await linked(found, "tom", browser, account="something else")

        assert await links(found) == [("tom", "Phone")]


async def test_a_browser_cannot_say_which_account_it_is() -> None:
    """The account is read from what it is found by, so nobody takes another's device away."""
    async with pushed() as (found, double, _):
        await linked(found, "tom", double.subscribed(), account="x")

        assert sorted(await links(found)) == [("maria", "Phone"), ("tom", "Phone")]


async def test_what_is_no_subscription_is_not_linked() -> None:
    """Told at once, in front of the browser."""
    async with pushed() as (found, double, _):
        browser = double.subscribed()
        browser.endpoint = "http://127.0.0.1:9/"

        with pytest.raises(InvalidInput, match="endpoint"):
            await linked(found, "tom", browser)


async def test_devices_have_an_end() -> None:
    """One person, ten devices: a full list says so."""
    async with pushed() as (found, double, _):
        for _ in range(LINKS_MAX - 1):
            await linked(found, "maria", double.subscribed())

        with pytest.raises(InvalidInput, match="Unlink one first"):
            await linked(found, "maria", double.subscribed())


async def test_signatures_are_of_the_moment() -> None:
    """A push service refuses what was signed for another day."""
    async with pushed() as (found, double, browser):
        await found.stopped("k1")
        await found.town.turn(timedelta(hours=30))
        await linked(found, "maria", browser)
        await found.stopped("k2")

        assert double.refusals == []
        sent = await found.town.house.channel_desk.try_out("shop", "maria", "webpush")
        assert sent.has_arrived
