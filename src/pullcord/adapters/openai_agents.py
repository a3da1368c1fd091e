"""OpenAI Agents SDK: a stopped call interrupts the run, its state is parked, any process goes on.

`guard` puts a function tool under guard. `ask_people` is a tool with which the model asks them.
`Runs` runs an agent, parks its `RunState` sealed on a shelf, and resumes it call by call as people
decide; it also puts tools of your own that need approval before people.
"""

import copy
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from inspect import isawaitable
from typing import Any

from pullcord.adapters.extras import needs

needs("agents", extra="openai-agents")

from agents import (
    Agent,
    FunctionTool,
    ModelResponse,
    RunContextWrapper,
    RunHooks,
    Runner,
    RunState,
    ToolApprovalItem,
    ToolCallOutputItem,
)
from agents.run_state import CURRENT_SCHEMA_VERSION
from agents.tool import (
    maybe_invoke_function_tool_failure_error_function,
    set_function_tool_failure_error_function,
)
from agents.tool_context import ToolContext

from pullcord.adapters.calls import Framework, Lasting, Result, ToolCall, Transcripts, with_notice
from pullcord.adapters.chat import chat_call
from pullcord.adapters.contract import Gate, gate_of, is_living, need_thread
from pullcord.adapters.parking import (
    ParkedRun,
    Shelf,
    Stamp,
    differences,
    fingerprint,
    parked_run,
    stamp,
)
from pullcord.adapters.working import OnResult
from pullcord.client.carrying_out import lets_run, result_text
from pullcord.client.decisions import Decision
from pullcord.client.escalating import Option, Question
from pullcord.client.face import Face
from pullcord.client.flows import Flow
from pullcord.client.runs import current
from pullcord.client.spans import Span, seconds_of
from pullcord.errors import NotDone, Parked
from pullcord.wire.replies import CollectedOut, EscalationOut
from pullcord.wire.requests import AskIn, Capability

OPENAI_AGENTS = Framework(
    "OpenAI Agents SDK",
    "openai-agents",
    ("edit_args", "partial_resume", "reason_on_reject", "note_on_approve", "durable"),
)
#: of tools that are not under guard and need approval by themselves
STOCK: tuple[Capability, ...] = ("partial_resume", "reason_on_reject", "durable")
THREAD = "Run it with Runs.run(..., thread=...), or inside cord.run(thread)."

#: calls of turns that one process remembers the size of
CALLS_MAX = 10_000

_thread: ContextVar[str] = ContextVar("pullcord_openai_thread", default="")
#: how many calls the turn of a call has; what is asked about a call does not hold its turn
_sizes: Lasting[int] = Lasting(CALLS_MAX)


# --- tools ----------------------------------------------------------------------------------------
def guard(tool: FunctionTool, cord: Face, *, wait: Span = "0s") -> FunctionTool:
    """The same tool under guard: `tools=[guard(issue_refund, cord)]`.

    A call that a rule stops waits up to `wait` for a person, then interrupts the run. A tool that
    is called without that, by whatever way, still runs only as people decided.
    """
    guarded = _Guarded(tool, gate_of(cord, OPENAI_AGENTS), seconds_of("wait", wait))
    return replace(tool, on_invoke_tool=guarded, needs_approval=guarded.must_wait)


def ask_people(
    cord: Face,
    *,
    name: str = "ask_people",
    description: str = "Ask the people responsible a question and get their answer.",
    options: Sequence[Option] = (),
    wait: Span = "0s",
) -> FunctionTool:
    """A tool with which the model asks people; its result is what they answer or choose."""
    asking = _Asking(name, tuple(options), gate_of(cord, OPENAI_AGENTS), seconds_of("wait", wait))
    schema = {
        "type": "object",
        "properties": {"question": {"type": "string"}},
        "required": ["question"],
        "additionalProperties": False,
    }
    return FunctionTool(
        name=name,
        description=description,
        params_json_schema=schema,
        on_invoke_tool=asking,
        needs_approval=asking.must_wait,
    )


