"""Decisions that come later: in any process, on any day, carried out once."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from pullcord import (
    AlreadyCollected,
    InvalidInput,
    Parked,
    RejectedByPerson,
    Told,
)
from pullcord.client.delivering import Deliveries
from pullcord.errors import NotFound, ServerUnreachable
from tests.client.stage import Later, Stage, parked, refund

#: seconds a process of its own may take
WITHIN = 60


# --- once -------------------------------------------------------------------------------------
@pytest.mark.promise("resumes-anywhere")
def test_another_process_carries_it_out_and_reports_it(stage: Stage) -> None:
    """The process that asked may be long gone when a person decides."""
    made: list[Any] = []
    asking, working = stage.agent(), stage.agent()
    escalation = parked(asking, refund([]), "A", 480.0)
    working.guard(refund(made))
    stage.act("maria", "edit", escalation, amount=240.0)

    (decision,) = working.decisions()
    value = working.resume(decision)

    assert decision.kind == "edit"
    assert decision.by == "Maria from Billing"
    assert value == "refunded 240.00 for A"
    assert made == [("A", 240.0)]
    assert isinstance(made[0][1], float)
    assert stage.row(escalation).closed_as == "executed"
    assert working.decisions() == []


def test_a_decision_that_another_process_took_is_not_carried_out_again(stage: Stage) -> None:
    """Two workers see the same decision; one carries it out and the other goes on."""
    made: list[Any] = []
    first, second = stage.agent(), stage.agent()
    escalation = parked(first, refund(made), "A", 480.0)
    second.guard(refund(made))
    stage.act("maria", "approve", escalation)
    (one,), (other,) = first.decisions(), second.decisions()
    stage.break_once("/report", "busy", times=100)

    first.resume(one)
    told = second.resume(other)
    with pytest.raises(AlreadyCollected):
        second.resume(other, on_stop="raise")

    assert made == [("A", 480.0)]
    assert isinstance(told, Told)
    assert "another process" in told
    assert isinstance(told.reason, AlreadyCollected)


def test_nothing_is_carried_out_twice_in_one_process(stage: Stage) -> None:
    """Two threads of one worker have one attempt, so the server would answer both."""
    made: list[Any] = []
    agent = stage.agent()
    escalation = parked(agent, refund(made), "A", 480.0)
    stage.act("maria", "approve", escalation)
    (decision,) = agent.decisions()
    stage.break_once("/report", "busy", times=100)

    agent.resume(decision)
    told = agent.resume(decision)

    assert made == [("A", 480.0)]
    assert isinstance(told.reason, AlreadyCollected)


def test_what_has_ended_is_not_carried_out(stage: Stage) -> None:
    """An old decision from a queue of the agent's own finds that all is done."""
    made: list[Any] = []
    first, second = stage.agent(), stage.agent()
    escalation = parked(first, refund(made), "A", 480.0)
    second.guard(refund(made))
    stage.act("maria", "approve", escalation)
    (decision,) = second.decisions()
    first.resume(escalation)

    with pytest.raises(AlreadyCollected):
        second.resume(decision, on_stop="raise")

    assert made == [("A", 480.0)]


def test_a_report_that_could_not_be_delivered_is_delivered_later(stage: Stage) -> None:
    """The effect is there, so the value is too; the record follows when the server is back."""
    made: list[Any] = []
    agent = stage.agent()
    escalation = parked(agent, refund(made), "A", 480.0)
    stage.act("maria", "approve", escalation)
    stage.break_once("/report", "busy", times=10_000)

    value = agent.resume(escalation)
    before = stage.row(escalation).status
    stage.faults.planned.clear()
    agent.do(agent.cord.flush())

    assert value == "refunded 480.00 for A"
    assert before == "collected"
    assert stage.row(escalation).closed_as == "executed"
    assert made == [("A", 480.0)]


def test_a_refused_report_does_not_bring_the_decision_back(stage: Stage) -> None:
    """Without a report the server would offer it again; here it is known to have begun."""
    made: list[Any] = []
    agent = stage.agent()
    escalation = parked(agent, refund(made), "A", 480.0)
    stage.act("maria", "approve", escalation)
    stage.break_once("/report", "no")

    agent.resume(escalation)
    agent.resume(escalation)

    assert stage.row(escalation).status == "collected"
    assert agent.decisions() == []
    assert made == [("A", 480.0)]


