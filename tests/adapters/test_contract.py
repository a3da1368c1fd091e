"""The contract without any framework: flows, texts, and what a process remembers."""

from datetime import UTC, datetime
from typing import Any

import pytest

from pullcord import InvalidInput, NotDone, Pullcord, RejectedByPerson, Unreachable
from pullcord.adapters.calls import (
    Done,
    Framework,
    Result,
    ToolCall,
    ToolFailed,
    Transcripts,
    with_notice,
)
from pullcord.adapters.chat import chat_call
from pullcord.adapters.contract import Gate, gate_of, is_living, need_thread
from pullcord.adapters.working import work
from pullcord.client.decisions import Decision
from pullcord.client.escalating import Question
from tests.adapters.shop import Stage
from tests.client.stage import Fault

PLAIN = Framework("Plain", "msgspec", ("durable", "edit_args"))
NOON = datetime(2027, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def cord(stage: Stage) -> Any:
    """A client of its own."""
    with Pullcord(patience="1s") as found:
        yield found


@pytest.fixture
def gate(cord: Pullcord) -> Gate:
    """Its gate."""
    return gate_of(cord, PLAIN)


def call(thread: str, amount: float = 480.0, **changes: Any) -> ToolCall:
    """A refund."""
    args = {"order": "A-17", "amount": amount}
    return ToolCall("issue_refund", args, changes.pop("id", "c1"), thread, **changes)


def decision(kind: str, **changes: Any) -> Decision:
    """A decision of Maria's."""
    return Decision("esc_1", kind, "t", "r", "c", "Maria", NOON, "for model", "for user", **changes)


# --- words ----------------------------------------------------------------------------------------
def test_a_plain_yes_needs_no_notice() -> None:
    """The model reads the result and nothing else."""
    assert Done("x", decision("approve")).notice == ""
    assert with_notice("", "x") == "x"


def test_a_change_is_told_with_who_when_and_what_ran() -> None:
    """Otherwise the model repeats the call it believes failed."""
    notice = Done("x", decision("edit", args={"amount": 5}, note="only the cup")).notice

    assert notice == (
        "Maria changed this call before it ran (2027-01-05 12:00 UTC). It ran with "
        '{"amount": 5}, not with what you wrote. That is what was decided; do not repeat your '
        "original call. Maria says (2027-01-05 12:00 UTC): only the cup"
    )


def test_a_yes_by_rule_is_no_persons_yes() -> None:
    """Nobody decided: the model must not thank Maria."""
    notice = Done("x", decision("nobody_decided", applied="approve")).notice

    assert notice.startswith("Nobody decided by 2027-01-05 12:00 UTC")


def test_a_pause_without_a_name_for_its_conversation_is_refused() -> None:
    """Without it the resumed call would be another call."""
    with pytest.raises(InvalidInput, match="Do this"):
        need_thread("", "It", "Do this.")

    assert need_thread("t", "It", "Do this.") == "t"


# --- flows ----------------------------------------------------------------------------------------
@pytest.mark.promise("adapters-first-verdict-stands")
def test_a_call_that_was_stopped_is_never_judged_anew(
    stage: Stage, gate: Gate, thread: str
) -> None:
    """A rule that changes in between must not turn a no into a run."""
    first = gate.do(gate.stop(call(thread)))
    with stage.lenient():
        again = gate.do(gate.stop(call(thread, is_replayed=True)))
        other = gate.do(gate.stop(call(thread, id="c2", is_replayed=True)))

    assert first is not None
    assert again is not None
    assert again.id == first.id
    assert other is None


def test_an_id_that_stands_for_another_action_lets_nothing_run(gate: Gate, thread: str) -> None:
    """Some models number their calls from one again: a yes must not cover the wrong one."""
    gate.do(gate.stop(call(thread)))

    with pytest.raises(NotDone, match="already stands for another action"):
        gate.do(gate.stop(call(thread, amount=999.0)))


def test_what_was_executed_is_handed_out_again_and_not_executed_again(
    stage: Stage, gate: Gate, thread: str
) -> None:
    """Frameworks replay what they paused, also what is long done."""
    ran: list[dict[str, Any]] = []

    def act(**arguments: Any) -> Any:
        ran.append(arguments)
        return Result("text for the record", {"native": True})

    made = call(thread)
    gate.do(gate.stop(made))
    stage.person("maria").approve(stage.only())
    decided = gate.do(gate.look(stage.latest()))

    first = gate.do(gate.finish(made, decided, act))
    second = gate.do(gate.finish(made, decided, act))

    assert first is second
    assert first.value == {"native": True}
    assert ran == [{"order": "A-17", "amount": 480.0}]
    assert stage.report(stage.latest())["result"] == "text for the record"


def test_two_replays_at_once_execute_it_once(stage: Stage, gate: Gate, thread: str) -> None:
    """A framework may run two copies of one paused task side by side."""
    ran: list[str] = []
    made = call(thread)
    gate.do(gate.stop(made))
    stage.person("maria").approve(stage.only())
    decided = gate.do(gate.look(stage.latest()))

    def act(**_: Any) -> str:
        ran.append("once")
        with pytest.raises(NotDone, match="taken before"):
            gate.do(gate.finish(made, decided, act))
        return "done"

    done = gate.do(gate.finish(made, decided, act))

    assert (done.value, ran) == ("done", ["once"])


def test_a_failure_with_words_of_the_framework_is_reported_as_a_failure(
    stage: Stage, gate: Gate, thread: str
) -> None:
    """Some frameworks turn errors into results; the record must not."""

    def act(**_: Any) -> Any:
        raise ToolFailed("native words", "the bank hung up")

    made = call(thread)
    gate.do(gate.stop(made))
    stage.person("maria").approve(stage.only())

    done = gate.do(gate.finish(made, gate.do(gate.look(stage.latest())), act))

    assert (done.value, done.is_failed) == ("native words", True)
    assert stage.closed_as(stage.latest()) == "failed"


def test_a_no_is_the_same_no_when_it_is_asked_for_again(
    stage: Stage, gate: Gate, thread: str
) -> None:
    """The second time it is closed; the answer is still Maria's."""
    made = call(thread)
    gate.do(gate.stop(made))
    stage.person("maria").reject(stage.only(), note="no cup, no money")
    decided = gate.do(gate.look(stage.latest()))

    for _ in range(2):
        with pytest.raises(RejectedByPerson, match="no cup, no money"):
            gate.do(gate.finish(made, decided, print))
    closed = gate.do(gate.look(stage.latest()))
    with Pullcord(patience="1s") as other:
        elsewhere = Gate(other, PLAIN)
        with pytest.raises(RejectedByPerson):
            elsewhere.do(elsewhere.finish(made, closed, print))


def test_a_decision_that_the_framework_carries_out_is_begun_once(
    stage: Stage, gate: Gate, thread: str
) -> None:
    """Two resumes of one pause must not run one yes twice."""
    made = call(thread)
    gate.do(gate.stop(made))
    stage.person("maria").approve(stage.only())
    decided = gate.do(gate.look(stage.latest()))

    found = gate.do(gate.take(made, decided))
    with pytest.raises(NotDone, match="was not run"):
        gate.do(gate.take(made, decided))

    assert found.args == {"order": "A-17", "amount": 480.0}


@pytest.mark.promise("adapters-never-open")
def test_whoever_cannot_be_asked_has_not_agreed(stage: Stage, gate: Gate, thread: str) -> None:
    """A question, a look and a decision that do not come through say so and let nothing run."""
    made = call(thread)
    gate.do(gate.stop(made))
    stage.person("maria").approve(stage.only())
    decided = gate.do(gate.look(stage.latest()))
    stage.faults.planned.append(Fault("/v1/escalations*", "busy", times=10_000))

    for flow in (
        gate.stop(call(thread, id="c9")),
        gate.ask(Question("May I?", "answer"), call(thread, id="c8")),
        gate.look(decided.id),
        gate.finish(made, decided, print),
        gate.take(made, decided),
    ):
        with pytest.raises(Unreachable):
            gate.do(flow)


def test_a_call_that_was_taken_back_never_runs(stage: Stage, gate: Gate, thread: str) -> None:
    """Its agent said that it is not needed any more; a late resume must not do it all the same."""
    made = call(thread)
    gate.do(gate.stop(made))
    with Pullcord(patience="1s") as cord:
        cord.withdraw(stage.only(), reason="solved otherwise")
    taken_back = gate.do(gate.look(stage.latest()))

    for flow in (gate.finish(made, taken_back, print), gate.take(made, taken_back)):
        with pytest.raises(NotDone, match="was taken back"):
            gate.do(flow)


def test_capabilities_travel_with_the_question(stage: Stage, gate: Gate, thread: str) -> None:
    """The console offers what the agent can take; here no reason of a no."""
    gate.do(gate.stop(call(thread, turn_size=3)))
    row = stage.row(stage.only()).escalation
    town = stage.live.town

    view = stage.live.call(town.house.views.detail(town.workspace, "maria", row.id))

    assert view.limits == [
        "This agent's model will not read why it was refused.",
        "This agent's model will not read a note that comes with a yes.",
        "This agent goes on only when all 3 calls of its turn are decided.",
    ]
    assert ("Calls of the same turn", "3") in view.facts


def test_a_yes_that_was_not_used_is_reported_as_failed(
    stage: Stage, gate: Gate, thread: str
) -> None:
    """A decision in the hands of an agent that could not use it must not stay open."""
    gate.do(gate.stop(call(thread)))
    stage.person("maria").approve(stage.only())
    found = gate.do(gate.given(stage.latest(), "issue_refund"))

    gate.do(gate.unused(found))
    gate.do(gate.unused(found))

    assert stage.closed_as(stage.latest()) == "failed"


# --- the worker -----------------------------------------------------------------------------------
class Broken:
    """An adapter with a bug."""

    def resume(self, decision: Decision) -> bool:
        raise RuntimeError(f"a bug about {decision.escalation}")


def test_one_run_that_fails_stops_no_other(
    stage: Stage, gate: Gate, cord: Pullcord, thread: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The worker is the outermost loop: it tells and goes on."""
    gate.do(gate.stop(call(thread)))
    stage.person("maria").approve(stage.only())

    count = work(cord, Broken(), wait="0s")

    assert count == 0
    assert "could not go on" in caplog.text


def test_what_nobody_waits_for_is_left_and_told(
    stage: Stage, gate: Gate, cord: Pullcord, thread: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A decision without its run must be seen before its time is over."""
    gate.do(gate.stop(call(thread)))
    stage.person("maria").approve(stage.only())

    count = work(cord, wait="0s")

    assert count == 0
    assert "nothing in this process waits for it" in caplog.text


def test_plain_guarded_functions_are_resumed_beside_the_runs(
    stage: Stage, cord: Pullcord, thread: str
) -> None:
    """One worker for all of an agent, whatever its parts are built with."""
    made: list[float] = []

    @cord.guard(on_stop="tell_model")
    def issue_refund(order: str, amount: float) -> str:
        made.append(amount)
        return order

    with cord.run(thread):
        issue_refund("A-17", 480.0)
    stage.person("maria").approve(stage.only())

    count = work(cord, wait="0s")

    assert (count, made) == (1, [480.0])


# --- transcripts ----------------------------------------------------------------------------------
def test_a_transcript_is_made_plain_once() -> None:
    """Every call of a long conversation would otherwise read all of it again."""
    read: list[str] = []

    def plain(message: str) -> list[dict[str, Any]]:
        read.append(message)
        return [{"role": "user", "content": message}]

    transcripts = Transcripts(plain)
    messages = ["one", "two"]

    transcripts.of("t", messages)
    found = transcripts.of("t", [*messages, "three"])

    assert read == ["one", "two", "three"]
    assert [each["content"] for each in found] == ["one", "two", "three"]


def test_a_call_in_the_common_shape_keeps_text_as_it_is() -> None:
    """Arguments that are text already are not written twice."""
    assert chat_call("c", "t", "{}")["function"] == {"name": "t", "arguments": "{}"}
    assert chat_call("c", "t", {"a": 1})["function"]["arguments"] == '{"a": 1}'


def test_only_what_waits_for_people_is_living(stage: Stage, gate: Gate, thread: str) -> None:
    """Decided is not waiting."""
    gate.do(gate.stop(call(thread)))
    before = gate.do(gate.look(stage.only()))
    stage.person("maria").approve(before.id)

    after = gate.do(gate.look(before.id))

    assert is_living(before)
    assert not is_living(after)
