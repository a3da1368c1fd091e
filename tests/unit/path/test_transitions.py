"""Every verb from every status: what it leads to, or exactly what stands in the way."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import product

import pytest

from pullcord.errors import (
    AlreadyAccepted,
    AlreadyClosed,
    AlreadyCollected,
    AlreadyDecided,
    AlreadyWithdrawn,
    NotAccepted,
    NotCollected,
    NotYetDecided,
    WorldMovedOn,
)
from pullcord.path import asking, deciding, ending, talking
from pullcord.path.asking import open_escalation
from pullcord.path.escalation import (
    ActorKind,
    Change,
    ClosedAs,
    DecisionKind,
    Escalation,
    Status,
    agent,
    person,
)
from pullcord.path.transitions import BY_VERB, TABLE, in_the_way
from tests.unit.path.scenes import (
    FLOOR,
    HOUR,
    MINUTE,
    NOON,
    SAMPLES,
    SHOWN,
    accepted,
    blank,
    closed,
    collected,
    decided,
    floor_with,
    fresh,
    offered,
    only,
    opened,
    ruling,
    sign,
    told_of,
    undecided,
)

SOON = NOON + 5 * MINUTE
LATER = NOON + timedelta(days=400)

Act = Callable[[Escalation], Change]


def due(at: datetime | None) -> datetime:
    """The deadline where there is one; far later where the verb has nothing to do."""
    return at or LATER


#: every verb, as its party does it; what the engine does comes when it is due
ACTS: Mapping[str, Act] = {
    "accept": lambda e: asking.accept(e, "ben", FLOOR, SOON),
    "decline": lambda e: asking.decline(e, "ben", FLOOR, SOON),
    "not_reached": lambda e: asking.not_reached(e, "ben", FLOOR, SOON, generation=e.generation),
    "advance": lambda e: asking.advance(e, FLOOR, due(e.accept_by)),
    "refresh": lambda e: asking.refresh(e, floor_with(ana={"is_active": False}), SOON),
    "lapse": lambda e: asking.lapse(e, FLOOR, due(e.hold_until)),
    "return_offer": lambda e: asking.return_offer(e, due(e.accept_by)),
    "release": lambda e: asking.release(e, "ana", FLOOR, SOON),
    "reassign": lambda e: asking.reassign(e, "ana", FLOOR, SOON, to="cyd"),
    "snooze": lambda e: asking.snooze(e, "ana", FLOOR, SOON, within=HOUR),
    "extend": lambda e: asking.extend(e, "ana", FLOOR, SOON, within=HOUR),
    "ask": lambda e: talking.ask_back(e, "ana", FLOOR, SOON, to=ActorKind.AGENT, text="Why?"),
    "reply": lambda e: talking.reply(
        e, agent("support"), SOON, question=e.question.id if e.question else "q", text="Because."
    ),
    "context": lambda e: talking.add_context(e, agent("support"), FLOOR, SOON, text="More."),
    "comment": lambda e: talking.comment(e, "cyd", FLOOR, SOON, text="Looks odd."),
    "decide": lambda e: deciding.decide(e, "ana", FLOOR, SOON, ruling=ruling(), sign=sign),
    "take_over": lambda e: deciding.take_over(e, "ana", FLOOR, SOON),
    "hand_back": lambda e: deciding.hand_back(
        e, "ana", FLOOR, SOON, ruling=ruling(DecisionKind.HAND_BACK), sign=sign
    ),
    "fall_back": lambda e: deciding.fall_back(e, due(e.decide_by), sign=sign, nonce="n"),
    "withdraw": lambda e: ending.withdraw(e, agent("support"), SOON),
    "collect": lambda e: ending.collect(e, SOON, attempt="a1"),
    "report": lambda e: ending.report(e, told_of(), FLOOR, SOON, fresh=None),
    "give_up_collecting": lambda e: ending.give_up_collecting(e, FLOOR, due(e.collect_by)),
    "give_up_reporting": lambda e: ending.give_up_reporting(e, FLOOR, due(e.report_by)),
    "decide_late": lambda e: ending.decide_late(e, "cyd", FLOOR, SOON, fresh=fresh()),
}

O, A, D, K, C, W = Status  # noqa: E741
NOTHING = "nothing"
#: what a verb leads to from open, accepted, decided, collected, closed, withdrawn
EXPECTED: Mapping[str, tuple[Status | str | type[WorldMovedOn], ...]] = {
    "accept": (A, A, AlreadyDecided, AlreadyDecided, AlreadyDecided, AlreadyWithdrawn),
    "decline": (O, A, AlreadyDecided, AlreadyDecided, AlreadyDecided, AlreadyWithdrawn),
    "not_reached": (O, A, NOTHING, NOTHING, NOTHING, NOTHING),
    "advance": (O, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),
    "refresh": (O, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),
    "lapse": (NOTHING, O, NOTHING, NOTHING, NOTHING, NOTHING),
    "return_offer": (NOTHING, A, NOTHING, NOTHING, NOTHING, NOTHING),
    "release": (NotAccepted, O, AlreadyDecided, AlreadyDecided, AlreadyDecided, AlreadyWithdrawn),
    "reassign": (O, A, AlreadyDecided, AlreadyDecided, AlreadyDecided, AlreadyWithdrawn),
    "snooze": (NotAccepted, A, AlreadyDecided, AlreadyDecided, AlreadyDecided, AlreadyWithdrawn),
    "extend": (O, A, AlreadyDecided, AlreadyDecided, AlreadyDecided, AlreadyWithdrawn),
    "ask": (NotAccepted, A, AlreadyDecided, AlreadyDecided, AlreadyDecided, AlreadyWithdrawn),
    "reply": (NotAccepted, A, AlreadyDecided, AlreadyDecided, AlreadyDecided, AlreadyWithdrawn),
    "context": (O, A, AlreadyDecided, AlreadyDecided, AlreadyDecided, AlreadyWithdrawn),
    "comment": (O, A, AlreadyDecided, AlreadyDecided, AlreadyDecided, AlreadyWithdrawn),
    "decide": (D, D, AlreadyDecided, AlreadyDecided, AlreadyDecided, AlreadyWithdrawn),
    "take_over": (NotAccepted, A, AlreadyDecided, AlreadyDecided, AlreadyDecided, AlreadyWithdrawn),
    "hand_back": (NotAccepted, D, AlreadyDecided, AlreadyDecided, AlreadyDecided, AlreadyWithdrawn),
    "fall_back": (D, D, NOTHING, NOTHING, NOTHING, NOTHING),
    "withdraw": (W, W, AlreadyDecided, AlreadyDecided, AlreadyDecided, AlreadyWithdrawn),
    "collect": (NotYetDecided, NotYetDecided, K, K, AlreadyCollected, AlreadyWithdrawn),
    "report": (NotYetDecided, NotYetDecided, NotCollected, C, C, AlreadyWithdrawn),
    "give_up_collecting": (NOTHING, NOTHING, C, NOTHING, NOTHING, NOTHING),
    "give_up_reporting": (NOTHING, NOTHING, NOTHING, C, NOTHING, NOTHING),
    "decide_late": (NotYetDecided, NotYetDecided, A, A, A, AlreadyWithdrawn),
}
CASES = [
    (verb, status, wanted)
    for verb, row in EXPECTED.items()
    for status, wanted in zip(Status, row, strict=True)
]
#: verbs that repeat without effect from the status they lead to
REPEATED = {("collect", K), ("report", C)}


def prepared(verb: str, status: Status) -> Escalation:
    """An escalation in this status on which the verb, where it is possible, has something to do."""
    if status is A and verb in ("accept", "decline", "not_reached", "return_offer"):
        return offered("ben")
    if status is A and verb == "reply":
        return only(ACTS["ask"](accepted()))
    if status is A and verb == "hand_back":
        return only(ACTS["take_over"](accepted()))
    if verb == "decide_late" and status in (D, K, C):
        by_rule = undecided()
        return {D: lambda: by_rule, K: lambda: collected(by_rule), C: lambda: closed(by_rule)}[
            status
        ]()
    return SAMPLES[status]


def test_the_expectations_cover_every_verb_from_every_status() -> None:
    """A verb added to the table without its row here would be a promise nobody checks."""
    asked = {(verb, status) for verb, status, _ in CASES}

    assert asked == set(product(BY_VERB.keys() - {"open"}, Status))
    assert EXPECTED.keys() == ACTS.keys()
    assert len(TABLE) == len(BY_VERB) == 26


@pytest.mark.parametrize(("verb", "status", "wanted"), CASES)
def test_a_verb_leads_where_the_table_says_or_says_what_stands_in_the_way(
    verb: str, status: Status, wanted: Status | str | type[WorldMovedOn]
) -> None:
    """The table is the specification: nothing happens that is not in it."""
    escalation = prepared(verb, status)
    assert escalation.status is status

    if isinstance(wanted, type):
        with pytest.raises(wanted) as problem:
            ACTS[verb](escalation)
        assert type(problem.value) is wanted
        assert escalation.id in str(problem.value)
        assert status not in BY_VERB[verb].since or verb in ("collect", "report")
        return
    change = ACTS[verb](escalation)

    if wanted == NOTHING:
        assert change.is_empty
        assert status not in BY_VERB[verb].since
        return
    assert status in BY_VERB[verb].since
    assert wanted in BY_VERB[verb].leads_to
    assert change.is_empty == ((verb, status) in REPEATED)
    assert (change.escalations or (escalation,))[0].status is wanted


def test_opening_leads_to_open() -> None:
    """An agent's stop is asked of people at once; there is no state before."""
    change = open_escalation(blank(), SHOWN, FLOOR, NOON)

    assert only(change).status is BY_VERB["open"].leads_to[0] is Status.OPEN
    assert BY_VERB["open"].since == ()


