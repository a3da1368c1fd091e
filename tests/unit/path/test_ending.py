"""How it ends: withdrawn, collected once, reported, given up, and what may follow."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pullcord.errors import (
    AlreadyCollected,
    AlreadyDecided,
    DecisionExpired,
    NotAllowed,
)
from pullcord.path.asking import lapse, open_escalation
from pullcord.path.deciding import decide, fall_back, take_over
from pullcord.path.ending import (
    Report,
    collect,
    decide_late,
    follow_up,
    give_up_collecting,
    give_up_reporting,
    has_drifted,
    report,
    withdraw,
)
from pullcord.path.escalation import (
    Actor,
    ActorKind,
    AskKind,
    ClosedAs,
    Control,
    DecisionKind,
    Escalation,
    Fallback,
    MessageKind,
    Purpose,
    Status,
    agent,
    person,
)
from pullcord.path.stepping import step
from tests.unit.path.scenes import (
    FLOOR,
    HOUR,
    MINUTE,
    NOON,
    SHOWN,
    accepted,
    blank,
    closed,
    collected,
    decided,
    floor_with,
    fresh,
    kinds,
    offered,
    only,
    opened,
    ruling,
    sign,
    told,
    told_of,
    undecided,
    withdrawn,
)

LINK = Actor(ActorKind.END_USER, "via link")


# --- withdraw -----------------------------------------------------------------------------------


def test_the_agent_takes_its_question_back() -> None:
    """Everybody who was asked is told, the end user too; nothing is due any more."""
    change = withdraw(offered("cyd"), agent("support"), NOON + 5 * MINUTE, reason="Solved.")
    escalation = only(change)

    assert escalation.status is Status.WITHDRAWN
    assert (escalation.due_at, escalation.offer) == (None, None)
    assert escalation.ended_at == NOON + 5 * MINUTE
    assert told(change, MessageKind.WITHDRAWN) == ["ana", "cyd", "u_7"]
    assert change.entries[0].sealed == {"reason/4": {"text": "Solved."}}


def test_the_end_user_takes_it_back_where_the_rule_lets_them() -> None:
    """Then it is the agent that is told."""
    change = withdraw(opened(), LINK, NOON + MINUTE)

    assert told(change, MessageKind.WITHDRAWN) == ["ana", "ben", "support"]
    assert str(change.entries[0].by) == "end_user:via link"


def test_the_end_user_may_not_take_it_back_where_the_rule_says_so() -> None:
    """A fraud check is not cancelled by whom it is about."""
    with pytest.raises(NotAllowed, match="cannot be cancelled from the status page"):
        withdraw(opened(terms={"end_user_may_withdraw": False}), LINK, NOON)


def test_people_decide_instead_of_withdrawing() -> None:
    """A person's no is a rejection with their name on it."""
    with pytest.raises(NotAllowed, match="decide it instead"):
        withdraw(opened(), person("ana"), NOON)


def test_withdrawing_returns_the_conversation() -> None:
    """Nothing keeps the run in a person's hands when the question is gone."""
    escalation = only(take_over(accepted(), "ana", FLOOR, NOON))

    assert only(withdraw(escalation, agent("support"), NOON)).control is Control.AGENT


# --- collect ------------------------------------------------------------------------------------


def test_one_attempt_collects_and_may_ask_again() -> None:
    """An answer lost on the way is given again; nothing is written twice."""
    change = collect(decided(), NOON + 4 * MINUTE, attempt="a1")
    escalation = only(change)

    assert (escalation.status, escalation.attempt) == (Status.COLLECTED, "a1")
    assert escalation.due_at == escalation.report_by == NOON + 64 * MINUTE
    assert collect(escalation, NOON + HOUR, attempt="a1").is_empty


def test_another_attempt_is_told_who_collected() -> None:
    """A second process must not execute what the first may have executed."""
    with pytest.raises(AlreadyCollected, match="must not be executed again") as problem:
        collect(collected(), NOON + HOUR, attempt="a2")

    assert problem.value.attempt == "a1"


def test_an_expired_decision_is_not_collected() -> None:
    """An approval of last week is none of today's work."""
    escalation = decided()

    with pytest.raises(DecisionExpired, match="esc_1 expired at 2026-12-01 12:03 UTC"):
        collect(escalation, NOON + timedelta(days=7, minutes=3), attempt="a1")
    last = NOON + timedelta(days=7, minutes=2)
    assert only(collect(escalation, last, attempt="a1")).status is Status.COLLECTED


