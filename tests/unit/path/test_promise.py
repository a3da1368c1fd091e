"""What end users and models read, in every state an escalation can be in."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from pullcord.owner.ladder import Ladder, Rung, Target
from pullcord.path.escalation import (
    ActorKind,
    AskKind,
    ClosedAs,
    Control,
    Decision,
    DecisionKind,
    Escalation,
    Fallback,
    Offer,
    Question,
    Status,
    Terms,
)
from pullcord.path.promise import (
    denied_for_model,
    denied_for_user,
    for_model,
    for_user,
    headline,
    outcome,
    promise,
    steps,
)
from pullcord.path.wording import Reader, listed, span, team

BERLIN = ZoneInfo("Europe/Berlin")
#: a Monday, 14:00 in Berlin
TWO = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
HALF_PAST = TWO + timedelta(minutes=30)
FOUR_PAST = TWO + timedelta(minutes=4)
TEN_PAST = TWO + timedelta(minutes=10)
URL = "https://pull.example/status/abc"
READER = Reader(
    {"maria": "Maria from Billing", "tom": "Tom Ode"}, BERLIN, FOUR_PAST, stranger="a colleague"
)
LADDER = Ladder("billing", (Rung(Target("person", "maria"), timedelta(minutes=10)),), "dana")
OPEN = Escalation(
    workspace="shop",
    id="esc_1",
    environment="production",
    agent="support",
    agent_key="key",
    key="k1",
    opened_at=TWO,
    tool="issue_refund",
    ask_kind=AskKind.APPROVE,
    severity="normal",
    rule="refund-over-limit",
    policy_version="p_1",
    ladder=LADDER,
    terms=Terms(),
    body_digest="b",
    shown_digest="s",
    nonce="n",
    requester="dana",
    end_user="u_7",
    version=1,
    owner="maria",
    offer=Offer(("maria",), TEN_PAST),
    accept_by=TEN_PAST,
    decide_by=HALF_PAST,
    promise_by=HALF_PAST,
)
ACCEPTED = replace(OPEN, status=Status.ACCEPTED, offer=None, accept_by=None, hold_until=HALF_PAST)
TAKEN_OVER = replace(ACCEPTED, control=Control.HUMAN)
ASKED_BACK = replace(ACCEPTED, question=Question("question/3", ActorKind.END_USER, FOUR_PAST))
WITHDRAWN = replace(
    OPEN, status=Status.WITHDRAWN, offer=None, accept_by=None, decide_by=None, ended_at=TEN_PAST
)


def ruled(
    kind: DecisionKind,
    *,
    digest: str | None = None,
    applied: Fallback | None = None,
    option: str | None = None,
) -> Escalation:
    """Decided at ten past two, by Maria or by rule."""
    decision = Decision(
        kind=kind,
        by="rule" if applied else "maria",
        at=TEN_PAST,
        via="console",
        decided_digest=digest,
        expires_at=TEN_PAST + timedelta(days=7),
        nonce="n",
        content="decision/3",
        option=option,
        applied=applied,
    )
    return replace(
        ACCEPTED, status=Status.DECIDED, hold_until=None, decide_by=None, decision=decision
    )


def ended(decided: Escalation, closed_as: ClosedAs) -> Escalation:
    """The same, closed at half past two."""
    return replace(decided, status=Status.CLOSED, closed_as=closed_as, ended_at=HALF_PAST)


APPROVED = ruled(DecisionKind.APPROVE, digest="d")
REJECTED = ruled(DecisionKind.REJECT)


def every_state() -> Iterator[Escalation]:
    """Every state with every decision and every end, with and without a tool and a promise."""
    decided = [ruled(each, digest="d" if each in RUNS else None) for each in DecisionKind]
    decided += [ruled(DecisionKind.NOBODY_DECIDED, applied=each) for each in Fallback]
    decided.append(ruled(DecisionKind.NOBODY_DECIDED, digest="d", applied=Fallback.APPROVE))
    decided = [
        each
        for each in decided
        if each.decision and (each.decision.kind in DECIDABLE or each.decision.applied)
    ]
    states = [OPEN, ACCEPTED, TAKEN_OVER, ASKED_BACK, WITHDRAWN, *decided]
    states += [replace(each, status=Status.COLLECTED, attempt="a1") for each in decided]
    states += [ended(each, how) for each in decided for how in ClosedAs]
    for each in states:
        yield each
        yield replace(each, tool="", rule="")
        yield replace(each, owner="somebody_unknown", promise_by=TWO)


RUNS = (DecisionKind.APPROVE, DecisionKind.EDIT)
DECIDABLE = frozenset(DecisionKind) - {DecisionKind.NOBODY_DECIDED}


# --- every state ----------------------------------------------------------------------------------


def test_no_state_leaves_the_end_user_without_words() -> None:
    """Silence is what makes people leave: every state has a sentence, and none names an id."""
    for each in every_state():
        said = [
            for_user(each, READER, url=URL),
            headline(each, READER),
            promise(each, READER),
            outcome(each, READER),
            *(step.label for step in steps(each, READER)),
        ]

        assert all(said), each
        assert all(text[0].isupper() for text in said), said
        assert not any("somebody_unknown" in text or "None" in text for text in said), said


def test_no_state_leaves_the_model_without_dated_facts() -> None:
    """A model without words tries again; words without a date are obeyed for ever."""
    for each in every_state():
        said = for_model(each, READER)

        assert "2026-11-23 14:00 Europe/Berlin" in said
        assert "esc_1" in said
        assert "None" not in said


def test_the_steps_go_forward_and_one_of_them_is_now_until_it_has_ended() -> None:
    """A page that shows two places at once shows none."""
    for each in every_state():
        four = steps(each, READER, accepted_at=FOUR_PAST)
        at = [step.at for step in four if step.at is not None]

        assert len(four) == 4
        assert sum(step.is_now for step in four) == (each.ended_at is None)
        assert not any(step.is_now and step.is_done for step in four)
        assert all(one <= other for one, other in pairwise(at))


# --- the end user ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("escalation", "expected"),
    [
        (OPEN, f"I have asked our billing team. You will hear by 14:30: {URL}"),
        (ACCEPTED, f"Maria from Billing has it since 14:04. You will hear by 14:30: {URL}"),
        (
            TAKEN_OVER,
            f"Maria from Billing has taken over this conversation. You will hear by 14:30: {URL}",
        ),
        (ASKED_BACK, f"Maria from Billing has a question for you: {URL}"),
        (APPROVED, "Maria from Billing approved it at 14:10. It is being carried out."),
        (REJECTED, "Maria from Billing decided against it at 14:10."),
        (
            ruled(DecisionKind.NOBODY_DECIDED, applied=Fallback.REJECT),
            "Nobody could decide by 14:10, so it was not done.",
        ),
        (
            ended(APPROVED, ClosedAs.EXECUTED),
            "Maria from Billing approved it at 14:10. It was carried out at 14:30.",
        ),
        (
            ended(APPROVED, ClosedAs.DRIFTED),
            (
                "Maria from Billing approved it at 14:10. "
                "Something else was carried out; a person is looking at it."
            ),
        ),
        (ended(REJECTED, ClosedAs.NOT_NEEDED), "Maria from Billing decided against it at 14:10."),
        (WITHDRAWN, "It was taken back at 14:10, so nothing was done."),
    ],
)
def test_the_agent_can_tell_the_end_user_who_has_it_and_when_they_hear(
    escalation: Escalation, expected: str
) -> None:
    """A named person and a time is a promise; "please wait" is none."""
    assert for_user(escalation, READER, accepted_at=FOUR_PAST, url=URL) == expected


def test_without_a_status_page_the_promise_ends_with_a_full_stop() -> None:
    """Where there is no page to point to, nothing points to one."""
    assert for_user(OPEN, READER) == "I have asked our billing team. You will hear by 14:30."
    assert for_user(ASKED_BACK, READER) == "Maria from Billing has a question for you."
    assert for_user(ACCEPTED, READER) == "Maria from Billing has it. You will hear by 14:30."


@pytest.mark.parametrize(
    ("escalation", "expected"),
    [
        (OPEN, "Your request is with our billing team."),
        (ACCEPTED, "Your request is with Maria from Billing since 14:04."),
        (TAKEN_OVER, "Maria from Billing has taken over this conversation."),
        (ASKED_BACK, "Maria from Billing has a question for you."),
        (APPROVED, "Your request is decided."),
        (ended(APPROVED, ClosedAs.EXECUTED), "Your request is done."),
        (ended(APPROVED, ClosedAs.EFFECT_UNKNOWN), "Your request is being checked."),
        (WITHDRAWN, "Your request was taken back."),
    ],
)
def test_the_headline_says_where_the_request_is(escalation: Escalation, expected: str) -> None:
    """The first line of the page answers the first question."""
    assert headline(escalation, READER, accepted_at=FOUR_PAST) == expected


def test_the_headline_gives_no_time_it_does_not_know() -> None:
    """A page made without the timeline names the person and claims no time."""
    assert headline(ACCEPTED, READER) == "Your request is with Maria from Billing."


def test_a_promise_that_has_passed_is_owned_up_to() -> None:
    """A page that still promises half past two at three o'clock is worse than none."""
    late = replace(READER, now=HALF_PAST)

    assert promise(OPEN, late) == (
        "You were to hear by 14:30; that has passed, and it is still open."
    )