@pytest.mark.parametrize("verb", [row.verb for row in TABLE if row.by == ("engine",)])
def test_the_engine_never_gets_a_problem(verb: str) -> None:
    """A timer that fires late or twice finds nothing to do; an exception would stop others."""
    outcomes = [ACTS[verb](each) for each in SAMPLES.values()]

    assert all(isinstance(each, Change) for each in outcomes)


def in_words(escalation: Escalation, verb: str) -> str:
    return str(in_the_way(escalation, verb))


def test_who_comes_second_is_told_who_was_first_when_and_what_to_do() -> None:
    """The loser of a race must not wonder whether their click counted."""
    problem = in_the_way(decided(), "decide")

    assert isinstance(problem, AlreadyDecided)
    assert (problem.by, problem.at) == ("ana", NOON + 3 * MINUTE)
    assert str(problem) == (
        "esc_1 was decided by ana at 2026-11-24 12:03:00 UTC: approve. A decision never changes. "
        "Comment on it, or wait for the agent to ask anew."
    )


def test_a_decision_by_rule_is_never_told_as_a_persons() -> None:
    """Silence is not a person's word, in error messages too, and there is a way on."""
    words = in_words(undecided(), "decide")

    assert words.startswith("esc_1 was decided by rule, because nobody decided at 2026-11-24 14:00")
    assert "Decide it late" in words


