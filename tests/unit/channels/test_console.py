"""The console as a channel: what is committed is in the inbox."""

from pullcord.channels.console import ConsoleChannel
from pullcord.channels.port import Outcome
from tests.unit.channels.letters import letter


async def test_a_letter_is_in_the_inbox_at_once_and_wakes_nobody() -> None:
    """It is delivered as far as a page is; a rung that must wake somebody needs another way."""
    channel = ConsoleChannel()

    found = await channel.send(letter())
    await channel.close()

    assert found.outcome is Outcome.DELIVERED
    assert found.detail == "in the inbox"
    assert not channel.can.wakes
