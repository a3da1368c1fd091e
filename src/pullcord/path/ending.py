"""How it ends: withdrawn, collected, reported, given up; and what may follow.

A decision leaves once, to one attempt. What the agent says it executed is compared with what was
decided; a difference is drift and opens a new escalation. Nothing ever re-executes by itself.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from pullcord.errors import (
    AlreadyCollected,
    AlreadyDecided,
    DecisionExpired,
    NotAllowed,
)
from pullcord.owner.authority import PRODUCTION
from pullcord.owner.floor import Floor
from pullcord.owner.resolve import last_resort
from pullcord.path.asking import open_escalation
from pullcord.path.draft import Draft
from pullcord.path.escalation import (
    ENGINE,
    Actor,
    ActorKind,
    AskKind,
    Change,
    ClosedAs,
    Control,
    DecisionKind,
    Escalation,
    Fallback,
    Json,
    MessageKind,
    Purpose,
    Status,
    agent,
)
from pullcord.path.permission import permit
from pullcord.path.rungs import asked_now
from pullcord.path.transitions import in_the_way, require

NOTHING = Change()


@dataclass(frozen=True, slots=True)
class Report:
    """What the agent says it did; `digest` is over the arguments it really used."""

    attempt: str
    outcome: ClosedAs
    digest: str | None
    #: sealed: outcome, arguments, result
    content: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Fresh:
    """Identity and content of an escalation that follows another one."""

    id: str
    nonce: str
    body_digest: str
    shown_digest: str
    status_digest: str
    shown: dict[str, Json]


def withdraw(escalation: Escalation, by: Actor, now: datetime, *, reason: str = "") -> Change:
    """The agent, or the end user where the rule lets them, takes the question back."""
    require(escalation, "withdraw")
    if by.kind is ActorKind.PERSON:
        raise NotAllowed(
            f"only the agent or the end user takes {escalation.id} back; decide it instead."
        )
    if by.kind is ActorKind.END_USER and not escalation.terms.end_user_may_withdraw:
        raise NotAllowed(
            f"{escalation.id} cannot be cancelled from the status page; "
            "write to the people who look after it instead."
        )
    draft = Draft(escalation, now)
    draft.enter(
        "withdrawn",
        by,
        sealed=draft.reason(reason),
        status=Status.WITHDRAWN,
        control=Control.AGENT,
        offer=None,
        question=None,
        accept_by=None,
        hold_until=None,
        decide_by=None,
        ended_at=now,
        generation=escalation.generation + 1,
    )
    draft.tell(MessageKind.WITHDRAWN, sorted(asked_now(escalation) | {escalation.owner}))
    if by.kind is ActorKind.AGENT:
        draft.tell_end_user(MessageKind.WITHDRAWN)
    else:
        draft.tell_agent(MessageKind.WITHDRAWN)
    return draft.change()


def collect(escalation: Escalation, now: datetime, *, attempt: str) -> Change:
    """The agent takes the decision; the same attempt gets the same reply, another is told."""
    require(escalation, "collect")
    if escalation.status is Status.COLLECTED:
        if escalation.attempt == attempt:
            return NOTHING
        raise AlreadyCollected(
            f"{escalation.id} was collected by attempt {escalation.attempt!r}; its effect may "
            "have happened, so it must not be executed again.",
            attempt=escalation.attempt,
        )
    decision = escalation.decision
    assert decision is not None, f"{escalation.id} is decided without a decision"
    if now >= decision.expires_at:
        raise DecisionExpired(
            f"the decision on {escalation.id} expired at {decision.expires_at:%Y-%m-%d %H:%M} UTC; "
            "do not execute it. Open a new escalation if the work is still needed."
        )
    draft = Draft(escalation, now)
    draft.enter(
        "collected",
        agent(escalation.agent),
        facts={"attempt": attempt},
        status=Status.COLLECTED,
        attempt=attempt,
        collect_by=None,
        report_by=now + escalation.terms.report_within,
    )
    return draft.change()


def report(
    escalation: Escalation, report: Report, floor: Floor, now: datetime, *, fresh: Fresh | None
) -> Change:
    """The agent says what it executed; something else than decided is drift.

    `fresh` is needed when `has_drifted` says so. A repeated report of the same attempt changes
    nothing; one after `report_by` replaces "effect unknown" by what is now known.
    """
    require(escalation, "report")
    if not escalation.attempt:
        raise in_the_way(escalation, "report")
    if escalation.attempt != report.attempt:
        raise AlreadyCollected(
            f"{escalation.id} was collected by attempt {escalation.attempt!r}, "
            f"not by {report.attempt!r}; only that attempt reports on it.",
            attempt=escalation.attempt,
        )
    late = escalation.closed_as is ClosedAs.EFFECT_UNKNOWN
    if escalation.status is Status.CLOSED and not late:
        return NOTHING
    drifted = has_drifted(escalation, report)
    draft = Draft(escalation, now)
    facts: dict[str, Json] = {"outcome": str(report.outcome), "executed_digest": report.digest}
    if drifted:
        assert fresh is not None, f"{escalation.id} drifted and nobody would be asked about it"
        facts["followed_by"] = fresh.id
    draft.enter(
        "reported_late" if late else "reported",
        agent(escalation.agent),
        facts=facts,
        sealed={draft.named("report"): report.content},
        status=Status.CLOSED,
        closed_as=ClosedAs.DRIFTED if drifted else report.outcome,
        report_by=None,
        ended_at=escalation.ended_at or now,
    )
    draft.tell_end_user(MessageKind.CLOSED)
    if fresh is None or not drifted:
        return draft.change()
    return draft.change() + _ask_about_drift(draft.state, fresh, floor, now)


def has_drifted(escalation: Escalation, report: Report) -> bool:
    """Whether something ran that is not what was decided, or that nobody allowed to run."""
    if report.outcome is ClosedAs.NOT_NEEDED:
        return False
    decision = escalation.decision
    allowed = decision.decided_digest if decision is not None else None
    if report.digest is None:
        ran = report.outcome is ClosedAs.EXECUTED and escalation.ask_kind is AskKind.APPROVE
        return ran and allowed is None
    return report.digest != allowed


def _ask_about_drift(ended: Escalation, fresh: Fresh, floor: Floor, now: datetime) -> Change:
    """Something else was executed than decided: a person must look at it, no agent waits."""
    blank = follow_up(ended, fresh, key=f"~drift/{ended.id}")
    blank = replace(
        blank,
        ask_kind=AskKind.ANSWER,
        severity="high",
        is_awaited=False,
        terms=replace(blank.terms, fallback=Fallback.KEEP_WAITING, quorum=1),
    )
    return open_escalation(blank, fresh.shown, floor, now)


def follow_up(ended: Escalation, fresh: Fresh, *, key: str) -> Escalation:
    """A new escalation with the pinned parts of an ended one; the old one never changes."""
    return Escalation(
        workspace=ended.workspace,
        id=fresh.id,
        environment=ended.environment,
        agent=ended.agent,
        agent_key=ended.agent_key,
        key=key,
        opened_at=ended.opened_at,
        tool=ended.tool,
        ask_kind=ended.ask_kind,
        severity=ended.severity,
        rule=ended.rule,
        policy_version=ended.policy_version,
        ladder=ended.ladder,
        terms=ended.terms,
        body_digest=fresh.body_digest,
        shown_digest=fresh.shown_digest,
        nonce=fresh.nonce,
        requester=ended.requester,
        purpose=Purpose(ended.purpose),
        run=ended.run,
        call=ended.call,
        turn=ended.turn,
        tool_version=ended.tool_version,
        end_user=ended.end_user,
        contact=ended.contact,
        status_digest=fresh.status_digest,
        trace=ended.trace,
        follows=ended.id,
    )


def decide_late(
    ended: Escalation, who: str, floor: Floor, now: datetime, *, fresh: Fresh
) -> Change:
    """A person wants to decide what nobody decided: a fresh escalation with them as owner."""
    require(ended, "decide_late")
    permit(ended, who, "decide_late", floor)
    decision = ended.decision
    assert decision is not None, f"{ended.id} is {ended.status} without a decision"
    if decision.kind is not DecisionKind.NOBODY_DECIDED:
        raise AlreadyDecided(
            f"{ended.id} was decided by {decision.by} at {decision.at:%Y-%m-%d %H:%M:%S} UTC; a "
            "decision never changes. Only what nobody decided can be decided late.",
            by=decision.by,
            at=decision.at,
        )
    blank = follow_up(ended, fresh, key=f"~late/{ended.id}")
    return open_escalation(blank, fresh.shown, floor, now, taken_by=who)


def give_up_collecting(escalation: Escalation, floor: Floor, now: datetime) -> Change:
    """Nobody collected in time: it is closed, and a technical contact is told."""
    if escalation.status is not Status.DECIDED:
        return NOTHING
    if escalation.collect_by is None or now < escalation.collect_by:
        return NOTHING
    return _give_up(escalation, floor, now, ClosedAs.UNCOLLECTED)


def give_up_reporting(escalation: Escalation, floor: Floor, now: datetime) -> Change:
    """Collected, never reported: the effect is unknown, nothing re-executes, a person is told."""
    if escalation.status is not Status.COLLECTED:
        return NOTHING
    if escalation.report_by is None or now < escalation.report_by:
        return NOTHING
    return _give_up(escalation, floor, now, ClosedAs.EFFECT_UNKNOWN)


def _give_up(escalation: Escalation, floor: Floor, now: datetime, closed_as: ClosedAs) -> Change:
    draft = Draft(escalation, now)
    draft.enter(
        "closed",
        ENGINE,
        facts={"as": str(closed_as)},
        status=Status.CLOSED,
        closed_as=closed_as,
        collect_by=None,
        report_by=None,
        ended_at=now,
    )
    draft.tell(MessageKind.AGENT_GONE, [_technical_contact(escalation, floor)])
    draft.tell_end_user(MessageKind.CLOSED)
    return draft.change()


def _technical_contact(escalation: Escalation, floor: Floor) -> str:
    """Who looks after the agent; who left or outside production: the end of the ladder."""
    contact = floor.people.get(escalation.contact)
    if escalation.environment == PRODUCTION and contact is not None and contact.is_active:
        return contact.id
    return last_resort(escalation.ladder, floor)[0]
