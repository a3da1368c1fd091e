"""The decision: at most one, by a person or by rule, bound to what was shown."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pullcord.errors import AlreadyAccepted, AlreadyDecided, InvalidInput, NotAllowed
from pullcord.path.asking import accept, decline, extend, lapse, reassign, release, return_offer
from pullcord.path.deciding import (
    ALLOWED,
    FALLBACKS,
    decide,
    fall_back,
    fallback_of,
    hand_back,
    signed_facts,
    take_over,
)
from pullcord.path.escalation import (
    ENGINE,
    AskKind,
    ClosedAs,
    Control,
    DecisionKind,
    Escalation,
    Fallback,
    MessageKind,
    Status,
    Terms,
)
from pullcord.path.stepping import step
from tests.unit.path.scenes import (
    FLOOR,
    HOUR,
    MINUTE,
    NOON,
    accepted,
    decided,
    floor_with,
    kinds,
    messages,
    offered,
    only,
    opened,
    ruling,
    sign,
    told,
    undecided,
)

TWO = NOON + 2 * HOUR


def taken_over(**changes: Any) -> Escalation:
    """Ana has the conversation."""
    return only(take_over(accepted(**changes), "ana", FLOOR, NOON + 2 * MINUTE))


# --- a person decides ---------------------------------------------------------------------------


def test_the_owner_decides_and_everybody_hears() -> None:
    """The decision is dated, signed, expires, and names who took it."""
    change = decide(accepted(), "ana", FLOOR, NOON + 3 * MINUTE, ruling=ruling(), sign=sign)
    escalation = only(change)
    decision = escalation.decision

    assert decision is not None
    assert (decision.kind, decision.by, decision.via) == (DecisionKind.APPROVE, "ana", "console")
    assert decision.decided_digest == escalation.shown_digest
    assert decision.expires_at == escalation.collect_by == escalation.due_at
    assert decision.expires_at == NOON + 3 * MINUTE + timedelta(days=7)
    assert (decision.key_id, decision.signature) == ("key_1", "signed approve of esc_1")
    assert change.entries[-1].sealed == {"decision/3": {"note": ""}}
    assert decision.content == "decision/3"
    assert told(change, MessageKind.DECIDED) == ["support", "u_7"]
    assert (escalation.offer, escalation.hold_until, escalation.decide_by) == (None, None, None)
    assert escalation.generation == accepted().generation + 1


def test_a_candidate_accepts_and_decides_in_one_act() -> None:
    """One click answers; the timeline still shows who took it before deciding."""
    change = decide(opened(), "ben", FLOOR, NOON + MINUTE, ruling=ruling(), sign=sign)

    assert kinds(change) == ["accepted", "decided"]
    assert only(change).owner == "ben"
    assert only(change).version == 2
    assert told(change, MessageKind.STOOD_DOWN) == ["ana"]


def test_a_taker_accepts_and_decides_in_one_act() -> None:
    """To whom it was reassigned decides as its owner, not past the giver."""
    change = decide(offered("cyd"), "cyd", FLOOR, NOON + 3 * MINUTE, ruling=ruling(), sign=sign)

    assert kinds(change) == ["accepted", "decided"]
    assert only(change).owner == "cyd"


def test_the_owner_may_decide_while_it_is_offered_to_another() -> None:
    """The giver has it until the taker accepts, and the taker hears that it is over."""
    change = decide(offered("cyd"), "ana", FLOOR, NOON + 3 * MINUTE, ruling=ruling(), sign=sign)

    assert kinds(change) == ["decided"]
    assert told(change, MessageKind.STOOD_DOWN) == ["cyd"]


def test_nobody_else_decides() -> None:
    """Neither a lead who has not accepted nor who was asked before it was accepted."""
    for who in ("dana", "ben", "olga"):
        with pytest.raises(NotAllowed, match="ana has it"):
            decide(accepted(), who, FLOOR, NOON, ruling=ruling(), sign=sign)


def test_who_made_the_key_does_not_decide_severe_work() -> None:
    """Separation of duties holds even for an owner, should one ever get there."""
    severe = replace(accepted("ana"), severity="critical", requester="ana")

    with pytest.raises(NotAllowed, match="at severity critical somebody else decides"):
        decide(severe, "ana", FLOOR, NOON, ruling=ruling(), sign=sign)


def test_an_edit_is_over_other_arguments() -> None:
    """Shown and decided differ exactly when a person changed the arguments."""
    decision = decided(DecisionKind.EDIT).decision

    assert decision is not None
    assert decision.decided_digest == "edited"


def test_a_rejection_lets_nothing_run() -> None:
    """There is no digest an executor could match."""
    decision = decided(DecisionKind.REJECT).decision

    assert decision is not None
    assert decision.decided_digest is None


@pytest.mark.parametrize("ask_kind", AskKind)
def test_each_ask_has_its_decisions_and_no_other(ask_kind: AskKind) -> None:
    """A question cannot be approved, an approval cannot be answered."""
    escalation = accepted(ask_kind=ask_kind)
    people_decide = set(DecisionKind) - {DecisionKind.HAND_BACK, DecisionKind.NOBODY_DECIDED}

    for kind in people_decide - ALLOWED[ask_kind]:
        with pytest.raises(InvalidInput, match="esc_1 asks to") as problem:
            decide(escalation, "ana", FLOOR, NOON, ruling=ruling(kind), sign=sign)
        assert problem.value.field == "kind"
    for kind in ALLOWED[ask_kind]:
        wish = ruling(kind, option="later")
        change = decide(escalation, "ana", FLOOR, NOON, ruling=wish, sign=sign)
        assert only(change).status is Status.DECIDED


def test_choosing_names_the_option() -> None:
    """ "One of them" is no decision."""
    with pytest.raises(InvalidInput, match="Name the option you choose"):
        decide(
            accepted(ask_kind=AskKind.CHOOSE),
            "ana",
            FLOOR,
            NOON,
            ruling=ruling(DecisionKind.CHOOSE),
            sign=sign,
        )


def test_an_approval_without_a_digest_is_a_bug() -> None:
    """What may be executed is bound by its digest; without one nothing could be checked."""
    with pytest.raises(AssertionError, match="approve with digest None"):
        decide(accepted(), "ana", FLOOR, NOON, ruling=ruling(digest=None), sign=sign)


def test_where_no_agent_waits_the_decision_ends_it() -> None:
    """A drill or an ask about drift has nobody to collect it."""
    change = decide(accepted(is_awaited=False), "ana", FLOOR, NOON, ruling=ruling(), sign=sign)
    escalation = only(change)

    assert kinds(change) == ["decided", "closed"]
    assert (escalation.status, escalation.closed_as) == (Status.CLOSED, ClosedAs.NOT_NEEDED)
    assert escalation.due_at is None
    assert told(change, MessageKind.DECIDED) == ["u_7"]


def test_a_signature_is_over_what_a_verifier_can_rebuild() -> None:
    """Every fact that makes the decision what it is stands in it, and nothing private."""
    escalation = decided()
    assert escalation.decision is not None

    assert signed_facts(escalation, escalation.decision) == {
        "v": 1,
        "workspace": "shop",
        "escalation": "esc_1",
        "kind": "approve",
        "decided_digest": "shown",
        "option": None,
        "by": "ana",
        "decided_at": "2026-11-24T12:03:00.000000Z",
        "expires_at": "2026-12-01T12:03:00.000000Z",
        "nonce": "nonce_2",
    }


# --- more than one must agree -------------------------------------------------------------------


def vote(
    escalation: Escalation, who: str, kind: DecisionKind = DecisionKind.APPROVE, **changes: Any
) -> Escalation:
    """One person's verdict."""
    wish = ruling(kind, **changes)
    return only(decide(escalation, who, FLOOR, NOON + MINUTE, ruling=wish, sign=sign))


