"""Handing it over, holding it longer, promising anew."""

from dataclasses import replace

import pytest

from pullcord.errors import AlreadyAccepted, InvalidInput, NotAllowed
from pullcord.path.asking import (
    accept,
    advance,
    decline,
    extend,
    lapse,
    reassign,
    return_offer,
    snooze,
)
from pullcord.path.escalation import MessageKind, Status
from pullcord.path.stepping import step
from tests.unit.path.scenes import (
    FLOOR,
    HOUR,
    LADDER,
    MINUTE,
    NOON,
    accepted,
    floor_with,
    kinds,
    offered,
    only,
    opened,
    sign,
    told,
)


def test_reassigning_an_open_one_moves_it_at_once_and_resets_no_ladder() -> None:
    """From open nobody has it yet, so the named person is who is asked now."""
    change = reassign(opened(), "ana", FLOOR, NOON + MINUTE, to="eve", reason="She knows Anna.")
    escalation = only(change)

    assert (escalation.status, escalation.owner, escalation.rung) == (Status.OPEN, "eve", 0)
    assert escalation.accept_by == NOON + 11 * MINUTE
    assert escalation.generation == 2
    assert change.entries[0].facts == {"to": "eve"}
    assert told(change, MessageKind.ASKED) == ["eve"]
    assert told(change, MessageKind.STOOD_DOWN) == ["ana", "ben"]


def test_a_named_person_who_does_not_answer_is_followed_by_the_next_rung() -> None:
    """A reassignment must not park an escalation outside its ladder."""
    escalation = only(reassign(opened(), "ana", FLOOR, NOON, to="eve"))

    change = advance(escalation, FLOOR, NOON + 10 * MINUTE)

    assert (only(change).owner, only(change).rung) == ("cyd", 1)


@pytest.mark.parametrize("silent", [True, False])
def test_after_a_named_person_the_catch_all_is_asked_again(silent: bool) -> None:
    """At the end of the ladder too: who was named and did not take it is not asked for ever."""
    escalation = opened(ladder=replace(LADDER, rungs=()))
    escalation = only(reassign(escalation, "dana", FLOOR, NOON, to="eve"))

    change = (
        advance(escalation, FLOOR, NOON + 10 * MINUTE)
        if silent
        else decline(escalation, "eve", FLOOR, NOON + MINUTE)
    )

    assert only(change).owner == "dana"
    assert told(change, MessageKind.ASKED) == ["dana"]
    assert told(change, MessageKind.STOOD_DOWN) == ["eve"]


def test_from_accepted_the_giver_has_it_until_the_taker_accepts() -> None:
    """Between two people nothing falls through."""
    escalation = offered("cyd")

    assert (escalation.status, escalation.owner) == (Status.ACCEPTED, "ana")
    assert escalation.offer is not None
    assert escalation.offer.candidates == ("cyd",)
    assert escalation.accept_by == NOON + 12 * MINUTE

    change = accept(escalation, "cyd", FLOOR, NOON + 3 * MINUTE)

    assert (only(change).owner, only(change).offer) == ("cyd", None)
    assert only(change).hold_until == NOON + 33 * MINUTE
    assert told(change, MessageKind.STOOD_DOWN) == ["ana"]


def test_an_offer_that_expires_returns() -> None:
    """The giver is told, awake, that they still have it; the colleague that it is over."""
    change = return_offer(offered("cyd"), NOON + 12 * MINUTE)
    escalation = only(change)

    assert (escalation.status, escalation.owner, escalation.offer) == (Status.ACCEPTED, "ana", None)
    assert change.entries[0].facts == {"asked": ["cyd"]}
    assert told(change, MessageKind.REMINDED) == ["ana"]
    assert told(change, MessageKind.STOOD_DOWN) == ["cyd"]


def test_an_offer_returns_only_when_its_time_is_over() -> None:
    """An early wake-up takes nothing from the taker; without an offer nothing returns."""
    assert return_offer(offered("cyd"), NOON + 11 * MINUTE).is_empty
    assert return_offer(accepted(), NOON + HOUR).is_empty
    assert return_offer(opened(), NOON + HOUR).is_empty


def test_a_declined_offer_leaves_it_with_the_giver() -> None:
    """ "Not me" from the taker is no release by the giver."""
    change = decline(offered("cyd"), "cyd", FLOOR, NOON + 3 * MINUTE, reason="On a train.")
    escalation = only(change)

    assert (escalation.owner, escalation.offer, escalation.accept_by) == ("ana", None, None)
    assert told(change, MessageKind.REMINDED) == ["ana"]


def test_an_offer_may_be_made_to_somebody_else_before_it_is_answered() -> None:
    """The latest word of the giver counts, and the first taker is told."""
    change = reassign(offered("cyd"), "ana", FLOOR, NOON + 3 * MINUTE, to="eve")

    assert only(change).offer is not None
    assert told(change, MessageKind.STOOD_DOWN) == ["cyd"]
    with pytest.raises(AlreadyAccepted):
        accept(only(change), "cyd", FLOOR, NOON + 4 * MINUTE)


@pytest.mark.parametrize("to", ["gus", "nobody", "olga", "vic"])
def test_it_is_reassigned_only_to_somebody_who_can_decide_it(to: str) -> None:
    """Who left, who is unknown and who may only look would be owners in name only."""
    with pytest.raises(InvalidInput, match="Choose somebody from the list") as problem:
        reassign(opened(), "ana", FLOOR, NOON, to=to)

    assert problem.value.field == "to"


