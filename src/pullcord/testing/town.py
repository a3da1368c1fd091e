"""A house with its people, keys and clock in one hand: what tests and demonstrations run in."""

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pullcord.channels.port import Channel
from pullcord.engine.house import House, furnish, opened
from pullcord.engine.settings import Settings
from pullcord.errors import PullcordError
from pullcord.path.escalation import person
from pullcord.path.timeline import Link
from pullcord.store.port import Filter, Row
from pullcord.store.sqlite import SqliteStore
from pullcord.testing.clock import SeededIds, TurnableClock
from pullcord.testing.people import Script
from pullcord.wire import requests as wire

#: the secret behind all keys of a test house
MASTER = bytes(range(32))
#: escalations one scripted person looks at in one round
ROUND_MAX = 200
#: moments one `turn` may stop at
MOMENTS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Someone:
    """A person of the house, acting through its desk as the console would."""

    town: "Town"
    id: str

    async def act(self, escalation: str, request: wire.Act) -> Row:
        """Any verb a person has."""
        desk = self.town.house.desk
        by = person(self.id)
        return await desk.act(self.town.workspace, escalation, by, request, via="console")

    async def accept(self, escalation: str) -> Row:
        """ "I have it"."""
        return await self.act(escalation, wire.AcceptIn())

    async def decline(self, escalation: str, reason: str = "") -> Row:
        """ "Not me"."""
        return await self.act(escalation, wire.DeclineIn(reason=reason))

    async def approve(self, escalation: str, note: str = "") -> Row:
        """Let the call run as it is."""
        return await self.act(escalation, wire.DecideIn(kind="approve", note=note))

    async def edit(self, escalation: str, note: str = "", **changes: Any) -> Row:
        """Let the call run with these arguments changed."""
        args = {**await self.town.args_of(escalation), **changes}
        return await self.act(escalation, wire.DecideIn(kind="edit", args=args, note=note))

    async def reject(self, escalation: str, note: str = "") -> Row:
        """Say no."""
        return await self.act(escalation, wire.DecideIn(kind="reject", note=note))

    async def answer(self, escalation: str, answer: Any, note: str = "") -> Row:
        """Answer the question."""
        return await self.act(escalation, wire.DecideIn(kind="answer", answer=answer, note=note))

    async def choose(self, escalation: str, option: str, note: str = "") -> Row:
        """Take an option."""
        return await self.act(escalation, wire.DecideIn(kind="choose", option=option, note=note))

    async def take_over(self, escalation: str) -> Row:
        """Take the conversation; accept first where that is needed."""
        if (await self.town.row(escalation)).escalation.status == "open":
            await self.accept(escalation)
        return await self.act(escalation, wire.TakeOverIn())

    async def hand_back(self, escalation: str, **note: str) -> Row:
        """Give the conversation back with a note."""
        request = wire.HandBackIn(note=wire.HandBackNoteIn(**note))
        return await self.act(escalation, request)


