"""The desk: every act on an escalation, whoever does it and by whichever way it comes.

It loads, asks the pure room for a Change, seals and chains it, and commits all of it together.
When another Change was first it loads again and applies the verb again, a bounded number of
times; so callers see conflicts of the domain only, never those of the store.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pullcord.briefing.digest import NotCanonical, digest, with_args
from pullcord.engine.acting import (
    AGENT_ACTS,
    END_USER_ACTS,
    NOT_FOR_PEOPLE,
    VERBS,
    Scene,
)
from pullcord.engine.bus import Bus
from pullcord.engine.clock import Clock, Ids
from pullcord.engine.contents import Contents
from pullcord.engine.counting import call_records
from pullcord.engine.filing import Filer
from pullcord.engine.floors import Floors
from pullcord.engine.following import Follower
from pullcord.engine.holding import Holding
from pullcord.engine.opener import Opener, Ready
from pullcord.engine.policies import Policies
from pullcord.engine.ruling import ruling_of
from pullcord.engine.unreached import Unreached
from pullcord.errors import (
    InvalidInput,
    KeyReused,
    NotAllowed,
    NotFound,
    RunTakenOver,
    StaleView,
    StoreBusy,
)
from pullcord.owner.floor import Floor
from pullcord.path import asking, ending, stepping
from pullcord.path.deciding import Ruling, Sign
from pullcord.path.ending import Report
from pullcord.path.escalation import (
    Actor,
    ActorKind,
    Change,
    ClosedAs,
    Escalation,
    Message,
    MessageKind,
)
from pullcord.store.port import (
    AgentKey,
    Head,
    KeyTaken,
    Outcome,
    Row,
    RunHeld,
    Store,
    VersionConflict,
)
from pullcord.trigger.evaluate import Judgement
from pullcord.trigger.rules import Verdict
from pullcord.wire import requests as wire

#: times a verb is applied again after another Change was first
TRIES_MAX = 12
#: keys the engine gives to escalations of its own begin with this
OWN_KEYS = "~"

#: From what stands there now to what should stand there next.
Apply = Callable[[Row], Change]
#: refuses an address at which nobody here may be answered
CheckReplyTo = Callable[[str, wire.ReplyToIn | None], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Opened:
    """What became of a request to open: `row` is there when a person is asked."""

    judgement: Judgement
    row: Row | None = None
    is_new: bool = False
    #: what people are shown; known only to the call that opened it
    shown: Mapping[str, Any] | None = None

    @property
    def status_token(self) -> str:
        """The status page's token; empty for whoever did not open it just now."""
        return str(self.shown["status_token"]) if self.shown else ""


@dataclass(frozen=True, slots=True)
class Collected:
    """A decision on its way out, with its content and the document its digest is over."""

    row: Row
    content: Mapping[str, Any]
    document: Mapping[str, Any] | None


