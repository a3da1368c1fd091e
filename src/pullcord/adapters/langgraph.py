"""LangGraph and LangChain agents: pause in the checkpoint, resume from it in any process.

`EscalationMiddleware` guards every tool of a `create_agent` agent. `escalate` asks people from a
node of any graph. `Graphs` (in `pullcord.adapters.langgraph_runs`) runs a graph, puts the stock
human-in-the-loop interrupts it raises before people without a change to the graph, and resumes it
with what they decide.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias

import msgspec

from pullcord.adapters.extras import needs

needs("langchain", extra="langgraph")

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import BaseMessage, ToolMessage
from langgraph.config import get_config
from langgraph.errors import ParentCommand
from langgraph.types import Command, interrupt

from pullcord.adapters.calls import (
    Done,
    Framework,
    Result,
    ToolCall,
    ToolFailed,
    Transcripts,
    with_notice,
)
from pullcord.adapters.chat import chat_call
from pullcord.adapters.contract import Gate, gate_of, is_living, need_thread
from pullcord.adapters.parking import Stamp, differences, fingerprint, stamp
from pullcord.briefing.digest import digest
from pullcord.client.decisions import Decision
from pullcord.client.escalating import Option, Question
from pullcord.client.face import Face, Kind
from pullcord.client.flows import Flow, Perform
from pullcord.client.runs import Claims
from pullcord.client.spans import Span, seconds_of
from pullcord.errors import Drifted, NobodyDecided, NotDone, Parked, RejectedByPerson
from pullcord.wire.replies import EscalationOut

LANGGRAPH = Framework(
    "LangGraph",
    "langgraph",
    ("edit_args", "partial_resume", "reason_on_reject", "note_on_approve", "durable"),
)
#: wake-ups of one stop that may come before anybody decided
WAKES_MAX = 100
CHECKPOINT = "Compile the graph with a checkpointer and set configurable.thread_id."

Answer: TypeAlias = ToolMessage | Command[Any]


# --- tools of an agent ----------------------------------------------------------------------------
class EscalationMiddleware(AgentMiddleware[Any, Any, Any]):
    """Guards every tool of an agent: `create_agent(..., middleware=[EscalationMiddleware(cord)])`.

    Put it last, next to the tools, so that it sees the arguments that would really be used. A
    call that a rule stops interrupts its own task of the graph, and its siblings run. `wait` is
    how long it waits for a person before that.
    """

    def __init__(self, cord: Face, *, wait: Span = "0s") -> None:
        super().__init__()
        self._gate = gate_of(cord, LANGGRAPH)
        self._wait = seconds_of("wait", wait)
        self._transcripts = Transcripts(chat_messages)

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Answer]
    ) -> Answer:
        """Judge a call, and run what was decided."""
        return _shown(request, self._gate.do(self._guarded(request, handler, is_async=False)))

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[Answer]]
    ) -> Answer:
        """The same on the event loop."""
        flow = self._guarded(request, handler, is_async=True)
        return _shown(request, await self._gate.ado(flow))

    def _guarded(
        self, request: ToolCallRequest, handler: Callable[..., Any], *, is_async: bool
    ) -> Flow[Answer | Done | NotDone]:
        call = self._call(request)
        try:
            standing = yield from self._gate.stop(call)
            if standing is None:
                answer: Answer = yield Perform(partial(handler, request), is_blocking=not is_async)
                return answer
            need_thread(call.thread, "LangGraph", CHECKPOINT)
            settled = yield from self._settled(call, standing, request)
            act = _executing(request, handler, is_async=is_async)
            return (yield from self._gate.finish(call, settled, act))
        except NotDone as no:
            return no

    def _settled(
        self, call: ToolCall, standing: EscalationOut, request: ToolCallRequest
    ) -> Flow[EscalationOut]:
        """Wait here for as long as was asked for, then interrupt until it is decided."""
        if self._wait and is_living(standing) and not call.is_replayed:
            with suppress(Parked):
                standing = yield from self._gate.waited(call, standing, wait=self._wait)
        made_with = stamp(LANGGRAPH, agent=_tool_print(request))
        must_wake = call.is_replayed
        for _ in range(WAKES_MAX):
            if not is_living(standing) and not must_wake:
                break
            _compare(interrupt(_paused(call, standing, made_with)), made_with, call.tool)
            must_wake = False
            standing = yield from self._gate.look(standing.id)
        return standing

    def _call(self, request: ToolCallRequest) -> ToolCall:
        """A tool call as the contract has it."""
        configurable = request.runtime.config.get("configurable", {})
        thread = str(configurable.get("thread_id") or "")
        state = request.state
        messages = state.get("messages", ()) if isinstance(state, Mapping) else ()
        call = request.tool_call
        return ToolCall(
            tool=call["name"],
            args=call["args"],
            id=call["id"] or "",
            thread=thread,
            messages=self._transcripts.of(thread, messages),
            is_replayed=was_resumed(configurable),
        )


def _executing(
    request: ToolCallRequest, handler: Callable[..., Any], *, is_async: bool
) -> Callable[..., Any]:
    """The handler as a function of the decided arguments."""

    def changed(arguments: Mapping[str, Any]) -> ToolCallRequest:
        return request.override(tool_call={**request.tool_call, "args": dict(arguments)})

    def execute(**arguments: Any) -> Any:
        try:
            return _result(handler(changed(arguments)))
        except ParentCommand as leaving:
            return Result("the run went on in another graph", leaving)

    async def execute_async(**arguments: Any) -> Any:
        try:
            return _result(await handler(changed(arguments)))
        except ParentCommand as leaving:
            return Result("the run went on in another graph", leaving)

    return execute_async if is_async else execute


def _result(answer: Answer) -> Result:
    if not isinstance(answer, ToolMessage):
        return Result("", answer)
    if answer.status == "error":
        raise ToolFailed(answer, answer.text)
    return Result(answer.text, answer)


def _shown(request: ToolCallRequest, came: Answer | Done | NotDone) -> Answer:
    """What the model reads."""
    call = request.tool_call
    if isinstance(came, NotDone):
        return ToolMessage(
            content=came.for_model,
            tool_call_id=call["id"] or "",
            name=call["name"],
            status="error",
        )
    if not isinstance(came, Done):
        return came
    if isinstance(came.value, ParentCommand):
        raise came.value
    if not came.notice or not isinstance(came.value, ToolMessage):
        answer: Answer = came.value
        return answer
    content = came.value.content
    if isinstance(content, str):
        return came.value.model_copy(update={"content": with_notice(came.notice, content)})
    noticed = [{"type": "text", "text": came.notice}, *content]
    return came.value.model_copy(update={"content": noticed})


def _paused(call: ToolCall, standing: EscalationOut, made_with: Stamp) -> dict[str, Any]:
    """What a client of the graph sees while a call waits."""
    return {
        "pullcord": standing.id,
        "asks": "call",
        "tool": call.tool,
        "call": call.id,
        "for_user": standing.for_user,
        "status_url": standing.status_url,
        "parked": msgspec.to_builtins(made_with),
    }


def _compare(woken: Any, made_with: Stamp, tool: str) -> None:
    """Warn of what has changed since the pause, where the wake-up carries how it was."""
    then = woken.get("parked") if isinstance(woken, Mapping) else None
    if isinstance(then, Mapping):
        differences(msgspec.convert(then, Stamp), made_with, what=f"the call to {tool}")


def _tool_print(request: ToolCallRequest) -> str:
    tool = request.tool
    schema = getattr(tool, "args", None)
    return fingerprint(tool=request.tool_call["name"], schema=schema)


def was_resumed(configurable: Mapping[str, Any]) -> bool:
    """Whether this task of a graph is executed again with an answer to an interrupt.

    Where LangGraph does not say, it is believed: then the server is asked what stands.
    """
    pad = configurable.get("__pregel_scratchpad")
    resume, peek = getattr(pad, "resume", None), getattr(pad, "get_null_resume", None)
    if not isinstance(resume, list) or not callable(peek):
        return True
    return bool(resume) or peek(False) is not None


def chat_messages(message: Any) -> list[dict[str, Any]]:
    """A LangChain message in the common chat shape."""
    if not isinstance(message, BaseMessage):
        return [dict(message)] if isinstance(message, Mapping) else []
    roles = {"human": "user", "ai": "assistant"}
    plain: dict[str, Any] = {
        "role": roles.get(message.type, message.type),
        "content": message.content if isinstance(message.content, str) else message.text,
    }
    calls = getattr(message, "tool_calls", None)
    if calls:
        plain["tool_calls"] = [chat_call(each["id"], each["name"], each["args"]) for each in calls]
    if isinstance(message, ToolMessage):
        plain |= {"tool_call_id": message.tool_call_id, "x_error": message.status == "error"}
    return [plain]


# --- questions of a node --------------------------------------------------------------------------
@dataclass
class Answered:
    """What a question is resumed with: kept in the checkpoint, so that a replay finds it there."""

    pullcord: str
    kind: str
    by: str = ""
    at: str = ""
    answer: Any = None
    option: str = ""
    note: str = ""
    applied: str = ""
    for_model: str = ""
    for_user: str = ""
    #: of a yes: the signed decision
    proof: str = ""


def escalate(
    cord: Face,
    question: str,
    *,
    kind: Kind = "answer",
    options: Sequence[Option] = (),
    schema: Mapping[str, Any] | None = None,
    tool: str = "",
    args: Mapping[str, Any] | None = None,
    claims: Claims | None = None,
    name: str = "",
) -> Decision:
    """Ask people from a node: the graph pauses, and the node goes on with what they say.

    The node is executed again from its start; the same question in it is the same escalation.
    Two equal questions of one node need a `name` each.

    Raises:
        NotDone: there is no answer, and why.
    """
    asked = Question(question, kind, options, schema, tool, args, claims)
    gate = gate_of(cord, LANGGRAPH)
    return gate.do(_answer_of(gate, asked, _question_call(asked, name)))


async def aescalate(
    cord: Face,
    question: str,
    *,
    kind: Kind = "answer",
    options: Sequence[Option] = (),
    schema: Mapping[str, Any] | None = None,
    tool: str = "",
    args: Mapping[str, Any] | None = None,
    claims: Claims | None = None,
    name: str = "",
) -> Decision:
    """The same from an async node."""
    asked = Question(question, kind, options, schema, tool, args, claims)
    gate = gate_of(cord, LANGGRAPH)
    return await gate.ado(_answer_of(gate, asked, _question_call(asked, name)))


def _question_call(asked: Question, name: str) -> ToolCall:
    """A question's own name: its task, which is the same in every replay, and what it asks."""
    configurable = get_config().get("configurable", {})
    thread = need_thread(str(configurable.get("thread_id") or ""), "LangGraph", CHECKPOINT)
    task = str(configurable.get("checkpoint_ns") or "")
    id_ = digest([task, asked.kind, asked.text, asked.tool, name])[:32]
    return ToolCall(asked.tool, asked.args or {}, f"ask-{id_}", thread)