class _Guarded:
    """What a guarded tool does when it is invoked."""

    def __init__(self, tool: FunctionTool, gate: Gate, wait: float) -> None:
        self._gate = gate
        self._wait = wait
        self._tool = tool
        # a failure must be seen as one before the tool's own words for it are made
        self._bare = set_function_tool_failure_error_function(copy.copy(tool), None)

    async def must_wait(
        self, ctx: RunContextWrapper[Any], params: dict[str, Any], call_id: str
    ) -> bool:
        """Whether the run has to be interrupted for this call."""
        call = _call(ctx, self._tool.name, params, call_id)
        return await _pauses(self._gate, call, self._gate.stop(call), self._wait)

    async def __call__(self, ctx: ToolContext[Any], arguments: str) -> Any:
        """Run what was decided, or tell the model why nothing runs."""
        args = _read(arguments)
        if args is None:
            # a tool that takes anything must not get past the guard with what cannot be judged
            return f"{self._tool.name} was not run: its arguments are not a JSON object."
        call = _call(ctx, self._tool.name, args, ctx.tool_call_id)
        try:
            standing = await self._gate.ado(self._gate.stop(call))
            if standing is None:
                return await self._tool.on_invoke_tool(ctx, arguments)
            if is_living(standing):
                return self._gate.parked(call, standing).for_model
            done = await self._gate.ado(self._gate.finish(call, standing, self._executing(ctx)))
        except NotDone as no:
            return no.for_model
        except Exception as error:
            said = await maybe_invoke_function_tool_failure_error_function(
                function_tool=self._tool, context=ctx, error=error
            )
            if said is None:
                raise
            return said
        if not done.notice:
            return done.value
        text = done.value if isinstance(done.value, str) else result_text(done.value)
        return with_notice(done.notice, text)

    def _executing(self, ctx: ToolContext[Any]) -> Callable[..., Any]:
        async def execute(**arguments: Any) -> Any:
            value = await self._bare.on_invoke_tool(ctx, json.dumps(arguments))
            return Result(result_text(value), value)

        return execute


class _Asking:
    """What the tool that asks people does when it is invoked."""

    def __init__(self, name: str, options: tuple[Option, ...], gate: Gate, wait: float) -> None:
        self._name = name
        self._options = options
        self._gate = gate
        self._wait = wait

    async def must_wait(
        self, ctx: RunContextWrapper[Any], params: dict[str, Any], call_id: str
    ) -> bool:
        """Whether the run has to be interrupted for this question."""
        call = _call(ctx, self._name, params, call_id)
        return await _pauses(self._gate, call, self.stands(call), self._wait)

    def stands(self, call: ToolCall) -> Flow[EscalationOut]:
        """The escalation that stands for a question of the model."""
        question = Question(
            str(call.args.get("question") or "")[:500],
            "choose" if self._options else "answer",
            self._options,
            tool=self._name,
            args=call.args,
        )
        return (yield from self._gate.ask(question, call))

    async def __call__(self, ctx: ToolContext[Any], arguments: str) -> Any:
        """The people's answer, or why there is none."""
        call = _call(ctx, self._name, _read(arguments) or {}, ctx.tool_call_id)
        try:
            standing = await self._gate.ado(self.stands(call))
            if is_living(standing):
                return self._gate.parked(call, standing).for_model
            answered = await self._gate.ado(self._gate.answered(standing))
        except NotDone as no:
            return no.for_model
        answer = answered.option or answered.answer
        return answer if isinstance(answer, str) else json.dumps(answer)


async def _pauses(gate: Gate, call: ToolCall, standing: Flow[Any], wait: float) -> bool:
    """Whether a run has to be interrupted; where nothing may run, the tool itself says why."""
    try:
        found = await gate.ado(standing)
        if found is None or not is_living(found):
            return False
        if wait:
            await gate.ado(gate.waited(call, found, wait=wait))
            return False
        need_thread(call.thread, "the OpenAI Agents SDK", THREAD)
    except Parked:
        return True
    except NotDone:
        return False
    return True


def _call(
    ctx: RunContextWrapper[Any], tool: str, args: Mapping[str, Any], call_id: str
) -> ToolCall:
    thread = _thread.get() or current().id
    return ToolCall(
        tool=tool,
        args=args,
        id=call_id,
        thread=thread,
        messages=_transcripts.of(thread, ctx.turn_input),
        turn_size=_sizes.get(f"{thread}/{call_id}", 0),
    )


