"""People of the simulation: operators who answer, hesitate and race, and an admin who meddles."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pullcord.engine.house import House
from pullcord.errors import PullcordError
from pullcord.owner.roster import Absence
from pullcord.path.escalation import (
    Actor,
    ActorKind,
    AskKind,
    Control,
    DecisionKind,
    Escalation,
    Status,
    person,
)
from pullcord.store.port import Filter, Row
from pullcord.wire import requests as wire
from tests.simulation.loop import elapse
from tests.simulation.policy import OPERATORS, PEOPLE, POLICIES, WORKSPACE
from tests.simulation.world import Lost, World

#: how long somebody looks at a page before acting on what it showed, in seconds
THINKS = (0.5, 40.0)
#: an operator nobody pinged looks by themselves after this many seconds
IDLE = (60.0, 600.0)
#: the same when the storm is over
IDLE_CALM = (20.0, 60.0)
LIVING = ("open", "accepted")


#: share of the worlds that are held now and then; seconds after which nothing is under way any more
HELD_WORLDS, UNDER_WAY_SECONDS = 0.25, 150.0
BY_HAND = Actor(ActorKind.ENGINE, "command line")


class Operator:
    """Somebody who can be asked."""

    def __init__(self, world: World, who: str) -> None:
        self.world = world
        self.who = who
        world.pinged[who] = asyncio.Event()

    async def live(self) -> None:
        """Wait for a ping or boredom, look at the inbox, act on something."""
        rng = self.world.rng
        pinged = self.world.pinged[self.who]
        while True:
            idle = IDLE_CALM if self.world.weather.is_calm else IDLE
            with suppress(TimeoutError):
                async with asyncio.timeout(rng.uniform(*idle)):
                    await pinged.wait()
                    await elapse(rng.uniform(5, 90))
            pinged.clear()
            with suppress(Lost, PullcordError):
                await self._look()
            if not self.world.weather.is_calm and rng.random() < 0.05:
                with suppress(Lost, PullcordError):
                    await self._late()

    async def _late(self) -> None:
        """Decide what nobody decided: that opens a fresh escalation and leaves the old one."""
        rows = [row for row in self.world.watch.rows.values() if _nobody_decided(row)]
        if not rows:
            return
        old = self.world.rng.choice(rows)
        row = await self.world.call(
            lambda house: house.desk.decide_late(WORKSPACE, old.escalation.id, self.who)
        )
        self.world.history.told(row)
        if row.escalation.follows != old.escalation.id:
            self.world.violated(f"{row.escalation.id} does not follow {old.escalation.id}")
        self.world.note(self.who, "decide late", old.escalation.id, "ok")

    async def _look(self) -> None:
        wanted = Filter(statuses=LIVING, candidate=self.who)
        if not self.world.weather.is_calm and self.world.rng.random() < 0.5:
            wanted = Filter(statuses=("accepted",), owner=self.who)
        page = await self.world.call(lambda house: house.store.find(WORKSPACE, wanted, limit=6))
        for row in page.rows:
            if row.escalation.workspace != WORKSPACE:
                self.world.violated(f"{self.who} sees {row.escalation.id} of another workspace")
            self.world.history.told(row)
        if not page.rows:
            return
        calm = self.world.weather.is_calm
        chosen = page.rows if calm else [self.world.rng.choice(page.rows)]
        for row in chosen:
            await elapse(self.world.rng.uniform(*THINKS) / (8 if calm else 1))
            with suppress(Lost, PullcordError):
                await self._treat(row.escalation)

    async def _treat(self, found: Escalation) -> None:
        """Do something sensible, or now and then something rash."""
        rng = self.world.rng
        if self.world.weather.is_calm:
            await self._act(found, self._answer(found))
            return
        draw = rng.random()
        if draw < (0.3 if found.status is Status.ACCEPTED else 0.45):
            act = self._answer(found)
            if rng.random() < 0.15:
                self.world.acts(self._again(found, self._answer(found)))
            await self._act(found, act)
        elif found.status is Status.OPEN:
            await self._act(found, self._while_open(draw))
        else:
            await self._act(found, self._while_held(found, draw))

    async def _again(self, found: Escalation, act: wire.Act) -> None:
        """A second click on the same page, in the same instant."""
        with suppress(Lost, PullcordError):
            await self._act(found, act)

    def _while_open(self, draw: float) -> wire.Act:
        rng = self.world.rng
        if draw < 0.75:
            return wire.AcceptIn()
        if draw < 0.85:
            return wire.DeclineIn(reason="not me")
        if draw < 0.9:
            return wire.ReassignIn(to=rng.choice(OPERATORS))
        if draw < 0.95:
            return wire.ExtendIn(seconds=rng.choice((60, 600, 3600)))
        return wire.CommentIn(text="hm")

    def _while_held(self, found: Escalation, draw: float) -> wire.Act:
        rng = self.world.rng
        if draw < 0.4:
            return wire.ReleaseIn()
        if draw < 0.5:
            return wire.ReassignIn(to=rng.choice(OPERATORS))
        if draw < 0.58:
            return wire.SnoozeIn(seconds=rng.choice((60, 300, 900)))
        if draw < 0.64:
            return wire.ExtendIn(seconds=300)
        if draw < 0.78:
            to: Any = "end_user" if found.end_user and rng.random() < 0.5 else "agent"
            return wire.QuestionIn(to=to, text="Which order?")
        if draw < 0.9:
            return wire.TakeOverIn()
        return wire.ContextIn(text="called the customer")

    def _answer(self, found: Escalation) -> wire.Act:
        """What decides it."""
        rng = self.world.rng
        if found.control is Control.HUMAN:
            return wire.HandBackIn(note=wire.HandBackNoteIn(decided="settled by phone"))
        note = "ok" if rng.random() < 0.3 else ""
        if rng.random() < 0.2:
            return wire.DecideIn(kind="reject", note=note)
        if found.ask_kind is AskKind.CHOOSE:
            return wire.DecideIn(kind="choose", option=rng.choice(("hold", "ship")))
        if found.ask_kind in (AskKind.ANSWER, AskKind.TAKE_OVER):
            return wire.DecideIn(kind="answer", answer=rng.choice(("yes", "no")))
        if found.tool == "refund" and rng.random() < 0.3:
            return wire.DecideIn(kind="edit", args={"order": found.key, "amount": 90}, note=note)
        return wire.DecideIn(kind="approve", note=note)

    async def _act(self, found: Escalation, act: wire.Act) -> None:
        """Send what was decided on the page as it was shown, then see what became of it."""
        fields = {name: getattr(act, name) for name in act.__struct_fields__}
        fields |= {"generation": found.generation, "shown_digest": found.shown_digest}
        request = type(act)(**fields)
        try:
            row = await self.world.call(
                lambda house: house.desk.act(
                    WORKSPACE, found.id, person(self.who), request, via="console"
                )
            )
        except (Lost, PullcordError) as refusal:
            self.world.note(self.who, type(act).__name__, found.id, type(refusal).__name__)
            raise
        self._acknowledged(found, row)
        self.world.note(self.who, type(act).__name__, found.id, "ok")
        if isinstance(act, wire.AcceptIn) and self.world.rng.random() < 0.7:
            self.world.acts(self._later(found.id))

    async def _later(self, escalation: str) -> None:
        """Who has accepted comes back to it."""
        await elapse(self.world.rng.uniform(20, 400))
        with suppress(Lost, PullcordError):
            row = await self.world.call(lambda house: house.store.load(WORKSPACE, escalation))
            if row is not None and row.escalation.owner == self.who:
                await self._treat(row.escalation)

    def _acknowledged(self, found: Escalation, row: Row) -> None:
        self.world.history.told(row)
        after = row.escalation
        before = self.world.watch.generations.get((after.id, after.version))
        unchanged = after.version == found.version
        if not unchanged and before is not None and before != found.generation:
            self.world.violated(
                f"{self.who} acted on generation {found.generation} of {after.id}, "
                f"and it was taken at {before}"
            )


def _nobody_decided(row: Row) -> bool:
    decision = row.escalation.decision
    return decision is not None and decision.kind is DecisionKind.NOBODY_DECIDED


class Admin:
    """Replaces policies, sends people away and brings them back."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def live(self) -> None:
        """Meddle until the storm is over."""
        rng = self.world.rng
        while not self.world.weather.is_calm:
            await elapse(rng.uniform(100, 900))
            draw = rng.random()
            if draw < 0.35:
                await self.applies(rng.choice(POLICIES))
            elif draw < 0.8:
                await self._away([rng.choice(OPERATORS)])
            elif draw < 0.88:
                await self._away(list(OPERATORS))
            elif draw < 0.93:
                await self._drills()
            else:
                await self._is_active(rng.choice(OPERATORS[:3]), is_active=rng.random() < 0.5)

    async def applies(self, source: str) -> None:
        """Make a policy the one in force."""
        with suppress(PullcordError):
            await self.world.insist(lambda house: house.office.apply(source, by="dana"))

    async def _drills(self) -> None:
        """A marked test through a real ladder."""
        with suppress(Lost, PullcordError):
            row = await self.world.call(
                lambda house: house.desk.drill(WORKSPACE, "dana", ladder="ops")
            )
            self.world.history.told(row)

    async def _away(self, names: list[str]) -> None:
        rng = self.world.rng
        span = timedelta(minutes=rng.choice((2, 10, 30)))
        now = self.world.clock.now()
        self.world.weather.note("everybody away" if len(names) > 1 else "somebody away")
        for who in names:
            await self._changes(
                who, lambda someone: replace(someone, absences=(Absence(now, now + span),))
            )

    async def _is_active(self, who: str, *, is_active: bool) -> None:
        await self._changes(who, lambda someone: replace(someone, is_active=is_active))

    async def _changes(self, who: str, change: Callable[[Any], Any]) -> None:
        async def act(house: House) -> None:
            someone = (await house.office.people(WORKSPACE))[who]
            await house.office.put_person(WORKSPACE, change(someone), by="dana")

        with suppress(PullcordError):
            await self.world.insist(act)

    async def welcomes_all(self) -> None:
        """The storm is over: everybody is there."""
        for who in PEOPLE:
            await self._changes(who, lambda someone: replace(someone, absences=(), is_active=True))