# --- report and drift ---------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [ClosedAs.EXECUTED, ClosedAs.FAILED])
def test_what_was_decided_and_ran_closes_it(outcome: ClosedAs) -> None:
    """Shown, decided and executed are the same; the end user hears that it is done."""
    change = report(collected(), told_of(outcome), FLOOR, NOON + HOUR, fresh=None)
    escalation = only(change)

    assert (escalation.status, escalation.closed_as) == (Status.CLOSED, outcome)
    assert (escalation.due_at, escalation.ended_at) == (None, NOON + HOUR)
    assert change.entries[0].facts == {"outcome": str(outcome), "executed_digest": "shown"}
    assert change.entries[0].sealed == {"report/5": {"outcome": str(outcome)}}
    assert told(change, MessageKind.CLOSED) == ["u_7"]


def test_not_needed_any_more_is_no_drift() -> None:
    """The agent did nothing, and says so."""
    told_so = told_of(ClosedAs.NOT_NEEDED, None)

    change = report(collected(), told_so, FLOOR, NOON + HOUR, fresh=None)

    assert only(change).closed_as is ClosedAs.NOT_NEEDED


def test_a_repeated_report_changes_nothing() -> None:
    """The answer was lost; the agent tells again."""
    assert report(closed(), told_of(), FLOOR, NOON + HOUR, fresh=None).is_empty


def test_only_the_attempt_that_collected_reports() -> None:
    """Nobody else knows what ran."""
    for standing in (collected(), closed()):
        with pytest.raises(AlreadyCollected, match="collected by attempt 'a1', not by 'a2'"):
            report(standing, told_of(attempt="a2"), FLOOR, NOON + HOUR, fresh=None)


def test_drift_opens_a_fresh_escalation_and_leaves_the_old_one() -> None:
    """Something else ran than was decided: a person looks at it, no agent waits for them."""
    change = report(collected(), told_of(digest="other"), FLOOR, NOON + HOUR, fresh=fresh())
    ended, asking = change.escalations

    assert ended.closed_as is ClosedAs.DRIFTED
    assert change.entries[0].facts["followed_by"] == "esc_2"
    assert (asking.id, asking.follows, asking.status) == ("esc_2", "esc_1", Status.OPEN)
    assert (asking.ask_kind, asking.severity) == (AskKind.ANSWER, "high")
    assert asking.terms.fallback is Fallback.KEEP_WAITING
    assert not asking.is_awaited
    assert asking.opened_at == NOON + HOUR
    assert asking.key != ended.key
    assert (asking.owner, asking.version) == ("ana", 1)


def test_drift_without_anybody_to_ask_is_a_bug() -> None:
    """The caller prepares the fresh one; forgetting it would hide the drift."""
    with pytest.raises(AssertionError, match="drifted and nobody would be asked"):
        report(collected(), told_of(digest="other"), FLOOR, NOON + HOUR, fresh=None)


def test_an_answer_about_drift_ends_the_ask() -> None:
    """No agent waits for it, so the decision closes it."""
    change = report(collected(), told_of(digest="other"), FLOOR, NOON + HOUR, fresh=fresh())
    asking = change.escalations[1]

    wish = ruling(DecisionKind.ANSWER, digest=None, content={"answer": "Refunded by hand."})
    ended = only(decide(asking, "ben", FLOOR, NOON + HOUR, ruling=wish, sign=sign))

    assert ended.status is Status.CLOSED


@pytest.mark.parametrize(
    ("standing", "said", "drifted"),
    [
        (collected(), told_of(), False),
        (collected(), told_of(ClosedAs.FAILED), False),
        (collected(), told_of(digest="other"), True),
        (collected(), told_of(ClosedAs.FAILED, "other"), True),
        (collected(), told_of(digest=None), False),
        (collected(), told_of(ClosedAs.NOT_NEEDED, "other"), False),
        (collected(decided(DecisionKind.EDIT)), told_of(), True),
        (collected(decided(DecisionKind.EDIT)), told_of(digest="edited"), False),
        (collected(decided(DecisionKind.REJECT)), told_of(), True),
        (collected(decided(DecisionKind.REJECT)), told_of(digest=None), True),
        (collected(decided(DecisionKind.REJECT)), told_of(ClosedAs.FAILED, None), False),
        (collected(undecided()), told_of(), True),
        (opened(), told_of(), True),
    ],
)
def test_drift_is_whatever_ran_and_was_not_decided(
    standing: Escalation, said: Report, drifted: bool
) -> None:
    """Approved is not edited, a rejection allows nothing, silence neither."""
    assert has_drifted(standing, said) is drifted


