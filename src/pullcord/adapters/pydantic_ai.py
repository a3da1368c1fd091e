"""Pydantic AI agents: a stopped call is deferred, the run is parked, any process goes on with it.

`EscalateDeferred` is a capability that guards every tool of an agent, and puts what the agent
defers by itself (tools that require approval, questions) before people. `Agents` runs an agent,
parks what waits on a shelf, and resumes it when all calls of the turn are decided. `People`
answers `RequestInput`, for runs that wait in their own process.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from inspect import isawaitable
from typing import Any

from pydantic import TypeAdapter

from pullcord.adapters.extras import needs

needs("pydantic_ai", extra="pydantic-ai")

from pydantic_ai import (
    Agent,
    ApprovalRequired,
    CallDeferred,
    DeferredToolRequests,
    DeferredToolResults,
    RunContext,
    ToolApproved,
    ToolDenied,
)
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.external_events import resolve_external_event
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    RetryPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.tools import ToolDefinition

from pullcord.adapters.calls import Framework, Result, ToolCall, Transcripts, with_notice
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
from pullcord.client.round_trip import same
from pullcord.client.runs import current
from pullcord.client.spans import Span, seconds_of
from pullcord.errors import Drifted, NotDone, Parked
from pullcord.wire.replies import CollectedOut, EscalationOut
from pullcord.wire.requests import AskIn

PYDANTIC_AI = Framework(
    "Pydantic AI",
    "pydantic-ai-slim",
    ("edit_args", "reason_on_reject", "note_on_approve", "durable"),
)
THREAD = "Run it with conversation_id=, or inside cord.run(thread)."
#: key under which metadata of a deferred call says what of ours it is about
OURS = "pullcord"

_REQUESTS: TypeAdapter[DeferredToolRequests] = TypeAdapter(DeferredToolRequests)
_RESULTS: TypeAdapter[DeferredToolResults] = TypeAdapter(DeferredToolResults)


def ask_people(
    question: str,
    *,
    options: Sequence[Option] = (),
    schema: Mapping[str, Any] | None = None,
) -> Any:
    """Inside a tool: ask people, and return what they say to the model as the tool's result.

    Raises:
        CallDeferred: always; that is how a run of Pydantic AI lets go.
    """
    asked = {
        "question": question,
        "options": [[each.id, each.label, each.consequence, each.is_safe] for each in options],
        "schema": dict(schema) if schema is not None else None,
    }
    raise CallDeferred(metadata={OURS: asked}, kind="question")


# --- the capability -------------------------------------------------------------------------------
class EscalateDeferred(AbstractCapability[Any]):
    """Guards every tool of an agent: `Agent(..., capabilities=[EscalateDeferred(cord)])`.

    A call that a rule stops waits up to `wait` for a person in place; then the run ends with
    `DeferredToolRequests`, which must be among its output types. Put it last, next to the tools.
    """

    def __init__(self, cord: Face, *, wait: Span = "0s") -> None:
        self.gate = gate_of(cord, PYDANTIC_AI)
        self._wait = seconds_of("wait", wait)
        self._transcripts = Transcripts(chat_messages)

    async def wrap_tool_execute(
        self,
        ctx: RunContext[Any],
        *,
        call: ToolCallPart,
        tool_def: ToolDefinition,
        args: dict[str, Any],
        handler: Callable[[dict[str, Any]], Any],
    ) -> Any:
        """Judge a call, and run what was decided."""
        made = self._call(ctx, call)
        try:
            standing = await self.gate.ado(self._standing(ctx, made))
            if standing is None:
                return await handler(args)
            if is_living(standing):
                need_thread(made.thread, "Pydantic AI", THREAD)
                raise ApprovalRequired(metadata={OURS: standing.id})
            act = _executing(call, args, handler)
            done = await self.gate.ado(self.gate.finish(made, standing, act))
        except NotDone as no:
            return no.for_model
        if not done.notice:
            return done.value
        text = done.value if isinstance(done.value, str) else result_text(done.value)
        return with_notice(done.notice, text)

    def _standing(self, ctx: RunContext[Any], call: ToolCall) -> Flow[EscalationOut | None]:
        """What stands for a call; one that comes back after a pause says so itself.

        Raises:
            Drifted: what it says belongs to another call.
        """
        known = ctx.tool_call_metadata
        if not ctx.tool_call_approved or not isinstance(known, Mapping) or OURS not in known:
            return (yield from self.gate.stop(call))
        found = yield from self.gate.look(str(known[OURS]))
        if (found.run, found.call, found.tool) != (call.thread, call.id, call.tool):
            raise Drifted(f"{found.id} is not about the call {call.id!r} of {call.thread!r}")
        return found

    async def handle_deferred_tool_calls(
        self, ctx: RunContext[Any], *, requests: DeferredToolRequests
    ) -> DeferredToolResults | None:
        """Put what was deferred before people, and wait for them as long as was asked for."""
        thread = thread_of(ctx)
        messages = self._transcripts.of(thread, ctx.messages)
        standing = await self.gate.ado(standing_of(self.gate, thread, requests, messages))
        if not self._wait:
            return None
        until = time.monotonic() + self._wait
        for each in standing.values():
            call = ToolCall(each.tool, {}, each.call, thread)
            left = max(0.0, until - time.monotonic())
            try:
                await self.gate.ado(self.gate.waited(call, each, wait=left))
            except Parked:
                return None
            except NotDone:
                continue
        results, given = await self.gate.ado(results_of(self.gate, requests, standing))
        for found in given:
            if not lets_run(found):
                await self.gate.ado(self.gate.noted(found))
        return results

    def _call(self, ctx: RunContext[Any], call: ToolCallPart) -> ToolCall:
        thread = thread_of(ctx)
        return ToolCall(
            tool=call.tool_name,
            args=call.args_as_dict(),
            id=call.tool_call_id,
            thread=thread,
            messages=self._transcripts.of(thread, ctx.messages),
            is_replayed=ctx.tool_call_approved,
        )


def thread_of(ctx: RunContext[Any]) -> str:
    """The conversation of a run; it is on its messages, so it is the same after a pause."""
    return str(ctx.conversation_id or current().id or "")


def _executing(
    call: ToolCallPart, args: dict[str, Any], handler: Callable[[dict[str, Any]], Any]
) -> Callable[..., Any]:
    """The handler as a function of the decided arguments, which must be those it would use."""

    async def execute(**arguments: Any) -> Any:
        if not same(call.args_as_dict(), arguments):
            raise Drifted("the run was resumed with other arguments than those decided")
        value = await handler(args)
        return Result(result_text(value), value)

    return execute


# --- from deferred calls to people, and back ------------------------------------------------------
def standing_of(
    gate: Gate, thread: str, requests: DeferredToolRequests, messages: Sequence[Any] = ()
) -> Flow[dict[str, EscalationOut]]:
    """What stands for every deferred call that people can answer, by tool call id."""
    size = len(requests.approvals) + len(requests.calls)
    found: dict[str, EscalationOut] = {}
    for part in (*requests.approvals, *requests.calls):
        call = ToolCall(
            tool=part.tool_name,
            args=part.args_as_dict(),
            id=part.tool_call_id,
            thread=need_thread(thread, "Pydantic AI", THREAD),
            messages=messages,
            turn_size=size,
            is_replayed=True,
        )
        ours = requests.metadata.get(call.id, {}).get(OURS)
        kind = requests.kind(call.id)
        if kind == "approval" and isinstance(ours, str):
            found[call.id] = yield from gate.look(ours)
        elif kind == "approval":
            standing = yield from gate.stop(call, ask=AskIn(kind="approve"))
            assert standing is not None, "an ask of its own always stands or raises"
            found[call.id] = standing
        elif kind == "question":
            found[call.id] = yield from gate.ask(_question(call, ours), call)
    return found


def _question(call: ToolCall, ours: Any) -> Question:
    """A question of a tool: in our own words, else as its arguments have it."""
    if not isinstance(ours, Mapping):
        text = call.args.get("question") or json.dumps(call.args, default=str)
        return Question(str(text)[:500], "answer", tool=call.tool, args=call.args)
    options = [Option(*each) for each in ours.get("options") or ()]
    return Question(
        str(ours["question"]),
        "choose" if options else "answer",
        options,
        ours.get("schema"),
        tool=call.tool,
        args=call.args,
    )


def results_of(
    gate: Gate, requests: DeferredToolRequests, standing: Mapping[str, EscalationOut]
) -> Flow[tuple[DeferredToolResults, list[CollectedOut]]]:
    """Decisions in the framework's words, and as they were collected, for `_tell` later."""
    results = DeferredToolResults()
    given: list[CollectedOut] = []
    for id_, each in standing.items():
        try:
            found = yield from gate.given(each.id, each.tool)
        except NotDone as no:
            _refuse(results, requests, id_, no.for_model)
            continue
        given.append(found)
        if requests.kind(id_) == "approval" and lets_run(found):
            is_edit = found.kind == "edit"
            results.approvals[id_] = ToolApproved(override_args=found.args if is_edit else None)
            results.metadata[id_] = {OURS: each.id}
            continue
        answer = found.option or found.answer
        if requests.kind(id_) == "question" and answer is not None and found.kind != "reject":
            results.calls[id_] = answer
        else:
            _refuse(results, requests, id_, gate.refused(found).for_model)
    return results, given