class _Watching(RunHooks[Any]):
    """Sees how many calls a turn has, beside the hooks that a run has already."""

    def __init__(self, own: RunHooks[Any] | None) -> None:
        self._own = own or RunHooks()
        for name in dir(self._own):
            if name.startswith("on_") and name != "on_llm_end":
                setattr(self, name, getattr(self._own, name))

    async def on_llm_end(self, context: Any, agent: Any, response: ModelResponse) -> None:
        """The model has said a whole turn."""
        names = [getattr(each, "call_id", "") for each in response.output]
        calls = [str(each) for each in names if each]
        for call in calls:
            _sizes.keep(f"{_thread.get()}/{call}", len(calls))
        await self._own.on_llm_end(context, agent, response)


# --- runs -----------------------------------------------------------------------------------------
class Runs:
    """Runs of one agent: parked while people decide, resumed by any process that has the shelf.

    `context(thread)` makes the run's context, also of a resumed one: it is never taken from the
    parked state. `on_result(thread, result)` is told the framework's result each time a run went
    on. Further arguments go to `Runner.run` as they are.
    """

    def __init__(
        self,
        cord: Face,
        agent: Agent[Any],
        shelf: Shelf,
        *,
        context: Callable[[str], Any] = lambda _: None,
        on_result: OnResult | None = None,
        **arguments: Any,
    ) -> None:
        self._gate = gate_of(cord, OPENAI_AGENTS)
        self._agent = agent
        self._shelf = shelf
        self._context = context
        self._on_result = on_result
        self._arguments = {**arguments, "hooks": _Watching(arguments.get("hooks"))}

    async def run(self, input: Any, *, thread: str) -> Any:
        """Run the agent until it ends or is interrupted; then its state is on the shelf."""
        with in_thread(need_thread(thread, "the OpenAI Agents SDK", THREAD)):
            result = await Runner.run(
                self._agent, input, context=self._context(thread), **self._arguments
            )
            await self._park(thread, result)
        return result

    async def aresume(self, decision: Decision) -> bool:
        """Go on with the run that waits for this decision; False when none on the shelf does."""
        parked = self._shelf.claim(decision.escalation, self._gate.secret, now=time.time())
        if parked is None:
            return False
        try:
            with in_thread(parked.thread):
                result = await self._went_on(parked)
        finally:
            # what went on is parked anew or over; what failed is delivered again
            self._shelf.release(parked)
        if result is not None and self._on_result is not None:
            told = self._on_result(parked.thread, result)
            if isawaitable(told):
                await told
        return True

    async def _went_on(self, parked: ParkedRun) -> Any:
        differences(parked.made_with, self._stamp(), what=f"the run {parked.thread}")
        for call in parked.waits:
            self._gate.knows(parked.thread, call)
        state = await RunState.from_string(
            self._agent,
            parked.state,
            context_override=RunContextWrapper(self._context(parked.thread)),
        )
        given: list[tuple[CollectedOut, bool]] = []
        is_any = False
        for item in state.get_interruptions():
            escalation = parked.waits.get(item.call_id or "")
            if escalation is not None:
                is_any |= await self._answer(state, item, escalation, given)
        if not is_any:
            return None
        # never context= here: the run would forget what was approved
        result = await Runner.run(self._agent, state, **self._arguments)
        await self._tell(given, result)
        await self._park(parked.thread, result)
        self._shelf.drop(parked)
        return result

    async def _answer(
        self,
        state: RunState[Any, Any],
        item: ToolApprovalItem,
        escalation: str,
        given: list[tuple[CollectedOut, bool]],
    ) -> bool:
        """Put one decision into the state; False while people still decide it."""
        standing = await self._gate.ado(self._gate.look(escalation))
        if is_living(standing):
            return False
        if _is_ours(item):
            # the tool collects, proves, executes and reports by itself, or says why not
            state.approve(item)
            return True
        try:
            found = await self._gate.ado(self._gate.given(escalation, standing.tool))
        except NotDone as no:
            state.reject(item, rejection_message=no.for_model)
            return True
        given.append((found, lets_run(found)))
        if lets_run(found):
            state.approve(item)
        else:
            state.reject(item, rejection_message=self._gate.refused(found).for_model)
        return True

    async def _tell(self, given: Sequence[tuple[CollectedOut, bool]], result: Any) -> None:
        """Report what became of tools that are not under guard."""
        outputs = {
            _id_of(item.raw_item): item.output
            for item in result.new_items
            if isinstance(item, ToolCallOutputItem)
        }
        for found, ran in given:
            await self._gate.ado(self._gate.noted(found))
            if ran:
                call = found.call
                text = result_text(outputs[call]) if call in outputs else "its result is not known"
                await self._gate.ado(
                    self._gate.report(found.escalation, found.args or {}, result=text)
                )

    async def _park(self, thread: str, result: Any) -> None:
        """Put what waits on the shelf, and what nobody asked people about yet before them."""
        if not result.interruptions:
            return
        waits: dict[str, str] = {}
        for item in result.interruptions:
            standing = await self._gate.ado(self._stands(thread, item, len(result.interruptions)))
            waits[item.call_id or ""] = standing.id
        state = result.to_state().to_string(context_serializer=lambda _: {})
        parked = parked_run(self._stamp(), thread=thread, waits=waits, state=state)
        self._shelf.put(parked, self._gate.secret)

    def _stands(self, thread: str, item: ToolApprovalItem, size: int) -> Flow[EscalationOut]:
        read = _read(item.arguments or "")
        args = {"arguments": item.arguments} if read is None else read
        is_ours = _is_ours(item)
        call = ToolCall(
            tool=item.tool_name or "",
            args=args,
            id=item.call_id or "",
            thread=thread,
            turn_size=size,
            is_replayed=True,
            capabilities=None if is_ours else STOCK,
        )
        tool = _tool_of(item)
        if isinstance(tool, _Asking):
            return (yield from tool.stands(call))
        ask = None if is_ours else AskIn(kind="approve")
        found = yield from self._gate.stop(call, ask=ask)
        if found is None:
            # a rule that no longer stops it would let it run, but the run waits for an answer
            found = yield from self._gate.stop(call, ask=AskIn(kind="approve"))
        assert found is not None, "an ask of its own always stands or raises"
        return found

    def _stamp(self) -> Stamp:
        return stamp(
            OPENAI_AGENTS, agent=agent_print(self._agent), state_version=CURRENT_SCHEMA_VERSION
        )


