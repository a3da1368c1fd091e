"""The agent asks by itself, looks at what waits, adds to it, answers and takes back."""

from typing import Any

import pytest

from pullcord import (
    Decision,
    DeniedByPolicy,
    EndUser,
    InvalidInput,
    NobodyDecided,
    NotDone,
    Option,
    Parked,
    RejectedByPerson,
    Unreachable,
)
from pullcord.errors import KeyReused
from pullcord.testing import answers, chooses, rejects
from pullcord.wire.requests import QuestionIn
from tests.client.stage import Problem, Stage, parked, refund


def test_an_answer_comes_back_with_its_author(stage: Stage) -> None:
    """The agent did not know and asked; it goes on with what it was told, and by whom."""
    stage.live.plays("maria", answers("the blue one", note="ask again next year"))
    agent = stage.agent()

    decision = agent.escalate("Which one does Anna mean?", wait="20s")

    assert (decision.answer, decision.by) == ("the blue one", "Maria from Billing")
    assert decision.note == "ask again next year"
    assert stage.row(decision.escalation).closed_as == "executed"


def test_a_choice_comes_back_as_its_option(stage: Stage) -> None:
    """Options are chosen by id, never by text that a model has to read."""
    stage.live.plays("maria", chooses("refund"))
    options = [Option("refund", "Refund"), Option("wait", "Wait", is_safe=True)]

    decision = stage.agent().escalate("What now?", kind="choose", options=options, wait="20s")

    assert decision.option == "refund"
    assert not decision.is_by_rule


def test_a_question_that_parked_is_answered_through_the_stream(stage: Stage) -> None:
    """It needs no guarded function: what comes back is the decision itself."""
    first, second = stage.agent(), stage.agent()
    with pytest.raises(Parked) as stopped:
        first.escalate("Which one?", key="q-1")
    with pytest.raises(Parked) as again:
        second.escalate("Which one?", key="q-1")
    stage.act("maria", "answer", stopped.value.escalation, "both")

    (announced,) = second.decisions()
    decision = second.resume(announced)

    assert again.value.escalation == stopped.value.escalation
    assert isinstance(decision, Decision)
    assert decision.answer == "both"


def test_a_question_nobody_answers_has_no_answer(stage: Stage) -> None:
    """Silence is never taken for an answer."""
    agent = stage.agent()
    with pytest.raises(Parked) as stopped:
        agent.escalate("Which one?")
    stage.live.turn(stage.row(stopped.value.escalation).terms.decide_within)

    with pytest.raises(NobodyDecided):
        agent.resume(stopped.value.escalation, on_stop="raise")


def test_a_question_can_be_refused(stage: Stage) -> None:
    """Nobody has to answer what should not be asked."""
    stage.live.plays("maria", rejects(note="ask the customer"))

    with pytest.raises(RejectedByPerson, match="ask the customer"):
        stage.agent().escalate("Which one?", wait="20s")


def test_what_a_person_approved_outside_a_guard_is_reported_by_the_agent(stage: Stage) -> None:
    """The agent does it itself, so only it knows what became of it."""
    agent = stage.agent()
    args = {"order": "A", "amount": 480.0}
    with pytest.raises(Parked) as stopped:
        agent.escalate("Refund?", kind="approve", tool="by_hand", args=args, key="k")
    stage.act("maria", "edit", stopped.value.escalation, amount=1.0)

    terms = {"kind": "approve", "tool": "by_hand", "args": args, "key": "k", "wait": "5s"}
    decision = agent.escalate("Refund?", **terms)
    agent.do(agent.cord.report(decision, result="paid in cash"))

    assert decision.args == {"order": "A", "amount": 1}
    assert stage.row(decision.escalation).closed_as == "executed"


def test_an_approval_without_a_tool_comes_through_the_stream_and_is_the_agents_to_report(
    stage: Stage,
) -> None:
    """Nothing is under guard here, so nothing is claimed to have run."""
    agent = stage.agent()
    with pytest.raises(Parked) as stopped:
        agent.escalate("May I call the customer?", kind="approve")
    stage.act("maria", "approve", stopped.value.escalation)

    (announced,) = agent.decisions()
    decision = agent.resume(announced)
    before = stage.row(decision.escalation).status
    agent.do(agent.cord.report(decision, outcome="failed", result="no answer"))

    assert before == "collected"
    assert agent.decisions() == []
    assert stage.row(decision.escalation).closed_as == "failed"


