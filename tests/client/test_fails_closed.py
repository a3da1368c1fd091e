"""Whatever breaks on the way to a person, the guarded call does not run."""

import logging
from typing import Any

import pytest

from pullcord import (
    Drifted,
    Halted,
    InvalidInput,
    NotDone,
    Parked,
    Pullcord,
    TakenOver,
    Unreachable,
)
from pullcord.errors import CallerIsWrong, NotSignedIn
from pullcord.seal.signing import Signer
from pullcord.testing import approves
from tests.client.stage import Later, Problem, Stage, refund


def nowhere(stage: Stage, **terms: Any) -> Any:
    """An agent of a server that is not there."""
    return stage.agent(url="http://127.0.0.1:9", **terms)


# --- without a policy -------------------------------------------------------------------------
def test_without_any_policy_nothing_runs(stage: Stage) -> None:
    """Not even a harmless call: nobody knows yet what is harmless."""
    made: list[Any] = []
    issue_refund = nowhere(stage).guard(refund(made))

    with pytest.raises(Unreachable) as stopped:
        issue_refund("A", 1.0)

    assert made == []
    assert "was not run" in stopped.value.for_model
    assert "Nothing was changed" in stopped.value.for_user


@pytest.mark.parametrize("how", ["busy", "garbage", "cut", "page"])
def test_a_policy_that_cannot_be_read_lets_nothing_run(stage: Stage, how: str) -> None:
    """A proxy's page, half an answer, a busy server: none of them is a yes."""
    made: list[Any] = []
    stage.break_once("/v1/policy", how, times=100)
    issue_refund = stage.agent().guard(refund(made))

    with pytest.raises(Unreachable):
        issue_refund("A", 1.0)

    assert made == []


def test_a_redirect_is_not_followed(stage: Stage) -> None:
    """Following it would carry the key to somebody else."""
    made: list[Any] = []
    stage.break_once("/v1/policy", "elsewhere")
    issue_refund = stage.agent().guard(refund(made))

    with pytest.raises(InvalidInput, match="redirects are not followed"):
        issue_refund("A", 1.0)

    assert made == []


def test_a_wrong_key_lets_nothing_run(stage: Stage) -> None:
    """Whoever is not known is not served."""
    made: list[Any] = []
    issue_refund = stage.agent(key="pk_live0123456789ab_nothing").guard(refund(made))

    with pytest.raises(NotSignedIn):
        issue_refund("A", 1.0)

    assert made == []


def test_a_policy_this_client_cannot_evaluate_lets_nothing_run(stage: Stage) -> None:
    """A newer server may speak of rules an old client does not know: refuse and say update."""
    made: list[Any] = []

    def newer(answer: dict[str, Any]) -> dict[str, Any]:
        answer["document"]["rules"][0]["mode"] = "negotiate"
        return answer

    stage.break_once("/v1/policy", "", change=newer)
    issue_refund = stage.agent().guard(refund(made))

    with pytest.raises(Unreachable, match="Update pullcord"):
        issue_refund("A", 1.0)

    assert made == []


def test_a_refusal_without_a_problem_document_is_still_a_refusal(stage: Stage) -> None:
    """A firewall's 403 must not pass for an answer."""
    stage.break_once("/v1/policy", "no")
    issue_refund = stage.agent().guard(refund([]))

    with pytest.raises(CallerIsWrong, match="refused"):
        issue_refund("A", 1.0)


def short_lived(answer: dict[str, Any]) -> dict[str, Any]:
    """A policy that must be asked for again at once."""
    return {**answer, "stale_after": 0}


def test_a_stale_policy_and_no_server_let_nothing_run(stage: Stage) -> None:
    """An old policy may have been tightened since."""
    made: list[Any] = []
    agent = stage.agent()
    stage.break_once("/v1/policy", "", change=short_lived)
    issue_refund = agent.guard(refund(made))
    issue_refund("A", 1.0)
    stage.break_once("/v1/policy", "busy", times=100)

    with pytest.raises(Unreachable):
        issue_refund("A", 2.0)

    assert made == [("A", 1.0)]


