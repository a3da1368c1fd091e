"""What agents read: their escalations, the decisions on them, the rules they are judged by.

An agent sees what its own key opened and nothing else, and of a decision only its public part:
the content leaves through collect.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from pullcord.config.configuration import rules_for_agent
from pullcord.engine.clock import Clock
from pullcord.engine.contents import Contents
from pullcord.engine.floors import Floors
from pullcord.engine.holding import Holding
from pullcord.engine.opener import STOPS, call_of
from pullcord.engine.policies import Policies
from pullcord.engine.readers import outsider, person_out
from pullcord.engine.settings import Settings
from pullcord.errors import NotFound
from pullcord.owner.authority import PRODUCTION
from pullcord.owner.floor import Floor
from pullcord.owner.ladder import Ladder
from pullcord.owner.resolve import Resolution, resolve
from pullcord.path.asking import creators_ladder
from pullcord.path.deciding import signed_facts
from pullcord.path.escalation import Decision, Escalation
from pullcord.path.permission import separated
from pullcord.path.promise import denied_for_model, denied_for_user, for_model, for_user
from pullcord.path.wording import Reader
from pullcord.seal.sealing import Vault
from pullcord.seal.signing import Signer
from pullcord.store.port import AgentKey, Filter, Row, Store
from pullcord.trigger.evaluate import Judgement
from pullcord.trigger.rules import Rule, Verdict
from pullcord.wire.replies import (
    CollectedOut,
    DecisionOut,
    DecisionsOut,
    EscalationOut,
    OfferOut,
    OpenOut,
    PageOut,
    RulesOut,
    VerdictOut,
)
from pullcord.wire.requests import ExplainIn

if TYPE_CHECKING:
    from pullcord.engine.desk import Collected, Opened


class Glance(TypedDict, total=False):
    """What agents are told again of what people are shown."""

    ask: Mapping[str, Any]
    status_token: str


NOTHING = Glance()


class AgentViews:
    """Every read of an agent's key."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        vault: Vault,
        policies: Policies,
        floors: Floors,
        settings: Settings,
        signer: Signer,
        holding: Holding,
    ) -> None:
        self._store = store
        self._clock = clock
        self._contents = Contents(store, vault)
        self._policies = policies
        self._floors = floors
        self._settings = settings
        self._signer = signer
        self._holding = holding

    # --- escalations --------------------------------------------------------------------------
    async def opened(self, key: AgentKey, opened: "Opened") -> OpenOut:
        """What became of a request: a person is asked, it is refused, or it may run."""
        if opened.row is None:
            return await self._judged(key, opened.judgement)
        if opened.shown is None:
            escalation = await self.of_row(opened.row)
        else:
            reader = await self._reader(key.workspace)
            escalation = self._escalation_out(opened.row.escalation, opened.shown, reader)
        return OpenOut(
            verdict=str(Verdict.GATE),
            rule=escalation.rule,
            reason=opened.judgement.reason,
            is_new=opened.is_new,
            escalation=escalation,
            for_model=escalation.for_model,
            for_user=escalation.for_user,
        )

    async def _judged(self, key: AgentKey, judgement: Judgement) -> OpenOut:
        """A verdict that asks nobody."""
        reader = await self._reader(key.workspace)
        is_denied = judgement.verdict is Verdict.DENY
        return OpenOut(
            verdict=str(judgement.verdict),
            rule=judgement.rule,
            reason=judgement.reason,
            for_model=denied_for_model(judgement.reason, reader) if is_denied else "",
            for_user=denied_for_user() if is_denied else "",
        )

    async def escalation(self, key: AgentKey, escalation: str) -> EscalationOut:
        """One escalation of this key.

        Raises:
            NotFound: there is none, or another key opened it; the two are not told apart.
            Held: it is decided, and the database is held: the agent goes on waiting.
        """
        row = await self._store.load(key.workspace, escalation)
        if row is None or row.escalation.agent_key != key.id:
            raise NotFound(f"there is no escalation {escalation!r} of this key.")
        if row.escalation.decision is not None:
            await self._holding.refuse()
        return await self.of_row(row)

    async def of_workspace(self, workspace: str, escalation: str) -> EscalationOut:
        """One escalation of a workspace, as its agent sees it, for people.

        Raises:
            NotFound: there is none.
        """
        row = await self._store.load(workspace, escalation)
        if row is None:
            raise NotFound(f"there is no escalation {escalation!r} in this workspace.")
        return await self.of_row(row)

    async def of_row(self, row: Row) -> EscalationOut:
        """An escalation as its agent may see it."""
        return (await self._of_rows(row.escalation.workspace, [row]))[0]

    async def page(self, workspace: str, wanted: Filter, *, cursor: str, limit: int) -> PageOut:
        """A page of a listing."""
        found = await self._store.find(workspace, wanted, cursor=cursor, limit=limit)
        return PageOut(escalations=await self._of_rows(workspace, found.rows), cursor=found.cursor)

    async def decided(self, key: AgentKey, *, attempt: str, limit: int = 100) -> DecisionsOut:
        """What waits to be collected under this key, and what this attempt has not reported.

        Raises:
            Held: nobody is told of a decision while the database is held.
        """
        await self._holding.refuse()
        rows = await self._store.decided_for(key.workspace, key.id, attempt=attempt, limit=limit)
        return DecisionsOut(decided=await self._of_rows(key.workspace, rows))

    async def _of_rows(self, workspace: str, rows: Sequence[Row]) -> list[EscalationOut]:
        if not rows:
            return []
        ids = [row.escalation.id for row in rows]
        shown = await self._contents.of_many(workspace, ids, "shown", part=Glance)
        reader = await self._reader(workspace)
        return [
            self._escalation_out(row.escalation, shown.get(row.escalation.id, NOTHING), reader)
            for row in rows
        ]

    def _escalation_out(
        self, escalation: Escalation, shown: Mapping[str, Any], reader: Reader
    ) -> EscalationOut:
        token = shown.get("status_token", "")
        url = f"{self._settings.public_url}/status/{token}" if token else ""
        return EscalationOut(
            id=escalation.id,
            status=str(escalation.status),
            version=escalation.version,
            generation=escalation.generation,
            tool=escalation.tool,
            ask_kind=str(escalation.ask_kind),
            severity=escalation.severity,
            rule=escalation.rule,
            run=escalation.run,
            call=escalation.call,
            key=escalation.key,
            owner=person_out(reader, escalation.owner),
            opened_at=escalation.opened_at,
            offer=offer_out(escalation, reader),
            accept_by=escalation.accept_by,
            hold_until=escalation.hold_until,
            decide_by=escalation.decide_by,
            collect_by=escalation.collect_by,
            report_by=escalation.report_by,
            promise_by=escalation.promise_by,
            control=str(escalation.control),
            question=shown.get("ask", {}).get("question", ""),
            decision=decision_out(escalation.decision, reader),
            closed_as=str(escalation.closed_as or ""),
            shown_digest=escalation.shown_digest,
            status_url=url,
            for_model=for_model(escalation, reader),
            for_user=for_user(escalation, reader, url=url),
        )

    # --- the decision ---------------------------------------------------------------------------
    async def collected(self, collected: "Collected") -> CollectedOut:
        """A decision with its content: what may run, and the proof of it."""
        escalation = collected.row.escalation
        decision = escalation.decision
        assert decision is not None, f"{escalation.id} was collected without a decision"
        reader = await self._reader(escalation.workspace)
        content = collected.content
        document = collected.document if decision.decided_digest is not None else None
        return CollectedOut(
            escalation=escalation.id,
            kind=str(decision.kind),
            tool=escalation.tool,
            run=escalation.run,
            call=escalation.call,
            args=dict(document["args"]) if document else None,
            answer=content.get("answer"),
            option=decision.option or "",
            note=note_of(content),
            by=person_out(reader, decision.by),
            at=decision.at,
            expires_at=decision.expires_at,
            document=dict(document) if document else None,
            decided_digest=decision.decided_digest or "",
            key_id=decision.key_id,
            signature=decision.signature,
            signed=signed_facts(escalation, decision),
            for_model=for_model(escalation, reader, content=content),
            for_user=for_user(escalation, reader),
            attempt=escalation.attempt,
            applied=str(decision.applied or ""),
        )

    # --- the rules --------------------------------------------------------------------------------
    async def rules(self, key: AgentKey) -> RulesOut:
        """The policy in force, for an SDK to judge calls by itself."""
        configured = await self._policies.current(key.workspace)
        return RulesOut(
            version=configured.version,
            environment=key.environment,
            agent=key.agent,
            document=rules_for_agent(configured.configuration, key.agent, key.environment),
            stale_after=int(self._settings.policy_stale_for.total_seconds()),
            public_keys={self._signer.key_id: self._signer.public_key},
        )

    async def explain(self, key: AgentKey, request: ExplainIn) -> VerdictOut:
        """What would happen to a call and who would be asked, without acting."""
        configured = await self._policies.current(key.workspace)
        call = call_of(configured, key, request)
        judgement = configured.compiled.judge(call)
        verdict = VerdictOut(
            verdict=str(judgement.verdict),
            rule=judgement.rule,
            reason=judgement.reason,
            policy_version=configured.version,
            lines=configured.compiled.explain(call),
        )
        rule = configured.compiled.rule(judgement.rule)
        if judgement.verdict not in STOPS or rule is None:
            return verdict
        return await self._with_owner(key, verdict, rule)

    async def _with_owner(self, key: AgentKey, verdict: VerdictOut, rule: Rule) -> VerdictOut:
        configured = await self._policies.current(key.workspace)
        ladder = _ladder_of(key, configured.configuration.ladder_for(rule, key.agent))
        now = self._clock.now()
        floor = await self._floors.now(key.workspace)
        barred = separated(key.environment, rule.severity, key.creator)
        found = resolve(ladder, floor, now, excluding=barred)
        reader = outsider(floor, configured.configuration.timezone, now)
        return VerdictOut(
            verdict=verdict.verdict,
            rule=verdict.rule,
            reason=verdict.reason,
            policy_version=verdict.policy_version,
            lines=verdict.lines,
            owner=person_out(reader, found.owner),
            owner_reason=reader.local(_without_name(found, floor, reader)),
        )

    async def _reader(self, workspace: str) -> Reader:
        configured = await self._policies.current(workspace)
        floor = await self._floors.now(workspace)
        return outsider(floor, configured.configuration.timezone, self._clock.now())