def test_a_quorum_asks_enough_people_at_once() -> None:
    """Two who must agree and a rung of one: the next rung is asked at the same time."""
    escalation = opened(floor_with(ben={"is_active": False}), terms={"quorum": 2})

    assert escalation.offer is not None
    assert escalation.offer.candidates == ("ana", "cyd")


def test_a_quorum_larger_than_the_ladder_asks_everybody_there_is() -> None:
    """More votes than people: they are all asked, and the fallback decides if they are too few."""
    escalation = opened(terms={"quorum": 5})

    assert escalation.offer is not None
    assert escalation.offer.candidates == ("ana", "ben", "cyd", "dana")


def test_a_first_vote_is_blind() -> None:
    """Who votes second must not be led by the first: no name, no verdict, nothing public."""
    change = decide(opened(terms={"quorum": 2}), "ana", FLOOR, NOON, ruling=ruling(), sign=sign)
    escalation = only(change)

    assert kinds(change) == ["accepted", "voted"]
    assert escalation.status is Status.ACCEPTED
    assert escalation.decision is None
    voted = change.entries[-1]
    assert (str(voted.by), voted.facts, voted.sets, voted.sealed) == (
        "person",
        {"needed": 2},
        {},
        {},
    )


def test_two_who_agree_on_the_same_digest_decide() -> None:
    """The votes become public with the decision, and the last voter completes it."""
    first = vote(opened(terms={"quorum": 2}), "ana")

    change = decide(first, "ben", FLOOR, NOON + 2 * MINUTE, ruling=ruling(), sign=sign)
    escalation = only(change)

    assert escalation.decision is not None
    assert escalation.decision.by == "ben"
    assert escalation.owner == "ana"
    assert [each["by"] for each in change.entries[-1].facts["votes"]] == ["ana", "ben"]
    assert {each["digest"] for each in change.entries[-1].facts["votes"]} == {"shown"}


