"""The turnstile: a bounded number at once, the urgent first, nobody behind a neighbour's flood."""

import asyncio

from pullcord.engine.turnstile import Turnstile


async def _through(turnstile: Turnstile, order: list[str], name: str, *, urgency: int = 1) -> None:
    lane, _, rest = name.partition(":")
    await turnstile.enter(lane, urgency=urgency, recipient=rest.rpartition("-")[0])
    order.append(name)
    await asyncio.sleep(0)
    turnstile.leave()


async def _in_order(*visitors: tuple[str, int]) -> list[str]:
    """In which order they come through one seat, having come in this one."""
    turnstile, order = Turnstile(1), list[str]()
    await turnstile.enter("first", urgency=0)
    tasks = [
        asyncio.create_task(_through(turnstile, order, name, urgency=urgency))
        for name, urgency in visitors
    ]
    await asyncio.sleep(0)
    turnstile.leave()
    await asyncio.gather(*tasks)
    return order


async def test_tenants_take_turns() -> None:
    """Ten thousand messages of one shop delay one message of another by one."""
    found = await _in_order(("a:1", 1), ("a:2", 1), ("a:3", 1), ("b:1", 1), ("b:2", 1))

    assert found == ["a:1", "b:1", "a:2", "b:2", "a:3"]


async def test_people_of_one_tenant_take_turns() -> None:
    """The team that drowns in messages does not stand before the one that got a single one."""
    found = await _in_order(
        ("a:maria-1", 1), ("a:maria-2", 1), ("a:maria-3", 1), ("a:tom-1", 1), ("b:1", 1)
    )

    assert found == ["a:maria-1", "b:1", "a:tom-1", "a:maria-2", "a:maria-3"]


async def test_the_urgent_goes_first() -> None:
    """Who is asked is told before who is only informed."""
    assert await _in_order(("a:1", 1), ("b:1", 0), ("a:2", 0)) == ["b:1", "a:2", "a:1"]


async def test_seats_are_bounded_and_given_back() -> None:
    """A provider is not flooded, and a seat is never lost."""
    turnstile = Turnstile(2)
    await turnstile.enter("a", urgency=1)
    await turnstile.enter("a", urgency=1)
    third = asyncio.create_task(turnstile.enter("a", urgency=1))
    await asyncio.sleep(0)

    assert turnstile.waiting("a") == 1
    assert not third.done()
    turnstile.leave()
    await third
    assert turnstile.waiting("a") == 0


async def test_who_gives_up_waiting_is_passed_over() -> None:
    """A message whose process stops holds up nobody."""
    turnstile = Turnstile(1)
    await turnstile.enter("a", urgency=1)
    gone = asyncio.create_task(turnstile.enter("a", urgency=1))
    stays = asyncio.create_task(turnstile.enter("b", urgency=1))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)

    turnstile.leave()
    await stays

    assert turnstile.waiting("a") == 0


async def test_who_all_gave_up_leave_a_free_seat() -> None:
    """The next one walks through."""
    turnstile = Turnstile(1)
    await turnstile.enter("a", urgency=1)
    gone = asyncio.create_task(turnstile.enter("a", urgency=1))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)

    turnstile.leave()

    await asyncio.wait_for(turnstile.enter("b", urgency=1), 1)
    assert turnstile.waiting("b") == 0


async def test_who_is_stopped_with_the_seat_in_hand_gives_it_back() -> None:
    """Cancelled in the very moment of its turn."""
    turnstile = Turnstile(1)
    await turnstile.enter("a", urgency=1)
    gone = asyncio.create_task(turnstile.enter("a", urgency=1))
    await asyncio.sleep(0)
    turnstile.leave()
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)

    await asyncio.wait_for(turnstile.enter("b", urgency=1), 1)
    assert turnstile.waiting("b") == 0
