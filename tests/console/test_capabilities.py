"""The page of an escalation offers nothing that the agent behind it cannot take."""

import re
from typing import Any

import pytest

from tests.console.pages import Pages, pages

DEAF = ["durable"]  # an agent that can wait and nothing more


async def page_of(found: Pages, capabilities: list[str] | None, **more: Any) -> tuple[str, str]:
    """A fresh escalation of such an agent, and its page as Maria sees it."""
    more |= {} if capabilities is None else {"capabilities": capabilities}
    name = await found.board.stopped(**more)
    maria, _ = await found.signed_in("maria")
    return name, (await maria.get(f"/escalations/{name}")).text


def inputs(page: str) -> list[str]:
    """The fields of the arguments, as they stand in the page."""
    return re.findall(r"<(?:input|textarea|select)[^>]*data-original=[^>]*>", page)


@pytest.mark.promise("console-offers-what-agents-can-take")
async def test_an_agent_that_cannot_take_changes_is_offered_none() -> None:
    """A change that the agent would ignore is worse than no change at all."""
    async with pages() as found:
        _, page = await page_of(found, DEAF)

    assert 'value="approve"' in page
    assert 'value="edit"' not in page
    assert inputs(page)
    assert all("readonly" in each or "disabled" in each for each in inputs(page))


async def test_what_the_agent_will_not_read_is_said_where_it_is_written() -> None:
    """Whoever writes a reason must know when no model reads it."""
    async with pages() as found:
        _, page = await page_of(found, DEAF)

    assert "This agent cannot take changed arguments." in page
    assert "will not read why it was refused." in page
    assert "will not read a note that comes with a yes." in page


async def test_a_turn_that_goes_on_only_as_a_whole_is_said_with_its_size() -> None:
    """Whoever decides one call of three would else wonder why nothing happens."""
    async with pages() as found:
        _, whole = await page_of(found, DEAF, turn_size=3, key="1")
        _, single = await page_of(found, DEAF, turn_size=1, key="2")
        _, partly = await page_of(found, [*DEAF, "partial_resume"], turn_size=3, key="3")

    said = "goes on only when all 3 calls of its turn are decided"
    assert [said in each for each in (whole, single, partly)] == [True, False, False]


async def test_an_agent_that_waits_in_its_process_is_told_apart() -> None:
    """When that process ends, a decision comes to nobody."""
    async with pages() as found:
        _, waits = await page_of(found, ["needs_same_process"], key="1")
        _, parks = await page_of(found, DEAF, key="2")

    said = "waits in its process"
    assert [said in each for each in (waits, parks)] == [True, False]


@pytest.mark.parametrize(
    "capabilities", [None, ["edit_args", "reason_on_reject", "note_on_approve"]]
)
async def test_an_agent_that_can_is_offered_all(capabilities: list[str] | None) -> None:
    """A guarded function takes changes and words, and need not say so."""
    async with pages() as found:
        _, page = await page_of(found, capabilities)

    assert 'value="edit"' in page
    assert not any("readonly" in each for each in inputs(page))
    assert "cannot take changed arguments" not in page


async def test_a_form_that_was_made_by_hand_changes_nothing() -> None:
    """What is not offered is refused as well."""
    async with pages() as found:
        name, before = await page_of(found, DEAF)
        (field,) = re.findall(r'name="([^"]*amount)"', before)
        maria, form = await found.signed_in("maria")
        sent = {**form, "decision": "edit", field: "1.00"}

        page = await maria.post(f"/escalations/{name}/decide", data=sent)
        row = await found.board.town.row(name)

    assert page.status_code < 500
    assert row.escalation.decision is None
