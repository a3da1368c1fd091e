"""Linking: whose account of a channel this is, proven by a one-time code from the console.

The code is made for a signed-in person and typed, or sent, from the account: so the provider's
stable id belongs to that person, whatever name it shows.
"""

from collections.abc import Mapping
from datetime import timedelta

from pullcord.channels.port import Abilities, Channel, FoundBy, Invites
from pullcord.engine.actions import ALPHABET
from pullcord.engine.clock import Clock, Ids
from pullcord.engine.floors import Floors
from pullcord.engine.office import Office
from pullcord.errors import InvalidInput, NotFound
from pullcord.owner.roster import Person
from pullcord.path.escalation import ENGINE, person
from pullcord.seal.keys import digest_of
from pullcord.store.port import Linked, Store, Ticket

#: characters of a code: 50 bits, for fifteen minutes
CODE_LENGTH = 10
CODE_WITHIN = timedelta(minutes=15)
#: accounts one person links on one channel
LINKS_MAX = 10
NAME_MAX, ADDRESS_MAX = 200, 4_000


def is_linkable(can: Abilities) -> bool:
    """Whether people link accounts on a channel."""
    is_room = can.found_by is FoundBy.EVERYBODY and can.has_buttons
    return can.found_by is FoundBy.LINK or is_room


class Linking:
    """Links accounts and devices to people, and finds people by them."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        *,
        channels: Mapping[str, Channel],
        floors: Floors,
        office: Office,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._channels = channels
        self._floors = floors
        self._office = office

    def linkable(self) -> list[str]:
        """Channels on which people link accounts: to be found there, or to press what many read."""
        return sorted(name for name, each in self._channels.items() if is_linkable(each.can))

    async def code(self, workspace: str, who: str, channel: str) -> str:
        """A one-time code with which this person links an account of this channel.

        Raises:
            InvalidInput: no accounts are linked on this channel.
        """
        self._check(channel)
        chance = self._ids.chance(CODE_LENGTH)
        code = "".join(ALPHABET[byte % len(ALPHABET)] for byte in chance)
        until = self._clock.now() + CODE_WITHIN
        await self._store.put_ticket(
            Ticket(_kept(channel, code), workspace, who, f"link/{channel}", until)
        )
        return code

    def _check(self, channel: str) -> None:
        if channel not in self.linkable():
            limit = ", ".join(self.linkable()) or "none is set up"
            raise InvalidInput("channel", value=channel, limit=limit, remedy="Name one of these.")

    async def redeem(
        self, channel: str, code: str, *, account: str, name: str, address: str
    ) -> Person:
        """Somebody sent the code from an account: it is theirs from now on.

        Raises:
            NotFound: the code is wrong, used or too old; the three are not told apart.
        """
        self._check(channel)
        digest = _kept(channel, code)
        ticket = await self._store.spend_ticket(digest, self._clock.now())
        if ticket is None or ticket.purpose != f"link/{channel}":
            raise NotFound("this code is wrong, was used, or is older than fifteen minutes.")
        return await self.put(
            ticket.workspace,
            ticket.person,
            channel,
            account=account,
            name=name,
            address=address or account,
        )

    async def put(
        self, workspace: str, who: str, channel: str, *, account: str, name: str, address: str
    ) -> Person:
        """Link an account or device to a person who has shown that it is theirs.

        Where browsers link themselves, the account is read from the address. Whose it was before
        has it no longer: a browser is of whoever signed in last.

        Raises:
            InvalidInput: no such channel, no such person, too many accounts, or a wrong address.
        """
        self._check(channel)
        way = self._channels[channel]
        if isinstance(way, Invites):
            account = way.account_of(address)
        someone = (await self._floors.now(workspace)).people.get(who)
        if someone is None or not someone.is_active:
            raise InvalidInput("person", value=who, limit="an active person of this workspace")
        links = await self._store.links(workspace)
        others = {
            each.account for each in links if (each.channel, each.person) == (channel, who)
        } - {account}
        if len(others) >= LINKS_MAX:
            raise InvalidInput(
                "account", value=name, limit=f"{LINKS_MAX} a person", remedy="Unlink one first."
            )
        if not account or len(address) > ADDRESS_MAX:
            raise InvalidInput("account", value=name, limit=f"an id, {ADDRESS_MAX} characters")
        linked = Linked(
            workspace=workspace,
            channel=channel,
            account=account,
            person=who,
            address=address,
            name=(name or channel)[:NAME_MAX],
            at=self._clock.now(),
        )
        facts = {"person": who, "channel": channel}
        await self._office.record(
            workspace, "account_linked", person(who), facts=facts, kept=(linked,)
        )
        await self._office.changed(workspace, "people", who)
        return someone

    async def drop(self, workspace: str, channel: str, account: str, *, by: str) -> None:
        """Forget an account.

        Raises:
            NotFound: no such account is linked here.
        """
        whose = {
            each.person
            for each in await self._store.linked(channel, account)
            if each.workspace == workspace
        }
        if not whose:
            raise NotFound("this account is not linked.")
        await self._store.unlink(workspace, channel, account)
        facts = {"person": min(whose), "channel": channel}
        await self._office.record(workspace, "account_unlinked", person(by), facts=facts)
        await self._office.changed(workspace, "people", min(whose))

    async def forget(self, workspace: str, channel: str, address: str) -> None:
        """The provider says that nobody is at this address any more: it is no way to anybody."""
        for each in await self._store.links(workspace):
            if (each.channel, each.address) == (channel, address):
                await self._store.unlink(workspace, channel, each.account)
                facts = {"person": each.person, "channel": channel, "why": "gone"}
                await self._office.record(workspace, "account_unlinked", ENGINE, facts=facts)
                await self._office.changed(workspace, "people", each.person)

    async def people_of(self, channel: str, account: str) -> dict[str, Person]:
        """Who this account is, by workspace; deactivated people are nobody.

        Channels that find people by a contact know them by it, all others by their links.
        """
        found_by = self._channels[channel].can.found_by
        if found_by in (FoundBy.EMAIL, FoundBy.PHONE):
            return await self._by_contact(found_by, account)
        found: dict[str, Person] = {}
        for linked in await self._store.linked(channel, account):
            someone = (await self._floors.now(linked.workspace)).people.get(linked.person)
            if someone is not None and someone.is_active:
                found[linked.workspace] = someone
        return found

    async def _by_contact(self, found_by: FoundBy, account: str) -> dict[str, Person]:
        """People by their own e-mail address or number; one that several have names nobody."""
        wanted = _plain(found_by, account)
        found: dict[str, Person] = {}
        for workspace in await self._store.workspaces() if wanted else []:
            people = (await self._floors.now(workspace)).people.values()
            same = [
                each
                for each in people
                if _plain(found_by, each.email if found_by is FoundBy.EMAIL else each.phone)
                == wanted
            ]
            if len(same) == 1 and same[0].is_active:
                found[workspace] = same[0]
        return found


def _plain(found_by: FoundBy, contact: str) -> str:
    """A contact as it is compared: addresses in lower case, numbers by their digits."""
    if found_by is FoundBy.EMAIL:
        return contact.strip().lower()
    return "".join(each for each in contact if each.isdigit() and each.isascii())


def _kept(channel: str, code: str) -> str:
    """The hash of a code, typed in whatever case and with whatever spaces."""
    plain = "".join(code.split()).replace("-", "").upper()
    return digest_of(f"link/{channel}/{plain}")
