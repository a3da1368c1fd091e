"""Who is asked: rungs, the catch-all, live people, and the key's creator outside production."""

from dataclasses import replace

import pytest

from pullcord.errors import NotAllowed
from pullcord.owner.ladder import Ladder
from pullcord.path.asking import (
    accept,
    advance,
    creators_ladder,
    decline,
    lapse,
    not_reached,
    open_escalation,
    reassign,
    refresh,
    release,
)
from pullcord.path.escalation import Actor, ActorKind, Escalation, MessageKind, Purpose, Status
from pullcord.path.stepping import step
from tests.unit.path.scenes import (
    FLOOR,
    HOUR,
    LADDER,
    MINUTE,
    NOON,
    PEOPLE,
    SHOWN,
    accepted,
    away,
    blank,
    floor_with,
    kinds,
    messages,
    offered,
    only,
    opened,
    sign,
    told,
)


def at_catch_all() -> Escalation:
    """Both rungs have passed; Dana is asked since 12:30."""
    escalation = only(advance(opened(), FLOOR, NOON + 10 * MINUTE))
    return only(advance(escalation, FLOOR, NOON + 30 * MINUTE))


# --- opening ----------------------------------------------------------------------------------


def test_opening_asks_the_first_rung_and_promises() -> None:
    """From its first instant an escalation has an owner, an offer and a deadline."""
    change = open_escalation(blank(), SHOWN, FLOOR, NOON)
    escalation = only(change)

    assert (escalation.status, escalation.owner) == (Status.OPEN, "ana")
    assert escalation.offer is not None
    assert escalation.offer.candidates == ("ana", "ben")
    assert escalation.accept_by == escalation.due_at == NOON + 10 * MINUTE
    assert escalation.decide_by == escalation.promise_by == NOON + 2 * HOUR
    assert (escalation.version, escalation.generation) == (1, 1)
    assert kinds(change) == ["opened", "asked"]
    assert change.entries[0].sealed == {"shown": SHOWN}
    assert told(change, MessageKind.ASKED) == ["ana", "ben"]


def test_rungs_with_nobody_are_recorded_and_skipped_at_once() -> None:
    """Nobody waits out ten minutes in front of an empty chair, and everybody can see why."""
    floor = replace(
        floor_with(ana=away(), ben={"email": "", "can_sign_in": False}), load={"cyd": 8}
    )

    change = open_escalation(blank(), SHOWN, floor, NOON)

    assert only(change).owner == "dana"
    assert only(change).is_at_catch_all
    assert [entry.facts.get("why") for entry in change.entries if entry.kind == "rung_skipped"] == [
        "Ana is away until 2026-11-25 12:00 UTC; Ben has no contact",
        "Cyd already holds 8",
    ]
    assert all(each.wakes for each in messages(change, MessageKind.ASKED))


def test_a_ladder_without_rungs_asks_its_catch_all() -> None:
    """Even the emptiest configuration ends at a named person."""
    ladder = Ladder(id="bare", rungs=(), catch_all="dana")

    escalation = opened(ladder=ladder)

    assert (escalation.owner, escalation.is_at_catch_all) == ("dana", True)


def test_the_person_behind_a_key_is_not_asked_about_severe_work_of_their_own() -> None:
    """Separation of duties: who made the agent does not approve what it does."""
    escalation = opened(severity="high", requester="ana")

    assert escalation.offer is not None
    assert escalation.offer.candidates == ("ben",)


def test_people_who_only_look_are_never_asked_in_production() -> None:
    """An auditor on a rung could not accept; asking them would lose the rung's time."""
    floor = floor_with(ana={"role": PEOPLE["olga"].role})

    escalation = opened(floor)

    assert escalation.owner == "ben"


def test_outside_production_only_the_keys_creator_is_asked() -> None:
    """A test run at night wakes nobody but the person who started it."""
    change = open_escalation(
        blank(environment="test", terms={"quorum": 2}, severity="critical"), SHOWN, FLOOR, NOON
    )
    escalation = only(change)

    assert escalation.owner == "vic"
    assert told(change, MessageKind.ASKED) == ["vic"]
    assert escalation.ladder.catch_all == "vic"
    assert escalation.ladder.id == "billing~creator"
    assert escalation.terms.quorum == 1
    while escalation.rung < 1:
        escalation = only(advance(escalation, FLOOR, NOON + HOUR))
    assert escalation.owner == "vic"
    assert only(accept(escalation, "vic", FLOOR, NOON + HOUR)).status is Status.ACCEPTED


