"""What every adapter keeps, whatever the framework: one suite, scripted models, real servers."""

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from pullcord import Option
from pullcord.adapters.parking import AgentChanged
from tests.adapters.conftest import Opens
from tests.adapters.places import Outcome, Place
from tests.adapters.places.tools import BROKEN
from tests.adapters.shop import Stage, close, refund, says

Record = Callable[[str, object], None]
REFUNDED = ["issue_refund", {"order": "A-17", "amount": 480.0}]
CLOSED = ["close_account", {"account": "K-9"}]
LOOKED = ["look_up", {"order": "A-17"}]


def paused(place: Place, stage: Stage, thread: str) -> str:
    """A refund that waits for Maria."""
    place.run(says([refund()]), thread)
    return stage.only()


def tool_of(name: str, framework: str) -> str:
    """A tool's name at the server."""
    return f"mcp__shop__{name}" if framework == "claude_agent" else name


# --- what people decide ---------------------------------------------------------------------------
@pytest.mark.shows("allowed calls run at once")
def test_a_call_that_no_rule_stops_runs_at_once(place: Place, stage: Stage, thread: str) -> None:
    """The guard must cost nothing where nobody needs to be asked."""
    outcome = place.run(says([refund(20.0)]), thread)

    assert outcome.is_over
    assert stage.effects.all == [["issue_refund", {"order": "A-17", "amount": 20.0}]]
    assert stage.rows() == []


@pytest.mark.shows("denied by a rule")
def test_a_call_that_a_rule_denies_does_not_run(place: Place, stage: Stage, thread: str) -> None:
    """The model is told by which rule, so that it does not try again."""
    outcome = place.run(says([refund(20_000.0)]), thread)

    assert outcome.is_over
    assert stage.effects.all == []
    assert "far-too-much" in outcome.all


@pytest.mark.shows("approve")
def test_an_approved_call_runs_once_as_proposed(place: Place, stage: Stage, thread: str) -> None:
    """Nothing runs before a person said so, and then exactly that."""
    before = place.run(says([refund()]), thread)
    nothing_yet = stage.effects.all
    escalation = stage.only()

    stage.person("maria").approve(escalation)
    outcome = place.resume()

    assert (before.is_over, nothing_yet) == (False, [])
    assert outcome is not None
    assert outcome.is_over
    assert "refunded 480.00" in outcome.all
    assert stage.effects.all == [REFUNDED]
    assert stage.closed_as(escalation) == "executed"


@pytest.mark.shows("approve with a note")
def test_a_note_that_comes_with_a_yes_reaches_the_model(
    place: Place, stage: Stage, thread: str
) -> None:
    """A condition that nobody reads is no condition."""
    escalation = paused(place, stage, thread)

    stage.person("maria").approve(escalation, note="Tell Anna it takes three days.")
    outcome = place.resume()

    assert outcome is not None
    assert "Tell Anna it takes three days." in outcome.all
    assert "Maria from Billing" in outcome.all


@pytest.mark.shows("approve with changes")
def test_a_changed_call_runs_with_the_changes_and_the_model_is_told(
    place: Place, stage: Stage, thread: str
) -> None:
    """A model that does not know of the change makes its call again."""
    escalation = paused(place, stage, thread)

    stage.person("maria").edit(escalation, {"order": "A-17", "amount": 100.0})
    outcome = place.resume()

    assert outcome is not None
    assert stage.effects.all == [["issue_refund", {"order": "A-17", "amount": 100.0}]]
    assert "do not repeat your original call" in outcome.all
    assert stage.report(escalation)["args"] == {"order": "A-17", "amount": 100.0}
    assert stage.closed_as(escalation) == "executed"


@pytest.mark.shows("reject with a reason")
def test_a_rejected_call_never_runs_and_the_model_reads_why(
    place: Place, stage: Stage, thread: str
) -> None:
    """A no without its reason makes a model try another way around it."""
    escalation = paused(place, stage, thread)

    stage.person("maria").reject(escalation, note="The cup was returned by nobody.")
    outcome = place.resume()

    assert outcome is not None
    assert outcome.is_over
    assert stage.effects.all == []
    assert "The cup was returned by nobody." in outcome.all
    assert stage.closed_as(escalation) == "not_needed"


@pytest.mark.shows("answer a question")
def test_an_answer_reaches_the_model(place: Place, stage: Stage, thread: str) -> None:
    """An agent may ask by itself, and goes on with what it is told."""
    place.run(says([("ask_team", {"question": "Which cup?"}, "call_q")]), thread)
    escalation = stage.only()

    stage.person("maria").does("answer", escalation, "the blue one")
    outcome = place.resume()

    assert outcome is not None
    assert outcome.is_over
    assert "the blue one" in outcome.all
    assert stage.closed_as(escalation) == "executed"


