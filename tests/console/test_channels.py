"""The channels page: how each does, one's own accounts, a test, and how one is reached."""

import re
from dataclasses import replace
from datetime import time, timedelta

import pytest

from pullcord.owner.reach import QuietHours, Reach, ReachStep
from tests.conformance.channels.double import Fault
from tests.conformance.channels.paper import PaperChannel
from tests.console.pages import Pages, pages
from tests.unit.engine.pigeons import Pigeons


async def reach_of(found: Pages, who: str) -> Reach:
    return (await found.board.town.house.office.people("shop"))[who].reach


async def test_the_page_shows_health_abilities_and_own_accounts() -> None:
    """Before a night, somebody looks here."""
    async with pages() as found:
        await found.board.stopped()
        maria, _ = await found.signed_in("maria")

        page = await maria.get("/channels")

        assert page.status_code == 200
        assert "paper" in page.text
        assert "approve and reject" in page.text
        assert "maria-1" in page.text
        assert "taken 1" in page.text


async def test_a_code_is_shown_once_and_links_the_account() -> None:
    """The page shows what to send; the account sends it."""
    async with pages() as found:
        tom, form = await found.signed_in("tom")

        page = await tom.post("/channels/paper/code", data=form)
        code = re.search(r"link ([0-9A-Z]{10})", page.text)
        assert code is not None
        await found.board.tells(kind="commanded", account="tom-9", words=f"link {code[1]}")

        assert 'value="tom-9"' in (await tom.get("/channels")).text
        accounts = await found.board.town.house.store.links("shop")
        assert ("tom", "tom-9") in [(each.person, each.account) for each in accounts]


async def test_a_test_letter_says_what_became_of_it() -> None:
    """Green or red, in words."""
    async with pages() as found:
        maria, form = await found.signed_in("maria")

        good = await maria.post("/channels/paper/test", data=form)
        found.board.double.faults(Fault.GONE)
        bad = await maria.post("/channels/paper/test", data=form)
        none = await maria.post("/channels/fax/test", data=form)

        assert "taken" in good.text
        assert "not taken" in bad.text
        assert none.status_code == 404


async def test_an_account_is_unlinked_by_its_owner_only() -> None:
    """Nobody takes a colleague's phone off the list."""
    async with pages() as found:
        maria, form = await found.signed_in("maria")
        dana, danas = await found.signed_in("dana")

        other = await dana.post("/channels/paper/unlink", data={**danas, "account": "maria-1"})
        own = await maria.post("/channels/paper/unlink", data={**form, "account": "maria-1"})

        assert other.status_code == 404
        assert own.status_code == 303
        assert await found.board.town.house.store.links("shop") == []


async def test_a_browser_links_itself_only_where_a_channel_allows_it() -> None:
    """An account of a chat is never taken at somebody's word."""
    form = {"account": "device-1", "name": "Phone", "address": '{"endpoint": "https://push"}'}
    async with pages() as found:
        tom, own = await found.signed_in("tom")
        refused = await tom.post("/channels/paper/devices", data={**own, **form})
    async with pages(can=replace(PaperChannel.can, links_here=True)) as found:
        tom, own = await found.signed_in("tom")
        taken = await tom.post("/channels/paper/devices", data={**own, **form})

        assert refused.status_code == 403
        assert taken.status_code == 303
        accounts = await found.board.town.house.store.links("shop")
        assert ("tom", "device-1") in [(each.person, each.account) for each in accounts]


@pytest.mark.parametrize("what", ["code", "test", "devices", "unlink"])
async def test_no_form_of_another_site_does_anything(what: str) -> None:
    """Without the page's own token nothing is linked, unlinked or sent."""
    async with pages() as found:
        maria, _ = await found.signed_in("maria")

        reply = await maria.post(f"/channels/paper/{what}", data={"account": "maria-1"})

        assert reply.status_code == 403
        assert len(await found.board.town.house.store.links("shop")) == 1


# --- how a person is reached ---------------------------------------------------------------------

RULES = {
    "steps": "paper, console after 5m",
    "urgent": "console",
    "quiet": "22:00-07:00",
    "quiet_below": "critical",
    "wakes_per_day": "9",
    "wakes_per_night": "0",
    "digest": "4",
    "daily_at": "08:00",
}


async def test_everybody_says_how_they_are_reached() -> None:
    """And reads it back as they wrote it."""
    async with pages(mail=Pigeons(name="board")) as found:
        maria, form = await found.signed_in("maria")

        saved = await maria.post("/people/maria/reach", data={**form, **RULES})
        page = await maria.get("/people/maria/reach")
        people = await maria.get("/people")

        assert saved.status_code == 303
        assert await reach_of(found, "maria") == Reach(
            steps=(ReachStep("paper"), ReachStep("console", timedelta(minutes=5))),
            urgent=(ReachStep("console"),),
            quiet=QuietHours(time(22), time(7)),
            quiet_below="critical",
            wakes_per_day=9,
            wakes_per_night=0,
            digest_every=timedelta(hours=4),
            daily_at=time(8),
        )
        assert 'value="paper, console after 5m"' in page.text
        assert "set up here: console, paper." in page.text
        assert "Now: 0 of 9" in page.text
        assert "paper, console after 5m; urgent: console" in people.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", "call me"),
        ("urgent", "voice after 5m"),
        ("quiet", "at night"),
        ("daily_at", "in the morning"),
        ("quiet_below", "doom"),
        ("wakes_per_day", "many"),
        ("wakes_per_night", "101"),
    ],
)
async def test_a_mistake_is_told_beside_its_field_and_nothing_is_lost(
    field: str, value: str
) -> None:
    """The other fields keep what was typed."""
    async with pages() as found:
        maria, form = await found.signed_in("maria")

        page = await maria.post("/people/maria/reach", data={**form, **RULES, field: value})

        assert page.status_code == 422
        assert f'id="problem-{field}"' in page.text
        if field != "steps":
            assert 'value="paper, console after 5m"' in page.text
        assert await reach_of(found, "maria") == Reach()


async def test_only_a_lead_says_it_for_others() -> None:
    """Nobody silences a colleague's night."""
    async with pages() as found:
        maria, form = await found.signed_in("maria")
        dana, danas = await found.signed_in("dana")

        refused = await maria.post("/people/tom/reach", data={**form, **RULES})
        page = await maria.get("/people/tom/reach")
        allowed = await dana.post("/people/tom/reach", data={**danas, **RULES})
        nobody = await dana.post("/people/zoe/reach", data={**danas, **RULES})

        assert refused.status_code == 403
        assert "Only Tom Ode" in page.text
        assert allowed.status_code == 303
        assert (await reach_of(found, "tom")).quiet_below == "critical"
        assert nobody.status_code == 404