def test_a_stale_policy_is_asked_for_again_and_goes_on(stage: Stage) -> None:
    """Most of the time it still holds, and the server says so without sending it again."""
    made: list[Any] = []
    stage.break_once("/v1/policy", "", change=short_lived)
    issue_refund = stage.agent().guard(refund(made))

    issue_refund("A", 1.0)
    issue_refund("A", 2.0)

    assert len(made) == 2
    assert stage.faults.count("/v1/policy") == 2


def test_while_the_server_is_away_calls_fail_at_once(stage: Stage) -> None:
    """Being patient once is enough; an agent must not stand still at every call."""
    stage.break_once("/v1/policy", "busy", times=1000)
    issue_refund = stage.agent(patience="1s").guard(refund([]))
    counts = []

    for _ in range(3):
        before = stage.faults.count("/v1/policy")
        with pytest.raises(Unreachable):
            issue_refund("A", 1.0)
        counts.append(stage.faults.count("/v1/policy") - before)

    assert counts[0] > 1
    assert counts[1:] == [1, 1]


def test_a_policy_that_still_holds_is_not_sent_again(stage: Stage) -> None:
    """Once a minute, from every agent: it had better be cheap."""
    made: list[Any] = []
    agent = stage.agent()
    issue_refund = agent.guard(refund(made))
    issue_refund("A", 1.0)
    before = agent.cord._core.policy.in_hand

    agent.cord._core.timer = Later(agent.cord._core.timer)
    issue_refund("A", 2.0)
    after = agent.cord._core.policy.in_hand

    assert len(made) == 2
    assert stage.faults.count("/v1/policy") == 2
    assert after.compiled is before.compiled
    assert after.fresh_until > before.fresh_until