class Desk:
    """Every act of agents, people, end users and the engine."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        *,
        filer: Filer,
        sign: Sign,
        contents: Contents,
        policies: Policies,
        floors: Floors,
        bus: Bus,
        holding: Holding,
        check_reply_to: CheckReplyTo,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._filer = filer
        self._sign = sign
        self._contents = contents
        self._policies = policies
        self._floors = floors
        self._bus = bus
        self._holding = holding
        self._check_reply_to = check_reply_to
        self._opener = Opener(clock, ids, policies)
        self._follower = Follower(clock, ids)

    # --- opening ----------------------------------------------------------------------------
    async def open(self, key: AgentKey, request: wire.OpenIn) -> Opened:
        """An agent stopped, or asks by itself; the first verdict under a key stands for ever.

        Raises:
            KeyReused: the key stands for another action.
            RunTakenOver: a person has the conversation of this run.
        """
        if request.key.startswith(OWN_KEYS):
            raise InvalidInput("key", value=request.key, limit="no leading ~", remedy="Drop it.")
        await self._holding.refuse()
        await self._check_reply_to(key.workspace, request.reply_to)
        ready = await self._opener.prepare(key, request)
        if ready.blank is not None:
            return await self._file(key.workspace, ready)
        standing = await self._store.by_key(key.workspace, key.id, request.key)
        if standing is not None:
            return await self._stands(key.workspace, standing.escalation.id, ready)
        held = await self._held(key, request.run)
        if held:
            raise await self._taken_over(key.workspace, held)
        return Opened(ready.judgement)

    async def _file(self, workspace: str, ready: Ready) -> Opened:
        assert ready.blank is not None, "nothing to open"
        assert ready.shown is not None, "nothing to show"
        floor = await self._floors.now(workspace)
        shown = dict(ready.shown)
        change = asking.open_escalation(ready.blank, shown, floor, self._clock.now())
        if shown.get("reply_to"):
            change = _told_requester(change)
        try:
            row = await self._commit(workspace, change, {}, needs_free_run=True)
        except KeyTaken as taken:
            return await self._stands(workspace, taken.escalation, ready)
        except RunHeld as held:
            raise await self._taken_over(workspace, held.escalation) from None
        return Opened(ready.judgement, row, is_new=True, shown=shown)

    async def _stands(self, workspace: str, escalation: str, ready: Ready) -> Opened:
        row = await self._store.load_confirmed(workspace, escalation)
        assert row is not None, f"{escalation} stands under a key and cannot be read"
        standing = row.escalation
        if standing.body_digest != ready.body:
            raise KeyReused(
                f"the key {standing.key!r} already stands for {escalation}, which is about "
                "another action or ask. Use a new key for a new action; repeat a key only to "
                "repeat the same request."
            )
        judgement = Judgement(
            verdict=Verdict.GATE,
            hits=(),
            rule=standing.rule,
            policy_version=standing.policy_version,
            reason=f"{escalation} was opened under this key before",
        )
        return Opened(judgement, row)

    async def _held(self, key: AgentKey, run: str) -> str:
        if not run:
            return ""
        return await self._store.human_controls(key.workspace, key.agent, run)

    async def _taken_over(self, workspace: str, held: str) -> RunTakenOver:
        row = await self._store.load(workspace, held)
        owner = row.escalation.owner if row else ""
        floor = await self._floors.now(workspace)
        someone = floor.people.get(owner)
        shown_as = someone.shown_as if someone else owner
        return RunTakenOver(
            f"{shown_as} has taken over this conversation ({held}); the agent's guarded calls "
            "wait until it is handed back.",
            by=shown_as,
            escalation=held,
        )

    # --- acts of people, agents and end users -----------------------------------------------
    async def act(
        self,
        workspace: str,
        escalation: str,
        by: Actor,
        request: wire.Act,
        *,
        via: str,
        agent_key: str = "",
        once: str = "",
    ) -> Row:
        """Apply one verb for whoever sends it.

        What stands in the timeline under the name `once` already is not done again.

        Raises:
            NotFound, NotAllowed, StaleView, InvalidInput, WorldMovedOn: nothing was changed.
        """
        _may_send(by, request)
        await self._holding.refuse()

        async def scene_of(row: Row) -> Scene:
            found = row.escalation
            _own(found, by, agent_key)
            _same_document(found, request)
            nonce = self._ids.chance(16).hex()
            return Scene(
                by=by,
                floor=await self._floor_of(found),
                now=self._clock.now(),
                sign=self._sign,
                nonce=nonce,
                via=via,
                ruling=await self._ruling(found, request, via=via, nonce=nonce),
                once=once,
            )

        verb = VERBS[type(request)]
        for _ in range(TRIES_MAX):
            row = await self._row(workspace, escalation)
            if once and await self._stands_once(row, once):
                return await self._confirmed(row)
            change = verb(row.escalation, request, await scene_of(row))
            if change.is_empty:
                return await self._confirmed(row)
            _same_generation(row.escalation, request)
            committed = await self._tried(workspace, change, row)
            if committed is not None:
                return committed
        raise _too_busy(escalation)

    async def _ruling(
        self, escalation: Escalation, request: wire.Act, *, via: str, nonce: str
    ) -> Ruling | None:
        if not isinstance(request, wire.DecideIn) or not escalation.is_living:
            return None
        shown = await self._contents.one(escalation.workspace, escalation.id, "shown")
        configured = await self._policies.at(escalation.workspace, escalation.policy_version)
        return ruling_of(escalation, request, shown, configured.compiled, via=via, nonce=nonce)

    async def decide_late(self, workspace: str, escalation: str, who: str) -> Row:
        """A person decides what nobody decided: opens a fresh escalation that is theirs."""
        row = await self._row(workspace, escalation)
        shown = await self._contents.one(workspace, escalation, "shown")
        floor = await self._floor_of(row.escalation)
        fresh = self._follower.again(row.escalation, shown)
        change = ending.decide_late(row.escalation, who, floor, self._clock.now(), fresh=fresh)
        try:
            return await self._commit(workspace, change, {})
        except KeyTaken as taken:
            return await self._row(workspace, taken.escalation)

    async def drill(self, workspace: str, who: str, *, ladder: str) -> Row:
        """A marked test escalation through a real ladder; no agent waits for it."""
        configured = await self._policies.current(workspace)
        known = configured.configuration.ladders
        if ladder not in known:
            listed = ", ".join(sorted(known))
            raise InvalidInput("ladder", value=ladder, limit=listed, remedy="Name one of these.")
        blank, shown = self._follower.drill(configured, who, known[ladder])
        floor = await self._floors.now(workspace)
        change = asking.open_escalation(blank, shown, floor, self._clock.now())
        return await self._commit(workspace, change, {})

    # --- the agent takes and tells ----------------------------------------------------------
    async def collect(self, key: AgentKey, escalation: str, request: wire.CollectIn) -> Collected:
        """Hand the decision to one attempt of its agent; the same attempt may ask again."""
        await self._holding.refuse()

        def apply(row: Row) -> Change:
            return ending.collect(row.escalation, self._clock.now(), attempt=request.attempt)

        # committed just now, or confirmed by a write: either way every standby has it
        return await self._collected(await self._applied(key, escalation, apply))

    async def _collected(self, row: Row) -> Collected:
        found = row.escalation
        decision = found.decision
        assert decision is not None, f"{found.id} is collected without a decision"
        content = await self._contents.one(found.workspace, found.id, decision.content)
        document = content.get("document")
        if decision.decided_digest is not None and document is None:
            shown = await self._contents.one(found.workspace, found.id, "shown")
            document = shown["document"]
            content = {**content, "args": document["args"]}
        return Collected(row, content, document)

    async def report(self, key: AgentKey, escalation: str, request: wire.ReportIn) -> Row:
        """The agent says what it executed; a difference opens a new escalation."""
        await self._holding.refuse()
        row = await self._row(key.workspace, escalation)
        _own(row.escalation, Actor(ActorKind.AGENT, key.agent), key.id)
        shown = await self._contents.one(key.workspace, escalation, "shown")
        told = await self._told(row.escalation, request, shown)
        floor = await self._floor_of(row.escalation)
        nonces = self._follower.drifted(row.escalation, shown, request)

        def apply(standing: Row) -> Change:
            drifted = ending.has_drifted(standing.escalation, told)
            return ending.report(
                standing.escalation,
                told,
                floor,
                self._clock.now(),
                fresh=nonces if drifted else None,
            )

        return await self._applied(key, escalation, apply)

    async def _told(
        self, escalation: Escalation, request: wire.ReportIn, shown: Mapping[str, Any]
    ) -> Report:
        decision = escalation.decision
        ran = request.outcome in ("executed", "failed")
        if request.args is None and ran and decision and decision.decided_digest:
            raise InvalidInput(
                "args", value=None, remedy="Report the arguments that were really used."
            )
        content: dict[str, Any] = {
            "outcome": request.outcome,
            "args": request.args,
            "result": request.result,
        }
        executed = None
        if request.args is not None:
            try:
                executed = digest(with_args(shown["document"], request.args))
            except NotCanonical as problem:
                raise InvalidInput("args", value=str(problem), remedy="Send JSON.") from None
        return Report(request.attempt, ClosedAs(request.outcome), executed, content)

    async def record_calls(self, key: AgentKey, request: wire.CallsIn) -> int:
        """Keep a batch of guarded calls; returns how many records that made."""
        await self._holding.refuse()
        records = call_records(key, request, self._clock, self._ids)
        await self._store.record_calls(key.workspace, records)
        return len(records)

    async def note_outcome(
        self, workspace: str, escalation: str, by: Actor, request: wire.OutcomeIn
    ) -> None:
        """Keep a label learned afterwards; the timeline of the escalation stays as it is."""
        await self._holding.refuse()
        row = await self._row(workspace, escalation)
        outcome = Outcome(
            workspace=workspace,
            escalation=escalation,
            run=row.escalation.run,
            label=request.label,
            text=request.text,
            by=str(by),
            at=self._clock.now(),
        )
        await self._store.put_outcome(workspace, outcome)

    async def _applied(self, key: AgentKey, escalation: str, apply: Apply) -> Row:
        """Apply an agent's verb until it is committed or refused."""
        for _ in range(TRIES_MAX):
            row = await self._row(key.workspace, escalation)
            _own(row.escalation, Actor(ActorKind.AGENT, key.agent), key.id)
            change = apply(row)
            if change.is_empty:
                return await self._confirmed(row)
            committed = await self._tried(key.workspace, change, row)
            if committed is not None:
                return committed
        raise _too_busy(escalation)

    # --- acts of the engine -----------------------------------------------------------------
    async def step(self, row: Row) -> bool:
        """Do the one thing that is due on a claimed escalation; False when nothing was."""
        escalation = row.escalation
        floor = await self._floor_of(escalation)
        nonce = self._ids.chance(16).hex()
        now = self._clock.now()
        change = stepping.step(escalation, floor, now, sign=self._sign, nonce=nonce)
        if change.is_empty:
            await self._store.rest(escalation.workspace, escalation.id, version=escalation.version)
            return False
        return await self._tried(escalation.workspace, change, row) is not None

    async def not_reached(self, unreached: Unreached) -> None:
        """Every channel to a person failed: ask somebody else at once."""
        for _ in range(TRIES_MAX):
            row = await self._row(unreached.workspace, unreached.escalation)
            change = asking.not_reached(
                row.escalation,
                unreached.person,
                await self._floor_of(row.escalation),
                self._clock.now(),
                generation=unreached.generation,
            )
            if change.is_empty:
                return
            if await self._tried(unreached.workspace, change, row) is not None:
                return
        raise _too_busy(unreached.escalation)

    # --- reading and committing ---------------------------------------------------------------
    async def _row(self, workspace: str, escalation: str) -> Row:
        row = await self._store.load(workspace, escalation)
        if row is None:
            raise NotFound(f"there is no escalation {escalation!r} in this workspace.")
        return row

    async def _stands_once(self, row: Row, once: str) -> bool:
        """Whether the timeline has it; whoever adds it meanwhile makes our commit conflict."""
        found, after = row.escalation, 0
        while page := await self._store.timeline(found.workspace, found.id, after=after):
            if any(json.loads(link.body)["facts"].get("once") == once for link in page):
                return True
            after = page[-1].seq
        return False

    async def _confirmed(self, row: Row) -> Row:
        """What stands there already, after a write: the reply acknowledges it once more."""
        named = row.escalation
        found = await self._store.load_confirmed(named.workspace, named.id)
        assert found is not None, f"{named.id} was there and cannot be read"
        return found

    async def _floor_of(self, escalation: Escalation) -> Floor:
        """People as they are now, duties and teams as the escalation's policy has them."""
        return await self._floors.now(escalation.workspace, version=escalation.policy_version)

    async def _tried(self, workspace: str, change: Change, row: Row) -> Row | None:
        """Commit, or None when another Change was first."""
        try:
            return await self._commit(workspace, change, {row.escalation.id: row.head})
        except VersionConflict:
            return None

    async def _commit(
        self,
        workspace: str,
        change: Change,
        heads: Mapping[str, Head],
        *,
        needs_free_run: bool = False,
    ) -> Row:
        await self._holding.refuse()
        filed = self._filer.file(workspace, change, heads, needs_free_run=needs_free_run)
        await self._store.commit(filed)
        for row in filed.rows:
            found = row.escalation
            self._bus.publish(workspace, "escalation", found.id, found.version, about=found)
        return filed.rows[0]