def test_votes_for_different_things_do_not_add_up() -> None:
    """Approving other arguments is agreement with nobody; a third vote makes a majority of two."""
    escalation = vote(opened(terms={"quorum": 2}), "ana")
    escalation = vote(escalation, "ben", DecisionKind.EDIT)
    assert escalation.status is Status.ACCEPTED

    escalation = only(lapse(escalation, FLOOR, NOON + HOUR))
    assert escalation.owner == "cyd"
    escalation = vote(escalation, "cyd", DecisionKind.EDIT)

    assert escalation.decision is not None
    assert escalation.decision.decided_digest == "edited"


def test_different_answers_do_not_agree() -> None:
    """Two people who answered differently have not agreed, though nothing would run."""
    escalation = accepted(ask_kind=AskKind.ANSWER, terms={"quorum": 2})
    escalation = vote(escalation, "ana", DecisionKind.ANSWER, content={"answer": "yes"})

    differing = vote(escalation, "ben", DecisionKind.ANSWER, content={"answer": "no"})
    agreeing = decide(
        escalation,
        "ben",
        FLOOR,
        NOON,
        ruling=ruling(DecisionKind.ANSWER, content={"answer": "yes"}),
        sign=sign,
    )

    assert differing.status is Status.ACCEPTED
    assert only(agreeing).status is Status.DECIDED
    assert [each["digest"] for each in agreeing.entries[-1].facts["votes"]] == [None, None]


def test_two_rejections_agree() -> None:
    """A no needs the quorum as a yes does."""
    escalation = vote(opened(terms={"quorum": 2}), "ana", DecisionKind.REJECT)

    assert vote(escalation, "ben", DecisionKind.REJECT).status is Status.DECIDED


def test_nobody_votes_twice() -> None:
    """Four eyes are not two eyes twice."""
    escalation = vote(opened(terms={"quorum": 2}), "ana")

    with pytest.raises(InvalidInput, match="Your vote stands"):
        vote(escalation, "ana")


def test_an_invited_voter_does_not_take_the_escalation_away() -> None:
    """They are asked for a vote; who accepted has it."""
    escalation = accepted(terms={"quorum": 2})
    assert escalation.offer is not None
    assert escalation.offer.candidates == ("ben",)
    assert escalation.offer.until == escalation.decide_by

    with pytest.raises(AlreadyAccepted, match="ana already has esc_1"):
        accept(escalation, "ben", FLOOR, NOON)


