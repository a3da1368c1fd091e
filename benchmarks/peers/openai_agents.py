"""OpenAI Agents SDK: a tool that needs approval, its `RunState` kept as text, approved, run on.

The library keeps nothing itself: the table is ours, one commit a pause. The model is scripted; its
turn after the tool belongs to a cycle.
"""

import argparse
import json
import os
import sqlite3
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"

from agents import Agent, Runner, RunState, function_tool
from agents.testing import ScriptedModel, assistant_message, function_call
from yard import Yard, main


async def begin(yard: Yard, options: argparse.Namespace, folder: Path) -> Any:
    link = sqlite3.connect(folder / "peer.db", isolation_level=None)
    link.execute("pragma journal_mode = wal")
    link.execute("pragma synchronous = full")
    link.execute("create table kept (key text primary key, state text)")

    @function_tool(needs_approval=True)
    def issue_refund(key: str, amount: int) -> str:
        yard.resumed(key)
        return f"refunded {amount}"

    def agent(turn: Any) -> Agent[Any]:
        return Agent(name="support", model=ScriptedModel([[turn]]), tools=[issue_refund])

    async def pause(key: str, context: dict[str, Any]) -> None:
        call = function_call("issue_refund", {"key": key, "amount": 480}, call_id="c1")
        result = await Runner.run(agent(call), json.dumps(context))
        link.execute("insert into kept values (?, ?)", (key, result.to_state().to_string()))

    async def decide(key: str) -> None:
        text = link.execute("select state from kept where key = ?", (key,)).fetchone()[0]
        again = agent(assistant_message("done"))
        state = await RunState.from_string(again, text)
        for each in state.get_interruptions():
            state.approve(each)
        await Runner.run(again, state)

    return pause, decide


if __name__ == "__main__":
    main("OpenAI Agents RunState", version("openai-agents"), begin)