def test_a_creators_ladder_is_named_once_however_often_it_is_made() -> None:
    """What follows an escalation outside production keeps the ladder's name."""
    once = creators_ladder("vic", LADDER)

    assert creators_ladder("vic", once) == once


def test_an_escalation_is_opened_once() -> None:
    """Opening what has a history would fork its timeline; that is a bug of the caller."""
    with pytest.raises(AssertionError, match="opened before"):
        open_escalation(opened(), SHOWN, FLOOR, NOON)


def test_a_follow_up_says_what_it_follows() -> None:
    """The reader of a timeline finds the escalation before it."""
    change = open_escalation(blank(follows="esc_0", purpose=Purpose.DRILL), SHOWN, FLOOR, NOON)

    assert change.entries[0].facts["follows"] == "esc_0"


# --- accepting and declining --------------------------------------------------------------------


def test_accepting_moves_the_ownership_and_starts_the_lease() -> None:
    """ "I have it" is seen by agent, end user and everybody who was asked."""
    change = accept(opened(), "ben", FLOOR, NOON + MINUTE)
    escalation = only(change)

    assert (escalation.status, escalation.owner, escalation.offer) == (Status.ACCEPTED, "ben", None)
    assert escalation.accept_by is None
    assert escalation.hold_until == escalation.due_at == NOON + 31 * MINUTE
    assert escalation.generation == 2
    assert change.entries[0].facts == {"from": "ana"}
    assert told(change, MessageKind.ACCEPTED) == ["support", "u_7"]
    assert told(change, MessageKind.STOOD_DOWN) == ["ana"]


def test_accepting_again_changes_nothing() -> None:
    """A second click on a slow page is no second act."""
    assert accept(accepted(), "ana", FLOOR, NOON + 2 * MINUTE).is_empty


def test_a_lease_never_outlasts_the_promise() -> None:
    """The end user hears by the promised time, however late it was accepted."""
    escalation = only(accept(opened(), "ana", FLOOR, NOON + 110 * MINUTE))

    assert escalation.hold_until == escalation.decide_by == NOON + 120 * MINUTE


def test_a_lead_may_accept_without_being_asked_and_others_may_not() -> None:
    """Somebody must be able to step in; not just anybody."""
    assert only(accept(opened(), "dana", FLOOR, NOON)).owner == "dana"
    with pytest.raises(NotAllowed) as problem:
        accept(opened(), "cyd", FLOOR, NOON)
    assert str(problem.value) == (
        "esc_1: Only somebody who is being asked or a lead may accept; Cyd is not. "
        "ana is being asked."
    )


def test_somebody_who_left_may_not_act() -> None:
    """A person who is no longer active has no say, even if they are still named somewhere."""
    with pytest.raises(NotAllowed, match="'gus' is not an active person"):
        accept(opened(), "gus", FLOOR, NOON)
    with pytest.raises(NotAllowed, match=r"not an active person of this workspace\. ana has it\."):
        release(accepted(), "nobody", FLOOR, NOON)


def test_a_decline_leaves_the_others_asked_and_the_deadline_where_it_is() -> None:
    """ "Not me" from one is no reason to start again with the rest."""
    change = decline(opened(), "ana", FLOOR, NOON + MINUTE, reason="I am at the dentist.")
    escalation = only(change)

    assert escalation.owner == "ben"
    assert escalation.offer is not None
    assert escalation.offer.candidates == ("ben",)
    assert escalation.accept_by == NOON + 10 * MINUTE
    assert change.entries[0].sealed == {"reason/2": {"text": "I am at the dentist."}}


def test_who_is_asked_first_stays_owner_when_another_declines() -> None:
    """The owner changes only when the owner goes."""
    assert only(decline(opened(), "ben", FLOOR, NOON)).owner == "ana"


def test_when_the_last_one_declines_the_ladder_advances_at_once() -> None:
    """Nobody waits for a rung on which everybody said no."""
    escalation = only(decline(opened(), "ana", FLOOR, NOON + MINUTE))

    change = decline(escalation, "ben", FLOOR, NOON + 2 * MINUTE)

    assert kinds(change) == ["declined", "asked"]
    assert (only(change).owner, only(change).rung) == ("cyd", 1)
    assert only(change).accept_by == NOON + 22 * MINUTE
    assert told(change, MessageKind.STOOD_DOWN) == ["ben"]
    assert [each.wakes for each in messages(change, MessageKind.ASKED)] == [True]