def test_handing_over_keeps_every_vote_within_reach() -> None:
    """A new owner changes who leads, never who may still be asked to agree."""
    handed = offered("cyd", terms={"quorum": 2})
    assert handed.offer is not None
    assert handed.offer.candidates == ("cyd", "ben")

    taken = only(accept(handed, "cyd", FLOOR, NOON + 3 * MINUTE))

    assert taken.owner == "cyd"
    assert taken.offer is not None
    assert set(taken.offer.candidates) == {"ben", "ana"}


def test_a_vote_that_is_declined_leaves_the_others_asked() -> None:
    """One invited voter out is not all of them out; the last one leaves no empty offer."""
    escalation = accepted(terms={"quorum": 3})
    assert escalation.offer is not None
    assert escalation.offer.candidates == ("ben", "cyd")

    fewer = only(decline(escalation, "ben", FLOOR, NOON))
    none = only(decline(fewer, "cyd", FLOOR, NOON))
    assert fewer.offer is not None
    assert (fewer.offer.candidates, none.offer, none.owner) == (("cyd",), None, "ana")

    handed = offered("cyd", terms={"quorum": 2})
    left = only(decline(handed, "cyd", FLOOR, NOON))
    back = only(return_offer(handed, NOON + 12 * MINUTE))
    assert left.offer is not None
    assert back.offer is not None
    assert (left.offer.candidates, left.accept_by) == (("ben",), None)
    assert (back.offer.candidates, back.offer.taker) == (("cyd", "ben"), "")


def test_who_voted_is_not_asked_again() -> None:
    """After a lapse the missing vote is looked for, not the one that is there."""
    escalation = vote(opened(terms={"quorum": 2}), "ana")

    escalation = only(release(escalation, "ana", FLOOR, NOON + 2 * MINUTE))

    assert escalation.offer is not None
    assert escalation.offer.candidates == ("ben", "cyd")


def test_a_named_person_on_an_open_vote_may_step_aside() -> None:
    """Reassigning an open vote asks one more; their no leaves the others asked."""
    escalation = only(reassign(opened(terms={"quorum": 2}), "ana", FLOOR, NOON, to="eve"))
    assert escalation.offer is not None
    assert escalation.offer.candidates == ("eve", "ana", "ben")

    escalation = only(decline(escalation, "eve", FLOOR, NOON))

    assert escalation.offer is not None
    assert (escalation.owner, escalation.offer.taker) == ("ana", "")


def test_extending_gives_voters_the_same_time() -> None:
    """They are asked until the promise, wherever that is now."""
    escalation = only(extend(accepted(terms={"quorum": 2}), "ana", FLOOR, NOON, within=HOUR))

    assert escalation.offer is not None
    assert escalation.offer.until == escalation.decide_by == NOON + 3 * HOUR


# --- take over, hand back -----------------------------------------------------------------------


def test_taking_over_gives_the_run_to_a_person() -> None:
    """The agent's guarded calls are refused from now on; agent and end user are told."""
    change = take_over(accepted(), "ana", FLOOR, NOON + 2 * MINUTE)

    assert only(change).control is Control.HUMAN
    assert told(change, MessageKind.TAKEN_OVER) == ["support", "u_7"]
    assert take_over(only(change), "ana", FLOOR, NOON + 3 * MINUTE).is_empty


def test_only_the_owner_takes_over() -> None:
    """A conversation has one person in it."""
    with pytest.raises(NotAllowed, match="Only the owner may take over"):
        take_over(accepted(), "dana", FLOOR, NOON)


def test_while_a_person_has_the_conversation_nothing_falls_back_or_lapses() -> None:
    """Reminders instead: a live conversation is not ended by a timer."""
    escalation = taken_over()

    lease = lapse(escalation, FLOOR, NOON + 31 * MINUTE)
    promise = fall_back(escalation, TWO, sign=sign, nonce="n")

    assert (kinds(lease), kinds(promise)) == (["reminded"], ["reminded"])
    assert only(lease).hold_until == NOON + 61 * MINUTE
    assert only(promise).decide_by == TWO + HOUR
    assert only(promise).control is Control.HUMAN
    assert told(promise, MessageKind.REMINDED) == ["ana"]


