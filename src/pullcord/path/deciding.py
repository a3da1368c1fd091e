"""The decision: at most one, the first wins, bound to what was shown and to what may be executed.

A person decides, several agree, a person hands the conversation back, or nobody does and the
fallback speaks; that one is never taken for a person's word.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from pullcord.briefing.digest import digest
from pullcord.errors import InvalidInput
from pullcord.owner.floor import Floor
from pullcord.path.asking import enter_accepted
from pullcord.path.draft import Draft
from pullcord.path.escalation import (
    ENGINE,
    Actor,
    ActorKind,
    AskKind,
    Change,
    ClosedAs,
    Control,
    Decision,
    DecisionKind,
    Escalation,
    Fallback,
    Json,
    MessageKind,
    Status,
    Vote,
    person,
)
from pullcord.path.permission import permit
from pullcord.path.rungs import asked_now, is_candidate, moved, remind, taker_of
from pullcord.path.timeline import plain
from pullcord.path.transitions import require

#: Signs the facts of a decision: returns (key id, signature), both text.
Sign = Callable[[Mapping[str, Json]], tuple[str, str]]

#: which decisions a person may take for which kind of ask
ALLOWED: dict[AskKind, frozenset[DecisionKind]] = {
    AskKind.APPROVE: frozenset({DecisionKind.APPROVE, DecisionKind.EDIT, DecisionKind.REJECT}),
    AskKind.ANSWER: frozenset({DecisionKind.ANSWER, DecisionKind.REJECT}),
    AskKind.CHOOSE: frozenset({DecisionKind.CHOOSE, DecisionKind.REJECT}),
    AskKind.TAKE_OVER: frozenset({DecisionKind.ANSWER, DecisionKind.REJECT}),
}

#: what nobody deciding may mean for each kind of ask; the first where the rule's does not fit
FALLBACKS: Mapping[AskKind, tuple[Fallback, ...]] = {
    AskKind.APPROVE: (Fallback.REJECT, Fallback.APPROVE, Fallback.KEEP_WAITING),
    AskKind.ANSWER: (Fallback.NO_ANSWER, Fallback.KEEP_WAITING),
    AskKind.CHOOSE: (Fallback.SAFE_OPTION, Fallback.KEEP_WAITING),
    AskKind.TAKE_OVER: (Fallback.KEEP_WAITING, Fallback.NO_ANSWER),
}

NOTHING = Change()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a person wants to decide; `digest` is over what may be executed, None for nothing."""

    kind: DecisionKind
    via: str
    nonce: str
    digest: str | None = None
    option: str | None = None
    #: sealed: arguments, answer, option, note and the document the digest is over
    content: Mapping[str, Json] | None = None
    has_note: bool = False


def decide(
    escalation: Escalation, who: str, floor: Floor, now: datetime, *, ruling: Ruling, sign: Sign
) -> Change:
    """The owner decides, or a candidate accepts and decides in one act.

    Where a quorum is asked it is a vote, and the decision stands when enough agree on one digest.
    """
    require(escalation, "decide")
    permit(escalation, who, "decide", floor)
    _fits(escalation, ruling)
    draft = Draft(escalation, now)
    is_asked_to_take = escalation.status is Status.OPEN or taker_of(escalation) == who
    if is_asked_to_take and is_candidate(escalation, who):
        enter_accepted(draft, who)
    if escalation.terms.quorum > 1 and not _vote(draft, who, ruling):
        return draft.change()
    settle(draft, person(who), ruling, sign)
    return draft.change()


def _fits(escalation: Escalation, ruling: Ruling) -> None:
    allowed = ALLOWED[escalation.ask_kind]
    if ruling.kind not in allowed:
        raise InvalidInput(
            "kind",
            value=str(ruling.kind),
            limit=", ".join(sorted(allowed)),
            remedy=f"{escalation.id} asks to {escalation.ask_kind.replace('_', ' ')}.",
        )
    runs = ruling.kind in (DecisionKind.APPROVE, DecisionKind.EDIT)
    assert runs == (ruling.digest is not None), f"{ruling.kind} with digest {ruling.digest}"
    if ruling.kind is DecisionKind.CHOOSE and not ruling.option:
        raise InvalidInput("option", value=ruling.option, remedy="Name the option you choose.")