def test_separation_of_duties_holds_for_reassignments() -> None:
    """The requester does not get in through a colleague."""
    with pytest.raises(InvalidInput):
        reassign(opened(severity="high", requester="eve"), "ana", FLOOR, NOON, to="eve")


def test_reassigning_to_who_has_it_says_so() -> None:
    """It would do nothing but confuse."""
    with pytest.raises(InvalidInput, match="ana has it already"):
        reassign(accepted(), "dana", FLOOR, NOON, to="ana")


def test_only_owner_and_lead_reassign() -> None:
    """Nobody else gives it away."""
    assert only(reassign(accepted(), "dana", FLOOR, NOON, to="eve")).owner == "ana"
    with pytest.raises(NotAllowed, match="Only the owner or a lead may reassign"):
        reassign(accepted(), "ben", FLOOR, NOON, to="eve")


def test_the_first_of_two_deadlines_of_an_accepted_one_acts_first() -> None:
    """Offer over, lease over: both happen, in order, whoever looks when."""
    escalation = offered("cyd")
    now = NOON + 40 * MINUTE

    first = step(escalation, FLOOR, now, sign=sign, nonce="n")
    second = step(only(first), FLOOR, now, sign=sign, nonce="n")

    assert kinds(first) == ["offer_returned"]
    assert kinds(second) == ["lapsed", "asked"]


def test_when_everything_is_due_at_once_the_promise_goes_first() -> None:
    """After an outage nobody else is asked about what is over: the fallback speaks."""
    change = step(offered("cyd"), FLOOR, NOON + 5 * HOUR, sign=sign, nonce="n")

    assert kinds(change) == ["decided"]
    assert told(change, MessageKind.STOOD_DOWN) == ["ana", "cyd"]


# --- snooze and extend --------------------------------------------------------------------------


def test_a_snooze_moves_the_lease_within_the_promise() -> None:
    """It may be held longer; the end user hears at the same time."""
    escalation = only(snooze(accepted(), "ana", FLOOR, NOON + MINUTE, within=HOUR))

    assert escalation.hold_until == NOON + 61 * MINUTE
    assert escalation.decide_by == escalation.promise_by == NOON + 120 * MINUTE
    assert lapse(escalation, FLOOR, NOON + 60 * MINUTE).is_empty


def test_a_snooze_past_the_promise_is_refused() -> None:
    """Only an extension moves what the end user was told."""
    with pytest.raises(InvalidInput) as problem:
        snooze(accepted(), "ana", FLOOR, NOON + 61 * MINUTE, within=HOUR)

    assert problem.value.field == "seconds"
    assert "until the promise, 2026-11-24 14:00:00 UTC" in str(problem.value)
    assert "Extend the promise first" in str(problem.value)


def test_a_snooze_up_to_the_promise_is_accepted() -> None:
    """The limit itself is inside."""
    escalation = only(snooze(accepted(), "ana", FLOOR, NOON + HOUR, within=HOUR))

    assert escalation.hold_until == escalation.decide_by


def test_an_extension_moves_deadline_and_promise_and_says_so() -> None:
    """A later answer is honest only if the end user is told before."""
    change = extend(accepted(), "dana", FLOOR, NOON, within=HOUR, reason="Waiting for the bank.")
    escalation = only(change)

    assert escalation.decide_by == escalation.promise_by == NOON + 3 * HOUR
    assert escalation.extended_for == HOUR
    assert change.entries[0].facts == {"seconds": 3600}
    assert told(change, MessageKind.PROMISE_MOVED) == ["u_7"]


def test_extensions_add_up_to_the_rules_limit_and_no_further() -> None:
    """Small steps do not get past a limit a big one would hit."""
    escalation = accepted(terms={"extend_at_most": 90 * MINUTE})
    escalation = only(extend(escalation, "ana", FLOOR, NOON, within=HOUR))

    with pytest.raises(InvalidInput, match="1800 more seconds by this rule"):
        extend(escalation, "ana", FLOOR, NOON, within=HOUR)

    assert (
        only(extend(escalation, "ana", FLOOR, NOON, within=30 * MINUTE)).extended_for == 90 * MINUTE
    )


def test_who_is_asked_may_extend_before_accepting() -> None:
    """The owner is accountable from the first instant, so the promise is theirs."""
    escalation = only(extend(opened(), "ana", FLOOR, NOON, within=HOUR))

    assert escalation.status is Status.OPEN
    assert escalation.offer is not None
    assert escalation.offer.until == escalation.accept_by == NOON + 10 * MINUTE


def test_the_earliest_deadline_is_the_one_that_is_due() -> None:
    """Whatever is set, `due_at` is the first of them; an ended one has none."""
    escalation = offered("cyd")

    assert escalation.due_at == escalation.accept_by == NOON + 12 * MINUTE
    assert replace(escalation, accept_by=None).due_at == escalation.hold_until
    assert replace(escalation, accept_by=None, hold_until=None).due_at == escalation.decide_by


def test_a_lease_of_somebody_who_left_lapses_like_any_other() -> None:
    """A person who leaves the company leaves nothing behind that nobody has."""
    gone = floor_with(ana={"is_active": False})

    assert only(lapse(accepted(), gone, NOON + 31 * MINUTE)).owner == "ben"
