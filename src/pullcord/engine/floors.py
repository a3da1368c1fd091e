"""The floor now: people live from the store, duties from the policy, load from the rows."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

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


@dataclass(frozen=True, slots=True)
class _People:
    """What changes only when somebody changes it, and is read again then."""

    records: Mapping[str, Person]
    accounts: frozenset[str] | None


class Floors:
    """Snapshots of who is there, kept for a second; one read at a time, however many ask."""

    def __init__(self, store: Store, clock: Clock, policies: Policies) -> None:
        self._store = store
        self._clock = clock
        self._policies = policies
        self._kept: dict[tuple[str, str], Floor] = {}
        self._reading: dict[tuple[str, str], asyncio.Task[Floor]] = {}
        self._people: dict[str, _People] = {}
        self._version = 0

    async def now(self, workspace: str, *, version: str = "") -> Floor:
        """The floor of a workspace; duties and teams as that policy version has them.

        People are always those of today: only what was pinned is read from the version. While a
        snapshot is read anew, others are served the one before.
        """
        key, now = (workspace, version), self._clock.now()
        kept = self._kept.get(key)
        if kept is not None and abs(now - kept.at) < FRESH_FOR:
            return kept
        reading = self._reading.get(key)
        if reading is not None and kept is not None:
            return kept
        if reading is None:
            reading = asyncio.create_task(self._keep(workspace, version, now))
            self._reading[key] = reading
        # who gives up waiting takes nothing from the others
        return await asyncio.shield(reading)

    async def _keep(self, workspace: str, version: str, now: datetime) -> Floor:
        """Read a snapshot, and keep it unless people or policy changed meanwhile."""
        key, this = (workspace, version), asyncio.current_task()
        try:
            people = self._people.get(workspace)
            if people is None:
                people = await self._read_people(workspace)
            floor = await self._read(workspace, version, people=people, now=now)
            if self._reading.get(key) is this:
                self._people[workspace] = people
                if len(self._kept) >= KEPT_MAX:
                    self._kept.clear()
                self._kept[key] = floor
            return floor
        finally:
            if self._reading.get(key) is this:
                del self._reading[key]

    async def _read(self, workspace: str, version: str, *, people: _People, now: datetime) -> Floor:
        current = (await self._policies.current(workspace)).configuration
        pinned = current
        if version:
            pinned = (await self._policies.at(workspace, version)).configuration
        self._version += 1
        return Floor(
            version=self._version,
            at=now,
            people={**current.people, **people.records},
            teams=pinned.teams,
            schedules=pinned.schedules,
            load=await self._store.load_of_people(workspace),
            last_asked_at=await self._store.last_asked(workspace),
            workspace_catch_all=next(iter(current.ladders.values())).catch_all,
            linked=await self._linked(workspace),
            accounts=people.accounts,
        )

    async def _read_people(self, workspace: str) -> _People:
        documents = await self._store.people(workspace)
        records = {who: _PERSON.decode(document) for who, document in documents.items()}
        return _People(records, frozenset(await self._store.accounts(workspace)) or None)

    async def _linked(self, workspace: str) -> Mapping[str, tuple[tuple[str, str], ...]]:
        found: dict[str, tuple[tuple[str, str], ...]] = {}
        for each in await self._store.links(workspace):
            if each.person:
                found[each.person] = (*found.get(each.person, ()), (each.channel, each.address))
        return found

    def stale(self, workspace: str) -> None:
        """People or policy changed: read everything again at the next use."""
        for key in [each for each in self._kept if each[0] == workspace]:
            del self._kept[key]
        for key in [each for each in self._reading if each[0] == workspace]:
            del self._reading[key]
        self._people.pop(workspace, None)
