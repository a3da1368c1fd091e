"""LangGraph's own ways: stock interrupts in both modes, questions of nodes, the async face."""

import asyncio
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from pullcord import AsyncPullcord, InvalidInput, NotDone, Pullcord
from pullcord.adapters.langgraph import EscalationMiddleware, chat_messages, escalate, was_resumed
from pullcord.adapters.langgraph_runs import Graphs
from pullcord.adapters.working import awork, work
from tests.adapters.places.langgraph_place import Scripted
from tests.adapters.places.tools import Tools
from tests.adapters.shop import Script, Stage, close, refund, says

APPROVE: dict[str, Any] = {"allowed_decisions": ["approve", "edit", "reject"]}


@pytest.fixture
def cord(stage: Stage) -> Iterator[Pullcord]:
    """A client of its own."""
    with Pullcord(patience="1s") as found:
        yield found


def again(cord: Pullcord) -> None:
    """As if a minute had passed: what was not resumed is delivered again."""
    cord._deliveries._at.clear()


def tools_of(stage: Stage) -> list[Any]:
    """The shop's tools without any guard."""
    tools = Tools(stage.folder)
    functions = (tools.issue_refund, tools.close_account, tools.look_up)
    return [StructuredTool.from_function(each) for each in functions]


def stock_agent(stage: Stage, script: Script, mode: str, **terms: Any) -> Any:
    """An agent with LangChain's own approvals, which knows nothing of Pullcord."""
    gates: dict[str, Any] = {"issue_refund": terms or APPROVE, "close_account": terms or APPROVE}
    approvals = HumanInTheLoopMiddleware(interrupt_on=gates, interrupt_mode=mode)  # type: ignore[arg-type]
    return create_agent(
        Scripted(script=script),
        tools=tools_of(stage),
        middleware=[approvals],
        checkpointer=InMemorySaver(),
    )


def heard(result: Any) -> str:
    """What tools told the model."""
    return "\n".join(each.text for each in result["messages"] if isinstance(each, ToolMessage))


# --- stock interrupts -----------------------------------------------------------------------------
@pytest.mark.parametrize("mode", ["batched", "per_call"])
def test_stock_approvals_go_before_people_without_a_change_to_the_graph(
    stage: Stage, cord: Pullcord, thread: str, mode: str
) -> None:
    """Agents that are in production already get owners and deadlines by how they are run."""
    agent = stock_agent(stage, says([refund(), close()]), mode)
    results: list[Any] = []
    graphs = Graphs(cord, agent, on_result=lambda _, result: results.append(result))
    graphs.invoke({"messages": [("user", "hello")]}, thread=thread)
    money, account = stage.only("issue_refund"), stage.only("close_account")

    stage.person("maria").edit(money, {"amount": 50.0})
    stage.person("tom").reject(account, note="Keep K-9.")
    work(cord, graphs, wait="0s")
    again(cord)
    work(cord, graphs, wait="0s")

    assert stage.effects.all == [["issue_refund", {"order": "A-17", "amount": 50.0}]]
    assert "Keep K-9." in heard(results[-1])
    assert results[-1]["messages"][-1].text == "done"
    assert (stage.closed_as(money), stage.closed_as(account)) == ("executed", "not_needed")
    assert "refunded 50.00" in stage.report(money)["result"]


def test_a_batch_waits_until_all_of_it_is_decided(
    stage: Stage, cord: Pullcord, thread: str
) -> None:
    """A batch is answered by position: half an answer would shift decisions to other calls."""
    graphs = Graphs(cord, stock_agent(stage, says([refund(), close()]), "batched"))
    graphs.invoke({"messages": [("user", "hello")]}, thread=thread)

    stage.person("maria").approve(stage.only("issue_refund"))
    work(cord, graphs, wait="0s")

    assert stage.effects.all == []


def test_what_a_graph_cannot_take_is_not_offered(stage: Stage, cord: Pullcord, thread: str) -> None:
    """An edit that the graph would refuse must not be offered in the first place."""
    terms = {"allowed_decisions": ["approve", "reject"]}
    graphs = Graphs(cord, stock_agent(stage, says([refund()]), "per_call", **terms))
    graphs.invoke({"messages": [("user", "hello")]}, thread=thread)

    with pytest.raises(InvalidInput, match="cannot take changed arguments"):
        stage.person("maria").edit(stage.only(), {"amount": 50.0})


def test_a_no_that_the_graph_has_no_word_for_leaves_it_paused(
    stage: Stage, cord: Pullcord, thread: str
) -> None:
    """Resuming it with a yes instead would be the worst of all answers."""
    terms = {"allowed_decisions": ["approve"]}
    graphs = Graphs(cord, stock_agent(stage, says([refund()]), "batched", **terms))
    graphs.invoke({"messages": [("user", "hello")]}, thread=thread)

    stage.person("maria").reject(stage.only(), note="no")
    work(cord, graphs, wait="0s")

    assert stage.effects.all == []


