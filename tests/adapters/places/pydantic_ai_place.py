"""The shop's agent as a Pydantic AI agent."""

from typing import Any

from pydantic_ai import Agent, DeferredToolRequests, Tool
from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    RetryPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel

from pullcord import Option
from pullcord.adapters.parking import SqliteShelf
from pullcord.adapters.pydantic_ai import PYDANTIC_AI, Agents, EscalateDeferred, ask_people
from tests.adapters.places import Build, Outcome, keep_script, kept_script
from tests.adapters.places.running import AsyncPlace
from tests.adapters.places.tools import Tools
from tests.adapters.shop import Script


def scripted(script: Script) -> FunctionModel:
    """A model that says the next turn of its script."""

    def say(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        done = sum(1 for each in messages if isinstance(each, ModelResponse))
        if done < len(script.turns):
            turn = script.turns[done]
            return ModelResponse(parts=[ToolCallPart(n, a, tool_call_id=i) for n, a, i in turn])
        return ModelResponse(parts=[TextPart(script.last)])

    return FunctionModel(say)


class PydanticAIPlace(AsyncPlace):
    """Runs parked on a shelf in the folder."""

    framework = PYDANTIC_AI

    def adapter(self) -> Agents:
        build = self.build
        agent = self._agent(kept_script(build.folder))
        return Agents(
            self.cord,
            agent,
            SqliteShelf(build.folder / "shelf.db"),
            wait=build.wait,
            on_result=lambda _, result: self.results.append(result),
        )

    def _agent(self, script: Script) -> Agent[None, str]:
        if not self.build.is_nested:
            return Agent(scripted(script), name="shop", tools=self._tools())
        guard = EscalateDeferred(self.cord, wait="20s")
        inner: Agent[None, str] = Agent(
            scripted(script), name="specialist", tools=self._tools(), capabilities=[guard]
        )

        async def ask_specialist(task: str) -> str:
            found: Any = await inner.run(
                task, conversation_id="inner", output_type=[str, DeferredToolRequests]
            )
            return "\n".join([*_heard(found), str(found.output)])

        outer = Script(((("ask_specialist", {"task": "refund"}, "outer_1"),),))
        return Agent(scripted(outer), name="front", tools=[Tool(ask_specialist)])

    def _tools(self) -> list[Tool[None]]:
        tools = Tools(self.build.folder)
        refund = tools.issue_refund_in if self.build.is_changed else tools.issue_refund

        def ask_team(question: str) -> str:
            return str(ask_people(question))

        def choose_team(question: str) -> str:
            options = (Option("blue", "Blue"), Option("none", "None", is_safe=True))
            return str(ask_people(question, options=options))

        return [
            Tool(refund, name="issue_refund"),
            Tool(tools.close_account),
            Tool(tools.look_up),
            Tool(ask_team),
            Tool(choose_team),
        ]

    def force(self, thread: str) -> Outcome:
        """Go on with everything approved, by the framework's own means."""
        agent = self._agent(kept_script(self.build.folder))

        async def go() -> Any:
            guard = EscalateDeferred(self.cord)
            kinds: Any = [str, DeferredToolRequests]
            arguments: Any = {"capabilities": [guard], "output_type": kinds}
            first = await agent.run("hello", conversation_id=thread, **arguments)
            approved = first.output.build_results(approve_all=True)
            return await agent.run(
                message_history=first.all_messages(), deferred_tool_results=approved, **arguments
            )

        return self.outcome(self.on(go()))

    def run(self, script: Script, thread: str) -> Outcome:
        keep_script(self.build.folder, script)

        async def begin() -> Any:
            return await self.adapter().run("hello", thread=thread)

        if self.build.is_bare:
            return self.outcome(self.on(self._agent(script).run("hello", conversation_id=thread)))
        return self.outcome(self.on(begin()))

    def outcome(self, result: Any) -> Outcome:
        is_over = not isinstance(result.output, DeferredToolRequests)
        return Outcome(is_over, result.output if is_over else "", _heard(result))


def _heard(result: Any) -> list[str]:
    heard = []
    for message in result.all_messages():
        for part in message.parts:
            if isinstance(part, ToolReturnPart):
                heard.append(part.model_response_str())
            elif isinstance(part, RetryPromptPart):
                heard.append(part.model_response())
    return heard


def open_place(build: Build) -> PydanticAIPlace:
    """The shop's agent."""
    return PydanticAIPlace(build)
