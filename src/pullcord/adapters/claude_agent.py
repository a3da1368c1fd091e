"""Claude Agent SDK: hooks stop a call, the session is parked, any process goes on with it.

`Sessions` runs sessions of Claude Code with every tool under guard, whoever provides it. A call
that is the only one of its turn is deferred: the session ends and waits. A call among others is
denied with the words "asked …, call it again alone", because a deferral of one call would lose
the others. `escalation_hooks` gives the hooks alone, which then always deny.

The tool itself is run by Claude Code, so a decision is carried out by allowing the call with
exactly the decided arguments, once, and reported by the hook that follows it.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from inspect import isawaitable
from typing import Any

from pullcord.adapters.extras import needs

needs("claude_agent_sdk", extra="claude-agent-sdk")

from claude_agent_sdk import (
    ClaudeAgentOptions,
    ClaudeSDKClient,
    HookMatcher,
    ResultMessage,
    StreamEvent,
    create_sdk_mcp_server,
    tool,
)

from pullcord.adapters.calls import Done, Framework, ToolCall
from pullcord.adapters.claude_transcripts import transcript
from pullcord.adapters.contract import Gate, gate_of, is_living
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
from pullcord.briefing.digest import digest
from pullcord.client.carrying_out import result_text
from pullcord.client.decisions import Decision, collected
from pullcord.client.escalating import Option, Question
from pullcord.client.face import Face
from pullcord.client.flows import Flow
from pullcord.client.spans import Span, seconds_of
from pullcord.errors import NotDone, Parked
from pullcord.wire.replies import EscalationOut

CLAUDE = Framework(
    "Claude Agent SDK",
    "claude-agent-sdk",
    ("edit_args", "reason_on_reject", "note_on_approve", "durable"),
)
#: seconds a hook has beyond the time it waits for a person; then Claude Code blocks the call
HOOK_GRACE = 60.0
#: seconds after which a turn of unknown size counts as one of several calls
TURN_WITHIN = 15.0
#: seconds a session that ended waits for calls that are still being judged
SETTLE_WITHIN = 10.0
#: times one session may make one call with one set of arguments
REPEATS_MAX = 100
ASK_PEOPLE = "mcp__pullcord__ask_people"

Said = dict[str, Any]


@dataclass(slots=True)
class _Watch:
    """What is seen of one run of a session."""

    #: tool calls of the turn a call belongs to, once the turn is whole
    sizes: dict[str, "asyncio.Future[int]"] = field(default_factory=dict)
    #: calls of the turn that is being said
    turn: list[str] = field(default_factory=list)
    #: escalations that were opened or found, by call
    waits: dict[str, str] = field(default_factory=dict)
    #: the escalation whose call was deferred
    deferred: str = ""

    def size_of(self, call: str) -> "asyncio.Future[int]":
        """How many calls the turn has, in time."""
        if call not in self.sizes:
            self.sizes[call] = asyncio.get_running_loop().create_future()
        return self.sizes[call]

    def known_size(self, call: str) -> int:
        """How many calls the turn has; 0 while it is not whole."""
        size = self.sizes.get(call)
        return size.result() if size is not None and size.done() else 0

    def see(self, message: Any) -> None:
        """Count the calls of each turn as it is said."""
        if not isinstance(message, StreamEvent) or message.parent_tool_use_id:
            return
        kind, block = message.event.get("type"), message.event.get("content_block") or {}
        if kind == "message_start":
            self.turn = []
        elif kind == "content_block_start" and block.get("type") == "tool_use":
            self.turn.append(str(block["id"]))
        elif kind == "message_stop":
            for call in self.turn:
                if not self.size_of(call).done():
                    self.size_of(call).set_result(len(self.turn))


class _Hooks:
    """The hooks of one run."""

    def __init__(
        self, gate: Gate, *, wait: float, watch: _Watch | None, options: Sequence[Option] = ()
    ) -> None:
        self._gate = gate
        self._wait = wait
        self._watch = watch
        self._options = tuple(options)
        #: calls that are being judged
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()
        #: decisions that Claude Code is carrying out, by its id of the call
        self._running: dict[str, str] = {}
        #: answers on their way to the tool that asks, by a name nobody else knows
        self._answers: dict[str, str] = {}

    # --- before a tool --------------------------------------------------------------------------
    async def before(self, given: Any, _: str | None, __: Any) -> Any:
        """Judge a call; whatever goes wrong here denies it."""
        self._busy += 1
        self._idle.clear()
        try:
            return await self._judged(given)
        except NotDone as no:
            return _deny(no.for_model)
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()

    async def settled(self) -> None:
        """Until no call is being judged any more, also those of agents in the background."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_WITHIN):
                await self._idle.wait()

    async def _judged(self, given: Mapping[str, Any]) -> Said:
        is_question = given["tool_name"] == ASK_PEOPLE
        call, standing = await self._gate.ado(self._standing(given, is_question=is_question))
        if standing is None:
            return {}
        if self._watch is not None:
            self._watch.waits[call.id] = standing.id
        if is_living(standing) and self._wait:
            with suppress(Parked):
                flow = self._gate.waited(call, standing, wait=self._wait)
                standing = await self._gate.ado(flow)
        if is_living(standing):
            return await self._paused(given, call, standing)
        if self._watch is not None:
            self._watch.waits.pop(call.id, None)
        if is_question:
            return await self._answered(given, standing)
        found = await self._gate.ado(self._gate.take(call, standing))
        self._running[given["tool_use_id"]] = standing.id
        args = found.args if found.args is not None else dict(call.args)
        return _allow(args, Done(None, collected(found)).notice)

    def _standing(
        self, given: Mapping[str, Any], *, is_question: bool
    ) -> Flow[tuple[ToolCall, EscalationOut | None]]:
        """What stands for a call: the first of its kind in this session that is not spent.

        Claude Code may name the same call anew after a pause, so a call is known by its session,
        tool and arguments; what was carried out once never covers a second time.
        """
        args = _asked(given["tool_input"]) if is_question else given["tool_input"]
        kind = digest([given["tool_name"], args])[:16]
        messages = transcript(str(given.get("transcript_path") or ""))
        # Claude Code writes each call of a turn as a message of its own: they are not counted there
        size = self._watch.known_size(given["tool_use_id"]) if self._watch is not None else 0
        for number in range(1, REPEATS_MAX + 1):
            call = ToolCall(
                tool=given["tool_name"],
                args=args,
                id=f"{kind}-{number}",
                thread=given["session_id"],
                messages=messages,
                turn_size=size,
            )
            if is_question:
                standing: EscalationOut | None = yield from self._gate.ask(
                    self._question(args), call
                )
            else:
                standing = yield from self._gate.stop(call)
            if standing is None or not _is_spent(standing, is_question=is_question):
                return call, standing
        why = f"it was made {REPEATS_MAX} times in this session"
        raise NotDone(f"{given['tool_name']} was not run: {why}. Do not repeat it.")

    def _question(self, args: Mapping[str, Any]) -> Question:
        kind = "choose" if self._options else "answer"
        return Question(
            str(args["question"])[:500], kind, self._options, tool=ASK_PEOPLE, args=args
        )

    async def _paused(
        self, given: Mapping[str, Any], call: ToolCall, standing: EscalationOut
    ) -> Said:
        """Defer a call that is alone in its turn; deny one among others, or of a subagent."""
        said = self._gate.parked(call, standing).for_model
        if self._watch is None:
            return _deny(f"{said} {AGAIN}")
        if not given.get("agent_id") and await self._is_alone(given["tool_use_id"]):
            self._watch.deferred = standing.id
            return _decision("defer", said)
        return _deny(f"{said} {AGAIN}")

    async def _is_alone(self, call: str) -> bool:
        assert self._watch is not None, "nobody sees the turn"
        try:
            async with asyncio.timeout(TURN_WITHIN):
                return await asyncio.shield(self._watch.size_of(call)) == 1
        except TimeoutError:
            return False

    async def _answered(self, given: Mapping[str, Any], standing: EscalationOut) -> Said:
        decision = await self._gate.ado(self._gate.answered(standing))
        answer = decision.option or decision.answer
        name = uuid.uuid4().hex
        self._answers[name] = answer if isinstance(answer, str) else json.dumps(answer)
        return _allow({**_asked(given["tool_input"]), "answer": name}, "")

    def taken(self, name: str) -> str:
        """The answer under a name, once."""
        return self._answers.pop(name, "Nobody was asked, so there is no answer.")

    # --- after a tool ---------------------------------------------------------------------------
    async def after(self, given: Any, _: str | None, __: Any) -> Any:
        """Report what was carried out."""
        escalation = self._running.pop(given["tool_use_id"], "")
        if escalation:
            is_failed = given["hook_event_name"] == "PostToolUseFailure"
            text = given.get("error") if is_failed else result_text(given.get("tool_response"))
            report = self._gate.report(
                escalation, given["tool_input"], result=str(text or ""), is_failed=is_failed
            )
            await self._gate.ado(report)
        return {}

    def matchers(self) -> dict[Any, list[HookMatcher]]:
        """As Claude Code takes them: a hook that fails or is late blocks the call."""
        timeout = self._wait + HOOK_GRACE
        before = HookMatcher(hooks=[self.before], timeout=timeout, on_failure="block")
        after = HookMatcher(hooks=[self.after], timeout=timeout)
        return {"PreToolUse": [before], "PostToolUse": [after], "PostToolUseFailure": [after]}


