"""Pydantic AI's own ways: tools that require approval, waits in place, RequestInput."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from pydantic_ai import Agent, DeferredToolRequests, Tool
from pydantic_ai.capabilities import RequestInput

from pullcord import AsyncPullcord
from pullcord.adapters.parking import SqliteShelf
from pullcord.adapters.pydantic_ai import Agents, EscalateDeferred, People
from pullcord.adapters.working import awork
from tests.adapters.places.pydantic_ai_place import scripted
from tests.adapters.places.tools import Tools
from tests.adapters.shop import Stage, close, refund, says

Story = Callable[[AsyncPullcord], Coroutine[Any, Any, None]]


def told(story: Story) -> None:
    """Run a story with a client of its own."""

    async def run() -> None:
        async with AsyncPullcord(patience="1s") as cord:
            await story(cord)

    asyncio.run(run())


def test_tools_that_require_approval_go_before_people(stage: Stage, thread: str) -> None:
    """What an agent defers by itself gets an owner and a deadline, whatever the policy says."""
    tools = Tools(stage.folder)
    script = says([refund(20.0), ("look_up", {"order": "A-17"}, "call_3")])
    agent: Agent[None, str] = Agent(
        scripted(script),
        tools=[Tool(tools.issue_refund, requires_approval=True), Tool(tools.look_up)],
    )
    results: list[Any] = []

    async def story(cord: AsyncPullcord) -> None:
        shelf = SqliteShelf(stage.folder / "shelf.db")
        agents = Agents(cord, agent, shelf, on_result=lambda _, result: results.append(result))
        await agents.run("hello", thread=thread)
        edit = stage.person("maria").edit
        await asyncio.to_thread(edit, stage.only("issue_refund"), {"amount": 5.0})
        await awork(cord, agents, wait="0s")

    told(story)

    assert ["issue_refund", {"order": "A-17", "amount": 5.0}] in stage.effects.all
    assert len(stage.effects.all) == 2
    assert results[-1].output == "done"
    assert stage.closed_as(stage.latest()) == "executed"


def test_a_stopped_call_waits_in_place_as_long_as_it_is_told_to(stage: Stage, thread: str) -> None:
    """Most decisions come within a minute: then the run never ends in between."""
    stage.live.plays("maria", stage.approving())
    tools = Tools(stage.folder)

    async def story(cord: AsyncPullcord) -> None:
        guard = EscalateDeferred(cord, wait="20s")
        agent = Agent(
            scripted(says([refund()])), tools=[Tool(tools.issue_refund)], capabilities=[guard]
        )
        kinds: Any = [str, DeferredToolRequests]
        result = await agent.run("hello", conversation_id=thread, output_type=kinds)
        assert result.output == "done"

    told(story)

    stage.live.town.scripts.clear()
    assert stage.effects.all == [["issue_refund", {"order": "A-17", "amount": 480.0}]]


def test_request_input_is_answered_by_people(stage: Stage, thread: str) -> None:
    """A run that waits in its own process goes on there when all of it is decided."""
    tools = Tools(stage.folder)
    said: list[Any] = []

    async def story(cord: AsyncPullcord) -> None:
        people = People(cord)
        agent = Agent(
            scripted(says([refund(), close()])),
            tools=[Tool(tools.issue_refund), Tool(tools.close_account)],
            capabilities=[EscalateDeferred(cord), RequestInput(people)],
        )
        run = asyncio.create_task(agent.run("hello", conversation_id=thread))
        await until(lambda: len(stage.waiting()) == 2)
        await asyncio.to_thread(stage.person("maria").approve, stage.only("issue_refund"))
        await asyncio.to_thread(stage.person("tom").reject, stage.only("close_account"), "Keep it.")
        await awork(cord, people, wait="0s")
        result = await asyncio.wait_for(run, 20)
        said.extend([result.output, str(result.all_messages())])

    told(story)

    assert stage.effects.all == [["issue_refund", {"order": "A-17", "amount": 480.0}]]
    assert said[0] == "done"
    assert "Keep it." in said[1]


async def until(is_so: Callable[[], bool]) -> None:
    """Until something is so, at most ten seconds."""
    async with asyncio.timeout(10):
        is_done = False
        while not is_done:
            is_done = await asyncio.to_thread(is_so)


def test_a_run_that_is_changed_on_the_shelf_is_not_resumed(stage: Stage, thread: str) -> None:
    """Who can write where runs are parked cannot put words into the model's mouth."""
    tools = Tools(stage.folder)
    agent: Agent[None, str] = Agent(scripted(says([refund()])), tools=[Tool(tools.issue_refund)])

    async def story(cord: AsyncPullcord) -> None:
        shelf = SqliteShelf(stage.folder / "shelf.db")
        agents = Agents(cord, agent, shelf)
        await agents.run("hello", thread=thread)
        with shelf._transaction() as file:
            file.execute("UPDATE parked SET sealed = replace(sealed, 'A-17', 'A-99')")
        await asyncio.to_thread(stage.person("maria").approve, stage.only())
        await awork(cord, agents, wait="0s")

    told(story)

    assert stage.effects.all == []