class Town:
    """One house in a temporary file, its clock, and the people in it."""

    def __init__(self, house: House, clock: TurnableClock, *, workspace: str) -> None:
        self.house = house
        self.clock = clock
        self.workspace = workspace
        #: what each person does when asked
        self.scripts: dict[str, Script] = {}
        self._asked: dict[tuple[str, str, int], datetime] = {}

    # --- keys and people --------------------------------------------------------------------
    async def key(self, *, agent: str, environment: str = "production", creator: str = "") -> str:
        """A new API key, as it is shown once; the creator is the first person unless named."""
        people = await self.house.office.people(self.workspace)
        maker = creator or next(iter(people))
        shown, _ = await self.house.office.mint_key(
            self.workspace, agent=agent, environment=environment, creator=maker
        )
        return shown

    def person(self, who: str) -> Someone:
        """Somebody of the policy file, by id."""
        return Someone(self, who)

    def plays(self, who: str, script: Script) -> None:
        """From now on this person follows the script whenever they are asked."""
        self.scripts[who] = script
        self._asked = {key: at for key, at in self._asked.items() if key[0] != who}

    # --- looking ------------------------------------------------------------------------------
    async def row(self, escalation: str) -> Row:
        """An escalation as it stands."""
        row = await self.house.store.load(self.workspace, escalation)
        assert row is not None, f"there is no escalation {escalation}"
        return row

    async def args_of(self, escalation: str) -> Mapping[str, Any]:
        """The arguments the agent proposed."""
        shown = await self.house.contents.one(self.workspace, escalation, "shown")
        args: Mapping[str, Any] = shown["document"]["args"]
        return args

    async def escalations(self, **wanted: Any) -> list[Row]:
        """Those that match a `store.port.Filter`; all of them without one."""
        found = await self.house.store.find(self.workspace, Filter(**wanted), limit=ROUND_MAX)
        return list(found.rows)

    async def timeline(self, escalation: str) -> list[Link]:
        """Everything that happened to one escalation."""
        return list(await self.house.store.timeline(self.workspace, escalation))

    # --- time -------------------------------------------------------------------------------
    async def turn(self, by: timedelta) -> datetime:
        """Move the clock forward, stopping wherever something is due and doing it there."""
        until = self.clock.now() + by
        await self.settle()
        for _ in range(MOMENTS_MAX):
            moment = await self._next_moment()
            if moment is None or moment > until:
                break
            self.clock.turn(max(moment - self.clock.now(), timedelta(0)))
            await self.settle()
        self.clock.turn(max(until - self.clock.now(), timedelta(0)))
        await self.settle()
        return self.clock.now()

    async def settle(self) -> None:
        """Do all that is due now: timers, messages, and what scripted people do."""
        await self.house.runner.settle()
        while await self.play():
            await self.house.runner.settle()

    async def _next_moment(self) -> datetime | None:
        wake = await self.house.store.next_wake()
        now = self.clock.now()
        moments = [
            asked_at + self.scripts[who].after
            for (who, _, _), asked_at in self._asked.items()
            if who in self.scripts
        ]
        later = [each for each in (*moments, wake) if each is not None and each > now]
        return min(later, default=None)

    async def play(self) -> int:
        """Let scripted people do what is due; returns how many acts were done."""
        done = 0
        for who, script in tuple(self.scripts.items()):
            if script.act is None:
                continue
            for row in await self.escalations(statuses=("open",), candidate=who):
                done += await self._play(who, script, row)
        return done

    async def _play(self, who: str, script: Script, row: Row) -> bool:
        found = row.escalation
        if found.offer is None or who not in found.offer.candidates:
            return False
        now = self.clock.now()
        asked_at = self._asked.setdefault((who, found.id, found.generation), now)
        if now < asked_at + script.after:
            return False
        self._asked.pop((who, found.id, found.generation))
        try:
            await self.person(who).act(found.id, await self._meant(script, found.id))
        except PullcordError:
            # somebody else was first, or the act does not fit this ask: a person would shrug too
            self._asked[who, found.id, found.generation] = datetime.max.replace(tzinfo=now.tzinfo)
            return False
        return True

    async def _meant(self, script: Script, escalation: str) -> wire.Act:
        act = script.act
        assert act is not None, "a script without an act is never played"
        if isinstance(act, wire.DecideIn) and act.kind == "edit":
            args = {**await self.args_of(escalation), **script.changes}
            return wire.DecideIn(kind="edit", args=args, note=act.note)
        return act


@asynccontextmanager
async def running_house(
    policy: str,
    *,
    seed: int = 7,
    clock: TurnableClock | None = None,
    settings: Settings | None = None,
    channels: Mapping[str, Channel] | None = None,
) -> AsyncIterator[Town]:
    """A house on a temporary SQLite file with this policy in force and a clock that stands still.

    The engine does not run by itself: `town.turn(...)` and `town.settle()` do all that is due,
    in one order, so two runs of one seed are equal. Messages go by `channels` where given.
    """
    clock = clock or TurnableClock()
    with tempfile.TemporaryDirectory(prefix="pullcord-") as folder:
        store = SqliteStore(Path(folder) / "pullcord.db")
        house = furnish(
            store,
            master=MASTER,
            clock=clock,
            ids=SeededIds(clock, seed=seed),
            settings=settings,
            channels=channels,
        )
        async with opened(house, runs=False):
            configuration = await house.office.apply(policy, by="setup")
            yield Town(house, clock, workspace=configuration.workspace)