# --- giving up ----------------------------------------------------------------------------------


def test_a_decision_nobody_collects_is_closed_and_somebody_technical_is_told() -> None:
    """A decision must not lie there for ever, nor be executed next year."""
    escalation = decided()

    change = give_up_collecting(escalation, FLOOR, NOON + timedelta(days=7, minutes=3))

    assert only(change).closed_as is ClosedAs.UNCOLLECTED
    assert only(change).decision == escalation.decision
    assert told(change, MessageKind.AGENT_GONE) == ["eve"]
    assert told(change, MessageKind.CLOSED) == ["u_7"]


def test_without_a_report_the_effect_is_unknown_and_nothing_runs_again() -> None:
    """It may have happened or not: a person finds out, no timer repeats it."""
    change = give_up_reporting(collected(), FLOOR, NOON + 65 * MINUTE)

    assert only(change).closed_as is ClosedAs.EFFECT_UNKNOWN
    assert only(change).due_at is None
    assert change.entries[0].facts == {"as": "effect_unknown"}
    assert step(only(change), FLOOR, NOON + 9 * HOUR, sign=sign, nonce="n").is_empty


def test_giving_up_waits_for_its_deadline() -> None:
    """Not a second early, and not on what is not there."""
    assert give_up_collecting(decided(), FLOOR, NOON + HOUR).is_empty
    assert give_up_collecting(collected(), FLOOR, NOON + timedelta(days=99)).is_empty
    assert give_up_reporting(collected(), FLOOR, NOON + HOUR).is_empty
    assert give_up_reporting(decided(), FLOOR, NOON + timedelta(days=99)).is_empty


def test_a_technical_contact_who_left_is_replaced_by_the_end_of_the_ladder() -> None:
    """A missing agent is never told to nobody."""
    late = NOON + timedelta(days=8)

    gone = give_up_collecting(decided(), floor_with(eve={"is_active": False}), late)
    none = give_up_collecting(decided(contact=""), FLOOR, late)

    assert told(gone, MessageKind.AGENT_GONE) == told(none, MessageKind.AGENT_GONE) == ["dana"]


def test_outside_production_a_missing_agent_concerns_its_creator() -> None:
    """A developer's crashed experiment does not bother the contact of production."""
    escalation = undecided(environment="test")

    change = step(escalation, FLOOR, NOON + timedelta(days=8), sign=sign, nonce="n")

    assert told(change, MessageKind.AGENT_GONE) == ["vic"]


def test_time_takes_every_way_to_an_end() -> None:
    """Each status with a deadline has its verb; ended ones are left alone."""
    far = NOON + timedelta(days=99)

    assert kinds(step(decided(), FLOOR, far, sign=sign, nonce="n")) == ["closed"]
    assert kinds(step(collected(), FLOOR, far, sign=sign, nonce="n")) == ["closed"]
    assert step(closed(), FLOOR, far, sign=sign, nonce="n").is_empty
    assert step(withdrawn(), FLOOR, far, sign=sign, nonce="n").is_empty


def unknown() -> Escalation:
    """Collected, and never reported in time."""
    return only(give_up_reporting(collected(), FLOOR, NOON + 65 * MINUTE))


def test_a_late_report_says_what_became_of_an_unknown_effect() -> None:
    """Knowing late is better than not knowing; when it ended does not change."""
    change = report(unknown(), told_of(), FLOOR, NOON + 5 * HOUR, fresh=None)

    assert kinds(change) == ["reported_late"]
    assert only(change).closed_as is ClosedAs.EXECUTED
    assert only(change).ended_at == NOON + 65 * MINUTE
    assert report(only(change), told_of(), FLOOR, NOON + 6 * HOUR, fresh=None).is_empty