def _answer_of(gate: Gate, asked: Question, call: ToolCall) -> Flow[Decision]:
    standing = yield from gate.ask(asked, call)
    shown = {
        "pullcord": standing.id,
        "asks": asked.kind,
        "question": asked.text,
        "for_user": standing.for_user,
        "status_url": standing.status_url,
    }
    for _ in range(WAKES_MAX):
        woken = interrupt(shown, response_schema=Answered)
        if woken.pullcord == standing.id:
            return _decided(gate, standing, woken)
    raise Drifted(f"the graph was resumed {WAKES_MAX} times with answers to something else")


def _decided(gate: Gate, standing: EscalationOut, woken: Answered) -> Decision:
    """The decision in a resume value, if the server knows of it and what it lets run is signed.

    Raises:
        RejectedByPerson, NobodyDecided: there is no answer.
        Drifted: somebody else resumed the graph with words of their own.
    """
    known = standing.decision
    if known is None or known.kind != woken.kind:
        raise Drifted(f"the graph was resumed with {woken.kind!r}, which nobody decided")
    if woken.kind == "reject":
        raise RejectedByPerson(woken.for_model, escalation=standing.id)
    if woken.kind == "nobody_decided" and woken.applied in ("reject", "no_answer"):
        raise NobodyDecided(woken.for_model, escalation=standing.id)
    lets_run = woken.kind in ("approve", "edit") or woken.applied == "approve"
    args = dict(gate.proven(woken.proof).args) if lets_run else None
    return Decision(
        escalation=standing.id,
        kind=woken.kind,
        tool=standing.tool,
        run=standing.run,
        call=standing.call,
        by=woken.by,
        at=datetime.fromisoformat(woken.at),
        for_model=woken.for_model,
        for_user=woken.for_user,
        is_collected=True,
        args=args,
        answer=woken.answer,
        option=woken.option,
        note=woken.note,
        applied=woken.applied,
    )