def test_what_the_rules_deny_cannot_be_asked_for(stage: Stage) -> None:
    """Asking a person is no way around a rule that wakes nobody."""
    args = {"order": "A", "amount": 20_000.0}

    with pytest.raises(DeniedByPolicy):
        stage.agent().escalate("May I?", kind="approve", tool="issue_refund", args=args)


def test_a_key_stands_for_one_question(stage: Stage) -> None:
    """Another question under it is a mistake of the agent."""
    agent = stage.agent()
    with pytest.raises(Parked):
        agent.escalate("Which one?", key="k")

    with pytest.raises(KeyReused):
        agent.escalate("Which other one?", key="k")


def test_without_the_server_there_is_nobody_to_ask(stage: Stage) -> None:
    """The agent hears it in the same words as from a guard."""
    stage.break_once("/v1/escalations", "busy", method="POST", times=1000)

    with pytest.raises(Unreachable):
        stage.agent().escalate("Which one?")


def test_a_question_whose_answer_another_process_took_has_none_here(stage: Stage) -> None:
    """It will be acted on there."""
    stage.live.plays("maria", answers("x"))
    stage.faults.planned.append(Problem("/collect", "already-collected"))

    with pytest.raises(NotDone, match="taken before"):
        stage.agent().escalate("Which one?", wait="20s")


def test_a_take_over_can_be_asked_for(stage: Stage) -> None:
    """The agent knows best when it is out of its depth."""
    agent = stage.agent()

    with agent.cord.run(stage.thread), pytest.raises(Parked) as stopped:
        agent.escalate("Anna wishes to talk to a person", kind="take_over")

    assert stage.row(stopped.value.escalation).ask_kind == "take_over"


@pytest.mark.parametrize(
    ("question", "terms"),
    [
        (" ", {}),
        ("?", {"kind": "guess"}),
        ("?", {"kind": "choose", "options": [Option("a", "A")]}),
        ("?", {"args": {"x": b"bytes"}}),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_at_once(
    stage: Stage, question: str, terms: dict[str, Any]
) -> None:
    """People's time is not spent on mistakes of a program."""
    with pytest.raises(InvalidInput):
        stage.agent().escalate(question, **terms)


# --- looking, adding, replying ----------------------------------------------------------------
def test_the_agent_sees_what_still_waits_for_an_end_user(stage: Stage) -> None:
    """So that it does not ask people the same thing twice."""
    agent = stage.agent()
    anna = EndUser(f"u-{stage.thread}")
    ids = []
    for order in ("A", "B"):
        with agent.cord.run(stage.thread, end_user=anna):
            ids.append(parked(agent, refund([]), order, 480.0))
    stage.act("maria", "approve", ids[0])

    found = agent.do(agent.cord.open_for(anna))
    by_id = agent.do(agent.cord.open_for(anna.id))

    assert [each.id for each in found] == ids[1:]
    assert by_id == found
    assert agent.do(agent.cord.escalation(ids[0])).status == "decided"


def test_the_agent_can_add_to_what_people_read_and_answer_them(stage: Stage) -> None:
    """An owner asks back; the reply reaches them before they decide."""
    agent = stage.agent()
    escalation = parked(agent, refund([]), "A", 480.0)
    stage.act("maria", "accept", escalation)
    stage.act("maria", "act", escalation, QuestionIn(to="agent", text="Which carrier?"))
    question = stage.row(escalation).question.id

    agent.do(agent.cord.reply(escalation, question, "The fast one."))
    agent.do(agent.cord.add_context(escalation, "It rains."))

    kinds = [each.kind for each in stage.live.call(stage.live.town.timeline(escalation))]
    assert {"replied", "context_added"} <= set(kinds)


def test_explaining_asks_nobody_and_does_nothing(stage: Stage) -> None:
    """What would happen, by which rule, and who would be asked."""
    agent = stage.agent()
    made: list[Any] = []
    guarded = agent.cord.guard(refund(made))

    by_name = agent.do(agent.cord.explain("issue_refund", order="A", amount=480.0))
    by_function = agent.do(agent.cord.explain(guarded, "A", 480.0))
    unknown = agent.do(agent.cord.explain("something", what="x"))

    assert by_name.rule == by_function.rule == "refund-over-limit"
    assert by_name.owner.id == "maria"
    assert unknown.verdict == "allow"
    assert made == []
    with pytest.raises(InvalidInput):
        agent.do(agent.cord.explain("something", "x"))