def _vote(draft: Draft, who: str, ruling: Ruling) -> bool:
    """Count one person's verdict; True when enough agree. Blind until then."""
    before = draft.state
    if any(vote.by == who for vote in before.votes):
        raise InvalidInput(
            "kind",
            value=str(ruling.kind),
            limit=f"one vote a person on {before.id}",
            remedy="Your vote stands; it takes another person now.",
        )
    vote = Vote(
        by=who,
        at=draft.at,
        kind=ruling.kind,
        digest=_agreeable(before, ruling),
        option=ruling.option,
    )
    votes = (*before.votes, vote)
    draft.state = replace(before, votes=votes)
    agreeing = sum(1 for each in votes if _same(each, vote))
    if agreeing >= before.terms.quorum:
        return True
    draft.enter("voted", Actor(ActorKind.PERSON), facts={"needed": before.terms.quorum})
    return False


def _agreeable(escalation: Escalation, ruling: Ruling) -> str | None:
    """What others must have voted for too: the same arguments, or the same words of an answer."""
    if ruling.kind is not DecisionKind.ANSWER:
        return ruling.digest
    answer = (ruling.content or {}).get("answer")
    return digest({"nonce": escalation.nonce, "answer": answer})


def _published(vote: Vote) -> Json:
    """A vote once it is no longer blind; of an answer nothing that outlives its erasure."""
    return plain(replace(vote, digest=None) if vote.kind is DecisionKind.ANSWER else vote)


def _same(one: Vote, other: Vote) -> bool:
    return (_side(one), one.digest, one.option) == (_side(other), other.digest, other.option)


def _side(vote: Vote) -> DecisionKind:
    """Approving and approving the same changed arguments differ only by digest."""
    return DecisionKind.APPROVE if vote.kind is DecisionKind.EDIT else vote.kind


def settle(draft: Draft, by: Actor, ruling: Ruling, sign: Sign, *, applied: str = "") -> None:
    """Write the one decision: signed, dated, with an end, and tell everybody it concerns."""
    before = draft.state
    decision = _signed(before, by, ruling, draft.at, sign, applied=applied)
    facts: dict[str, Json] = {"kind": str(decision.kind)}
    if before.votes:
        facts["votes"] = [_published(vote) for vote in before.votes]
    if applied:
        facts["applied"] = applied
    asked = asked_now(before)
    draft.enter(
        "decided",
        by,
        facts=facts,
        sealed={decision.content: dict(ruling.content or {})},
        status=Status.DECIDED,
        control=Control.AGENT,
        decision=decision,
        offer=None,
        question=None,
        accept_by=None,
        hold_until=None,
        decide_by=None,
        collect_by=decision.expires_at,
        generation=before.generation + 1,
    )
    draft.tell_agent(MessageKind.DECIDED)
    draft.tell_end_user(MessageKind.DECIDED)
    draft.tell(MessageKind.STOOD_DOWN, sorted((asked | {before.owner}) - {by.id}))
    if not before.is_awaited:
        draft.enter(
            "closed",
            ENGINE,
            facts={"why": "no agent waits for this decision"},
            status=Status.CLOSED,
            closed_as=ClosedAs.NOT_NEEDED,
            collect_by=None,
            ended_at=draft.at,
        )


def _signed(
    escalation: Escalation, by: Actor, ruling: Ruling, now: datetime, sign: Sign, *, applied: str
) -> Decision:
    decision = Decision(
        kind=ruling.kind,
        by=by.id or "rule",
        at=now,
        via=ruling.via,
        decided_digest=ruling.digest,
        expires_at=now + escalation.terms.collect_within,
        nonce=ruling.nonce,
        content=f"decision/{escalation.version}",
        option=ruling.option,
        applied=Fallback(applied) if applied else None,
        has_note=ruling.has_note,
    )
    key_id, signature = sign(signed_facts(escalation, decision))
    return replace(decision, key_id=key_id, signature=signature)