def _refuse(
    results: DeferredToolResults, requests: DeferredToolRequests, id_: str, text: str
) -> None:
    if requests.kind(id_) == "approval":
        results.approvals[id_] = ToolDenied(text)
    else:
        results.calls[id_] = text


async def _tell(gate: Gate, given: Sequence[CollectedOut]) -> None:
    """Report what lets nothing run, and what was let run and did not."""
    for found in given:
        await gate.ado(gate.unused(found) if lets_run(found) else gate.noted(found))


# --- runs that let go of their process ------------------------------------------------------------
class Agents:
    """Runs of one agent: parked while people decide, resumed by any process that has the shelf.

    `deps(thread)` makes the dependencies of a resumed run. `on_result(thread, result)` is told
    the framework's result each time a run went on.
    """

    def __init__(
        self,
        cord: Face,
        agent: Agent[Any, Any],
        shelf: Shelf,
        *,
        wait: Span = "0s",
        deps: Callable[[str], Any] = lambda _: None,
        on_result: OnResult | None = None,
    ) -> None:
        self._capability = EscalateDeferred(cord, wait=wait)
        self._gate = self._capability.gate
        self._agent = agent
        self._shelf = shelf
        self._deps = deps
        self._on_result = on_result

    async def run(self, prompt: Any, *, thread: str, **arguments: Any) -> Any:
        """Run the agent until it ends or lets go; then its output is `DeferredToolRequests`."""
        arguments.setdefault("deps", self._deps(thread))
        return await self._go(thread, prompt, arguments)

    async def aresume(self, decision: Decision) -> bool:
        """Go on with the run that waits for this decision; False when none on the shelf does."""
        parked = self._shelf.claim(decision.escalation, self._gate.secret, now=time.time())
        if parked is None:
            return False
        try:
            went, result = await self._went_on(parked)
        finally:
            # what went on is parked anew or over; what failed is delivered again
            self._shelf.release(parked)
        if went and self._on_result is not None:
            told = self._on_result(parked.thread, result)
            if isawaitable(told):
                await told
        return True

    async def _went_on(self, parked: ParkedRun) -> tuple[bool, Any]:
        state = json.loads(parked.state)
        requests = _REQUESTS.validate_python(state["requests"])
        standing = {
            id_: await self._gate.ado(self._gate.look(each)) for id_, each in parked.waits.items()
        }
        if any(is_living(each) for each in standing.values()):
            return False, None
        differences(parked.made_with, self._stamp(), what=f"the run {parked.thread}")
        results, given = await self._gate.ado(results_of(self._gate, requests, standing))
        for id_ in parked.waits:
            self._gate.knows(parked.thread, id_)
        arguments = {
            "message_history": ModelMessagesTypeAdapter.validate_python(state["messages"]),
            "deferred_tool_results": results,
            "deps": self._deps(parked.thread),
        }
        result = await self._go(parked.thread, None, arguments)
        await _tell(self._gate, given)
        self._shelf.drop(parked)
        return True, result

    async def _go(self, thread: str, prompt: Any, arguments: dict[str, Any]) -> Any:
        result: Any = await self._agent.run(
            prompt,
            conversation_id=thread,
            output_type=[self._agent.output_type, DeferredToolRequests],
            capabilities=[self._capability],
            **arguments,
        )
        if isinstance(result.output, DeferredToolRequests):
            await self._park(thread, result)
        return result

    async def _park(self, thread: str, result: Any) -> None:
        requests: DeferredToolRequests = result.output
        standing = await self._gate.ado(standing_of(self._gate, thread, requests))
        if not standing:
            return
        state = {
            "messages": json.loads(result.all_messages_json()),
            "requests": _REQUESTS.dump_python(requests, mode="json"),
        }
        waits = {id_: each.id for id_, each in standing.items()}
        parked = parked_run(self._stamp(), thread=thread, waits=waits, state=json.dumps(state))
        self._shelf.put(parked, self._gate.secret)

    def _stamp(self) -> Stamp:
        return stamp(PYDANTIC_AI, agent=agent_print(self._agent))


