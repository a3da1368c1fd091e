"""Agent and server judge by themselves; when they differ, the stricter verdict wins."""

from typing import Any

import pytest

from pullcord import DeniedByPolicy, Parked
from tests.client.stage import Stage, refund


def stricter_rule(answer: dict[str, Any]) -> dict[str, Any]:
    """The agent holds a rule that the server does not apply."""
    rule = {"id": "own", "mode": "gate", "tools": ["issue_refund"], "when": "args.amount > 5"}
    answer["document"]["rules"].append(rule)
    return answer


def test_when_the_rules_were_loosened_meanwhile_the_call_runs(stage: Stage) -> None:
    """The server has the newer rules: after looking again they allow it."""
    made: list[Any] = []
    stage.break_once("/v1/policy", "", change=stricter_rule)
    issue_refund = stage.agent().guard(refund(made))

    issue_refund("A", 10.0)

    assert made == [("A", 10.0)]


def test_when_both_keep_disagreeing_a_person_is_asked(stage: Stage) -> None:
    """The stricter verdict wins, and nobody has to guess."""
    made: list[Any] = []
    stage.break_once("/v1/policy", "", change=stricter_rule, times=10)
    issue_refund = stage.agent().guard(refund(made))

    with pytest.raises(Parked):
        issue_refund("A", 10.0)

    assert made == []


def granted(_: dict[str, Any]) -> dict[str, Any]:
    """A standing permission that only the server knows of."""
    return {"verdict": "granted", "rule": "refund-over-limit"}


def test_a_standing_permission_of_the_server_lets_the_call_run(stage: Stage) -> None:
    """Permissions that people gave are kept there and applied there."""
    made: list[Any] = []
    stage.break_once("/v1/escalations", "", method="POST", change=granted)
    issue_refund = stage.agent().guard(refund(made))

    issue_refund("A", 480.0)

    assert made == [("A", 480.0)]


def allowed(_: dict[str, Any]) -> dict[str, Any]:
    """A server that asks nobody, whatever it is told."""
    return {"verdict": "allow"}


def test_a_server_that_asks_nobody_does_not_outvote_the_rules(stage: Stage) -> None:
    """The same policy says stop here and go there: then it is stop."""
    made: list[Any] = []
    stage.break_once("/v1/policy", "", change=stricter_rule, times=10)
    stage.break_once("/v1/escalations", "", method="POST", change=allowed, times=10)
    issue_refund = stage.agent().guard(refund(made))

    with pytest.raises(DeniedByPolicy, match="no person was asked"):
        issue_refund("A", 10.0)

    assert made == []


def test_a_rule_that_only_the_server_knows_denies(stage: Stage) -> None:
    """Its word counts even where the agent's own copy would only ask."""
    made: list[Any] = []

    def laxer(answer: dict[str, Any]) -> dict[str, Any]:
        answer["document"]["rules"].pop(0)
        return answer

    stage.break_once("/v1/policy", "", change=laxer)
    issue_refund = stage.agent().guard(refund(made))

    with pytest.raises(DeniedByPolicy, match="far-too-much"):
        issue_refund("A", 20_000.0)

    assert made == []
