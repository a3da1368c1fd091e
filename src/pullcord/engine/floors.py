"""The floor as it is now: people live from the store, duties from the policy, load from the rows."""

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

_PERSON = msgspec.json.Decoder(Person)


class Floors:
    """Snapshots of who is there, kept for a second."""

    def __init__(self, store: Store, clock: Clock, policies: Policies) -> None:
        self._store = store
        self._clock = clock
        self._policies = policies
        self._kept: dict[str, Floor] = {}
        self._people: dict[str, Mapping[str, Person]] = {}
        self._version = 0

    async def now(self, workspace: str) -> Floor:
        """The floor of a workspace."""
        now = self._clock.now()
        kept = self._kept.get(workspace)
        if kept is not None and abs(now - kept.at) < FRESH_FOR:
            return kept
        configured = await self._policies.current(workspace)
        configuration = configured.configuration
        if workspace not in self._people:
            self._people[workspace] = await self._read_people(workspace)
        self._version += 1
        floor = Floor(
            version=self._version,
            at=now,
            people={**configuration.people, **self._people[workspace]},
            teams=configuration.teams,
            schedules=configuration.schedules,
            load=await self._store.load_of_people(workspace),
            last_asked_at=await self._store.last_asked(workspace),
            workspace_catch_all=next(iter(configuration.ladders.values())).catch_all,
        )
        self._kept[workspace] = floor
        return floor

    async def _read_people(self, workspace: str) -> Mapping[str, Person]:
        documents = await self._store.people(workspace)
        return {who: _PERSON.decode(document) for who, document in documents.items()}

    def stale(self, workspace: str) -> None:
        """People or policy changed: read everything again at the next use."""
        self._kept.pop(workspace, None)
        self._people.pop(workspace, None)
