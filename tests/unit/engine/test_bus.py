"""The bus: hints only, so nothing ever waits for a reader."""

import asyncio

import pytest

from pullcord.engine import bus as bus_module
from pullcord.engine.bus import BACKLOG_MAX, RESYNC, Bus, Signal


async def test_a_listener_hears_of_its_workspace_only() -> None:
    """A hint of one tenant would tell another that something happened there."""
    bus = Bus()
    listener = bus.listen("shop")

    bus.publish("elsewhere", "escalation", "esc_0")
    bus.publish("shop", "escalation", "esc_1", 3)

    assert await listener.next() == Signal("escalation", "esc_1", 3)


async def test_a_listener_that_falls_behind_is_told_to_look_at_everything() -> None:
    """Nothing blocks the publisher, and no gap stays unnoticed."""
    bus = Bus()
    listener = bus.listen("shop")

    for number in range(BACKLOG_MAX + 1):
        bus.publish("shop", "escalation", f"esc_{number}")
    bus.publish("shop", "escalation", "esc_last")
    heard = await listener.next()
    bus.publish("shop", "escalation", "esc_after")

    assert heard == RESYNC
    assert (await listener.next()).id == "esc_after"


async def test_a_listener_may_be_read_like_a_list_that_goes_on() -> None:
    """The form in which a stream or a narrator reads."""
    bus = Bus()
    listener = bus.listen("shop")
    bus.publish("shop", "policy", "v1")
    bus.publish("shop", "people", "maria")

    heard = []
    async for signal in listener:
        heard.append(signal.topic)
        if len(heard) == 2:
            break

    assert heard == ["policy", "people"]


async def test_listeners_are_counted_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit on everything: one more than the most is refused, one that left makes room."""
    monkeypatch.setattr(bus_module, "LISTENERS_MAX", 2)
    bus = Bus()
    first, second = bus.listen("shop"), bus.listen("shop")

    with pytest.raises(OverflowError, match="2 listeners"):
        bus.listen("shop")
    first.close()
    first.close()
    one_left = bus.listeners
    second.close()

    assert one_left == 1
    assert bus.listeners == 0
    assert bus.listen("shop").workspace == "shop"


async def test_a_watcher_hears_of_every_workspace() -> None:
    """Counting and waking need everything of the process."""
    bus = Bus()
    heard: list[str] = []
    bus.watch(lambda workspace, signal, about: heard.append(workspace))

    bus.publish("shop", "policy")
    bus.publish("elsewhere", "policy")

    assert heard == ["shop", "elsewhere"]


async def test_every_loop_of_the_engine_gets_every_hint() -> None:
    """One loop that takes a hint must not take it from another."""
    bus = Bus()
    first, second = bus.waker(), bus.waker()

    bus.publish("shop", "escalation", "esc_1")
    first.clear()
    taken = second.is_set()
    bus.hint()

    assert taken
    async with asyncio.timeout(1):
        await first.wait()