def test_only_who_is_asked_can_decline() -> None:
    """A decline of a stranger must not move somebody else's ladder."""
    with pytest.raises(NotAllowed, match="esc_1, so there is nothing to decline"):
        decline(opened(), "cyd", FLOOR, NOON)


def test_the_catch_all_cannot_decline_away_the_last_owner() -> None:
    """Somebody always has it: the no is noted, the reminders go on."""
    change = decline(at_catch_all(), "dana", FLOOR, NOON + 31 * MINUTE)

    assert only(change).owner == "dana"
    assert change.entries[0].facts == {"person": "dana", "stays": True}


# --- not reached --------------------------------------------------------------------------------


def test_a_person_nobody_can_reach_is_passed_over_at_once() -> None:
    """ "Sent" is not "reached": when every channel failed somebody else is asked, visibly."""
    escalation = opened()

    change = not_reached(escalation, "ana", FLOOR, NOON, generation=escalation.generation)

    assert kinds(change) == ["not_reached"]
    assert only(change).owner == "ben"


def test_a_stale_failure_to_reach_does_nothing() -> None:
    """A courier's late news about an older ask must not disturb the present one."""
    escalation = opened()

    assert not_reached(escalation, "ana", FLOOR, NOON, generation=0).is_empty
    assert not_reached(escalation, "cyd", FLOOR, NOON, generation=1).is_empty
    assert not_reached(accepted(), "ana", FLOOR, NOON, generation=2).is_empty


def test_an_unreachable_taker_gives_the_offer_back() -> None:
    """Who has it learns that the colleague could not be reached, and keeps it."""
    escalation = offered("cyd")

    change = not_reached(escalation, "cyd", FLOOR, NOON, generation=escalation.generation)

    assert (only(change).owner, only(change).offer, only(change).accept_by) == ("ana", None, None)
    assert told(change, MessageKind.REMINDED) == ["ana"]


# --- advancing ----------------------------------------------------------------------------------


def test_a_rung_that_does_not_answer_is_followed_by_the_next() -> None:
    """The reason of the whole ladder: silence of one leads to another."""
    change = advance(opened(), FLOOR, NOON + 10 * MINUTE)
    escalation = only(change)

    assert kinds(change) == ["rung_expired", "asked"]
    assert change.entries[0].facts == {"rung": 0, "asked": ["ana", "ben"]}
    assert (escalation.owner, escalation.rung, escalation.generation) == ("cyd", 1, 2)
    assert told(change, MessageKind.STOOD_DOWN) == ["ana", "ben"]


def test_before_its_deadline_a_rung_stays() -> None:
    """Wake-ups are hints; one that comes early does nothing."""
    assert advance(opened(), FLOOR, NOON + 9 * MINUTE).is_empty


def test_the_catch_all_is_reminded_for_ever() -> None:
    """A ladder never just ends: the last person hears of it until somebody answers."""
    escalation = at_catch_all()
    assert (escalation.owner, escalation.due_at) == ("dana", NOON + 45 * MINUTE)

    for count in range(1, 4):
        change = advance(escalation, FLOOR, NOON + (30 + 15 * count) * MINUTE)
        escalation = only(change)
        assert escalation.reminders == count
        assert told(change, MessageKind.REMINDED) == ["dana"]
        assert messages(change, MessageKind.REMINDED)[0].wakes
        assert escalation.offer is not None
        assert escalation.offer.until == escalation.accept_by

    assert escalation.accept_by == NOON + 90 * MINUTE


def test_when_the_catch_all_left_the_next_in_line_is_asked() -> None:
    """People are resolved live: reminders to somebody who left would be silence."""
    change = advance(at_catch_all(), floor_with(dana={"is_active": False}), NOON + 45 * MINUTE)

    assert kinds(change) == ["rung_expired", "asked"]
    assert only(change).owner == "kim"