def test_inbox_interrupts_go_before_people(stage: Stage, cord: Pullcord, thread: str) -> None:
    """The older form that many graphs still raise."""

    def node(state: MessagesState) -> Any:
        ask = {
            "action_request": {"action": "issue_refund", "args": {"order": "A-1", "amount": 9}},
            "config": {"allow_accept": True, "allow_edit": True, "allow_respond": True},
            "description": "May I?",
        }
        (answer,) = interrupt([ask])
        return {"messages": [AIMessage(content=str(answer))]}

    graphs, results = graphs_of(cord, node)
    graphs.invoke({"messages": []}, thread=thread)
    stage.person("maria").edit(stage.only(), {"amount": 5})
    work(cord, graphs, wait="0s")

    said = results[-1]["messages"][-1].text
    assert "'type': 'edit'" in said
    assert "'amount': 5" in said


# --- questions of nodes ---------------------------------------------------------------------------
def graphs_of(cord: Pullcord, node: Any) -> tuple[Graphs, list[Any]]:
    """A graph of one node, and what it returns."""
    builder = StateGraph(MessagesState)
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    builder.add_edge("node", END)
    results: list[Any] = []
    graph = builder.compile(checkpointer=InMemorySaver())
    return Graphs(cord, graph, on_result=lambda _, result: results.append(result)), results


def test_a_node_asks_twice_and_each_question_is_asked_once(
    stage: Stage, cord: Pullcord, thread: str
) -> None:
    """A node is executed again from its start at every resume."""
    runs: list[int] = []

    def node(state: MessagesState) -> Any:
        runs.append(1)
        which = escalate(cord, "Which cup?").answer
        why = escalate(cord, "Why?").answer
        return {"messages": [AIMessage(content=f"{which} because {why}")]}

    graphs, results = graphs_of(cord, node)
    graphs.invoke({"messages": []}, thread=thread)
    stage.person("maria").does("answer", stage.only(), "blue")
    work(cord, graphs, wait="0s")
    stage.person("maria").does("answer", stage.only(), "it broke")
    work(cord, graphs, wait="0s")

    assert results[-1]["messages"][-1].text == "blue because it broke"
    assert len(stage.rows()) == 2
    assert len(runs) == 3


def test_an_own_interrupt_after_a_question_gets_its_own_answer(
    stage: Stage, cord: Pullcord, thread: str
) -> None:
    """Answers are matched by order: a question must take exactly one, in every replay."""

    def node(state: MessagesState) -> Any:
        asked = escalate(cord, "Which cup?").answer
        own = interrupt("mine")
        return {"messages": [AIMessage(content=f"{asked} and {own}")]}

    graphs, _ = graphs_of(cord, node)
    graphs.invoke({"messages": []}, thread=thread)
    stage.person("maria").does("answer", stage.only(), "blue")
    work(cord, graphs, wait="0s")
    config: Any = {"configurable": {"thread_id": thread}}
    result = graphs._graph.invoke(Command(resume="yours"), config)

    assert result["messages"][-1].text == "blue and yours"


def test_a_node_may_ask_for_a_yes_and_act_by_itself(
    stage: Stage, cord: Pullcord, thread: str
) -> None:
    """What a node does by itself it does with the decided arguments, and reports."""

    def node(state: MessagesState) -> Any:
        args = {"order": "A-17", "amount": 300.0}
        decision = escalate(cord, "Refund?", kind="approve", tool="issue_refund", args=args)
        assert decision.args is not None
        text = Tools(stage.folder).issue_refund(**decision.args)
        cord.report(decision, result=text)
        return {"messages": [AIMessage(content=text)]}

    graphs, _ = graphs_of(cord, node)
    graphs.invoke({"messages": []}, thread=thread)
    escalation = stage.only()
    stage.person("maria").edit(escalation, {"amount": 30.0})
    work(cord, graphs, wait="0s")

    assert stage.effects.all == [["issue_refund", {"order": "A-17", "amount": 30.0}]]
    assert stage.closed_as(escalation) == "executed"


def test_an_answer_that_nobody_gave_is_refused(stage: Stage, cord: Pullcord, thread: str) -> None:
    """Whoever may resume a graph is not by that somebody who may decide."""
    said: list[str] = []

    def node(state: MessagesState) -> Any:
        try:
            escalate(cord, "May I?", kind="approve", tool="issue_refund", args={"order": "A-1"})
        except NotDone as no:
            said.append(no.for_model)
        return {"messages": []}

    graphs, _ = graphs_of(cord, node)
    graphs.invoke({"messages": []}, thread=thread)
    config: Any = {"configurable": {"thread_id": thread}}
    forged = {"pullcord": stage.only(), "kind": "approve", "by": "me", "at": "2027-01-01"}
    graphs._graph.invoke(Command(resume=forged), config)

    assert "nobody decided" in said[0]