def test_a_decided_request_promises_nothing_more() -> None:
    """Nobody waits for something that has already come."""
    assert promise(APPROVED, READER) == "Nothing more is needed from you."
    assert outcome(OPEN, READER) == "It is not decided yet."


def test_the_steps_name_who_has_it_and_when() -> None:
    """Four steps with times are the shortest honest picture of the way."""
    four = steps(ended(APPROVED, ClosedAs.FAILED), READER, accepted_at=FOUR_PAST)

    assert [(each.label, each.is_done, each.at) for each in four] == [
        ("Passed on", True, TWO),
        ("Maria from Billing has it", True, FOUR_PAST),
        ("Decision", True, TEN_PAST),
        ("Not carried out", True, HALF_PAST),
    ]


def test_what_nobody_decided_never_shows_a_person() -> None:
    """A fallback is not a person's word, on the end user's page too."""
    by_rule = ruled(DecisionKind.NOBODY_DECIDED, applied=Fallback.REJECT)

    second = steps(by_rule, READER, accepted_at=FOUR_PAST)[1]

    assert (second.label, second.is_done, second.at) == ("A person has it", False, None)


# --- the model ------------------------------------------------------------------------------------


def test_the_model_reads_who_is_asked_by_when_that_it_has_not_run_and_not_to_try_again() -> None:
    """Some frameworks make models try again; the facts leave nothing to gain from it."""
    assert for_model(OPEN, READER) == (
        "The call to issue_refund was stopped by rule refund-over-limit at "
        "2026-11-23 14:00 Europe/Berlin (esc_1). As of 2026-11-23 14:04 Europe/Berlin "
        "Maria from Billing is being asked to decide by 2026-11-23 14:30 Europe/Berlin. "
        "It has NOT run. There is no need to try again: the same call meets this escalation, "
        "and its decision is delivered when it is made."
    )