def test_declined_people_are_not_asked_on_later_rungs() -> None:
    """Somebody who said no ten minutes ago is not woken for the same question."""
    ladder = replace(LADDER, rungs=(LADDER.rungs[0], replace(LADDER.rungs[0], wakes=True)))
    escalation = opened(ladder=ladder)
    escalation = only(decline(escalation, "ana", FLOOR, NOON))

    change = decline(escalation, "ben", FLOOR, NOON)

    assert only(change).owner == "dana"
    assert "everybody on it declined" in change.entries[1].facts["why"]


# --- a shift ends while somebody is asked -------------------------------------------------------


def test_nothing_happens_while_the_same_people_are_asked() -> None:
    """A wake-up without a reason is no reason to ask again."""
    assert refresh(opened(), FLOOR, NOON + MINUTE).is_empty
    assert refresh(accepted(), FLOOR, NOON + MINUTE).is_empty
    assert refresh(at_catch_all(), FLOOR, NOON + 31 * MINUTE).is_empty


def test_what_the_asked_hold_already_is_not_held_against_them() -> None:
    """The open escalation itself counts as load; that must not push it to the next rung."""
    full = replace(FLOOR, load={"ana": 8, "ben": 8})

    assert refresh(opened(), full, NOON + MINUTE).is_empty


def test_one_who_goes_away_is_taken_off_and_the_rest_is_left_in_peace() -> None:
    """Who stays asked is not asked a second time; who is off duty is told so."""
    change = refresh(opened(), floor_with(ana=away()), NOON + MINUTE)
    escalation = only(change)

    assert escalation.owner == "ben"
    assert escalation.generation == 1
    assert escalation.accept_by == NOON + 10 * MINUTE
    assert told(change, MessageKind.ASKED) == []
    assert told(change, MessageKind.STOOD_DOWN) == ["ana"]


def test_one_who_comes_on_duty_is_asked_too() -> None:
    """Who joins the rung while it waits must hear of what waits there."""
    escalation = opened(floor_with(ben=away()))

    change = refresh(escalation, FLOOR, NOON + MINUTE)

    assert only(change).owner == "ana"
    assert told(change, MessageKind.ASKED) == ["ben"]


def test_a_whole_new_shift_is_asked_within_the_same_deadline() -> None:
    """A hand-over of the duty is none of the deadline."""
    alone = opened(floor_with(ben=away()))

    change = refresh(alone, floor_with(ana=away()), NOON + MINUTE)
    escalation = only(change)

    assert (escalation.owner, escalation.rung, escalation.generation) == ("ben", 0, 2)
    assert escalation.accept_by == NOON + 10 * MINUTE
    assert told(change, MessageKind.ASKED) == ["ben"]
    assert told(change, MessageKind.STOOD_DOWN) == ["ana"]


def test_when_nobody_of_the_rung_is_left_the_next_is_asked() -> None:
    """An emptied rung is skipped like an empty one."""
    change = refresh(opened(), floor_with(ana=away(), ben=away()), NOON + MINUTE)

    assert kinds(change) == ["rung_skipped", "asked"]
    assert only(change).owner == "cyd"
    assert only(change).accept_by == NOON + 21 * MINUTE


def test_the_catch_all_is_followed_when_they_leave() -> None:
    """The last person too is a person of today, not of the day it was opened."""
    change = refresh(at_catch_all(), floor_with(dana={"is_active": False}), NOON + 31 * MINUTE)

    assert only(change).owner == "kim"
    assert told(change, MessageKind.STOOD_DOWN) == ["dana"]


def test_the_ladder_does_not_take_back_what_was_reassigned() -> None:
    """Somebody named a colleague; a wake-up must not undo that within the second."""
    escalation = only(reassign(opened(), "ana", FLOOR, NOON, to="eve"))

    assert refresh(escalation, replace(FLOOR, load={"eve": 9}), NOON + MINUTE).is_empty

    change = refresh(escalation, floor_with(eve=away()), NOON + MINUTE)
    assert only(change).owner == "ana"
    assert only(change).accept_by == NOON + 11 * MINUTE
    assert told(change, MessageKind.STOOD_DOWN) == ["eve"]


# --- lapse, release -----------------------------------------------------------------------------


def test_a_lapsed_acceptance_is_offered_to_the_others_of_the_rung() -> None:
    """Accepted and forgotten: the lease brings it back to people."""
    change = lapse(accepted(), FLOOR, NOON + 31 * MINUTE)
    escalation = only(change)

    assert (escalation.status, escalation.owner, escalation.rung) == (Status.OPEN, "ben", 0)
    assert escalation.hold_until is None
    assert escalation.declined == ("ana",)
    assert kinds(change) == ["lapsed", "asked"]
    assert change.entries[0].by == Actor(ActorKind.ENGINE)
    assert told(change, MessageKind.STOOD_DOWN) == ["ana"]
    assert told(change, MessageKind.PROMISE_MOVED) == []