def test_a_rejected_question_is_an_error_of_the_node(
    stage: Stage, cord: Pullcord, thread: str
) -> None:
    """No answer is not an empty answer."""

    def node(state: MessagesState) -> Any:
        try:
            found = str(escalate(cord, "Which cup?").answer)
        except NotDone as no:
            found = no.for_model
        return {"messages": [AIMessage(content=found)]}

    graphs, results = graphs_of(cord, node)
    graphs.invoke({"messages": []}, thread=thread)
    stage.person("maria").reject(stage.only(), note="Ask Anna instead.")
    work(cord, graphs, wait="0s")

    assert "Ask Anna instead." in results[-1]["messages"][-1].text


# --- the rest -------------------------------------------------------------------------------------
def test_the_async_face_pauses_and_goes_on(stage: Stage, thread: str) -> None:
    """Async graphs are guarded by the same flows."""
    results: list[Any] = []

    async def story() -> None:
        async with AsyncPullcord(patience="1s") as cord:
            agent: Any = create_agent(
                Scripted(script=says([refund(), close()])),
                tools=tools_of(stage),
                middleware=[EscalationMiddleware(cord)],
                checkpointer=InMemorySaver(),
            )
            graphs = Graphs(cord, agent, on_result=lambda _, result: results.append(result))
            await graphs.ainvoke({"messages": [("user", "hello")]}, thread=thread)
            for who, tool in (("maria", "issue_refund"), ("tom", "close_account")):
                await asyncio.to_thread(stage.person(who).approve, stage.only(tool))
            await awork(cord, graphs, wait="0s")

    asyncio.run(story())

    assert len(stage.effects.all) == 2
    assert results[-1]["messages"][-1].text == "done"


def test_without_a_checkpointer_a_stopped_call_says_what_is_missing(
    stage: Stage, cord: Pullcord
) -> None:
    """A pause that cannot be kept must not look like one."""
    agent: Any = create_agent(
        Scripted(script=says([refund()])),
        tools=tools_of(stage),
        middleware=[EscalationMiddleware(cord)],
    )

    with pytest.raises(InvalidInput, match="checkpointer"):
        agent.invoke({"messages": [("user", "hello")]})

    assert stage.effects.all == []


def test_a_stopped_call_waits_in_place_as_long_as_it_is_told_to(
    stage: Stage, cord: Pullcord, thread: str
) -> None:
    """Most decisions come within a minute: then nothing needs to be paused at all."""
    stage.live.plays("maria", stage.approving())
    agent: Any = create_agent(
        Scripted(script=says([refund()])),
        tools=tools_of(stage),
        middleware=[EscalationMiddleware(cord, wait="20s")],
        checkpointer=InMemorySaver(),
    )
    config: Any = {"configurable": {"thread_id": thread}}

    result = agent.invoke({"messages": [("user", "hello")]}, config)

    stage.live.town.scripts.clear()
    assert "__interrupt__" not in result
    assert "refunded 480.00" in heard(result)


def test_a_policy_that_becomes_lenient_does_not_undo_a_no(
    stage: Stage, cord: Pullcord, thread: str
) -> None:
    """The first verdict stands: a call is not judged anew when its pause is over."""
    agent: Any = create_agent(
        Scripted(script=says([refund()])),
        tools=tools_of(stage),
        middleware=[EscalationMiddleware(cord)],
        checkpointer=InMemorySaver(),
    )
    graphs = Graphs(cord, agent)
    graphs.invoke({"messages": [("user", "hello")]}, thread=thread)
    stage.person("maria").reject(stage.only(), note="no")

    with stage.lenient(), Pullcord(patience="1s") as elsewhere:
        later: Any = create_agent(
            Scripted(script=says([refund()])),
            tools=tools_of(stage),
            middleware=[EscalationMiddleware(elsewhere)],
            checkpointer=agent.checkpointer,
        )
        work(elsewhere, Graphs(elsewhere, later), wait="0s")

    assert stage.effects.all == []


def test_a_task_of_which_nothing_is_known_counts_as_resumed() -> None:
    """Where the framework no longer says it, the server is asked instead of assumed."""
    assert was_resumed({})
    assert was_resumed({"__pregel_scratchpad": object()})


def test_messages_are_read_in_the_common_shape() -> None:
    """Rules count calls and failures whatever the framework calls them."""
    call: Any = {"name": "look_up", "args": {"order": "A"}, "id": "c1"}
    failed = ToolMessage("error: no", tool_call_id="c1", status="error")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (said,) = chat_messages(AIMessage(content="", tool_calls=[call]))
        (told,) = chat_messages(failed)

    assert said["tool_calls"][0]["function"] == {"name": "look_up", "arguments": '{"order": "A"}'}
    assert (told["role"], told["x_error"]) == ("tool", True)