@contextmanager
def in_thread(thread: str) -> Iterator[None]:
    """Guarded tools inside belong to this conversation."""
    token = _thread.set(thread)
    try:
        yield
    finally:
        _thread.reset(token)


def _tool_of(item: ToolApprovalItem) -> Any:
    """What is behind the tool of a pending call."""
    for tool in getattr(item.agent, "tools", ()):
        if isinstance(tool, FunctionTool) and tool.name == item.tool_name:
            return tool.on_invoke_tool
    return None


def _is_ours(item: ToolApprovalItem) -> bool:
    return isinstance(_tool_of(item), _Guarded | _Asking)


def _id_of(raw: Any) -> str:
    return str(raw.get("call_id") if isinstance(raw, Mapping) else getattr(raw, "call_id", ""))


def agent_print(agent: Agent[Any]) -> str:
    """What an agent is made of: its name, its model, and its tools."""
    tools = {tool.name: getattr(tool, "params_json_schema", {}) for tool in agent.tools}
    model = agent.model
    kind = model if isinstance(model, str) else type(model).__name__
    return fingerprint(name=agent.name, model=kind, tools=tools)


def _read(arguments: str) -> dict[str, Any] | None:
    """The arguments of a call; None when they are no JSON object."""
    try:
        found = json.loads(arguments or "{}")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


# --- transcripts ----------------------------------------------------------------------------------
def chat_messages(item: Any) -> list[dict[str, Any]]:
    """An item of a run in the common chat shape."""
    if not isinstance(item, Mapping):
        return []
    if item.get("type") == "function_call":
        call = chat_call(str(item["call_id"]), str(item["name"]), str(item["arguments"]))
        return [{"role": "assistant", "content": "", "tool_calls": [call]}]
    if item.get("type") == "function_call_output":
        return [{"role": "tool", "tool_call_id": item["call_id"], "content": str(item["output"])}]
    if "role" in item:
        return [{"role": str(item["role"]), "content": _text_of(item.get("content"))}]
    return []


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(
        str(each["text"]) for each in parts if isinstance(each, Mapping) and "text" in each
    )


_transcripts = Transcripts(chat_messages)
