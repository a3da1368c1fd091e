"""The floor now: people live from the store, duties from the policy, load from the rows."""

from collections.abc import Mapping
from datetime import timedelta

import msgspec

from pullcord.engine.clock import Clock
from pullcord.engine.policies import Policies
from pullcord.owner.floor import Floor
from pullcord.owner.roster import Person
from pullcord.store.port import Store

#: load and last asked are at most this old; capacity is soft and corrected within one cycle
FRESH_FOR = timedelta(seconds=1)
#: floors kept in memory, one a workspace and pinned version
KEPT_MAX = 256

_PERSON = msgspec.json.Decoder(Person)


class Floors:
    """Snapshots of who is there, kept for a second."""

    def __init__(self, store: Store, clock: Clock, policies: Policies) -> None:
        self._store = store
        self._clock = clock
        self._policies = policies
        self._kept: dict[tuple[str, str], Floor] = {}
        self._people: dict[str, Mapping[str, Person]] = {}
        self._version = 0

    async def now(self, workspace: str, *, version: str = "") -> Floor:
        """The floor of a workspace; duties and teams as that policy version has them.

        People are always those of today: only what was pinned is read from the version.
        """
        now = self._clock.now()
        kept = self._kept.get((workspace, version))
        if kept is not None and abs(now - kept.at) < FRESH_FOR:
            return kept
        current = (await self._policies.current(workspace)).configuration
        pinned = current
        if version:
            pinned = (await self._policies.at(workspace, version)).configuration
        if workspace not in self._people:
            self._people[workspace] = await self._read_people(workspace)
        self._version += 1
        floor = Floor(
            version=self._version,
            at=now,
            people={**current.people, **self._people[workspace]},
            teams=pinned.teams,
            schedules=pinned.schedules,
            load=await self._store.load_of_people(workspace),
            last_asked_at=await self._store.last_asked(workspace),
            workspace_catch_all=next(iter(current.ladders.values())).catch_all,
            linked=await self._linked(workspace),
        )
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
        self._kept[(workspace, version)] = floor
        return floor

    async def _read_people(self, workspace: str) -> Mapping[str, Person]:
        documents = await self._store.people(workspace)
        return {who: _PERSON.decode(document) for who, document in documents.items()}

    async def _linked(self, workspace: str) -> Mapping[str, tuple[tuple[str, str], ...]]:
        found: dict[str, tuple[tuple[str, str], ...]] = {}
        for each in await self._store.links(workspace):
            if each.person:
                found[each.person] = (*found.get(each.person, ()), (each.channel, each.address))
        return found

    def stale(self, workspace: str) -> None:
        """People or policy changed: read everything again at the next use."""
        for kept in [each for each in self._kept if each[0] == workspace]:
            del self._kept[kept]
        self._people.pop(workspace, None)
