"""Whose account it is: proven by a code, one person's, forgotten when they say so."""

from datetime import timedelta

import pytest

from pullcord.channels.console import ConsoleChannel
from pullcord.engine.linking import CODE_WITHIN, LINKS_MAX
from pullcord.errors import InvalidInput, NotFound
from tests.unit.engine.board import Board, board


async def says(found: Board, words: str, *, account: str = "T1/U7", name: str = "maria.l") -> str:
    answer = await found.tells(kind="commanded", account=account, words=words, name=name)
    return answer.text


async def test_a_code_links_the_account_it_is_sent_from() -> None:
    """From then on letters go there, and its buttons are that person's."""
    async with board(linked=()) as found:
        code = await found.town.house.linking.code("shop", "maria", "paper")

        answer = await says(found, f"link {code.lower()[:5]} {code[5:]}")
        await found.stopped()

        assert answer == "Linked: you are Maria Lopez."
        (linked,) = await found.town.house.store.links("shop")
        assert (linked.account, linked.person, linked.name) == ("T1/U7", "maria", "maria.l")
        assert len(found.notes()) == 1


async def test_a_code_is_good_once_and_not_for_long() -> None:
    """Over a shoulder is not enough."""
    async with board(linked=()) as found:
        linking = found.town.house.linking
        code = await linking.code("shop", "maria", "paper")
        await says(found, f"link {code}")
        again = await says(found, f"link {code}", account="T1/U8")
        late = await linking.code("shop", "maria", "paper")
        found.town.clock.turn(CODE_WITHIN)
        old = await says(found, f"link {late}", account="T1/U9")

        assert "wrong, was used" in again
        assert "wrong, was used" in old
        assert "wrong, was used" in await says(found, "link ZZZZZZZZZZ")


async def test_only_channels_with_accounts_have_codes() -> None:
    """The console needs none."""
    async with board(more={"console": ConsoleChannel()}, linked=()) as found:
        with pytest.raises(InvalidInput, match="paper"):
            await found.town.house.linking.code("shop", "maria", "console")


async def test_where_nothing_can_be_linked_it_says_so() -> None:
    """A page without any such channel names none."""
    async with board(linked=()) as found:
        found.town.house.courier.channels.pop("paper")  # type: ignore[attr-defined]

        with pytest.raises(InvalidInput, match="none is set up"):
            await found.town.house.linking.code("shop", "maria", "paper")


async def test_nobody_links_more_accounts_than_they_have() -> None:
    """A list that grows for ever is somebody's mistake; the same one again is none."""
    async with board(linked=()) as found:
        for n in range(LINKS_MAX):
            await found.link("maria", f"maria-{n}")
        await found.link("maria", "maria-0")

        with pytest.raises(InvalidInput, match="Unlink one first"):
            await found.link("maria", "maria-x")
        await found.link("tom")


@pytest.mark.parametrize(
    ("who", "account", "address"),
    [("nobody", "a", "a"), ("maria", "", "a"), ("maria", "a", "x" * 5_000)],
)
async def test_a_link_needs_a_person_an_id_and_an_address(
    who: str, account: str, address: str
) -> None:
    """Half a link would be asked and never answered."""
    async with board(linked=()) as found:
        with pytest.raises(InvalidInput):
            await found.town.house.linking.put(
                "shop", who, "paper", account=account, name="", address=address
            )


async def test_an_unlinked_account_is_asked_no_more() -> None:
    """A lost phone is out at once."""
    async with board(linked=("maria",)) as found:
        linking = found.town.house.linking

        await linking.drop("shop", "paper", "maria-1", by="maria")
        await found.stopped()

        assert found.notes() == []
        assert await linking.people_of("paper", "maria-1") == {}
        with pytest.raises(NotFound):
            await linking.drop("shop", "paper", "maria-1", by="maria")


async def test_linking_is_on_the_workspaces_record() -> None:
    """Who let an account act is asked after every incident."""
    async with board(linked=("maria",)) as found:
        await found.town.house.linking.drop("shop", "paper", "maria-1", by="maria")

        links = await found.town.house.store.timeline("shop", "workspace", limit=100)
        kinds = [each.kind for each in links]
        assert kinds[-2:] == ["account_linked", "account_unlinked"]


async def test_an_account_of_another_workspace_is_nobody_here() -> None:
    """The same Slack account may be two people in two shops."""
    async with board(linked=("maria",)) as found:
        with pytest.raises(NotFound):
            await found.town.house.linking.drop("other", "paper", "maria-1", by="maria")
        people = await found.town.house.linking.people_of("paper", "maria-1")

        assert list(people) == ["shop"]
        assert timedelta(minutes=15) == CODE_WITHIN
