"""Links of letters: opening them does nothing, whoever opens them; the button on the page acts."""

import pytest

from pullcord.channels.port import Verb
from pullcord.path.escalation import Status
from tests.console.pages import Pages, pages


async def link_of(found: Pages, verb: Verb = Verb.ACCEPT) -> tuple[str, str]:
    """A fresh escalation, and the address in Maria's letter."""
    name = await found.board.stopped()
    actions = found.board.town.house.inbound._actions
    for token in found.board.notes()[-1].buttons:
        action = actions.read(token)
        if action is not None and action.verb is verb:
            return name, f"/acts/{token}"
    raise AssertionError(f"no button {verb}")


async def status(found: Pages, name: str) -> Status:
    return (await found.board.town.row(name)).escalation.status


@pytest.mark.promise("a-scanner-decides-nothing")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_opening_a_link_does_nothing(method: str) -> None:
    """Mail gateways open every link, often before the person does."""
    async with pages() as found:
        name, link = await link_of(found)

        page = await found.client().request(method, link)

        assert page.status_code == 200
        assert await status(found, name) is Status.OPEN
        if method == "GET":
            assert '<form method="post"' in page.text
            assert "<script" not in page.text
            assert "Anna" not in page.text
            assert page.headers["referrer-policy"] == "no-referrer"


async def test_the_button_accepts_and_a_second_press_says_so() -> None:
    """Pressed twice is accepted once."""
    async with pages() as found:
        name, link = await link_of(found)
        visitor = found.client()

        first = await visitor.post(link)
        again = await visitor.post(link)
        later = await visitor.get(link)

        assert "You have it." in first.text
        assert "You have it." in again.text
        assert "It has moved on" in later.text
        assert await status(found, name) is Status.ACCEPTED


async def test_not_me_asks_the_next() -> None:
    """From the phone, without signing in."""
    async with pages() as found:
        name, link = await link_of(found, Verb.DECLINE)

        page = await found.client().post(link)

        assert "The next person is being asked" in page.text
        assert (await found.board.town.row(name)).escalation.owner == "tom"


async def test_who_is_late_reads_who_was_first() -> None:
    """With a name, a time and the way to the page."""
    async with pages() as found:
        name, link = await link_of(found)
        await found.board.town.person("maria").approve(name)

        looked = await found.client().get(link)
        page = await found.client().post(link)

        assert "Maria Lopez approved it at 12:00." in looked.text
        assert "<form" not in looked.text
        assert "Maria Lopez approved it at 12:00." in page.text
        assert "Nothing of yours was done." in page.text
        assert f"/escalations/{name}" in page.text


async def test_a_link_never_decides_and_a_forged_one_is_not_known() -> None:
    """Deciding needs a sign-in."""
    async with pages() as found:
        name, link = await link_of(found, Verb.APPROVE)
        visitor = found.client()

        decided = await visitor.post(link)
        forged = await visitor.post("/acts/forged")
        shown = await visitor.get("/acts/forged")

        assert (decided.status_code, forged.status_code, shown.status_code) == (404, 404, 404)
        assert await status(found, name) is Status.OPEN


async def test_another_site_cannot_press_it() -> None:
    """A page elsewhere that knows the link still cannot post it in somebody's browser."""
    async with pages() as found:
        name, link = await link_of(found)

        reply = await found.client(headers={"origin": "https://evil.example"}).post(link)

        assert reply.status_code == 403
        assert await status(found, name) is Status.OPEN
