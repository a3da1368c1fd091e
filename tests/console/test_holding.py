"""A held house in the console: told on every page, looked at by all, let go by who may."""

import pytest

from pullcord.path.escalation import Actor, ActorKind
from tests.console.pages import Pages, pages

BY_HAND = Actor(ActorKind.ENGINE, "command line")


async def hold(place: Pages) -> None:
    keeper = place.board.town.house.keeper
    await keeper.hold(by="Tom", why="restored a backup", actor=BY_HAND)


@pytest.mark.promise("held-until-let-go")
async def test_every_page_says_so_and_a_lead_presses_the_button() -> None:
    """Nobody may believe that a restored system is at work."""
    async with pages() as place:
        await hold(place)
        lead, form = await place.signed_in("dana")
        operator, theirs = await place.signed_in("maria")

        told = [(await lead.get(path)).text for path in ("/", "/people", "/channels")]
        seen = (await operator.get("/")).text
        refused = await operator.post("/hold/let-go", data=theirs)
        pressed = await lead.post("/hold/let-go", data=form)
        after = (await lead.get("/")).text

    assert all("Everything is held." in each for each in told)
    assert "Restored a backup (by Tom" in told[0]
    assert "Let everything go on" in told[0]
    assert "Everything is held." in seen
    assert "Let everything go on" not in seen
    assert refused.status_code == 403
    assert pressed.headers["location"] == "/?did=let-go"
    assert "Everything is held." not in after


async def test_an_act_on_what_is_held_is_told_as_a_page() -> None:
    """What was typed is kept, and the page says what stands in the way."""
    async with pages() as place:
        name = await place.board.stopped()
        await hold(place)
        maria, form = await place.signed_in("maria")

        answer = await maria.post(f"/escalations/{name}/accept", data=form)

    assert answer.status_code == 503
    assert "Everything is held" in answer.text
    assert "restored a backup" in answer.text