def test_a_late_report_can_be_drift_too() -> None:
    """What ran is compared whenever it is told."""
    said = told_of(digest="other")

    change = report(unknown(), said, FLOOR, NOON + 5 * HOUR, fresh=fresh())

    assert [each.id for each in change.escalations] == ["esc_1", "esc_2"]


# --- a late decision ----------------------------------------------------------------------------


def test_what_nobody_decided_can_be_decided_late_in_a_fresh_escalation() -> None:
    """The old one never changes; the person who wants to decide has the new one at once."""
    ended = undecided()

    change = decide_late(ended, "cyd", FLOOR, NOON + 5 * HOUR, fresh=fresh())
    asking = only(change)

    assert (asking.id, asking.follows) == ("esc_2", "esc_1")
    assert (asking.status, asking.owner, asking.offer) == (Status.ACCEPTED, "cyd", None)
    assert asking.decide_by == NOON + 7 * HOUR
    assert kinds(change) == ["opened", "accepted"]
    assert {str(entry.by) for entry in change.entries} == {"person:cyd"}
    assert asking.is_awaited
    assert told(change, MessageKind.ASKED) == []


def test_a_late_decision_of_several_asks_the_others_for_their_votes() -> None:
    """One person cannot decide late what takes two; the ladder names the second."""
    ended = undecided(terms={"quorum": 2})

    change = decide_late(ended, "cyd", FLOOR, NOON + 5 * HOUR, fresh=fresh())
    asking = only(change)

    assert asking.owner == "cyd"
    assert asking.offer is not None
    assert asking.offer.candidates == ("ana", "ben")
    assert kinds(change) == ["opened", "asked", "accepted"]


def test_a_late_one_that_lapses_goes_up_the_ladder() -> None:
    """It is an escalation like any other."""
    asking = only(decide_late(undecided(), "cyd", FLOOR, NOON + 5 * HOUR, fresh=fresh()))

    assert only(lapse(asking, FLOOR, NOON + 6 * HOUR)).owner == "ana"


def test_a_persons_decision_is_not_decided_again() -> None:
    """Late means nobody did; a second opinion is a new question."""
    with pytest.raises(
        AlreadyDecided, match="decided by ana at 2026-11-24 12:03:00 UTC"
    ) as problem:
        decide_late(closed(), "cyd", FLOOR, NOON + 5 * HOUR, fresh=fresh())

    assert "Only what nobody decided" in str(problem.value)


def test_people_who_only_look_do_not_decide_late() -> None:
    """In production; outside, the developer whose key it is may."""
    with pytest.raises(NotAllowed, match="may look but not act"):
        decide_late(undecided(), "olga", FLOOR, NOON + 5 * HOUR, fresh=fresh())

    elsewhere = undecided(environment="test")
    asking = only(decide_late(elsewhere, "vic", FLOOR, NOON + 5 * HOUR, fresh=fresh()))
    assert asking.owner == "vic"
    assert asking.ladder.id == "billing~creator"


def test_a_follow_up_keeps_the_pinned_parts_and_nothing_of_the_course() -> None:
    """Policy, ladder and people are those of the first stop; identity and history are its own."""
    ended = closed()

    new = follow_up(ended, fresh(), key="k")

    assert (new.policy_version, new.ladder, new.terms) == (
        ended.policy_version,
        ended.ladder,
        ended.terms,
    )
    assert (new.version, new.decision, new.attempt, new.closed_as) == (0, None, "", None)
    assert (new.id, new.nonce, new.status_digest) == ("esc_2", "nonce_9", "status_2")


def test_a_drill_stays_a_drill() -> None:
    """What follows a drill must not count either."""
    drill = only(open_escalation(blank(purpose=Purpose.DRILL), SHOWN, FLOOR, NOON))
    ended = only(fall_back(drill, NOON + 2 * HOUR, sign=sign, nonce="n"))

    asking = only(decide_late(ended, "cyd", FLOOR, NOON + 3 * HOUR, fresh=fresh()))

    assert asking.purpose is Purpose.DRILL


def test_a_decided_escalation_without_a_decision_is_a_bug() -> None:
    """Code that forgets the decision must not reach an agent."""
    broken = replace(decided(), decision=None)

    with pytest.raises(AssertionError, match="decided without a decision"):
        collect(broken, NOON, attempt="a1")