def signed_facts(escalation: Escalation, decision: Decision) -> dict[str, Json]:
    """What a decision's signature is over; a verifier rebuilds it from the public fields."""
    return {
        "v": 1,
        "workspace": escalation.workspace,
        "escalation": escalation.id,
        "kind": str(decision.kind),
        "decided_digest": decision.decided_digest,
        "option": decision.option,
        "by": decision.by,
        "decided_at": plain(decision.at),
        "expires_at": plain(decision.expires_at),
        "nonce": decision.nonce,
    }


def take_over(escalation: Escalation, who: str, floor: Floor, now: datetime) -> Change:
    """The owner takes the conversation: the run's guarded calls are refused until hand-back."""
    require(escalation, "take_over")
    permit(escalation, who, "take_over", floor)
    if escalation.control is Control.HUMAN:
        return NOTHING
    draft = Draft(escalation, now)
    draft.enter("taken_over", person(who), control=Control.HUMAN)
    draft.tell_agent(MessageKind.TAKEN_OVER)
    draft.tell_end_user(MessageKind.TAKEN_OVER)
    return draft.change()


def hand_back(
    escalation: Escalation, who: str, floor: Floor, now: datetime, *, ruling: Ruling, sign: Sign
) -> Change:
    """Control returns to the agent with a dated note: the decision of a taken-over escalation."""
    require(escalation, "hand_back")
    permit(escalation, who, "hand_back", floor)
    if escalation.control is not Control.HUMAN:
        raise InvalidInput(
            "verb", value="hand-back", remedy="Take over first, or decide: the agent has control."
        )
    assert ruling.kind is DecisionKind.HAND_BACK, f"handing back with {ruling.kind}"
    draft = Draft(escalation, now)
    settle(draft, person(who), ruling, sign)
    return draft.change()


def fall_back(escalation: Escalation, now: datetime, *, sign: Sign, nonce: str) -> Change:
    """Nobody decided in time: the decision by rule, a kind of its own, never a person's word.

    Safe to call at any time: before `decide_by` it does nothing.
    """
    if not escalation.is_living or escalation.decide_by is None or now < escalation.decide_by:
        return NOTHING
    draft = Draft(escalation, now)
    again = now + escalation.terms.call_back_every
    if escalation.control is Control.HUMAN:
        remind(draft, **moved(escalation, again))
        return draft.change()
    applied = fallback_of(escalation)
    if applied is Fallback.KEEP_WAITING:
        draft.enter("kept_waiting", ENGINE, promise_by=again, **moved(escalation, again))
        draft.tell(MessageKind.REMINDED, [escalation.owner], wakes=True, urgency=0)
        draft.tell_end_user(MessageKind.PROMISE_MOVED)
        return draft.change()
    ruling = Ruling(
        kind=DecisionKind.NOBODY_DECIDED,
        via="rule",
        nonce=nonce,
        digest=escalation.shown_digest if applied is Fallback.APPROVE else None,
        option=escalation.terms.safe_option if applied is Fallback.SAFE_OPTION else None,
        content={"applied": str(applied)},
    )
    settle(draft, ENGINE, ruling, sign, applied=str(applied))
    return draft.change()


def fallback_of(escalation: Escalation) -> Fallback:
    """What nobody deciding means here: the rule's word where it fits the ask, else the ask's own.

    Only a rule that names it on an ask to approve lets silence approve; an option is chosen only
    if it was marked safe.
    """
    fitting = FALLBACKS[escalation.ask_kind]
    named = escalation.terms.fallback
    applied = named if named in fitting else fitting[0]
    if applied is Fallback.SAFE_OPTION and not escalation.terms.safe_option:
        return Fallback.NO_ANSWER
    return applied