@pytest.mark.shows("choose")
def test_a_choice_reaches_the_model(opens: Opens, stage: Stage, thread: str) -> None:
    """Options with consequences are quicker to decide than free text."""
    options = (Option("blue", "Blue"), Option("none", "None", is_safe=True))
    place = opens(extra={"choices": options})
    place.run(says([("choose_team", {"question": "Which cup?"}, "call_q")]), thread)
    escalation = stage.only()

    stage.person("maria").does("choose", escalation, "blue")
    outcome = place.resume()

    assert outcome is not None
    assert "blue" in outcome.all


@pytest.mark.shows("nobody decided")
def test_silence_is_never_consent(place: Place, stage: Stage, thread: str) -> None:
    """When nobody decides in time the call does not run, and no person is blamed for it."""
    escalation = paused(place, stage, thread)

    stage.live.turn(timedelta(hours=2, minutes=1))
    outcome = place.resume()

    assert outcome is not None
    assert stage.effects.all == []
    assert "obody" in outcome.all
    assert stage.closed_as(escalation) == "not_needed"


@pytest.mark.shows("taken over and handed back")
def test_a_conversation_that_was_taken_over_comes_back_with_a_note(
    place: Place, stage: Stage, thread: str
) -> None:
    """What a person did meanwhile is done; the agent must not do it again."""
    escalation = paused(place, stage, thread)
    stage.person("maria").does("take_over", escalation)
    while_taken = place.resume()

    stage.person("maria").does("hand_back", escalation, done_outside="I refunded 200 by hand.")
    outcome = place.resume()

    assert while_taken is None
    assert outcome is not None
    assert stage.effects.all == []
    assert "I refunded 200 by hand." in outcome.all


# --- several calls of one turn --------------------------------------------------------------------
@pytest.mark.shows("two people decide one turn")
def test_two_calls_of_one_turn_are_decided_by_two_people(
    place: Place, stage: Stage, thread: str, framework: str, record_property: Record
) -> None:
    """Each call has its own owner; nobody decides what is not theirs."""
    place.run(says([refund(), close()]), thread)
    first = stage.only(tool_of("issue_refund", framework))
    second = stage.only(tool_of("close_account", framework))

    stage.person("maria").approve(first)
    place.resume()
    after_one = stage.effects.all
    stage.person("tom").reject(second, note="K-9 still owes us money.")
    outcome = place.resume()

    is_one_by_one = after_one == [REFUNDED]
    record_property("how", "each as it is decided" if is_one_by_one else "when all are decided")
    assert is_one_by_one or "partial_resume" not in place.framework.capabilities
    assert outcome is not None
    assert outcome.is_over
    assert stage.effects.all == [REFUNDED]
    assert "K-9 still owes us money." in outcome.all
    assert (stage.closed_as(first), stage.closed_as(second)) == ("executed", "not_needed")


def test_people_see_how_many_calls_a_turn_has(place: Place, stage: Stage, thread: str) -> None:
    """Who decides one of several calls must know that there are others."""
    place.run(says([("look_up", {"order": "A-17"}, "call_0"), refund(), close()]), thread)

    town = stage.live.town
    sizes = [
        dict(stage.live.call(town.house.views.detail(town.workspace, "dana", each)).facts)[
            "Calls of the same turn"
        ]
        for each in stage.waiting()
    ]

    assert sizes == ["3", "3"]


@pytest.mark.shows("batched calls")
def test_a_sibling_that_needs_nobody_runs_once(place: Place, stage: Stage, thread: str) -> None:
    """A pause executes parts of a turn again; what ran must not run twice."""
    place.run(says([("look_up", {"order": "A-17"}, "call_0"), refund(), close()]), thread)

    for who, escalation in zip(("maria", "tom"), sorted_by_owner(stage), strict=True):
        stage.person(who).approve(escalation)
        place.resume()

    assert sorted(stage.effects.all, key=by_tool) == sorted([LOOKED, REFUNDED, CLOSED], key=by_tool)


def by_tool(effect: list[Any]) -> str:
    """The tool that had an effect."""
    return str(effect[0])


def sorted_by_owner(stage: Stage) -> list[str]:
    """Maria's escalation, then Tom's."""
    found = {stage.row(each).escalation.owner: each for each in stage.waiting()}
    return [found["maria"], found["tom"]]