AGAIN = (
    "Do other work meanwhile or end your turn. When it is decided, call it again alone in a turn "
    "of its own, with exactly the same arguments."
)


def escalation_hooks(cord: Face, *, wait: Span = "0s") -> dict[Any, list[HookMatcher]]:
    """Hooks for `ClaudeAgentOptions(hooks=...)`: every tool is under guard, nothing is deferred.

    A stopped call waits up to `wait` for a person and is then denied; the same call made again
    finds its decision.
    """
    hooks = _Hooks(gate_of(cord, CLAUDE), wait=seconds_of("wait", wait), watch=None)
    return hooks.matchers()


# --- sessions -------------------------------------------------------------------------------------
class Sessions:
    """Sessions under guard: parked while people decide, resumed by any process that has the shelf.

    The session itself stays where Claude Code keeps it: on this machine's disk, or in the
    `session_store` of the options. `asks` gives the model a tool to ask people; `choices` are its
    options, if people are to choose. `on_result(session, result)` is told the framework's
    `ResultMessage` each time a session went on, `on_message` every message.
    """

    def __init__(
        self,
        cord: Face,
        options: ClaudeAgentOptions,
        shelf: Shelf,
        *,
        wait: Span = "0s",
        asks: bool = False,
        choices: Sequence[Option] = (),
        on_result: OnResult | None = None,
        on_message: OnResult | None = None,
    ) -> None:
        self._gate = gate_of(cord, CLAUDE)
        self._options = options
        self._shelf = shelf
        self._wait = seconds_of("wait", wait)
        self._asks = asks
        self._choices = tuple(choices)
        self._on_result = on_result
        self._on_message = on_message

    async def run(self, prompt: str, *, thread: str = "") -> ResultMessage:
        """Run a new session until it ends or a call is deferred; `thread` is its id, a UUID."""
        options = replace(self._options, session_id=thread or str(uuid.uuid4()))
        return await self._go(options, prompt)

    async def go_on(self, prompt: str, *, thread: str) -> ResultMessage:
        """Say something more in a session."""
        return await self._go(replace(self._options, resume=thread), prompt)

    async def aresume(self, decision: Decision) -> bool:
        """Go on with the session that waits for this; False when none on the shelf does."""
        parked = self._shelf.claim(decision.escalation, self._gate.secret, now=time.time())
        if parked is None:
            return False
        try:
            result = await self._went_on(parked)
        finally:
            self._shelf.release(parked)
        if result is not None and self._on_result is not None:
            told = self._on_result(parked.thread, result)
            if isawaitable(told):
                await told
        return True

    async def _went_on(self, parked: ParkedRun) -> ResultMessage | None:
        differences(parked.made_with, self._stamp(), what=f"the session {parked.thread}")
        standing = {
            call: await self._gate.ado(self._gate.look(each)) for call, each in parked.waits.items()
        }
        for call in parked.waits:
            self._gate.knows(parked.thread, call)
        deferred = json.loads(parked.state)["deferred"]
        options = replace(self._options, resume=parked.thread)
        if deferred:
            (call,) = (name for name, each in parked.waits.items() if each == deferred)
            if is_living(standing[call]):
                return None
            left = {name: each for name, each in parked.waits.items() if name != call}
            result = await self._go(options, None, left=left)
        else:
            decided = {name: each for name, each in standing.items() if not is_living(each)}
            if not decided:
                return None
            prompt = "\n\n".join([await self._words(each) for each in decided.values()])
            left = {name: each for name, each in parked.waits.items() if name not in decided}
            result = await self._go(options, prompt, left=left)
        self._shelf.drop(parked)
        return result

    async def _words(self, standing: EscalationOut) -> str:
        """What the model is told of a decision on a call that was denied at the time."""
        decision = standing.decision
        is_yes = decision is not None and (
            decision.kind in ("approve", "edit", "answer", "choose")
            or decision.applied == "approve"
        )
        if is_yes:
            return (
                f"{standing.for_model} Now call {standing.tool} again, alone in a turn of its own, "
                "with exactly the arguments you used: it runs as was decided."
            )
        try:
            found = await self._gate.ado(self._gate.given(standing.id, standing.tool))
        except NotDone as no:
            return no.for_model
        await self._gate.ado(self._gate.noted(found))
        return self._gate.refused(found).for_model

    async def _go(
        self,
        options: ClaudeAgentOptions,
        prompt: str | None,
        *,
        left: Mapping[str, str] | None = None,
    ) -> ResultMessage:
        watch = _Watch(waits=dict(left or {}))
        hooks = _Hooks(self._gate, wait=self._wait, watch=watch, options=self._choices)
        result: ResultMessage | None = None
        async with ClaudeSDKClient(self._guarded(options, hooks)) as client:
            if prompt is not None:
                await client.query(prompt)
            async for message in client.receive_response():
                watch.see(message)
                if self._on_message is not None:
                    self._on_message(options.resume or options.session_id or "", message)
                if isinstance(message, ResultMessage):
                    result = message
            await hooks.settled()
        assert result is not None, "Claude Code ended without a result"
        self._park(result, watch)
        return result

    def _guarded(self, options: ClaudeAgentOptions, hooks: _Hooks) -> ClaudeAgentOptions:
        """The options with our hooks beside their own, and with what lets turns be seen whole."""
        merged: dict[Any, list[HookMatcher]] = dict(options.hooks or {})
        for event, matchers in hooks.matchers().items():
            merged[event] = [*merged.get(event, []), *matchers]
        changed = replace(options, hooks=merged, include_partial_messages=True)
        if self._asks and isinstance(options.mcp_servers, dict):
            servers = {**options.mcp_servers, "pullcord": _people(hooks)}
            changed = replace(
                changed, mcp_servers=servers, allowed_tools=[*options.allowed_tools, ASK_PEOPLE]
            )
        return changed

    def _park(self, result: ResultMessage, watch: _Watch) -> None:
        if not watch.waits:
            return
        deferred = watch.deferred if result.stop_reason == "tool_deferred" else ""
        parked = parked_run(
            self._stamp(),
            thread=result.session_id,
            waits=watch.waits,
            state=json.dumps({"deferred": deferred}),
        )
        self._shelf.put(parked, self._gate.secret)

    def _stamp(self) -> Stamp:
        options = self._options
        servers = options.mcp_servers
        names = sorted(servers) if isinstance(servers, dict) else str(servers)
        agent = fingerprint(model=options.model, tools=options.tools, servers=names)
        return stamp(CLAUDE, agent=agent)