def agent_print(agent: Agent[Any, Any]) -> str:
    """What an agent is made of: its model, its name, and the tools it was given."""
    tools = {
        name: tool.function_schema.json_schema
        for toolset in agent.toolsets
        for name, tool in getattr(toolset, "tools", {}).items()
    }
    model = agent.model
    return fingerprint(name=agent.name, model=getattr(model, "model_name", str(model)), tools=tools)


# --- runs that wait in their own process ----------------------------------------------------------
class People:
    """What `RequestInput` asks: `capabilities=[EscalateDeferred(cord), RequestInput(people)]`.

    The run waits in this process, or in a durable engine that hands out tokens; `aresume`, in the
    process where the token can be resolved, ends the wait.
    """

    def __init__(
        self, cord: Face, *, resolve: Callable[[str, Any], Any] = resolve_external_event
    ) -> None:
        self._gate = gate_of(cord, PYDANTIC_AI)
        self._resolve = resolve
        self._waits: dict[str, tuple[str, DeferredToolRequests, dict[str, EscalationOut]]] = {}

    async def __call__(
        self, ctx: RunContext[Any], requests: DeferredToolRequests, token: str
    ) -> None:
        """Put everything that waits before people; they answer later."""
        standing = await self._gate.ado(standing_of(self._gate, thread_of(ctx), requests))
        for each in standing.values():
            self._waits[each.id] = (token, requests, standing)

    async def aresume(self, decision: Decision) -> bool:
        """End the wait when all of it is decided; False when nothing here waits for this."""
        if decision.escalation not in self._waits:
            return False
        token, requests, before = self._waits[decision.escalation]
        standing = {
            id_: await self._gate.ado(self._gate.look(each.id)) for id_, each in before.items()
        }
        if any(is_living(each) for each in standing.values()):
            return True
        results, given = await self._gate.ado(results_of(self._gate, requests, standing))
        told = self._resolve(token, _RESULTS.dump_python(results, mode="json"))
        if isawaitable(told):
            await told
        for found in given:
            if not lets_run(found):
                await self._gate.ado(self._gate.noted(found))
        for each in before.values():
            self._waits.pop(each.id, None)
        return True