def test_a_conversation_whose_person_left_goes_back_to_the_ladder() -> None:
    """Reminding somebody who is gone would leave the end user alone for ever."""
    escalation = replace(taken_over(), decide_by=NOON + 3 * HOUR)

    change = lapse(escalation, floor_with(ana={"is_active": False}), NOON + 31 * MINUTE)

    assert (only(change).owner, only(change).control) == ("ben", Control.AGENT)
    assert only(change).promise_by == NOON + 3 * HOUR
    assert told(change, MessageKind.PROMISE_MOVED) == ["u_7"]


def test_a_conversation_is_not_released() -> None:
    """Dropping it would put the end user back to the agent without a word."""
    with pytest.raises(InvalidInput, match="Hand esc_1 back, or reassign it"):
        release(taken_over(), "ana", FLOOR, NOON)


def test_a_colleague_takes_the_conversation_with_the_escalation() -> None:
    """Handing over to a person keeps the agent out."""
    escalation = only(reassign(taken_over(), "ana", FLOOR, NOON + 3 * MINUTE, to="cyd"))

    taken = only(accept(escalation, "cyd", FLOOR, NOON + 4 * MINUTE))

    assert (taken.owner, taken.control) == ("cyd", Control.HUMAN)


def test_handing_back_is_the_decision_that_returns_control() -> None:
    """With a dated note, signed as any other, and nothing to execute."""
    wish = ruling(DecisionKind.HAND_BACK, has_note=True, content={"hand_back": {"decided": "ok"}})

    change = hand_back(taken_over(), "ana", FLOOR, NOON + HOUR, ruling=wish, sign=sign)
    escalation = only(change)

    assert escalation.control is Control.AGENT
    assert escalation.decision is not None
    assert (escalation.decision.kind, escalation.decision.has_note) == (
        DecisionKind.HAND_BACK,
        True,
    )
    assert escalation.decision.decided_digest is None


def test_deciding_returns_control_too() -> None:
    """One decision; there is no second act to forget."""
    change = decide(taken_over(), "ana", FLOOR, NOON + HOUR, ruling=ruling(), sign=sign)

    assert only(change).control is Control.AGENT


def test_only_what_was_taken_over_is_handed_back() -> None:
    """The agent has control already."""
    with pytest.raises(InvalidInput, match="Take over first, or decide"):
        hand_back(accepted(), "ana", FLOOR, NOON, ruling=ruling(DecisionKind.HAND_BACK), sign=sign)


def test_handing_back_with_another_decision_is_a_bug() -> None:
    """An approval must not come in by the back door."""
    with pytest.raises(AssertionError, match="handing back with approve"):
        hand_back(taken_over(), "ana", FLOOR, NOON, ruling=ruling(), sign=sign)


# --- nobody decides -----------------------------------------------------------------------------


def fallen(ask_kind: AskKind, fallback: Fallback, **terms: Any) -> Escalation:
    """What became of it when nobody decided within two hours."""
    escalation = opened(ask_kind=ask_kind, terms={"fallback": fallback, **terms})
    return only(fall_back(escalation, TWO, sign=sign, nonce="nonce_3"))


@pytest.mark.parametrize(
    ("ask_kind", "fallback", "applied"),
    [
        (AskKind.APPROVE, Fallback.REJECT, Fallback.REJECT),
        (AskKind.APPROVE, Fallback.APPROVE, Fallback.APPROVE),
        (AskKind.APPROVE, Fallback.NO_ANSWER, Fallback.REJECT),
        (AskKind.APPROVE, Fallback.SAFE_OPTION, Fallback.REJECT),
        (AskKind.ANSWER, Fallback.NO_ANSWER, Fallback.NO_ANSWER),
        (AskKind.ANSWER, Fallback.REJECT, Fallback.NO_ANSWER),
        (AskKind.ANSWER, Fallback.APPROVE, Fallback.NO_ANSWER),
        (AskKind.CHOOSE, Fallback.SAFE_OPTION, Fallback.SAFE_OPTION),
        (AskKind.CHOOSE, Fallback.APPROVE, Fallback.SAFE_OPTION),
        (AskKind.TAKE_OVER, Fallback.NO_ANSWER, Fallback.NO_ANSWER),
    ],
)
def test_nobody_decided_means_what_fits_the_ask(
    ask_kind: AskKind, fallback: Fallback, applied: Fallback
) -> None:
    """A kind of its own, never a person's word, and never an approval nobody named."""
    escalation = fallen(ask_kind, fallback, safe_option="later")
    decision = escalation.decision

    assert decision is not None
    assert (decision.kind, decision.by, decision.via) == (
        DecisionKind.NOBODY_DECIDED,
        "rule",
        "rule",
    )
    assert decision.applied is applied
    assert decision.decided_digest == ("shown" if applied is Fallback.APPROVE else None)
    assert decision.option == ("later" if applied is Fallback.SAFE_OPTION else None)