def _people(hooks: _Hooks) -> Any:
    """The server with the tool that asks people; its answers come from the hook alone."""
    schema = {
        "type": "object",
        "properties": {
            "question": {"type": "string"},
            "answer": {"type": "string", "description": "Leave it out."},
        },
        "required": ["question"],
    }

    @tool("ask_people", "Ask the people responsible a question and get their answer.", schema)
    async def ask_people(args: dict[str, Any]) -> dict[str, Any]:
        return {"content": [{"type": "text", "text": hooks.taken(str(args.get("answer")))}]}

    return create_sdk_mcp_server("pullcord", tools=[ask_people])


# --- words of hooks -------------------------------------------------------------------------------
def _decision(decision: str, reason: str, **more: Any) -> Said:
    said = {
        "hookEventName": "PreToolUse",
        "permissionDecision": decision,
        "permissionDecisionReason": reason,
        **more,
    }
    return {"hookSpecificOutput": said}


def _deny(text: str) -> Said:
    return _decision("deny", text)


def _allow(args: Mapping[str, Any], notice: str) -> Said:
    more: Said = {"updatedInput": dict(args)}
    if notice:
        more["additionalContext"] = notice
    return _decision("allow", notice or "People decided so.", **more)


def _asked(given: Mapping[str, Any]) -> dict[str, Any]:
    """The question alone: whatever else the model writes there is not taken."""
    return {"question": str(given.get("question") or "")}


def _is_spent(standing: EscalationOut, *, is_question: bool) -> bool:
    """Whether what stands was carried out or taken back: the next such call is another one."""
    if standing.status == "withdrawn":
        return True
    if standing.status not in ("collected", "closed") or standing.decision is None:
        return False
    decision = standing.decision
    let_run = decision.kind in ("approve", "edit") or decision.applied == "approve"
    return let_run or (is_question and decision.kind in ("answer", "choose"))