def _ladder_of(key: AgentKey, ladder: Ladder) -> Ladder:
    """The ladder that would be used: outside production only the key's creator is asked."""
    return ladder if key.environment == PRODUCTION else creators_ladder(key.creator, ladder)


def _without_name(found: Resolution, floor: Floor, reader: Reader) -> str:
    """Why this person is asked, with their name as outsiders may know it."""
    someone = floor.people.get(found.owner)
    name = someone.name if someone and found.reason.startswith(someone.name) else found.owner
    return reader.subject(found.owner) + found.reason.removeprefix(name)


def offer_out(escalation: Escalation, reader: Reader) -> OfferOut | None:
    """Who is being asked, and until when."""
    offer = escalation.offer
    if offer is None:
        return None
    candidates = [person_out(reader, who) for who in offer.candidates]
    return OfferOut(candidates=candidates, until=offer.until)


def decision_out(decision: Decision | None, reader: Reader) -> DecisionOut | None:
    """The public part of a decision."""
    if decision is None:
        return None
    return DecisionOut(
        kind=str(decision.kind),
        by=person_out(reader, decision.by),
        at=decision.at,
        expires_at=decision.expires_at,
        applied=str(decision.applied or ""),
    )


def note_of(content: Mapping[str, Any]) -> str:
    """What the decider wrote to the agent; of a hand-back, each filled part on a line."""
    parts = {
        "Decided": "decided",
        "Done outside this system": "done_outside",
        "May be assumed": "may_assume",
        "Should be left undone": "must_not",
    }
    hand_back = content.get("hand_back") or {}
    lines = [f"{name}: {hand_back[part]}" for name, part in parts.items() if hand_back.get(part)]
    return "\n".join(lines) or str(content.get("note") or "")