# --- transcripts ----------------------------------------------------------------------------------
def chat_messages(message: ModelMessage) -> list[dict[str, Any]]:
    """A message of Pydantic AI in the common chat shape."""
    if isinstance(message, ModelResponse):
        return [_said(message)]
    assert isinstance(message, ModelRequest), f"a message is said or asked, not {message!r}"
    found: list[dict[str, Any]] = []
    for part in message.parts:
        if isinstance(part, UserPromptPart):
            content = part.content
            text = content if isinstance(content, str) else "\n".join(map(str, content))
            found.append({"role": "user", "content": text})
        elif isinstance(part, ToolReturnPart | RetryPromptPart):
            is_failure = isinstance(part, RetryPromptPart)
            text = (
                part.model_response()
                if isinstance(part, RetryPromptPart)
                else part.model_response_str()
            )
            found.append(
                {
                    "role": "tool",
                    "tool_call_id": part.tool_call_id,
                    "content": text,
                    "x_error": is_failure,
                }
            )
    return found


def _said(message: ModelResponse) -> dict[str, Any]:
    texts = [part.content for part in message.parts if isinstance(part, TextPart)]
    calls = [part for part in message.parts if isinstance(part, ToolCallPart)]
    plain: dict[str, Any] = {"role": "assistant", "content": "\n".join(texts)}
    if calls:
        plain["tool_calls"] = [
            chat_call(part.tool_call_id, part.tool_name, part.args_as_json_str()) for part in calls
        ]
    return plain
