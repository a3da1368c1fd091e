"""What a guard costs inside each framework, beside the framework alone.

    PYTHONPATH=. python -m benchmarks.adapters langgraph

Run it in the environment of that adapter. One object a line: a guarded call that no rule stops
beside the bare call, and a pause with its resume (server and a person's decision included) beside
the framework's own pause and resume. Times are processor time of this process and of those it
starts (Claude Code is one), so that what else a machine does changes little; the server runs in it
and is counted. What stands outside the agent is measured by `benchmarks.outside`.
"""

import asyncio
import json
import os
import resource
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.adapters.places import Build, open_place
from tests.adapters.shop import Stage, open_shop, refund, says

#: calls of one run, and runs that are measured
CALLS, RUNS, PAUSES = 8, 40, 30


def main() -> None:
    name = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder, open_shop(Path(folder)) as stage:
        os.environ |= {"PULLCORD_URL": stage.live.url, "PULLCORD_KEY": stage.live.key}
        if name == "claude_agent":
            asyncio.run(hooks(name))
        else:
            calls(name, stage)
        pauses(name, stage)


def calls(name: str, stage: Stage) -> None:
    """One more call in a run, and the first one; guarded and bare turn about, on one machine."""
    places = {}
    for is_bare in (True, False):
        folder = stage.folder / f"bare-{is_bare}"
        folder.mkdir()
        places[is_bare] = open_place(name, Build(folder, is_bare=is_bare))
    short, long = (says(*[[refund(20.0, id=f"call_{n}")] for n in range(k)]) for k in (1, CALLS))
    times: dict[tuple[bool, bool], list[float]] = {}
    for _ in range(RUNS + 1):
        for is_bare, place in places.items():
            for is_long, script in ((False, short), (True, long)):
                took = timed(lambda p=place, s=script: p.run(s, str(uuid.uuid4())))
                times.setdefault((is_bare, is_long), []).append(took)
    for place in places.values():
        place.close()
    middle = {each: statistics.median(found[1:]) for each, found in times.items()}
    more = [(middle[each, True] - middle[each, False]) / (CALLS - 1) for each in (False, True)]
    say(name, "first call of a conversation", middle[False, False], middle[True, False])
    say(name, "one more guarded call", *more)


def pauses(name: str, stage: Stage) -> None:
    """From the pause to the end of the run, with a person who decides at once."""
    folder = stage.folder / "pauses"
    folder.mkdir()
    place = open_place(name, Build(folder))
    times = []
    for number in range(PAUSES + 1):
        began = spent()
        place.run(says([refund(id=f"pause_{number}")]), str(uuid.uuid4()))
        stage.person("maria").approve(stage.only())
        place.resume()
        times.append(spent() - began)
    place.close()
    say(name, "pause, decision, resume", statistics.median(times[1:]), bare_pause(name, folder))


def bare_pause(name: str, folder: Path) -> float:
    """The framework's own pause and resume, in one process, with nobody asked."""
    makers: dict[str, Callable[[Path], Callable[[], Any]]] = {
        "langgraph": langgraph_pause,
        "pydantic_ai": pydantic_ai_pause,
        "openai_agents": openai_agents_pause,
        "claude_agent": claude_agent_pause,
    }
    act = makers[name](folder)
    return statistics.median([timed(act) for _ in range(PAUSES + 1)][1:])


def langgraph_pause(folder: Path) -> Callable[[], Any]:
    import sqlite3  # noqa: PLC0415  # each framework lives in its own environment

    from langchain.agents import create_agent  # noqa: PLC0415
    from langchain.agents.middleware import HumanInTheLoopMiddleware  # noqa: PLC0415
    from langgraph.checkpoint.sqlite import SqliteSaver  # noqa: PLC0415
    from langgraph.types import Command  # noqa: PLC0415

    from tests.adapters.places.langgraph_place import LangGraphPlace, Scripted  # noqa: PLC0415

    file = sqlite3.connect(folder / "bare.db", check_same_thread=False)
    agent: Any = create_agent(
        Scripted(script=says([refund()])),
        tools=LangGraphPlace(Build(folder))._tools(),  # noqa: SLF001  # the same tools
        middleware=[HumanInTheLoopMiddleware(interrupt_on={"issue_refund": True})],
        checkpointer=SqliteSaver(file),
    )

    def act() -> None:
        config = {"configurable": {"thread_id": str(uuid.uuid4())}}
        agent.invoke({"messages": [("user", "hello")]}, config)
        agent.invoke(Command(resume={"decisions": [{"type": "approve"}]}), config)

    return act