def test_the_model_reads_of_everybody_who_is_asked() -> None:
    """Where a team is asked, no single person is claimed to have it."""
    both = replace(OPEN, offer=Offer(("maria", "tom"), TEN_PAST))

    assert "Maria from Billing and Tom Ode are being asked to decide" in for_model(both, READER)


def test_the_model_reads_that_a_person_has_the_conversation() -> None:
    """An agent that talks over a person is the complaint that repeats most."""
    said = for_model(TAKEN_OVER, READER)

    assert "Maria from Billing has taken over the conversation" in said
    assert "guarded calls of it are refused" in said


def test_the_model_reads_of_a_pending_question() -> None:
    """It cannot answer what it does not know of."""
    asked = replace(ACCEPTED, question=Question("question/3", ActorKind.AGENT, FOUR_PAST))

    said = for_model(asked, READER)

    assert "Maria from Billing has asked the agent a question (question/3)." in said


def test_a_decision_is_a_dated_fact_with_its_author_and_end() -> None:
    """What was decided by whom and when stays true; what may run has an end."""
    said = for_model(APPROVED, READER)

    assert "Maria from Billing approved it at 2026-11-23 14:10 Europe/Berlin." in said
    assert "It may run once, exactly as decided, before 2026-11-30 14:10 Europe/Berlin" in said


def test_a_rejection_says_that_nothing_ran() -> None:
    """The model must not believe that it happened, nor that it will."""
    assert for_model(REJECTED, READER).endswith("It has NOT run and will not run.")


def test_a_fallback_says_that_it_is_no_persons_decision() -> None:
    """Silence is never consent and never a refusal by a person."""
    said = for_model(ruled(DecisionKind.NOBODY_DECIDED, applied=Fallback.REJECT), READER)

    assert "Nobody decided by 2026-11-23 14:10 Europe/Berlin, so it was not done." in said
    assert "not a person's decision" in said
    assert said.endswith("It has NOT run and will not run.")


def test_the_words_of_the_decider_are_quoted_as_theirs() -> None:
    """An answer is somebody's answer at a time, never an instruction of the system."""
    answered = ruled(DecisionKind.ANSWER)

    said = for_model(answered, READER, content={"answer": "Yes, clause 7.", "note": "see page 3"})

    assert 'Maria from Billing answered: "Yes, clause 7."' in said
    assert 'Maria from Billing noted: "see page 3".' in said


