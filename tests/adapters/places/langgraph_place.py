"""The shop's agent as a LangChain agent."""

import sqlite3
from typing import Any

from langchain.agents import create_agent
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import StructuredTool
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from pullcord import Decision, NotDone, Option, Pullcord
from pullcord.adapters.langgraph import LANGGRAPH, EscalationMiddleware, escalate
from pullcord.adapters.langgraph_runs import Graphs
from pullcord.adapters.working import work
from tests.adapters.places import Build, Outcome, keep_script, kept_script
from tests.adapters.places.tools import Tools
from tests.adapters.shop import Script


class Scripted(BaseChatModel):
    """A model that says the next turn of its script, whatever process it is in."""

    script: Script

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        done = sum(1 for each in messages if isinstance(each, AIMessage))
        if done < len(self.script.turns):
            calls = [
                {"name": name, "args": args, "id": id_}
                for name, args, id_ in self.script.turns[done]
            ]
            said = AIMessage(content="", tool_calls=calls)
        else:
            said = AIMessage(content=self.script.last)
        return ChatResult(generations=[ChatGeneration(message=said)])


class LangGraphPlace:
    """Runs in a checkpointer on disk."""

    framework = LANGGRAPH

    def __init__(self, build: Build) -> None:
        self._build = build
        self.cord = Pullcord(patience=build.patience)
        self._file = sqlite3.connect(build.folder / "checkpoints.db", check_same_thread=False)
        self._results: list[Any] = []
        self._saver = SqliteSaver(self._file)

    def graphs(self) -> Graphs:
        """The agent, built anew, with its script."""
        build = self._build
        agent = self._agent(kept_script(build.folder))
        return Graphs(self.cord, agent, on_result=lambda _, result: self._results.append(result))

    def _agent(self, script: Script) -> Any:
        guard = EscalationMiddleware(self.cord, wait=self._build.wait)
        if not self._build.is_nested:
            guards: Any = [] if self._build.is_bare else [guard]
            return create_agent(
                Scripted(script=script),
                tools=self._tools(),
                middleware=guards,
                checkpointer=self._saver,
            )
        inner = create_agent(Scripted(script=script), tools=self._tools(), middleware=[guard])

        def ask_specialist(task: str) -> str:
            """Hand a task to the specialist."""
            asked: Any = {"messages": [("user", task)]}
            found = inner.invoke(asked)
            return "\n".join(each.text for each in found["messages"] if each.text)

        outer = Script((((("ask_specialist", {"task": "refund"}, "outer_1")),),))
        return create_agent(
            Scripted(script=outer),
            tools=[StructuredTool.from_function(ask_specialist)],
            middleware=[guard],
            checkpointer=self._saver,
        )

    def _tools(self) -> list[Any]:
        tools = Tools(self._build.folder)
        refund = tools.issue_refund_in if self._build.is_changed else tools.issue_refund

        def ask_team(question: str) -> str:
            """Ask the team."""
            try:
                return str(escalate(self.cord, question).answer)
            except NotDone as no:
                return no.for_model

        def choose_team(question: str) -> str:
            """Let the team choose."""
            options = (Option("blue", "Blue"), Option("none", "None", is_safe=True))
            try:
                return escalate(self.cord, question, kind="choose", options=options).option
            except NotDone as no:
                return no.for_model

        return [
            StructuredTool.from_function(refund, name="issue_refund"),
            StructuredTool.from_function(tools.close_account),
            StructuredTool.from_function(tools.look_up),
            StructuredTool.from_function(ask_team),
            StructuredTool.from_function(choose_team),
        ]

    def run(self, script: Script, thread: str) -> Outcome:
        keep_script(self._build.folder, script)
        return outcome(self.graphs().invoke({"messages": [("user", "hello")]}, thread=thread))

    def resume(self) -> Outcome | None:
        self.cord._deliveries._at.clear()
        self._results.clear()
        work(self.cord, self.graphs(), wait="0s")
        return outcome(self._results[-1]) if self._results else None

    def force(self, thread: str) -> Outcome:
        """Resume everything that is paused, with a yes of the framework's own."""
        config: Any = {"configurable": {"thread_id": thread}}
        agent = self._agent(kept_script(self._build.folder))
        paused = agent.get_state(config).interrupts
        yes = {"decisions": [{"type": "approve"}], "pullcord": paused[0].value["pullcord"]}
        command: Any = Command(resume={each.id: yes for each in paused})
        return outcome(agent.invoke(command, config))

    def deliver(self, decision: Decision) -> bool:
        return self.graphs().resume(decision)

    def decisions(self) -> list[Decision]:
        self.cord._deliveries._at.clear()
        return list(self.cord.decisions(wait="0s"))

    def close(self) -> None:
        self.cord.close()
        self._file.close()


def outcome(result: Any) -> Outcome:
    """Where a thread stands."""
    messages = result["messages"]
    heard = [str(each.text) for each in messages if isinstance(each, ToolMessage)]
    is_over = not result.get("__interrupt__")
    return Outcome(is_over, messages[-1].text if is_over else "", heard)


def open_place(build: Build) -> LangGraphPlace:
    """The shop's agent."""
    return LangGraphPlace(build)