def test_who_accepts_second_is_told_who_has_it() -> None:
    """Two people press accept: one has it, the other learns the name."""
    with pytest.raises(AlreadyAccepted) as problem:
        asking.accept(accepted(), "ben", FLOOR, SOON)

    assert problem.value.by == "ana"
    assert str(problem.value).startswith("ana already has esc_1. Ask them")


def test_what_needs_an_acceptance_names_who_is_being_asked() -> None:
    """The way on is to accept first, and it says whose turn it is."""
    words = in_words(opened(), "take_over")

    assert words == (
        "nobody has accepted esc_1 yet; ana is being asked. Accept it first, then take over."
    )


def test_a_withdrawn_one_says_when_it_was_taken_back() -> None:
    """Somebody who prepared a decision wants to know that it was in vain, since when, what next."""
    words = in_words(SAMPLES[Status.WITHDRAWN], "decide")

    assert "withdrawn at 2026-11-24 12:01:00 UTC by its agent or end user" in words
    assert "Open a new escalation" in words


@pytest.mark.parametrize(
    ("verb", "words"), [("collect", "collected"), ("report", "reported"), ("decide_late", "late")]
)
def test_too_early_names_who_has_not_decided(verb: str, words: str) -> None:
    """An agent that asks too early waits; its model reads whom for."""
    found = in_words(accepted(), verb)

    assert "ana has not decided" in found
    assert words in found
    assert "Wait for the decision" in found


def test_an_uncollected_decision_says_not_to_execute_it() -> None:
    """A late agent must not act on a decision the world has moved on from."""
    escalation = only(ACTS["give_up_collecting"](decided()))

    problem = in_the_way(escalation, "collect")

    assert isinstance(problem, AlreadyClosed)
    assert "do not execute it" in str(problem)


def test_what_another_attempt_executed_is_not_executed_again() -> None:
    """A second process of the agent learns which attempt was first."""
    problem = in_the_way(closed(), "collect")

    assert isinstance(problem, AlreadyCollected)
    assert problem.attempt == "a1"
    assert "do not execute it again" in str(problem)


def test_there_is_nothing_to_report_where_no_agent_waited() -> None:
    """An escalation without a waiting agent ends with its decision."""
    escalation = decided(is_awaited=False)
    assert escalation.closed_as is ClosedAs.NOT_NEEDED

    with pytest.raises(AlreadyClosed, match="no agent waited"):
        ending.report(escalation, told_of(), FLOOR, SOON, fresh=None)


def test_a_person_is_an_actor_with_a_name() -> None:
    """Timeline and messages write actors the same way."""
    assert str(person("ana")) == "person:ana"
