"""The channels as the console shows and tries them: health, limits, accounts, a test letter."""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from pullcord.channels.port import Abilities, Channel, FoundBy, Invites, Outcome, Sent
from pullcord.engine.clock import Clock, Ids
from pullcord.engine.courier import Forget
from pullcord.engine.floors import Floors
from pullcord.engine.health import ChannelHealth, Health
from pullcord.engine.lacking import lacking
from pullcord.engine.letters import trial_of
from pullcord.engine.linking import is_linkable
from pullcord.engine.office import Office
from pullcord.engine.planning import addresses_of
from pullcord.engine.policies import Policies
from pullcord.errors import NotFound
from pullcord.owner.reach import period_since, wakes_allowed
from pullcord.owner.roster import Person
from pullcord.path.escalation import person
from pullcord.path.wording import span
from pullcord.store.port import Linked, Store
from pullcord.wire.views import AccountLine, ChannelLine, TriedOut

FOUND: Mapping[FoundBy, str] = {
    FoundBy.SIGN_IN: "people who can sign in",
    FoundBy.EMAIL: "the e-mail address of each person",
    FoundBy.PHONE: "the phone number of each person",
    FoundBy.LINK: "accounts and devices people link",
    FoundBy.EVERYBODY: "one place of the whole workspace",
}


class ChannelDesk:
    """What people see of channels, and the one thing they do with them: try."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        *,
        channels: Mapping[str, Channel],
        health: Health,
        policies: Policies,
        floors: Floors,
        office: Office,
        forget: Forget,
        public_url: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._channels = channels
        self._health = health
        self._policies = policies
        self._floors = floors
        self._office = office
        self._forget = forget
        self._public_url = public_url

    @property
    def ways(self) -> list[str]:
        """The channels a person's own rules may name; a place of all is told anyway."""
        shared = FoundBy.EVERYBODY
        return sorted(name for name, each in self._channels.items() if each.can.found_by != shared)

    async def lacking(self, workspace: str) -> list[str]:
        """What ladders and people count on that is not set up here."""
        configuration = (await self._policies.current(workspace)).configuration
        people = (await self._floors.now(workspace)).people
        return list(lacking(configuration, people, self._channels))

    async def woken(self, workspace: str, someone: Person) -> tuple[int, int]:
        """How often ways that wake were used for this person in the day or night that is now.

        Beside it stands how often they may be.
        """
        now, zone = self._clock.now(), ZoneInfo(someone.timezone)
        since = period_since(someone.reach, now, zone)
        count = await self._store.woken(workspace, someone.id, since=since)
        return count, wakes_allowed(someone.reach, now, zone)

    async def lines(self, workspace: str, who: str) -> list[ChannelLine]:
        """Every channel of this process as this person sees it."""
        links = [each for each in await self._store.links(workspace) if each.person == who]
        floor = await self._floors.now(workspace)
        lines = []
        for each in await self._health.of(workspace):
            found = addresses_of(who, floor, each.name, each.can.found_by)
            lines.append(self._line(each, links, finds_you=bool(found)))
        return lines

    def _line(self, health: ChannelHealth, links: list[Linked], *, finds_you: bool) -> ChannelLine:
        can = health.can
        return ChannelLine(
            name=health.name,
            found_by=FOUND[can.found_by],
            abilities=abilities_in_words(can, edits=health.edits),
            limits=[f"{rate.count} in {span(rate.per)}" for rate in can.rates],
            accepted=health.accepted,
            delivered=health.delivered,
            failed=health.failed,
            failure_share=health.failure_share,
            last_good_at=health.last_good_at,
            alarm=health.alarm,
            trouble=health.trouble,
            is_linkable=is_linkable(can),
            links_here=can.links_here,
            finds_you=finds_you,
            invitation=self._invitation(health.name),
            accounts=[
                AccountLine(account=each.account, name=each.name, at=each.at)
                for each in links
                if each.channel == health.name
            ],
        )

    def _invitation(self, name: str) -> str:
        channel = self._channels[name]
        return channel.invitation() if isinstance(channel, Invites) else ""

    async def try_out(self, workspace: str, who: str, name: str) -> TriedOut:
        """Send this person a letter that asks nothing, to each of their places; what became of it.

        Raises:
            NotFound: no such channel, or no way to this person on it.
        """
        channel = self._channels.get(name)
        if channel is None:
            raise NotFound(f"there is no channel {name!r} here.")
        addresses = addresses_of(who, await self._floors.now(workspace), name, channel.can.found_by)
        if not addresses:
            raise NotFound(
                f"there is no way to you on {name}: it finds {FOUND[channel.can.found_by]}."
            )
        configuration = (await self._policies.current(workspace)).configuration
        found: list[Sent] = []
        for address in addresses:
            letter = trial_of(
                id=self._ids.new("test"),
                workspace=workspace,
                who=who,
                address=address,
                at=self._clock.now(),
                url=f"{self._public_url}/channels",
                name=configuration.name,
            )
            found.append(await channel.send(letter))
            if found[-1].is_gone:
                await self._forget(workspace, name, address)
        facts = {"channel": name, "outcome": ", ".join(str(each.outcome) for each in found)}
        await self._office.record(workspace, "channel_tried", person(who), facts=facts)
        return _tried(name, found)


def _tried(channel: str, found: Sequence[Sent]) -> TriedOut:
    """All of it in one line: what failed, else what was said."""
    taken = [each for each in found if each.outcome in (Outcome.ACCEPTED, Outcome.DELIVERED)]
    failed = [each for each in found if each not in taken]
    details = list(dict.fromkeys(each.detail for each in failed or taken))
    count = f"{len(taken)} of {len(found)}: " if len(found) > 1 else ""
    return TriedOut(channel=channel, has_arrived=not failed, detail=count + "; ".join(details))


def abilities_in_words(can: Abilities, *, edits: bool) -> list[str]:
    """What a channel can do, for people who choose between them."""
    words = {
        "wakes": can.wakes,
        "shows the question": can.is_private,
        "says what is at stake": can.tells_stake,
        "accept and decline": can.has_buttons,
        "approve and reject": can.decides,
        "says later how it stands": edits,
        "tells when it was delivered": can.has_receipts,
    }
    return [said for said, holds in words.items() if holds]
