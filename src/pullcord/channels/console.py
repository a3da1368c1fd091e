"""The console as a channel: the letter is in the person's inbox as soon as it is committed."""

from pullcord.channels.port import Abilities, FoundBy, Letter, Outcome, Sent


class ConsoleChannel:
    """Shows letters in the inbox of people who can sign in; it wakes nobody."""

    name = "console"
    #: its letters need no content: the page reads the rows themselves
    can = Abilities(found_by=FoundBy.SIGN_IN)

    async def send(self, letter: Letter) -> Sent:  # noqa: ARG002  # the face of every channel
        """The inbox reads the rows themselves, so a committed letter is there."""
        return Sent(Outcome.DELIVERED, "in the inbox")

    async def close(self) -> None:
        """Nothing to let go of."""