def pydantic_ai_pause(folder: Path) -> Callable[[], Any]:
    from pydantic_ai import Agent, DeferredToolRequests, Tool  # noqa: PLC0415

    from tests.adapters.places.pydantic_ai_place import scripted  # noqa: PLC0415
    from tests.adapters.places.tools import Tools  # noqa: PLC0415

    tool: Any = Tool(Tools(folder).issue_refund, requires_approval=True)
    kinds: Any = [str, DeferredToolRequests]
    agent = Agent(scripted(says([refund()])), tools=[tool], output_type=kinds)

    async def act() -> None:
        first: Any = await agent.run("hello")
        approved = first.output.build_results(approve_all=True)
        await agent.run(message_history=first.all_messages(), deferred_tool_results=approved)

    return lambda: asyncio.run(act())


def openai_agents_pause(folder: Path) -> Callable[[], Any]:
    from agents import Agent, Runner, RunState, function_tool  # noqa: PLC0415

    from tests.adapters.places.openai_agents_place import Scripted  # noqa: PLC0415
    from tests.adapters.places.tools import Tools  # noqa: PLC0415

    tool = function_tool(Tools(folder).issue_refund, needs_approval=True)
    agent: Agent[Any] = Agent("shop", model=Scripted(says([refund()])), tools=[tool])

    async def act() -> None:
        first = await Runner.run(agent, "hello")
        state = await RunState.from_string(agent, first.to_state().to_string())
        for item in state.get_interruptions():
            state.approve(item)
        await Runner.run(agent, state)

    return lambda: asyncio.run(act())


def claude_agent_pause(folder: Path) -> Callable[[], Any]:
    from dataclasses import replace  # noqa: PLC0415  # with its only user

    from claude_agent_sdk import ClaudeSDKClient, HookMatcher  # noqa: PLC0415

    from tests.adapters.places import keep_script  # noqa: PLC0415
    from tests.adapters.places.claude_agent_place import ClaudeAgentPlace  # noqa: PLC0415

    place = ClaudeAgentPlace(Build(folder))
    keep_script(folder, says([refund()]))
    answer = {"hookEventName": "PreToolUse", "permissionDecisionReason": "measured"}

    async def one(prompt: str, decision: str, **session: str) -> None:
        async def before(*_: Any) -> Any:
            return {"hookSpecificOutput": {**answer, "permissionDecision": decision}}

        hooks: Any = {"PreToolUse": [HookMatcher(hooks=[before])]}
        options: Any = replace(place._options(), hooks=hooks, **session)  # noqa: SLF001  # the same
        async with ClaudeSDKClient(options) as client:
            if prompt:
                await client.query(prompt)
            async for _ in client.receive_response():
                pass

    async def act() -> None:
        session = str(uuid.uuid4())
        await one("hello", "defer", session_id=session)
        await one("", "allow", resume=session)

    return lambda: asyncio.run(act())


async def hooks(name: str) -> None:
    """The hook alone: what Claude Code adds around it is a process of its own."""
    from pullcord import AsyncPullcord  # noqa: PLC0415
    from pullcord.adapters.claude_agent import escalation_hooks  # noqa: PLC0415

    async with AsyncPullcord() as cord:
        before: Any = escalation_hooks(cord)["PreToolUse"][0].hooks[0]
        given = {
            "tool_name": "issue_refund",
            "tool_input": {"order": "A-17", "amount": 20.0},
            "tool_use_id": "toolu_1",
            "session_id": str(uuid.uuid4()),
            "transcript_path": "",
        }
        times = []
        for _ in range(2_000):
            began = time.process_time()
            await before(given, None, None)
            times.append(time.process_time() - began)
    say(name, "hook of an allowed call", statistics.median(times[100:]), 0.0)


def timed(act: Callable[[], Any]) -> float:
    began = spent()
    act()
    return spent() - began


def spent() -> float:
    """Seconds of the processor in this process and in those it started, once they ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def say(name: str, what: str, value: float, bare: float) -> None:
    line = {
        "framework": name,
        "what": what,
        "ms": round(value * 1e3, 3),
        "bare_ms": round(bare * 1e3, 3),
        "added_ms": round((value - bare) * 1e3, 3),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
