"""The shop's agent with the OpenAI Agents SDK."""

import json
from collections.abc import AsyncIterator
from typing import Any

from agents import Agent, ModelResponse, Runner, Usage, function_tool, set_tracing_disabled
from agents.models.interface import Model
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
)

from pullcord import Option
from pullcord.adapters.openai_agents import OPENAI_AGENTS, Runs, ask_people, guard, in_thread
from pullcord.adapters.parking import SqliteShelf
from tests.adapters.places import Build, Outcome, keep_script, kept_script
from tests.adapters.places.running import AsyncPlace
from tests.adapters.places.tools import Tools
from tests.adapters.shop import Script

set_tracing_disabled(True)


class Scripted(Model):
    """A model that says the first turn of its script that is not answered yet."""

    def __init__(self, script: Script) -> None:
        self._script = script

    async def get_response(
        self, system_instructions: str | None, input: Any, *args: Any, **kwargs: Any
    ) -> ModelResponse:
        items = [] if isinstance(input, str) else input
        answered = {
            each.get("call_id") for each in items if each.get("type") == "function_call_output"
        }
        for turn in self._script.turns:
            if any(id_ not in answered for _, _, id_ in turn):
                return _response([_call(*each) for each in turn])
        return _response([_message(self._script.last)])

    def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        raise AssertionError("the shop does not stream")


def _response(output: list[Any]) -> ModelResponse:
    return ModelResponse(output=output, usage=Usage(), response_id=None)


def _call(name: str, args: dict[str, Any], id_: str) -> ResponseFunctionToolCall:
    return ResponseFunctionToolCall(
        type="function_call", id=f"fc_{id_}", call_id=id_, name=name, arguments=json.dumps(args)
    )


def _message(text: str) -> ResponseOutputMessage:
    content = ResponseOutputText(type="output_text", text=text, annotations=[])
    return ResponseOutputMessage(
        id="msg", type="message", role="assistant", status="completed", content=[content]
    )


class OpenAIAgentsPlace(AsyncPlace):
    """Runs parked on a shelf in the folder."""

    framework = OPENAI_AGENTS

    def adapter(self) -> Runs:
        build = self.build
        agent = self._agent(kept_script(build.folder))
        return Runs(
            self.cord,
            agent,
            SqliteShelf(build.folder / "shelf.db"),
            on_result=lambda _, result: self.results.append(result),
        )

    def _agent(self, script: Script) -> Agent[Any]:
        if not self.build.is_nested:
            return Agent("shop", model=Scripted(script), tools=self._tools())
        inner = Agent("specialist", model=Scripted(script), tools=self._tools())
        outer = Script(((("ask_specialist", {"input": "refund"}, "outer_1"),),))
        tool = inner.as_tool("ask_specialist", "Hand a task to the specialist.")
        return Agent("front", model=Scripted(outer), tools=[tool])

    def _tools(self) -> list[Any]:
        tools = Tools(self.build.folder)
        refund = tools.issue_refund_in if self.build.is_changed else tools.issue_refund
        options = (Option("blue", "Blue"), Option("none", "None", is_safe=True))
        plain = [
            function_tool(refund, name_override="issue_refund"),
            function_tool(tools.close_account),
            function_tool(tools.look_up),
        ]
        if self.build.is_bare:
            return plain
        return [
            *(guard(each, self.cord, wait=self.build.wait) for each in plain),
            ask_people(self.cord, name="ask_team"),
            ask_people(self.cord, name="choose_team", options=options),
        ]

    def force(self, thread: str) -> Outcome:
        """Go on with everything approved, by the framework's own means."""
        agent = self._agent(kept_script(self.build.folder))

        async def go() -> Any:
            with in_thread(thread):
                first = await Runner.run(agent, "hello")
                state = first.to_state()
                for item in first.interruptions:
                    state.approve(item)
                return await Runner.run(agent, state)

        return self.outcome(self.on(go()))

    def run(self, script: Script, thread: str) -> Outcome:
        keep_script(self.build.folder, script)

        async def begin() -> Any:
            return await self.adapter().run("hello", thread=thread)

        return self.outcome(self.on(begin()))

    def outcome(self, result: Any) -> Outcome:
        heard = [
            str(each["output"])
            for each in result.to_input_list()
            if each.get("type") == "function_call_output"
        ]
        is_over = not result.interruptions
        return Outcome(is_over, str(result.final_output) if is_over else "", heard)


def open_place(build: Build) -> OpenAIAgentsPlace:
    """The shop's agent."""
    return OpenAIAgentsPlace(build)
