"""Nothing fails open: whatever dies in between, no tool runs without its decision."""

import contextlib
from typing import Any

import pytest

from tests.adapters.conftest import Opens
from tests.adapters.places import Place
from tests.adapters.shop import Stage, refund, says
from tests.client.stage import Fault

REFUNDED = ["issue_refund", {"order": "A-17", "amount": 480.0}]


@pytest.mark.promise("adapters-never-open")
@pytest.mark.shows("server away: nothing runs")
def test_nothing_runs_while_the_server_is_away(opens: Opens, stage: Stage, thread: str) -> None:
    """An agent that cannot ask must not conclude that it may."""
    place = opens(patience="200ms")
    stage.live.stop()

    try:
        outcome = place.run(says([refund()]), thread)
    finally:
        stage.live.start()

    assert stage.effects.all == []
    assert "was not run" in outcome.all


def test_nothing_runs_when_the_server_dies_at_the_question(
    opens: Opens, stage: Stage, thread: str
) -> None:
    """The policy was read, the rule fired, and nobody could be asked."""
    place = opens(patience="200ms")
    stage.faults.planned.append(Fault("/v1/escalations", "busy", times=1000, method="POST"))

    outcome = place.run(says([refund()]), thread)

    assert stage.effects.all == []
    assert "was not run" in outcome.all


@pytest.mark.parametrize("how", ["busy", "cut", "garbage", "page", "no"])
def test_nothing_runs_when_the_decision_cannot_be_taken(
    opens: Opens, stage: Stage, thread: str, how: str
) -> None:
    """Decided is not collected: without the decision in hand nothing is executed."""
    place = opens(patience="200ms")
    place.run(says([refund()]), thread)
    stage.person("maria").approve(stage.only())
    stage.faults.planned.append(Fault("/collect", how, times=1000))

    with contextlib.suppress(Exception):
        place.resume()

    assert stage.effects.all == []


def raised(collected: dict[str, Any]) -> dict[str, Any]:
    """Somebody on the way asks for more money."""
    args = {**collected["args"], "amount": 9_999.0}
    return {**collected, "args": args, "document": {**collected["document"], "args": args}}


def turned(collected: dict[str, Any]) -> dict[str, Any]:
    """Somebody on the way makes a yes of a no."""
    return {**collected, "kind": "approve", "args": {"order": "A-17", "amount": 480.0}}


@pytest.mark.shows("forged decision: nothing runs")
@pytest.mark.parametrize("forge", [raised, turned])
def test_a_forged_decision_runs_nothing(
    place: Place, stage: Stage, thread: str, forge: Any
) -> None:
    """Only what people decided, signed, is executed; whoever stands between cannot change it."""
    place.run(says([refund()]), thread)
    if forge is raised:
        stage.person("maria").approve(stage.only())
    else:
        stage.person("maria").reject(stage.only(), note="no")
    stage.faults.planned.append(Fault("/collect", "change", times=1000, change=forge))

    with contextlib.suppress(Exception):
        place.resume()

    assert stage.effects.all == []


@pytest.mark.shows("server restarts in between")
def test_a_run_goes_on_after_the_server_was_killed(place: Place, stage: Stage, thread: str) -> None:
    """What was acknowledged stays: the run finds its decision at the server that comes back."""
    place.run(says([refund()]), thread)
    stage.person("maria").approve(stage.only())
    stage.live.stop()
    with contextlib.suppress(Exception):
        place.resume()
    while_away = stage.effects.all

    stage.live.start()
    place.resume()

    assert while_away == []
    assert stage.effects.all == [REFUNDED]


def test_a_yes_that_the_framework_gives_itself_runs_nothing(
    place: Place, stage: Stage, thread: str
) -> None:
    """A wake-up of the framework is no authority: people have not decided."""
    place.run(says([refund()]), thread)

    forced = getattr(place, "force", None)
    outcome = forced(thread) if forced is not None else None

    assert forced is not None or place.framework.name == "Claude Agent SDK"
    assert stage.effects.all == []
    assert len(stage.waiting()) == 1
    assert outcome is None or "refunded" not in outcome.all