@pytest.mark.parametrize("ask_kind", AskKind)
def test_waiting_on_keeps_the_owner_calls_back_and_promises_anew(ask_kind: AskKind) -> None:
    """Nothing is decided; the owner is woken and the end user told a new time."""
    escalation = opened(ask_kind=ask_kind, terms={"fallback": Fallback.KEEP_WAITING})

    change = fall_back(escalation, TWO, sign=sign, nonce="n")

    assert kinds(change) == ["kept_waiting"]
    assert only(change).status is Status.OPEN
    assert only(change).decide_by == only(change).promise_by == TWO + HOUR
    assert messages(change, MessageKind.REMINDED)[0].wakes
    assert told(change, MessageKind.PROMISE_MOVED) == ["u_7"]


@pytest.mark.parametrize("fallback", [Fallback.REJECT, Fallback.APPROVE, Fallback.KEEP_WAITING])
def test_asking_for_a_person_never_turns_into_a_no(fallback: Fallback) -> None:
    """Whoever wants a person keeps waiting for one, with call-backs."""
    escalation = opened(ask_kind=AskKind.TAKE_OVER, terms={"fallback": fallback})

    assert only(fall_back(escalation, TWO, sign=sign, nonce="n")).status is Status.OPEN


def test_without_a_safe_option_nothing_is_chosen() -> None:
    """A timer does not pick among options nobody marked."""
    assert fallback_of(opened(ask_kind=AskKind.CHOOSE)) is Fallback.NO_ANSWER


def test_silence_approves_only_where_a_rule_names_it() -> None:
    """No default and no other kind of ask leads there."""
    approving = [
        (ask_kind, fallback)
        for ask_kind in AskKind
        for fallback in Fallback
        if fallback_of(opened(ask_kind=ask_kind, terms={"fallback": fallback})) is Fallback.APPROVE
    ]

    assert approving == [(AskKind.APPROVE, Fallback.APPROVE)]
    assert Terms().fallback is not Fallback.APPROVE
    assert all(Fallback.APPROVE is not fitting[0] for fitting in FALLBACKS.values())


def test_the_fallback_waits_for_its_deadline() -> None:
    """Not a second early, and not for what is decided."""
    assert fall_back(opened(), TWO - MINUTE, sign=sign, nonce="n").is_empty
    assert fall_back(decided(), TWO, sign=sign, nonce="n").is_empty


def test_the_fallback_tells_those_who_were_asked() -> None:
    """Everybody who still sees it as theirs learns that it is over."""
    change = fall_back(opened(), TWO, sign=sign, nonce="n")

    assert change.entries[0].by == ENGINE
    assert change.entries[0].facts == {"kind": "nobody_decided", "applied": "reject"}
    assert told(change, MessageKind.STOOD_DOWN) == ["ana", "ben"]


def test_a_late_click_after_the_fallback_is_told_that_nobody_decided() -> None:
    """First wins, also when the first is the rule."""
    with pytest.raises(AlreadyDecided) as problem:
        decide(undecided(), "ana", FLOOR, TWO, ruling=ruling(), sign=sign)

    assert problem.value.by == "rule"


def test_votes_that_were_too_few_become_public_with_the_fallback() -> None:
    """Afterwards everybody may see who had an opinion."""
    escalation = vote(opened(terms={"quorum": 2}), "ana")

    change = step(escalation, FLOOR, TWO, sign=sign, nonce="n")

    assert [each["by"] for each in change.entries[0].facts["votes"]] == ["ana"]
