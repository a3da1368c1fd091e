"""The OpenAI Agents SDK's own ways: tools that need approval, bad arguments, contexts."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest
from agents import Agent, FunctionTool, RunContextWrapper, RunHooks, Runner, function_tool
from agents.tool_context import ToolContext

from pullcord import AsyncPullcord
from pullcord.adapters.openai_agents import Runs, chat_messages, guard, in_thread
from pullcord.adapters.parking import SqliteShelf
from pullcord.adapters.working import awork
from tests.adapters.places.openai_agents_place import Scripted
from tests.adapters.places.tools import BROKEN, Tools
from tests.adapters.shop import Stage, refund, says

Story = Callable[[AsyncPullcord], Coroutine[Any, Any, None]]


def told(story: Story) -> None:
    """Run a story with a client of its own."""

    async def run() -> None:
        async with AsyncPullcord(patience="1s") as cord:
            await story(cord)

    asyncio.run(run())


def test_tools_that_need_approval_go_before_people(stage: Stage, thread: str) -> None:
    """A tool that is not under guard and needs approval gets an owner, and its result is told."""
    tools = Tools(stage.folder)
    tool = function_tool(tools.issue_refund, needs_approval=True)
    agent: Agent[Any] = Agent("shop", model=Scripted(says([refund(20.0)])), tools=[tool])

    async def story(cord: AsyncPullcord) -> None:
        runs = Runs(cord, agent, SqliteShelf(stage.folder / "shelf.db"))
        await runs.run("hello", thread=thread)
        await asyncio.to_thread(stage.person("maria").approve, stage.only())
        await awork(cord, runs, wait="0s")

    told(story)

    assert stage.effects.all == [["issue_refund", {"order": "A-17", "amount": 20.0}]]
    assert stage.closed_as(stage.latest()) == "executed"
    assert "refunded 20.00" in stage.report(stage.latest())["result"]


@pytest.mark.parametrize("arguments", ["not json", "[1, 2]", '"text"'])
def test_arguments_that_are_no_object_never_reach_a_guarded_tool(
    stage: Stage, thread: str, arguments: str
) -> None:
    """A tool that takes any text would otherwise run unjudged."""
    reached: list[str] = []

    async def invoke(ctx: ToolContext[Any], text: str) -> str:
        reached.append(text)
        return text

    raw = FunctionTool("issue_refund", "Takes anything.", {"type": "object"}, invoke, False)

    async def story(cord: AsyncPullcord) -> None:
        guarded = guard(raw, cord)
        ctx: ToolContext[Any] = ToolContext(
            None, tool_name="issue_refund", tool_call_id="c1", tool_arguments=arguments
        )
        with in_thread(thread):
            said = await guarded.on_invoke_tool(ctx, arguments)
        assert "was not run" in said

    told(story)

    assert reached == []


def test_a_failure_after_a_yes_is_told_in_the_tools_own_words(stage: Stage, thread: str) -> None:
    """The model reads what the tool's author wants it to read; the record has the truth."""

    def sorry(_: RunContextWrapper[Any], error: Exception) -> str:
        return f"Sorry: {error}"

    tools = Tools(stage.folder)
    tool = function_tool(tools.issue_refund, failure_error_function=sorry)
    results: list[Any] = []

    async def story(cord: AsyncPullcord) -> None:
        model = Scripted(says([refund(order=BROKEN)]))
        agent: Agent[Any] = Agent("shop", model=model, tools=[guard(tool, cord)])
        shelf = SqliteShelf(stage.folder / "shelf.db")
        runs = Runs(cord, agent, shelf, on_result=lambda _, result: results.append(result))
        await runs.run("hello", thread=thread)
        await asyncio.to_thread(stage.person("maria").approve, stage.only())
        await awork(cord, runs, wait="0s")

    told(story)

    assert "Sorry: the bank hung up" in json.dumps(results[-1].to_input_list())
    assert stage.closed_as(stage.latest()) == "failed"


@dataclass
class Till:
    """What a run has at hand, which is no JSON."""

    opened_by: str


def test_the_context_of_a_resumed_run_is_made_anew(stage: Stage, thread: str) -> None:
    """A parked state carries no objects of the process that parked it."""
    seen: list[str] = []

    @function_tool
    def issue_refund(ctx: RunContextWrapper[Till], order: str, amount: float) -> str:
        """Refund an order."""
        seen.append(ctx.context.opened_by)
        return "refunded"

    async def story(cord: AsyncPullcord) -> None:
        agent: Agent[Till] = Agent(
            "shop", model=Scripted(says([refund()])), tools=[guard(issue_refund, cord)]
        )
        shelf = SqliteShelf(stage.folder / "shelf.db")
        runs = Runs(cord, agent, shelf, context=Till)
        await runs.run("hello", thread=thread)
        await asyncio.to_thread(stage.person("maria").approve, stage.only())
        await awork(cord, runs, wait="0s")

    told(story)

    assert seen == [thread]


class Heard(RunHooks[Any]):
    """What the hooks of a run's own author hear."""

    def __init__(self) -> None:
        self.all: list[str] = []

    async def on_llm_end(self, *_: Any) -> None:
        self.all.append("model")

    async def on_tool_end(self, *_: Any) -> None:
        self.all.append("tool")


def test_hooks_of_a_run_go_on_hearing_everything(stage: Stage, thread: str) -> None:
    """We listen beside them, never in their place."""
    heard = Heard()

    async def story(cord: AsyncPullcord) -> None:
        tool = guard(function_tool(Tools(stage.folder).issue_refund), cord)
        agent: Agent[Any] = Agent("shop", model=Scripted(says([refund(20.0)])), tools=[tool])
        runs = Runs(cord, agent, SqliteShelf(stage.folder / "shelf.db"), hooks=heard)
        await runs.run("hello", thread=thread)

    told(story)

    assert heard.all == ["model", "tool", "model"]


def test_a_stopped_call_waits_in_place_as_long_as_it_is_told_to(stage: Stage, thread: str) -> None:
    """Most decisions come within a minute: then the run is never interrupted."""
    stage.live.plays("maria", stage.approving())
    tools = Tools(stage.folder)

    async def story(cord: AsyncPullcord) -> None:
        tool = guard(function_tool(tools.issue_refund), cord, wait="20s")
        agent: Agent[Any] = Agent("shop", model=Scripted(says([refund()])), tools=[tool])
        with in_thread(thread):
            result = await Runner.run(agent, "hello")
        assert result.final_output == "done"

    told(story)

    stage.live.town.scripts.clear()
    assert stage.effects.all == [["issue_refund", {"order": "A-17", "amount": 480.0}]]


def test_items_are_read_in_the_common_shape() -> None:
    """Rules count calls whatever the framework calls them."""
    call = {"type": "function_call", "call_id": "c1", "name": "look_up", "arguments": "{}"}

    (said,) = chat_messages(call)
    (told_,) = chat_messages({"type": "function_call_output", "call_id": "c1", "output": "cup"})

    assert said["tool_calls"][0]["function"]["name"] == "look_up"
    assert (told_["role"], told_["tool_call_id"]) == ("tool", "c1")
    assert chat_messages({"type": "reasoning"}) == []