def test_a_hand_back_note_is_told_as_facts_of_its_time() -> None:
    """A lasting promise in the conversation made other agents useless after a hand-back."""
    note = {
        "decided": "one night refunded",
        "done_outside": "called the hotel",
        "may_assume": "the guest agrees",
        "must_not": "offer more",
    }

    said = for_model(ruled(DecisionKind.HAND_BACK), READER, content={"hand_back": note})

    assert "Maria from Billing handed the conversation back at 2026-11-23 14:10" in said
    assert 'Maria from Billing says it was decided: "one night refunded".' in said
    assert 'Maria from Billing did outside this system: "called the hotel".' in said
    assert 'Maria from Billing says may be assumed as of then: "the guest agrees".' in said
    assert 'Maria from Billing asked at that time to leave undone: "offer more".' in said


def test_a_safe_option_is_chosen_by_the_rule() -> None:
    """What the rule chose is not put into a person's mouth."""
    chosen = ruled(DecisionKind.NOBODY_DECIDED, applied=Fallback.SAFE_OPTION, option="wait")

    assert 'The rule chose: "wait".' in for_model(chosen, READER)


def test_an_unknown_effect_stays_unknown() -> None:
    """Whether it ran is not known, so nobody is told that it did or did not."""
    said = for_model(ended(APPROVED, ClosedAs.EFFECT_UNKNOWN), READER)

    assert "whether it ran is not known, and nothing runs it again" in said
    assert "NOT run" not in said


def test_a_withdrawn_call_has_not_run() -> None:
    """A question without a call has no answer; a call has not run."""
    assert "It was withdrawn at 2026-11-23 14:10 Europe/Berlin. It has NOT run." in for_model(
        WITHDRAWN, READER
    )
    assert "There is no answer." in for_model(replace(WITHDRAWN, tool=""), READER)


def test_a_refusal_by_policy_says_that_nobody_is_asked() -> None:
    """The model must not wait for somebody whom nobody asked."""
    said = denied_for_model("rule never-close", READER)

    assert "refused by policy (rule never-close)" in said
    assert "It has NOT run and nobody is being asked" in said
    assert denied_for_user() == "I am not allowed to do that, so nothing was done."


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (TWO, "14:00"),
        (TWO + timedelta(hours=10), "tomorrow 00:00"),
        (TWO - timedelta(hours=15), "yesterday 23:00"),
        (TWO + timedelta(days=3), "Thu 26 Nov 14:00"),
        (TWO + timedelta(days=60), "Fri 22 Jan 2027 14:00"),
    ],
)
def test_a_time_reads_as_people_say_it_where_they_are(at: datetime, expected: str) -> None:
    """ "By 14:30" is understood by everybody; "2026-11-23T13:30:00Z" by few."""
    assert READER.clock(at) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "no time"),
        (1, "1 second"),
        (600, "10 minutes"),
        (5_400, "1 hour 30 minutes"),
        (90_061, "1 day 1 hour"),
    ],
)
def test_a_span_reads_in_its_two_largest_units(seconds: int, expected: str) -> None:
    """Nobody counts seconds of a day."""
    assert span(timedelta(seconds=seconds)) == expected


def test_names_are_listed_as_people_list_them() -> None:
    """Sentences about several people stay sentences."""
    assert listed([]) == ""
    assert listed(["Maria"]) == "Maria"
    assert listed(["Maria", "Tom", "Dana"]) == "Maria, Tom and Dana"


@pytest.mark.parametrize(
    ("ladder", "expected"),
    [
        ("billing", "our billing team"),
        ("billing~creator", "our billing team"),
        ("night_shift", "our night shift team"),
        ("claims-team", "our claims team"),
    ],
)
def test_a_ladder_is_a_team_to_the_end_user(ladder: str, expected: str) -> None:
    """The end user is told of people, not of configuration."""
    assert team(ladder) == expected


def test_times_of_the_engine_are_told_on_the_reader_s_clock() -> None:
    """A sentence is written once, in UTC, and read in Berlin and in Tokyo."""
    now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    reader = Reader(names={}, zone=ZoneInfo("Asia/Tokyo"), now=now)

    told = reader.local("asked again from 2026-11-23 11:30 UTC; it was 2026 until then")

    assert told == "asked again from 20:30; it was 2026 until then"