# --- restarts and repeats -------------------------------------------------------------------------
@pytest.mark.promise("adapters-resume-anywhere")
@pytest.mark.shows("resumed in another process")
def test_another_process_goes_on(opens: Opens, stage: Stage, thread: str, framework: str) -> None:
    """Whoever paused may be long gone when somebody decides."""
    first = opens()
    escalation = paused(first, stage, thread)

    stage.person("maria").edit(escalation, {"order": "A-17", "amount": 90.0}, note="Only the cup.")
    outcome = in_another_process(framework, stage)

    assert outcome.is_over
    assert "Only the cup." in outcome.all
    assert stage.effects.all == [["issue_refund", {"order": "A-17", "amount": 90.0}]]
    assert stage.closed_as(escalation) == "executed"


def in_another_process(framework: str, stage: Stage) -> Outcome:
    """Resume there, and say where it stands."""
    command = [sys.executable, "-m", "tests.adapters.elsewhere", framework, str(stage.folder)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=90, env=dict(os.environ), check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return Outcome(**json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.shows("a decision delivered twice")
def test_a_decision_that_is_delivered_twice_runs_once(
    opens: Opens, stage: Stage, thread: str
) -> None:
    """Delivery is repeated until it is acknowledged; effects are not."""
    place = opens()
    escalation = paused(place, stage, thread)
    stage.person("maria").approve(escalation)
    (decision,) = place.decisions()

    place.deliver(decision)
    place.deliver(decision)
    opens().deliver(decision)

    assert stage.effects.all == [REFUNDED]


@pytest.mark.shows("resumed too early")
def test_a_run_that_is_resumed_before_anybody_decided_waits_on(
    place: Place, stage: Stage, thread: str
) -> None:
    """A wake-up is no decision."""
    escalation = paused(place, stage, thread)
    stage.person("maria").does("accept", escalation)

    outcome = place.resume()

    assert outcome is None
    assert stage.effects.all == []


@pytest.mark.shows("a decision after its time")
def test_a_decision_that_is_delivered_too_late_runs_nothing(
    place: Place, stage: Stage, thread: str
) -> None:
    """A yes of last week is not a yes to the world as it is now."""
    escalation = paused(place, stage, thread)
    stage.person("maria").approve(escalation)
    (decision,) = place.decisions()

    stage.live.turn(timedelta(days=2))
    place.deliver(decision)

    assert stage.effects.all == []
    assert stage.closed_as(escalation) == "uncollected"


@pytest.mark.shows("redeployed with another schema")
def test_a_changed_tool_is_warned_of_and_never_called_with_what_it_cannot_take(
    opens: Opens, stage: Stage, thread: str
) -> None:
    """A deploy between question and answer must not turn a yes into something else."""
    escalation = paused(opens(), stage, thread)
    stage.person("maria").approve(escalation)
    changed = opens(is_changed=True)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        changed.resume()

    assert stage.effects.all == []
    assert stage.closed_as(escalation) == "failed"
    if changed.framework.name != "Claude Agent SDK":
        assert any(issubclass(each.category, AgentChanged) for each in caught)


@pytest.mark.shows("the tool fails after a yes")
def test_a_tool_that_fails_after_a_yes_is_reported_and_not_repeated(
    place: Place, stage: Stage, thread: str
) -> None:
    """Half of the effect may have happened: a person must look, and nobody runs it again."""
    place.run(says([refund(order=BROKEN)]), thread)
    escalation = stage.only()

    stage.person("maria").approve(escalation)
    place.resume()
    place.resume()

    assert stage.effects.all == [["issue_refund", {"order": BROKEN, "amount": 480.0}]]
    assert stage.closed_as(escalation) == "failed"
    assert "the bank hung up" in stage.report(escalation)["result"]


@pytest.mark.shows("nested agents")
def test_a_call_of_an_agent_inside_an_agent_is_stopped_too(
    opens: Opens, stage: Stage, thread: str, framework: str, record_property: Record
) -> None:
    """A guard that sees only the outer agent guards nothing."""
    if framework == "pydantic_ai":
        record_property("how", "waits in place")
        # an inner run has nowhere to be parked: it waits in place for a scripted person
        stage.live.plays("maria", stage.approving())
    place = opens(is_nested=True)

    place.run(says([refund()]), thread)
    if framework != "pydantic_ai":
        assert stage.effects.all == []
        stage.person("maria").approve(stage.only())
        place.resume()

    stage.live.town.scripts.clear()
    assert stage.effects.all == [REFUNDED]
    assert stage.closed_as(stage.latest()) == "executed"
