"""What the inbox remembers of contents: as long as they stand, and only so many of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pullcord.engine import gists
from pullcord.engine.contents import Contents
from tests.unit.engine.shop import SHOP, Shop, open_shop


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as found:
        yield found


@pytest.fixture
def unsealed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every escalation whose content is unsealed for a listing, in order."""
    found: list[str] = []
    of_many = Contents.of_many

    async def noted(self: Contents, workspace: str, escalations: list[str], name: str, **more):  # type: ignore[no-untyped-def]
        found.extend(escalations)
        return await of_many(self, workspace, escalations, name, **more)

    monkeypatch.setattr(Contents, "of_many", noted)
    return found


async def questions(shop: Shop) -> list[str]:
    """What the lines of the queues ask."""
    page = await shop.house.views.inbox(SHOP, "maria", tab="queues")
    return [row.question for row in page.rows]


async def test_a_page_that_is_looked_at_again_unseals_only_what_is_new(
    shop: Shop, unsealed: list[str]
) -> None:
    """A console looks again at every change; nine of ten rows are those of before."""
    one = await shop.opened()
    first = await questions(shop)
    other = await shop.opened(key="call-2", run="run-2")

    again = await questions(shop)

    assert unsealed == [one, other]
    assert again[: len(first)] == first


async def test_what_was_erased_is_not_told_from_memory(shop: Shop) -> None:
    """Erasure reaches the inbox with the next look."""
    await shop.opened()
    before = await questions(shop)

    await shop.erased()

    assert before == ["Refund EUR 480.00 to Anna?"]
    assert await questions(shop) == ["(the content was erased)"]


async def test_only_so_many_are_remembered(
    shop: Shop, unsealed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server's memory does not grow with what is open."""
    monkeypatch.setattr(gists, "KEPT_MAX", 1)
    for at in range(2):
        await shop.opened(key=f"call-{at}", run=f"run-{at}")

    await questions(shop)
    await questions(shop)

    assert len(unsealed) == 3