def test_a_tool_that_fails_is_reported_as_failed_and_raises(stage: Stage) -> None:
    """Its effect may have happened in part: people learn of it, and nobody repeats it."""
    agent = stage.agent()

    def issue_refund(order: str, amount: float) -> None:
        raise ConnectionError(f"bank is away for {order}\0")

    escalation = parked(agent, issue_refund, "A", 480.0)
    stage.act("maria", "approve", escalation)

    with pytest.raises(ConnectionError, match="bank is away"):
        agent.resume(escalation)

    assert stage.row(escalation).closed_as == "failed"
    with pytest.raises(AlreadyCollected):
        agent.resume(escalation, on_stop="raise")


def test_an_interrupted_tool_is_reported_from_the_background(stage: Stage) -> None:
    """Ctrl-C must end the process now, and the effect is still unknown to nobody."""
    agent = stage.agent()

    def issue_refund(order: str, amount: float) -> None:
        raise KeyboardInterrupt

    escalation = parked(agent, issue_refund, "A", 480.0)
    stage.act("maria", "approve", escalation)

    with pytest.raises(KeyboardInterrupt):
        agent.resume(escalation)
    agent.close()
    stage.twins.remove(agent)

    assert stage.row(escalation).closed_as == "failed"


# --- processes of their own -------------------------------------------------------------------
PROGRAM = """
import os, signal, sys
from pullcord import Parked, Pullcord

cord = Pullcord()

@cord.guard
def issue_refund(order: str, amount: float) -> str:
    if "die" in sys.argv:
        os.kill(os.getpid(), signal.SIGKILL)
    with open(sys.argv[1], "a") as marks:
        marks.write(f"{order} {amount}\\n")
    return "done"

if "park" in sys.argv:
    try:
        issue_refund("A", 480.0)
    except Parked as parked:
        print(parked.escalation)
else:
    for decision in cord.decisions(wait="0s"):
        print(type(cord.resume(decision)).__name__)
cord.close()
"""