# --- the one setting that says otherwise ------------------------------------------------------
def test_a_tool_that_may_run_unchecked_does_so_loudly(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody decided that for this tool standing still is worse; the log says it each time."""
    made: list[Any] = []
    issue_refund = nowhere(stage).guard(refund(made), unreachable="run")

    with caplog.at_level(logging.CRITICAL, logger="pullcord"):
        issue_refund("A", 1.0)

    assert made == [("A", 1.0)]
    assert "RUNS UNCHECKED" in caplog.text


def test_even_such_a_tool_is_stopped_by_the_last_policy_known(stage: Stage) -> None:
    """The setting is for not knowing, never for knowing better."""
    made: list[Any] = []
    stage.break_once("/v1/policy", "", change=short_lived)
    issue_refund = stage.agent().guard(refund(made), unreachable="run")
    issue_refund("A", 1.0)
    stage.break_once("/v1/policy", "busy", times=100)

    with pytest.raises(Unreachable):
        issue_refund("A", 480.0)
    issue_refund("A", 2.0)

    assert made == [("A", 1.0), ("A", 2.0)]


# --- opening ----------------------------------------------------------------------------------
def test_a_call_that_cannot_be_opened_does_not_run(stage: Stage) -> None:
    """Nobody was asked, so nobody said yes."""
    made: list[Any] = []
    stage.break_once("/v1/escalations", "busy", times=100, method="POST")
    issue_refund = stage.agent().guard(refund(made), unreachable="run")

    with pytest.raises(Unreachable):
        issue_refund("A", 480.0)

    assert made == []


@pytest.mark.parametrize("how", ["busy", "cut"])
def test_an_opening_whose_answer_was_lost_is_repeated_under_its_key(stage: Stage, how: str) -> None:
    """Nobody knows whether it was written: the same key finds it, and people are asked once."""
    agent = stage.agent(patience="10s")
    stage.break_once("/v1/escalations", how, method="POST", after=True, times=2)
    issue_refund = agent.guard(refund([]))

    with agent.cord.call("call_1"), pytest.raises(Parked) as stopped:
        issue_refund("A", 480.0)

    key_id = stage.key.split("_")[1][4:]
    rows = stage.live.call(stage.live.town.escalations(agent_key=key_id))
    assert [each.escalation.id for each in rows] == [stopped.value.escalation]
    assert stage.faults.count("POST /v1/escalations") == 3


def test_a_server_that_asks_for_patience_is_given_it(stage: Stage) -> None:
    """Retry-After is obeyed, and what does not fit into the patience is not waited for."""
    made: list[Any] = []
    stage.break_once("/v1/escalations", "busy", method="POST", headers=[(b"retry-after", b"30")])
    issue_refund = stage.agent().guard(refund(made))

    with pytest.raises(Unreachable):
        issue_refund("A", 480.0)

    assert stage.faults.count("POST /v1/escalations") == 1


@pytest.mark.parametrize(
    ("problem", "error"),
    [
        ("stopped", Halted),
        ("run-taken-over", TakenOver),
        ("too-much", Unreachable),
        ("store-busy", Unreachable),
    ],
)
def test_a_refusal_of_the_server_is_told_in_the_words_of_the_call(
    stage: Stage, problem: str, error: type[NotDone]
) -> None:
    """Whatever the server calls it, the agent gets one family of errors with texts."""
    made: list[Any] = []

    fault = Problem("/v1/escalations", problem, method="POST", times=100)
    stage.faults.planned.append(fault)
    issue_refund = stage.agent().guard(refund(made))

    with pytest.raises(error) as stopped:
        issue_refund("A", 480.0)

    assert made == []
    assert stopped.value.for_user


# --- waiting ----------------------------------------------------------------------------------
def test_a_server_that_falls_silent_while_a_call_waits_parks_it(stage: Stage) -> None:
    """The question stands there; the call neither runs nor fails."""
    made: list[Any] = []
    stage.break_once("/v1/decisions", "busy", times=1000)
    stage.break_once("/v1/escalations/esc_*", "cut", times=1000, method="GET")
    issue_refund = stage.agent().guard(refund(made), wait="1500ms")

    with pytest.raises(Parked) as stopped:
        issue_refund("A", 480.0)

    assert made == []
    assert stage.row(stopped.value.escalation).status == "open"


# --- collecting and proving -------------------------------------------------------------------
def approved(stage: Stage, agent: Any, made: list[Any], **terms: Any) -> str:
    """A call that was parked and approved."""
    issue_refund = agent.guard(refund(made), **terms)
    with pytest.raises(Parked) as stopped:
        issue_refund("A", 480.0)
    escalation: str = stopped.value.escalation
    stage.act("maria", "approve", escalation)
    return escalation


def test_a_decision_that_cannot_be_collected_is_not_executed(stage: Stage) -> None:
    """It waits there, and the next time it is carried out."""
    made: list[Any] = []
    agent = stage.agent()
    escalation = approved(stage, agent, made)
    stage.break_once("/collect", "busy", times=100)

    with pytest.raises(Unreachable):
        agent.resume(escalation, on_stop="raise")
    assert made == []
    stage.faults.planned.clear()
    (again,) = agent.decisions()

    assert agent.resume(again) == "refunded 480.00 for A"


def test_a_decision_whose_answer_was_lost_is_collected_again_and_runs_once(stage: Stage) -> None:
    """The same attempt gets the same answer; a lost answer loses nothing."""
    made: list[Any] = []
    agent = stage.agent(patience="10s")
    escalation = approved(stage, agent, made)
    stage.break_once("/collect", "cut", after=True)

    value = agent.resume(escalation)

    assert value == "refunded 480.00 for A"
    assert made == [("A", 480.0)]
    assert stage.row(escalation).closed_as == "executed"


def forged_args(answer: dict[str, Any]) -> dict[str, Any]:
    """Other arguments, the same signature."""
    answer["args"]["amount"] = 9_999
    answer["document"]["args"]["amount"] = 9_999
    return answer


def loose_args(answer: dict[str, Any]) -> dict[str, Any]:
    """Arguments beside the signed document."""
    answer["args"]["amount"] = 9_999
    return answer


def forged_signature(answer: dict[str, Any]) -> dict[str, Any]:
    """A signature of nobody."""
    return {**answer, "signature": "A" * 86}


def another_kind(answer: dict[str, Any]) -> dict[str, Any]:
    """A yes made of something else."""
    answer["signed"]["kind"] = "edit"
    return answer


def no_document(answer: dict[str, Any]) -> dict[str, Any]:
    """A yes to nothing."""
    return {**answer, "document": None}


def unknown_key(answer: dict[str, Any]) -> dict[str, Any]:
    """Signed by somebody the agent does not know."""
    signer = Signer(bytes(32))
    key_id, signature = signer.sign(answer["signed"])
    return {**answer, "key_id": key_id, "signature": signature}


def wrong_escalation(answer: dict[str, Any]) -> dict[str, Any]:
    """A genuine decision on something else."""
    return {**answer, "escalation": "esc_other"}


@pytest.mark.promise("forged-is-not-executed")
@pytest.mark.parametrize(
    "change",
    [
        forged_args,
        loose_args,
        forged_signature,
        another_kind,
        no_document,
        unknown_key,
        wrong_escalation,
    ],
    ids=lambda each: each.__name__,
)
def test_an_altered_decision_is_not_executed(stage: Stage, change: Any) -> None:
    """Between server and agent lie networks, proxies and mistakes; only what was signed runs."""
    made: list[Any] = []
    agent = stage.agent()
    escalation = approved(stage, agent, made)
    stage.break_once("/collect", "", change=change)

    with pytest.raises(Drifted) as stopped:
        agent.resume(escalation, on_stop="raise")

    assert made == []
    assert "was not run" in stopped.value.for_model


@pytest.mark.parametrize(
    ("problem", "error"),
    [
        ("decision-expired", NotDone),
        ("already-closed", NotDone),
        ("already-withdrawn", NotDone),
        ("stopped", Halted),
    ],
)
def test_a_decision_the_server_does_not_hand_out_is_not_executed(
    stage: Stage, problem: str, error: type[NotDone]
) -> None:
    """Whatever the reason, there is a text for the model and nothing ran."""
    made: list[Any] = []
    agent = stage.agent()
    escalation = approved(stage, agent, made)
    stage.faults.planned.append(Problem("/collect", problem))

    with pytest.raises(error) as stopped:
        agent.resume(escalation, on_stop="raise")

    assert made == []
    assert stopped.value.escalation == escalation


def test_a_waiting_call_whose_decision_another_process_took_does_not_run(stage: Stage) -> None:
    """A worker was faster; the call that waited must not do it a second time."""
    made: list[Any] = []
    stage.live.plays("maria", approves())
    stage.faults.planned.append(Problem("/collect", "already-collected"))
    issue_refund = stage.agent().guard(refund(made), wait="20s")

    with pytest.raises(NotDone, match="taken before"):
        issue_refund("A", 480.0)

    assert made == []


def test_nothing_new_begins_while_too_many_reports_wait(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An effect nobody could ever be told about is not begun."""
    made: list[Any] = []
    agent = stage.agent()
    escalation = approved(stage, agent, made)
    monkeypatch.setattr("pullcord.client.background.REPORTS_MAX", 0)

    with pytest.raises(Unreachable):
        agent.resume(escalation, on_stop="raise")

    assert made == []


def test_an_endless_answer_is_not_read_to_its_end(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit on everything that comes in."""
    monkeypatch.setattr("pullcord.client.transport.ANSWER_BYTES_MAX", 10)

    with pytest.raises(Unreachable, match="larger than"):
        stage.agent().guard(refund([]))("A", 1.0)


def test_only_pinned_keys_are_believed(stage: Stage) -> None:
    """Whoever pins keys is not talked into others by a server that pretends."""
    made: list[Any] = []
    signer = Signer(bytes(32))
    agent = stage.agent(public_keys={signer.key_id: signer.public_key})
    escalation = approved(stage, agent, made)

    with pytest.raises(Drifted, match="not known here"):
        agent.resume(escalation, on_stop="raise")

    assert made == []
    assert stage.row(escalation).closed_as == "failed"


def test_an_expired_decision_is_not_executed(stage: Stage) -> None:
    """A yes of last month is no yes for today."""
    made: list[Any] = []
    agent = stage.agent()
    escalation = approved(stage, agent, made)
    agent.cord._core.now = lambda: stage.row(escalation).decision.expires_at

    with pytest.raises(NotDone, match="expired"):
        agent.resume(escalation, on_stop="raise")

    assert made == []


def test_what_was_shown_runs_even_if_the_objects_in_memory_changed(stage: Stage) -> None:
    """The list that was shown had one order in it; one more in memory is not added silently."""
    made: list[Any] = []
    orders = ["A"]
    agent = stage.agent()

    def issue_refund(orders: list[str], amount: float) -> None:
        made.append(list(orders))

    def and_more(answer: dict[str, Any]) -> dict[str, Any]:
        orders.append("B")
        return answer

    stage.live.plays("maria", approves())
    stage.break_once("/collect", "", change=and_more)
    agent.guard(issue_refund, wait="20s")(orders, 480.0)

    assert made == [["A"]]


def test_a_function_that_changed_since_is_not_executed(stage: Stage) -> None:
    """A deployment between question and answer: the decided arguments fit nothing any more."""
    first, second = stage.agent(), stage.agent()
    escalation = approved(stage, first, [])
    made: list[Any] = []

    def issue_refund(order: str, cents: int) -> None:
        made.append(cents)

    second.guard(issue_refund)
    with pytest.raises(Drifted, match="cents"):
        second.resume(escalation, on_stop="raise")

    assert made == []
    assert stage.row(escalation).closed_as == "failed"


def test_a_function_that_reads_an_argument_differently_now_is_not_executed(stage: Stage) -> None:
    """480.5 rebuilt as a whole number is not what the person saw."""
    first, second = stage.agent(), stage.agent()
    issue_refund = first.guard(refund([]))
    with pytest.raises(Parked) as stopped:
        issue_refund("7", 480.5)
    stage.act("maria", "approve", stopped.value.escalation)
    made: list[Any] = []

    def reads_numbers(order: int, amount: float) -> None:
        made.append(order)

    second.guard(reads_numbers, tool="issue_refund")
    with pytest.raises(Drifted):
        second.resume(stopped.value.escalation, on_stop="raise")

    assert made == []


def test_without_a_policy_no_decision_is_carried_out(stage: Stage) -> None:
    """A worker that just started does not know whose signature to believe."""
    made: list[Any] = []
    first, second = stage.agent(), stage.agent()
    escalation = approved(stage, first, [])
    second.guard(refund(made))
    stage.break_once("/v1/policy", "busy", times=1000)

    with pytest.raises(Unreachable):
        second.resume(escalation, on_stop="raise")

    assert made == []
    assert stage.row(escalation).status == "decided"


# --- what stands in the way of starting at all ------------------------------------------------
def test_without_address_or_key_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first minute of every new user: say which variable is missing and what goes there."""
    monkeypatch.delenv("PULLCORD_URL", raising=False)
    monkeypatch.delenv("PULLCORD_KEY", raising=False)

    with pytest.raises(InvalidInput, match="PULLCORD_URL"):
        Pullcord()
    with pytest.raises(InvalidInput, match="PULLCORD_KEY"):
        Pullcord(url="http://127.0.0.1:9")
