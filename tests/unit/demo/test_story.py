"""The demo's story: everything in it can really happen under the demo's own policy."""

import pytest

from pullcord.config.read import read
from pullcord.demo.agents import TOOLS
from pullcord.demo.history import DAYS
from pullcord.demo.stage import AGENTS, VISITOR, policy
from pullcord.demo.story import LIVE, QUIET, Situation
from pullcord.owner.ladder import Target
from pullcord.trigger.evaluate import CompiledPolicy
from pullcord.trigger.rules import Verdict
from pullcord.trigger.signals import Call

CONFIGURATION = read(policy(), file="demo")
COMPILED = CompiledPolicy(CONFIGURATION.policy)


def named(situation: Situation) -> str:
    """The id of a situation."""
    return situation.id


def test_the_demo_has_something_for_everybody() -> None:
    """Three agents, every kind of answer, and enough that waits for the visitor."""
    does = [each.answer.does for each in LIVE]

    assert {each.agent for each in LIVE} == set(AGENTS) == set(CONFIGURATION.agents)
    assert {"approve", "edit", "reject", "answer", "leave"} <= set(does)
    assert does.count("leave") >= 4
    assert {each.ask.kind for each in LIVE if each.ask} == {"answer", "choose"}
    assert not CONFIGURATION.warnings


@pytest.mark.parametrize("situation", [each for each in LIVE if each.tool], ids=named)
def test_every_stop_of_the_story_is_stopped_by_a_rule(situation: Situation) -> None:
    """A demo in which nothing stops would show nothing."""
    call = Call(
        environment="production",
        agent=situation.agent,
        tool=situation.tool,
        args=situation.args,
        signals=situation.signals,
    )

    judgement = COMPILED.judge(call)

    assert judgement.verdict is Verdict.GATE
    assert situation.tool in {each.__name__ for each in TOOLS[situation.agent]}


@pytest.mark.parametrize(
    "situation", [each for each in LIVE if each.answer.does != "leave"], ids=named
)
def test_whoever_answers_is_on_the_ladder(situation: Situation) -> None:
    """A colleague who is never asked could never answer."""
    people = set(situation.answer.by.split(","))
    ladder = CONFIGURATION.ladders[CONFIGURATION.agents[situation.agent].ladder]
    reached = repr([_behind(each.target) for each in ladder.rungs])

    assert people <= set(CONFIGURATION.people) - {VISITOR}
    assert all(f"'{each}'" in reached for each in people)


def _behind(target: Target) -> object:
    """What stands behind a rung: a schedule, a team or a person."""
    rooms = {"schedule": CONFIGURATION.schedules, "team": CONFIGURATION.teams}
    return rooms.get(target.kind, CONFIGURATION.people)[target.id]


@pytest.mark.parametrize(("agent", "tool", "args"), QUIET)
def test_quiet_calls_are_quiet(agent: str, tool: str, args: dict[str, object]) -> None:
    """They give the denominators and wake nobody."""
    call = Call(environment="production", agent=agent, tool=tool, args=args)

    assert COMPILED.judge(call).verdict is Verdict.ALLOW


def test_the_days_before_are_in_order_and_one_of_them_nobody_answered() -> None:
    """History is lived forward; a fallback belongs into it."""
    ago = [each.ago for each in DAYS]

    assert ago == sorted(ago, reverse=True)
    assert [each.is_answered for each in DAYS].count(False) == 1