def test_after_the_others_a_lapsed_one_goes_upward() -> None:
    """Two who forget it are followed by the next rung."""
    escalation = only(lapse(accepted(), FLOOR, NOON + 31 * MINUTE))
    escalation = only(accept(escalation, "ben", FLOOR, NOON + 32 * MINUTE))

    change = lapse(escalation, FLOOR, NOON + 62 * MINUTE)

    assert kinds(change) == ["lapsed", "rung_skipped", "asked"]
    assert only(change).owner == "cyd"


def test_before_its_end_a_lease_holds() -> None:
    """Nobody loses what they said they have before the time they were given."""
    assert lapse(accepted(), FLOOR, NOON + 30 * MINUTE).is_empty
    assert lapse(opened(), FLOOR, NOON + 40 * MINUTE).is_empty


def test_a_catch_all_whose_lease_lapses_is_asked_again_and_not_stood_down() -> None:
    """ "It is no longer yours" and "it is yours" in one breath helps nobody."""
    escalation = only(accept(at_catch_all(), "dana", FLOOR, NOON + 31 * MINUTE))

    change = lapse(escalation, FLOOR, NOON + 61 * MINUTE)

    assert only(change).owner == "dana"
    assert told(change, MessageKind.ASKED) == ["dana"]
    assert told(change, MessageKind.STOOD_DOWN) == []


def test_a_lapse_ends_a_pending_hand_over() -> None:
    """The colleague it was offered to learns that others are asked now."""
    escalation = replace(offered("cyd"), hold_until=NOON + 5 * MINUTE)

    change = lapse(escalation, FLOOR, NOON + 5 * MINUTE)

    assert only(change).owner == "ben"
    assert told(change, MessageKind.STOOD_DOWN) == ["cyd", "ana"]


def test_a_released_one_is_asked_of_the_same_rung_without_the_releaser() -> None:
    """Giving it back costs the others nothing of the ladder."""
    change = release(accepted(), "ana", FLOOR, NOON + 5 * MINUTE, reason="Not my customer.")
    escalation = only(change)

    assert (escalation.status, escalation.owner, escalation.rung) == (Status.OPEN, "ben", 0)
    assert kinds(change) == ["released", "asked"]
    assert change.entries[0].sealed == {"reason/3": {"text": "Not my customer."}}
    assert escalation.accept_by == NOON + 15 * MINUTE


def test_only_the_owner_releases() -> None:
    """Nobody gives away what another has."""
    with pytest.raises(NotAllowed, match="Only the owner may release; Ben is not"):
        release(accepted(), "ben", FLOOR, NOON)


# --- time ---------------------------------------------------------------------------------------


def walk(escalation: Escalation, minutes: int) -> list[str]:
    """What the engine does by itself during so many minutes."""
    done: list[str] = []
    for minute in range(minutes):
        now = NOON + minute * MINUTE
        while not (change := step(escalation, FLOOR, now, sign=sign, nonce="n")).is_empty:
            done.append(f"{minute} {change.entries[0].kind}")
            escalation = only(change)
    return done


def test_the_whole_ladder_runs_by_itself_when_nobody_answers() -> None:
    """The main promise, minute by minute: rungs, catch-all, reminders, and then the fallback."""
    assert walk(opened(terms={"decide_within": HOUR}), 61) == [
        "10 rung_expired",
        "30 rung_expired",
        "45 reminded",
        "60 decided",
    ]


def test_an_accepted_one_lapses_by_itself_before_the_fallback_speaks() -> None:
    """The first of the due deadlines acts; the last word has the decision deadline."""
    assert walk(accepted(terms={"decide_within": HOUR}), 61) == [
        "31 lapsed",
        "41 rung_expired",
        "60 decided",
    ]


def test_time_gives_up_on_an_agent_that_never_comes() -> None:
    """After the decision the deadlines go on, until it has ended."""
    escalation = opened(terms={"decide_within": 5 * MINUTE, "collect_within": 10 * MINUTE})

    assert walk(escalation, 30) == ["5 decided", "15 closed"]