def _told_requester(change: Change) -> Change:
    """Whoever asked hears at once who is being asked, where they asked."""
    opened = change.escalations[0]
    told = Message(
        escalation=opened.id,
        to=ActorKind.AGENT,
        to_id=opened.agent,
        kind=MessageKind.ASKED,
        generation=opened.generation,
        at=opened.opened_at,
    )
    return replace(change, messages=(*change.messages, told))


def _may_send(by: Actor, request: wire.Act) -> None:
    """Which requests agents, end users and people send at all."""
    kind = type(request)
    if kind not in VERBS:
        raise NotAllowed(f"{kind.__name__} is not an act of this desk.")
    if by.kind is ActorKind.AGENT and kind not in AGENT_ACTS:
        raise NotAllowed("an agent's key may open, read, wait, add, reply, collect and withdraw.")
    if by.kind is ActorKind.END_USER and kind not in END_USER_ACTS:
        raise NotAllowed("the status page may add, reply and cancel, nothing else.")
    if by.kind is ActorKind.PERSON and kind in NOT_FOR_PEOPLE:
        raise NotAllowed("only the agent or the end user may do that; decide or comment instead.")


def _own(escalation: Escalation, by: Actor, agent_key: str) -> None:
    """An agent sees what its own key opened and nothing else."""
    if by.kind is ActorKind.AGENT and escalation.agent_key != agent_key:
        raise NotFound(f"there is no escalation {escalation.id!r} of this key.")


def _same_document(escalation: Escalation, request: wire.Act) -> None:
    if request.shown_digest is not None and request.shown_digest != escalation.shown_digest:
        raise StaleView(
            f"what was shown of {escalation.id} is not what it asks; open it again, then act."
        )


def _same_generation(escalation: Escalation, request: wire.Act) -> None:
    if request.generation is not None and request.generation != escalation.generation:
        raise StaleView(
            f"{escalation.id} has moved on since you opened it (generation "
            f"{request.generation}, now {escalation.generation}); look again, then act."
        )


def _too_busy(escalation: str) -> StoreBusy:
    return StoreBusy(f"{escalation} changed {TRIES_MAX} times meanwhile; try again.")
