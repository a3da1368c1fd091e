"""The scribe: gathers what a letter is written from, and has it written for its reader."""

from collections.abc import Mapping
from typing import Any

from pullcord.channels.port import Channel, Letter
from pullcord.engine.actions import Actions
from pullcord.engine.addresses import opened_address
from pullcord.engine.clock import Clock
from pullcord.engine.contents import Contents
from pullcord.engine.floors import Floors
from pullcord.engine.letters import Occasion, letter_of
from pullcord.engine.policies import Policies
from pullcord.engine.readers import colleague, outsider
from pullcord.owner.floor import Floor
from pullcord.path.escalation import ActorKind, Escalation, Message, MessageKind
from pullcord.path.wording import Reader
from pullcord.store.port import Outgoing, Store

#: kinds that are about words somebody wrote, and what these are sealed as
WORDS: Mapping[MessageKind, tuple[str, ...]] = {
    MessageKind.QUESTION: ("question",),
    MessageKind.REPLIED: ("reply", "context"),
}


class Scribe:
    """Writes letters as they read at this moment."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        contents: Contents,
        policies: Policies,
        floors: Floors,
        actions: Actions,
        public_url: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._contents = contents
        self._policies = policies
        self._floors = floors
        self._actions = actions
        self._public_url = public_url

    async def letter(self, outgoing: Outgoing, escalation: Escalation, channel: Channel) -> Letter:
        """One letter about an escalation as it stands now."""
        workspace, message = escalation.workspace, outgoing.message
        floor = await self._floors.now(workspace)
        configuration = (await self._policies.current(workspace)).configuration
        can, is_outside = channel.can, message.to is ActorKind.END_USER
        shows = can.is_private or can.tells_stake or is_outside
        shown = await self._shown(escalation) if shows else {}
        said = await self._said(escalation, message) if channel.can.is_private else ""
        occasion = Occasion(
            id=outgoing.id,
            message=message,
            escalation=escalation,
            shown=shown,
            floor=floor,
            reader=self._reader(message, floor, configuration.timezone),
            wakes=channel.can.wakes,
            workspace_name=configuration.name,
            public_url=self._public_url,
            address=opened_address(self._contents, workspace, escalation.id, outgoing.address),
            channel=channel.name,
            can=channel.can,
            thread=await self._thread(outgoing, escalation) if channel.can.has_threads else "",
            said=said,
        )
        return letter_of(occasion, self._actions)

    def _reader(self, message: Message, floor: Floor, timezone: str) -> Reader:
        now = self._clock.now()
        if message.to is ActorKind.PERSON and message.to_id in floor.people:
            return colleague(floor, message.to_id, now)
        return outsider(floor, timezone, now)

    async def _shown(self, escalation: Escalation) -> Mapping[str, Any]:
        """The content people are shown; empty when it was erased."""
        found = await self._contents.named(escalation.workspace, escalation.id, ("shown",))
        shown: Mapping[str, Any] = found.get("shown", {})
        return shown

    async def _said(self, escalation: Escalation, message: Message) -> str:
        """The last words of the kind this message is about."""
        kinds = WORDS.get(message.kind)
        if kinds is None:
            return ""
        found = await self._contents.named(escalation.workspace, escalation.id)
        texts = [value["text"] for name, value in found.items() if name.partition("/")[0] in kinds]
        return str(texts[-1]) if texts else ""

    async def _thread(self, outgoing: Outgoing, escalation: Escalation) -> str:
        """The reference of the first letter to this address about this escalation."""
        for copy in await self._store.copies(escalation.workspace, escalation.id):
            place = (copy.channel, copy.address)
            if place == (outgoing.channel, outgoing.address) and copy.id != outgoing.id:
                return copy.reference
        return ""
