"""Agents of the simulation: they stop, wait, collect, run what was decided once, and report.

What an agent keeps on its own disk (`Journal`) survives its crashes; everything else is gone.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pullcord.briefing.digest import digest
from pullcord.engine.desk import Collected, Opened
from pullcord.engine.house import House
from pullcord.errors import (
    KeyReused,
    NotFound,
    PullcordError,
    RunTakenOver,
    WorldMovedOn,
)
from pullcord.path.deciding import signed_facts
from pullcord.path.escalation import Actor, ActorKind, Escalation, agent
from pullcord.seal.signing import verify
from pullcord.store.port import AgentKey, Row
from pullcord.wire import requests as wire
from tests.simulation.loop import elapse
from tests.simulation.world import Effect, Lost, World

#: seconds between two polls of an agent
POLL = (8.0, 45.0)
#: how often an agent whose run was taken over asks again
AGAIN_MAX = 60


class AgentDied(Exception):
    """The agent's process is gone in the middle of something."""


@dataclass(slots=True)
class Journal:
    """What one agent wrote down: requests it parked, effects it is about to have or has had."""

    opened: dict[str, wire.OpenIn] = field(default_factory=dict)
    #: (attempt, escalation) to the arguments it ran with
    ran: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)


class Agent:
    """One API key and the processes that use it."""

    def __init__(self, world: World, key: AgentKey, *, checks: bool = True) -> None:
        self.world = world
        self.key = key
        self.name = f"{key.agent}/{key.id}"
        self.journal = Journal()
        self._checks = checks
        self._count = 0

    # --- opening ------------------------------------------------------------------------------
    async def work(self, count: int, until: float) -> None:
        """Open that many escalations, spread over the storm."""
        rng = self.world.rng
        self.world.busy += 1
        for _ in range(count):
            await elapse(rng.expovariate(count / until))
            self._count += 1
            self.world.busy += 1
            self.world.acts(self._stop(self._request(self._count)))
        self.world.busy -= 1

    def _request(self, number: int) -> wire.OpenIn:
        rng = self.world.rng
        tool = rng.choice(("refund", "refund", "refund", "restart", "route", "clarify", "talk"))
        if self.key.environment != "production":
            tool = "refund"
        args: dict[str, Any] = {"order": f"o{number}"}
        if tool == "refund":
            args["amount"] = rng.choice((100, 260, 480, 1200, 2500, 5000, 9900))
        if tool == "restart":
            args |= {"force": rng.random() < 0.6, "nodes": rng.randrange(1, 9)}
        return wire.OpenIn(
            key=f"call-{number}",
            tool=tool,
            args=args,
            run=f"{self.key.id}-run-{number // 3}",
            end_user=wire.EndUserIn(id=f"u{number}", name="Anna") if rng.random() < 0.5 else None,
            messages=[{"role": "user", "content": "please"}] if rng.random() < 0.3 else [],
        )

    async def _stop(self, request: wire.OpenIn) -> None:
        """One guarded call, from the stop to parking."""
        self.journal.opened[request.key] = request
        opened = await self._open(request)
        if opened is not None and opened.row is not None:
            await self._wait(request, opened.row.escalation.id)
        self.world.busy -= 1

    async def _wait(self, request: wire.OpenIn, found: str) -> None:
        """While people are asked: perhaps ask again, add a word, take it back."""
        rng = self.world.rng
        if rng.random() < 0.15:
            await elapse(rng.uniform(1, 300))
            await self._open(request)
        if rng.random() < 0.1:
            await self._other_action(request)
        await elapse(rng.uniform(0, 600))
        draw = rng.random()
        if draw < 0.06:
            await self._tell(found, wire.WithdrawIn(reason="no longer"))
        elif draw < 0.2:
            await self._tell(found, wire.ContextIn(text="the customer wrote again"))
        elif draw < 0.25:
            await self._snoop()

    async def _open(self, request: wire.OpenIn) -> Opened | None:
        """Open until there is an answer; the same key always gives the same escalation."""
        for _ in range(AGAIN_MAX):
            try:
                opened = await self.world.insist(lambda house: house.desk.open(self.key, request))
            except RunTakenOver:
                await elapse(self.world.rng.uniform(60, 600))
                continue
            if opened.row is not None:
                self._known(request, opened.row)
            self.world.note(self.name, "open", request.key, "ok")
            return opened
        return None

    def _known(self, request: wire.OpenIn, row: Row) -> None:
        history = self.world.history
        history.told(row)
        known = history.opened.setdefault((self.key.id, request.key), set())
        known.add(row.escalation.id)
        if len(known) > 1:
            self.world.violated(f"{self.name} key {request.key} gave {sorted(known)}")

    async def _other_action(self, request: wire.OpenIn) -> None:
        """The same key with another action is a conflict, never a second escalation."""
        other = wire.OpenIn(key=request.key, tool=request.tool, args={"order": "another"})
        try:
            opened = await self.world.insist(lambda house: house.desk.open(self.key, other))
        except (KeyReused, RunTakenOver):
            return
        if opened.row is not None:
            self.world.violated(f"{request.key} stands for two actions")

    async def _snoop(self) -> None:
        """An agent never reaches what another key opened."""
        others = [row for row in self.world.watch.rows.values() if self._is_foreign(row)]
        if not others:
            return
        target = self.world.rng.choice(others).escalation.id
        request = wire.CollectIn(attempt="stolen")
        try:
            await self.world.insist(lambda house: house.desk.collect(self.key, target, request))
        except (NotFound, WorldMovedOn) as refusal:
            if isinstance(refusal, NotFound):
                return
        self.world.violated(f"{self.name} reached {target} of another key")

    def _is_foreign(self, row: Row) -> bool:
        return row.escalation.agent_key != self.key.id

    async def _tell(self, escalation: str, act: wire.Act) -> None:
        try:
            row = await self.world.insist(
                lambda house: house.desk.act(
                    self.key.workspace,
                    escalation,
                    agent(self.key.agent),
                    act,
                    via="api",
                    agent_key=self.key.id,
                )
            )
        except PullcordError as refusal:
            self.world.note(self.name, type(act).__name__, escalation, type(refusal).__name__)
        else:
            self.world.history.told(row)
            self.world.note(self.name, type(act).__name__, escalation, "ok")

    # --- collecting ---------------------------------------------------------------------------
    async def live(self, number: int, *, is_mortal: bool) -> None:
        """Poll for ever; a mortal agent dies and comes back, perhaps under a new attempt."""
        rng = self.world.rng
        attempt = f"a{number}"
        for life in range(10_000):
            try:
                while True:
                    await elapse(rng.uniform(*POLL))
                    await self._poll(attempt, is_mortal=is_mortal)
            except AgentDied:
                await elapse(rng.uniform(5, 400))
                if rng.random() < 0.5:
                    attempt = f"a{number}.{life}"

    async def _poll(self, attempt: str, *, is_mortal: bool) -> None:
        try:
            rows = await self.world.call(
                lambda house: house.store.decided_for(
                    self.key.workspace, self.key.id, attempt=attempt
                )
            )
        except (Lost, PullcordError):
            return
        for row in rows:
            self.world.history.told(row)
            await self._take(row.escalation, attempt, is_mortal=is_mortal)

    async def _take(self, found: Escalation, attempt: str, *, is_mortal: bool) -> None:
        """Collect one decision, run it, report it; die at any point of that."""
        try:
            collected = await self.world.insist(
                lambda house: self._collect(house, found.id, attempt)
            )
        except PullcordError as refusal:
            self.world.note(self.name, "collect", found.id, type(refusal).__name__)
            return
        self._same_for_all(collected)
        self.world.note(self.name, "collect", found.id, "ok")
        self._may_die(is_mortal)
        outcome, args = self._run(collected, attempt)
        self._may_die(is_mortal)
        report = wire.ReportIn(attempt=attempt, outcome=outcome, args=args)
        try:
            row = await self.world.insist(
                lambda house: house.desk.report(self.key, found.id, report)
            )
        except PullcordError as refusal:
            self.world.note(self.name, "report", found.id, type(refusal).__name__)
        else:
            self.world.history.told(row)
            self.world.note(self.name, "report", found.id, "ok")

    async def _collect(self, house: House, escalation: str, attempt: str) -> Collected:
        return await house.desk.collect(self.key, escalation, wire.CollectIn(attempt=attempt))

    def _may_die(self, is_mortal: bool) -> None:
        weather = self.world.weather
        if is_mortal and weather.strikes("agent died", weather.agent):
            raise AgentDied

    def _same_for_all(self, collected: Collected) -> None:
        """Whoever asks is given the same signed decision."""
        self.world.history.told(collected.row)
        found = collected.row.escalation
        decision = found.decision
        assert decision is not None, f"{found.id} was collected undecided"
        facts = (str(decision.kind), str(decision.decided_digest), decision.by, str(decision.at))
        seen = self.world.history.decisions.setdefault(found.id, set())
        seen.add(facts)
        if len(seen) > 1:
            self.world.violated(f"{found.id} has two decisions: {sorted(seen)}")
        signer = self.world.processes[0].house.signer
        verify(
            signed_facts(found, decision),
            key_id=decision.key_id,
            signature=decision.signature,
            public_keys={signer.key_id: signer.public_key},
        )

    def _run(self, collected: Collected, attempt: str) -> tuple[Any, dict[str, Any] | None]:
        """Run the guarded call if the decision says so; returns outcome and arguments."""
        found = collected.row.escalation
        decision = found.decision
        assert decision is not None, f"{found.id} was collected undecided"
        if decision.decided_digest is None:
            return "not_needed", None
        args = collected.content["args"]
        if (attempt, found.id) in self.journal.ran:
            return "executed", self.journal.ran[attempt, found.id]
        if self._checks and not self._is_what_was_decided(collected, args, self.world.clock.now()):
            return "not_needed", None
        self.journal.ran[attempt, found.id] = args
        ran = self.world.rng.random()
        document = {**(collected.document or {}), "args": args}
        self.world.history.effects.append(
            Effect(found.id, digest(document), self.world.clock.elapsed(), self.name)
        )
        if ran < 0.03:
            return "executed", {**args, "order": "something else"}
        return ("failed" if ran < 0.08 else "executed"), args

    def _is_what_was_decided(self, collected: Collected, args: Any, now: datetime) -> bool:
        decision = collected.row.escalation.decision
        assert decision is not None, "collected undecided"
        document = {**(collected.document or {}), "args": args}
        return now < decision.expires_at and digest(document) == decision.decided_digest


class EndUser:
    """Somebody with the link of a status page."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.actor = Actor(ActorKind.END_USER, "via link")

    async def live(self) -> None:
        """Now and then add a word, answer a question, or cancel."""
        rng = self.world.rng
        while not self.world.weather.is_calm:
            await elapse(rng.uniform(20, 120))
            living = [row for row in self.world.watch.rows.values() if row.escalation.is_living]
            if living:
                await self._one(rng.choice(living).escalation)

    async def _one(self, found: Escalation) -> None:
        rng = self.world.rng
        act: wire.Act = wire.ContextIn(text="I am still waiting")
        if found.question is not None:
            act = wire.ReplyIn(question=found.question.id, text="yes")
        elif rng.random() < 0.1:
            act = wire.WithdrawIn()
        try:
            row = await self.world.call(
                lambda house: house.desk.act(
                    found.workspace, found.id, self.actor, act, via="status page"
                )
            )
        except (Lost, PullcordError):
            return
        self.world.history.told(row)
