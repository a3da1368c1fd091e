"""An end user's address: nothing personal goes there before they confirmed it, by a real button."""

import re

from pullcord.channels.port import Abilities, FoundBy
from tests.console.pages import Pages, pages
from tests.unit.engine.pigeons import GONE, GOOD, Pigeons


def post_office() -> Pigeons:
    found = Pigeons(GOOD, name="email")
    found.can = Abilities(is_private=True, answers=True, found_by=FoundBy.EMAIL)
    return found


async def status_of(found: Pages) -> str:
    """The address of the end user's page."""
    name = await found.board.stopped()
    shown = await found.board.town.house.contents.one("shop", name, "shown")
    return f"/status/{shown['status_token']}"


async def addresses(found: Pages) -> int:
    """How many addresses of end users are kept."""
    links = await found.board.town.house.store.links("shop")
    return sum(not each.person for each in links)


async def test_an_address_is_confirmed_by_a_button_in_a_letter() -> None:
    """Leave it, open the letter, press: from then on they are written to."""
    mail = post_office()
    async with pages(mail=mail) as found:
        place = await status_of(found)
        visitor = found.client()
        left = await visitor.post(f"{place}/notify", data={"email": "anna@example.com"})
        link = mail.letters[-1].url.removeprefix("https://pull.example")

        looked = await visitor.get(link)
        before = await addresses(found)
        pressed = await visitor.post(link)
        again = await visitor.post(link)

        assert left.headers["location"].endswith("did=mailed")
        assert re.search(r'<form method="post"', looked.text)
        assert before == 0
        assert pressed.headers["location"].endswith("did=confirm")
        assert again.status_code == 404
        assert await addresses(found) == 1


async def test_mail_that_fails_keeps_what_was_typed() -> None:
    """Try again without typing it again."""
    mail = post_office()
    async with pages(mail=mail) as found:
        place = await status_of(found)
        mail.answers = [GONE]

        page = await found.client().post(f"{place}/notify", data={"email": "anna@example.com"})

        assert page.status_code == 503
        assert "anna@example.com" in page.text


async def test_a_wrong_link_shows_nothing() -> None:
    """Neither page nor button."""
    async with pages(mail=post_office()) as found:
        place = await status_of(found)
        visitor = found.client()

        assert (await visitor.get("/status/none/confirm/x")).status_code == 404
        assert (await visitor.post("/status/none/confirm/x")).status_code == 404
        assert (await visitor.post(f"{place}/confirm/x")).status_code == 404


async def test_guessing_codes_is_held_to_the_rate() -> None:
    """Ten tries, then a pause."""
    async with pages(mail=post_office()) as found:
        place = await status_of(found)
        visitor = found.client()

        statuses = [(await visitor.post(f"{place}/confirm/{n}")).status_code for n in range(12)]

        assert statuses[0] == 404
        assert statuses[-1] == 429


async def test_without_mail_the_address_is_a_note_for_the_person() -> None:
    """As it was before: somebody writes by hand."""
    async with pages() as found:
        place = await status_of(found)

        left = await found.client().post(f"{place}/notify", data={"email": "anna@example.com"})

        assert left.headers["location"].endswith("did=notify")
