"""Who else hears of an escalation: whoever asked, where they asked; the end user, where they wish.

Both addresses are sealed. An agent names where its requester hears back, and may name people of
the workspace and places of our own channels only: it cannot make Pullcord write to strangers. An
end user's address is written to only once they have shown that it is theirs.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from pullcord.channels.port import Answers, Channel, FoundBy, Letter, Sent
from pullcord.engine.addresses import sealed_address
from pullcord.engine.clock import Clock, Ids
from pullcord.engine.contents import Contents
from pullcord.engine.filing import Filer
from pullcord.engine.floors import Floors
from pullcord.engine.office import Office
from pullcord.engine.planning import Place
from pullcord.errors import ChannelDown, InvalidInput, NotFound
from pullcord.path.escalation import Actor, ActorKind, Escalation, Message
from pullcord.seal import keys
from pullcord.store.port import Linked, Store, Ticket
from pullcord.wire.requests import ReplyToIn

#: the channel end users are written to by
MAIL = "email"
#: account of an end user's confirmed address: no provider has an account of this name
OF_END_USER = "~end-user/"
#: what the ticket of a confirmation is for
CONFIRM = "confirm"
CONFIRM_WITHIN = timedelta(hours=24)
END_USER = Actor(ActorKind.END_USER, "via link")


class HearingBack:
    """Knows the addresses that agents and end users named."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        *,
        channels: Mapping[str, Channel],
        contents: Contents,
        filer: Filer,
        floors: Floors,
        office: Office,
        public_url: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._channels = channels
        self._contents = contents
        self._filer = filer
        self._floors = floors
        self._office = office
        self._public_url = public_url

    # --- where they hear of it ----------------------------------------------------------------
    async def places(self, workspace: str, message: Message) -> Sequence[Place]:
        """(channel, address) pairs the recipient of this message named."""
        if message.to is ActorKind.AGENT and any(each.can.answers for each in self._answering()):
            found = await self._contents.named(workspace, message.escalation, ("shown",))
            named = found.get("shown", {}).get("reply_to")
            return [(named["channel"], named["address"])] if named else []
        if message.to is ActorKind.END_USER and MAIL in self._channels:
            found_links = await self._store.linked(MAIL, OF_END_USER + message.escalation)
            return [(MAIL, each.address) for each in found_links if each.workspace == workspace]
        return []

    def _answering(self) -> list[Channel]:
        return [each for each in self._channels.values() if each.can.answers]

    async def check(self, workspace: str, named: ReplyToIn | None) -> None:
        """Whether a requester may hear back there.

        Raises:
            InvalidInput: no such channel here, or an address that is not of this workspace.
        """
        if named is None:
            return
        answering = {each.name: each for each in self._answering()}
        channel = answering.get(named.channel)
        if channel is None:
            raise InvalidInput(
                "reply_to.channel",
                value=named.channel,
                limit=", ".join(sorted(answering)) or "none: no channel here answers requesters",
                remedy="Name one of these, or leave reply_to out.",
            )
        if isinstance(channel, Answers) and not channel.may_answer(named.address):
            raise InvalidInput(
                "reply_to.address",
                value=named.address,
                limit=channel.places(),
                remedy="Ask whoever runs the server to name it, or leave reply_to out.",
            )
        if channel.can.found_by is FoundBy.EMAIL:
            people = (await self._floors.now(workspace)).people.values()
            if named.address.lower() not in {each.email for each in people if each.email}:
                raise InvalidInput(
                    "reply_to.address",
                    value=named.address,
                    limit="the e-mail address of a person of this workspace",
                    remedy="Ask an admin to add them, or leave reply_to out.",
                )

    @property
    def sends_mail(self) -> bool:
        """Whether end users can be written to."""
        return MAIL in self._channels

    # --- the end user's address ---------------------------------------------------------------
    async def offer(self, escalation: Escalation, address: str, *, status_token: str) -> None:
        """An end user left an address: write there once, with nothing personal, and a link.

        Raises:
            NotFound: this server sends no e-mail.
            ChannelDown: the letter could not be sent; nothing was kept.
        """
        channel = self._channels.get(MAIL)
        if channel is None:
            raise NotFound("this server sends no e-mail.")
        shown, kept = keys.token(self._ids.chance)
        sealed = sealed_address(self._filer, escalation.workspace, escalation.id, address)
        purpose = f"{CONFIRM}/{escalation.id}/{sealed}"
        ticket = Ticket(kept, escalation.workspace, "", purpose, self._clock.now() + CONFIRM_WITHIN)
        await self._store.put_ticket(ticket)
        url = f"{self._public_url}/status/{status_token}/confirm/{shown}"
        sent = await channel.send(self._confirmation(escalation, address, url, kept))
        if not has_arrived(sent):
            await self._store.spend_ticket(kept, self._clock.now())
            raise ChannelDown(f"no letter could be sent to that address: {sent.detail}")

    def _confirmation(self, escalation: Escalation, address: str, url: str, key: str) -> Letter:
        return Letter(
            id=f"confirm_{key[:24]}",
            kind="confirm",
            workspace=escalation.workspace,
            escalation=escalation.id,
            to="end_user",
            address=address,
            at=self._clock.now(),
            severity="low",
            tool="",
            agent="",
            environment=escalation.environment,
            rule="",
            status="",
            owner="",
            due_at=None,
            url=url,
            headline="Is this your address?",
            standing=(
                "Somebody asked to be told by e-mail about a request. If it was you, open the "
                "page and confirm; if not, do nothing and nothing more is sent."
            ),
        )

    async def confirm(self, escalation: Escalation, token: str) -> None:
        """The end user showed that the address is theirs; from now on they are written to.

        Raises:
            NotFound: the link was used, is too old, or belongs elsewhere.
        """
        ticket = await self._store.spend_ticket(keys.digest_of(token), self._clock.now())
        purpose, _, rest = (ticket.purpose if ticket else "").partition("/")
        name, _, address = rest.partition("/")
        is_right = purpose == CONFIRM and name == escalation.id and bool(address)
        if ticket is None or not is_right or ticket.workspace != escalation.workspace:
            raise NotFound("this link was used already, or its time is over.")
        linked = Linked(
            workspace=escalation.workspace,
            channel=MAIL,
            account=OF_END_USER + escalation.id,
            person="",
            address=address,
            name="end user",
            at=self._clock.now(),
        )
        facts = {"escalation": escalation.id}
        await self._office.record(
            escalation.workspace, "address_confirmed", END_USER, facts=facts, kept=(linked,)
        )


def has_arrived(sent: Sent) -> bool:
    """Whether the provider took it."""
    return sent.outcome in ("accepted", "delivered", "seen")