async def holds_everything(world: World) -> None:
    """In some worlds the database is held now and then: nothing moves until it is let go."""
    rng = random.Random(f"{world.seed} holds")
    if rng.random() >= HELD_WORLDS:
        return
    while True:
        await elapse(rng.uniform(600, 2_400))
        if world.weather.is_calm:
            return
        await world.insist(
            lambda house: house.keeper.hold(by="Dana", why="a look at it", actor=BY_HAND)
        )
        world.weather.note("held")
        world.is_held = True
        await elapse(UNDER_WAY_SECONDS)
        before = world.watch.changes
        await elapse(rng.uniform(30, 200))
        if world.watch.changes != before:
            world.violated("something was written while everything was held")
        await world.insist(lambda house: house.keeper.let_go(by="Dana", actor=BY_HAND))
        world.is_held, world.let_go_at = False, world.clock.elapsed()


async def meddles_with_clocks(world: World) -> None:
    """The machine's clock jumps and is set right again; a channel dies and comes back."""
    rng = world.rng
    while not world.weather.is_calm:
        await elapse(rng.uniform(150, 900))
        if rng.random() < 0.4:
            world.is_channel_dead = world.rng.random() < 0.7
            world.is_board_dead = not world.is_channel_dead or world.rng.random() < 0.3
            await elapse(rng.uniform(30, 500))
            world.is_channel_dead = world.is_board_dead = False
            continue
        hour = rng.random() < 0.1
        jump = timedelta(hours=1) if hour else timedelta(seconds=rng.uniform(5, 120))
        if hour or abs(world.clock.skew) == timedelta(hours=1):
            world.hour_jumped_at = world.clock.elapsed()
        world.weather.note("clock jump")
        world.clock.skew = rng.choice((jump, -jump, timedelta(0)))