def process(stage: Stage, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own."""
    program = folder / "agent.py"
    program.write_text(PROGRAM)
    environ = {**os.environ, "PULLCORD_URL": stage.live.url, "PULLCORD_KEY": stage.key}
    return subprocess.run(
        [sys.executable, str(program), str(folder / "marks"), *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        env=environ,
    )


def test_one_process_parks_and_another_resumes(blocking: Stage, tmp_path: Path) -> None:
    """The whole way as it is deployed: a web process asks, a worker carries out."""
    escalation = process(blocking, tmp_path, "park").stdout.strip()
    blocking.act("maria", "edit", escalation, amount=1.5)

    done = process(blocking, tmp_path, "resume")

    assert done.stdout.split() == ["str"], done.stderr
    assert (tmp_path / "marks").read_text() == "A 1.5\n"
    assert blocking.row(escalation).closed_as == "executed"


@pytest.mark.promise("killed-is-not-repeated")
def test_killed_between_taking_and_doing_it_is_never_done_by_another(
    blocking: Stage, tmp_path: Path
) -> None:
    """Nobody knows whether the effect happened, so no machine may decide that it did not."""
    escalation = process(blocking, tmp_path, "park").stdout.strip()
    blocking.act("maria", "approve", escalation)

    killed = process(blocking, tmp_path, "die")
    again = process(blocking, tmp_path, "resume")

    assert killed.returncode == -signal.SIGKILL
    assert again.stdout == ""
    assert not (tmp_path / "marks").exists()
    assert blocking.row(escalation).status == "collected"


# --- what was never sent ----------------------------------------------------------------------
def letter(made: list[Any]) -> Any:
    """A tool with an argument that is no JSON."""

    def issue_refund(amount: float, attachment: bytes) -> int:
        made.append(attachment)
        return len(attachment)

    return issue_refund


def test_excluded_arguments_are_kept_in_the_process_that_parked(stage: Stage) -> None:
    """Where the call was stopped nothing needs to be given again."""
    made: list[Any] = []
    agent = stage.agent()
    escalation = parked(agent, letter(made), 300.0, b"pdf", exclude=["attachment"])
    stage.act("maria", "edit", escalation, amount=290.0)

    assert agent.resume(escalation) == 3
    assert made == [b"pdf"]


def test_excluded_arguments_must_be_given_in_another_process(stage: Stage) -> None:
    """It says which are missing before anything is collected, so nothing is lost by asking."""
    made: list[Any] = []
    first, second = stage.agent(), stage.agent()
    escalation = parked(first, letter([]), 300.0, b"pdf", exclude=["attachment"])
    second.guard(letter(made), exclude=["attachment"])
    stage.act("maria", "approve", escalation)

    with pytest.raises(InvalidInput, match="attachment"):
        second.resume(escalation)
    with pytest.raises(InvalidInput, match="amount"):
        second.resume(escalation, extra={"attachment": b"pdf2", "amount": 1.0})
    value = second.resume(escalation, extra={"attachment": b"pdf2"})

    assert value == 4
    assert made == [b"pdf2"]


def test_a_tool_this_process_does_not_know_is_named(stage: Stage) -> None:
    """The usual reason: the module with the tools was not imported in the worker."""
    first, second = stage.agent(), stage.agent()
    escalation = parked(first, refund([]), "A", 480.0)
    stage.act("maria", "approve", escalation)

    with pytest.raises(InvalidInput, match="Import the module"):
        second.resume(escalation)

    assert stage.row(escalation).status == "decided"


def test_an_async_tool_cannot_be_resumed_by_the_blocking_face(blocking: Stage) -> None:
    """It says so before the decision is taken."""
    agent = blocking.agent()
    escalation = parked(agent, refund([]), "A", 480.0)
    other = blocking.agent()

    async def issue_refund(order: str, amount: float) -> None: ...

    other.cord.guard(issue_refund)
    blocking.act("maria", "approve", escalation)

    with pytest.raises(InvalidInput, match="AsyncPullcord"):
        other.resume(escalation)

    assert blocking.row(escalation).status == "decided"


def test_what_is_not_decided_yet_cannot_be_resumed(stage: Stage) -> None:
    """Asking too early is the caller's mistake and changes nothing."""
    agent = stage.agent()
    escalation = parked(agent, refund([]), "A", 480.0)

    with pytest.raises(InvalidInput, match="open"):
        agent.resume(escalation)
    with pytest.raises(NotFound):
        agent.resume("esc_nothing")


def test_a_rejection_comes_as_text_for_the_model_and_the_loop_goes_on(stage: Stage) -> None:
    """One no must not end the worker that serves everybody else."""
    made: list[Any] = []
    agent = stage.agent()
    for order, verb in (("A", "reject"), ("B", "approve")):
        stage.act("maria", verb, parked(agent, refund(made), order, 480.0))

    told = [agent.resume(each) for each in agent.decisions()]

    assert isinstance(told[0], Told)
    assert isinstance(told[0].reason, RejectedByPerson)
    assert told[1] == "refunded 480.00 for B"
    assert made == [("B", 480.0)]


def test_a_rejection_needs_no_function_to_be_handed_on(stage: Stage) -> None:
    """Nothing will run, so a process without the tool can tell the model all the same."""
    first, second = stage.agent(), stage.agent()
    escalation = parked(first, refund([]), "A", 480.0)
    stage.act("maria", "reject", escalation, "no")

    with pytest.raises(RejectedByPerson):
        second.resume(escalation, on_stop="raise")

    assert stage.row(escalation).closed_as == "not_needed"


# --- the stream of decisions ------------------------------------------------------------------
def test_a_decision_that_nobody_resumed_is_delivered_again(stage: Stage) -> None:
    """A worker that fell over its own code loses nothing; and it is not hammered either."""
    first, second = stage.agent(), stage.agent()
    escalation = parked(first, refund([]), "A", 480.0)
    stage.act("maria", "approve", escalation)

    delivered = [len(first.decisions()), len(first.decisions()), len(second.decisions())]
    first.cord._core.timer = Later(first.cord._core.timer)
    delivered.append(len(first.decisions()))

    assert delivered == [1, 0, 1, 1]


def test_waiting_for_decisions_ends_when_its_time_is_over(stage: Stage) -> None:
    """A worker with a time limit of its own needs no signal."""
    assert stage.agent().decisions(wait="1s") == []


def test_a_decision_made_while_a_worker_waits_arrives_at_once(stage: Stage) -> None:
    """The poll is held by the server and ended by the decision, not by the clock."""
    agent = stage.agent()
    escalation = parked(agent, refund([]), "A", 480.0)
    timer = threading.Timer(0.3, stage.act, ("maria", "approve", escalation))
    timer.start()

    found = agent.cord.decisions(wait="20s")
    if agent.is_async:
        decision = agent.do(anext(found))
        agent.do(found.aclose())
    else:
        decision = next(found)
        found.close()

    timer.join()
    assert decision.escalation == escalation


def test_a_worker_survives_a_server_that_is_away(stage: Stage) -> None:
    """Restarts of the server are no reason to restart every worker."""
    agent = stage.agent()
    escalation = parked(agent, refund([]), "A", 480.0)
    stage.act("maria", "approve", escalation)
    stage.break_once("/v1/decisions", "busy", times=2)

    found = agent.decisions(wait="4s")

    assert [each.escalation for each in found] == [escalation]


def test_stopping_ends_the_stream(blocking: Stage) -> None:
    """A signal handler calls it, and the worker ends between two decisions."""
    agent = blocking.agent()
    first = parked(agent, refund([]), "A", 480.0)
    second = parked(agent, refund([]), "B", 480.0)
    for each in (first, second):
        blocking.act("maria", "approve", each)

    found = []
    for decision in agent.cord.decisions():
        found.append(decision.escalation)
        agent.cord.stop()

    assert found == [first]


async def test_stopping_ends_the_async_stream(server: Any) -> None:
    """The same for the awaiting face."""
    from pullcord import AsyncPullcord

    live, _ = server
    async with AsyncPullcord(live.url, live.new_key(agent="support")) as cord:
        issue_refund: Any = cord.guard(refund([]))
        for order in ("A", "B"):
            with pytest.raises(Parked) as stopped:
                await issue_refund(order, 480.0)
            live.call(live.town.person("maria").approve(stopped.value.escalation))
        found = []
        async for decision in cord.decisions():
            found.append(decision)
            cord.stop()

    assert len(found) == 1


def test_a_call_that_waits_keeps_its_decision_from_the_worker(blocking: Stage) -> None:
    """Worker and web process may be one: the call that waits there is the one to go on."""
    agent = blocking.agent()
    escalation = parked(agent, refund([]), "A", 480.0)
    blocking.act("maria", "approve", escalation)
    waiting = agent.cord._core.waiting
    waiting.enter(escalation)
    waiting.enter(escalation)

    waiting.leave(escalation)
    while_one_waits = agent.decisions()
    waiting.leave(escalation)
    afterwards = agent.decisions()

    assert while_one_waits == []
    assert [each.escalation for each in afterwards] == [escalation]


def test_what_is_remembered_of_deliveries_is_bounded(
    blocking: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker runs for months."""
    monkeypatch.setattr("pullcord.client.delivering.DELIVERED_MAX", 1)
    agent = blocking.agent()
    ids = [parked(agent, refund([]), order, 480.0) for order in ("A", "B")]
    for each in ids:
        blocking.act("maria", "approve", each)
    listed = [agent.cord.escalation(each) for each in ids]
    deliveries = Deliveries()

    found = deliveries.fresh(agent.cord._core, listed)

    assert [each.escalation for each in found] == ids
    assert len(deliveries._at) == 1


def test_without_waiting_a_server_that_is_away_is_an_error(stage: Stage) -> None:
    """A job that only looks once must know that it saw nothing."""
    stage.break_once("/v1/decisions", "busy", times=1000)

    with pytest.raises(ServerUnreachable):
        stage.agent().decisions()


@pytest.mark.parametrize("value", [None, object(), {"paid": 1}, "x" * 10_000, b"\xff"])
def test_whatever_a_tool_returns_is_returned(stage: Stage, value: Any) -> None:
    """The record keeps a short text of it; the agent gets the thing itself."""
    agent = stage.agent()

    def issue_refund(amount: float) -> Any:
        return value

    escalation = parked(agent, issue_refund, 480.0)
    stage.act("maria", "approve", escalation)

    assert agent.resume(escalation) is value
    assert stage.row(escalation).closed_as == "executed"
