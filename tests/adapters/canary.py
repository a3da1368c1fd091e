"""What each adapter needs of its framework, checked by name: says in words what has changed.

    python -m tests.adapters.canary FRAMEWORK

Run it against a new version before anything else: a suite of failing tests says that something
broke, this says what. It ends with 1 when something that is needed is missing.
"""

import importlib
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Need:
    """One thing an adapter uses: where it is, what it takes, and what is lost without it."""

    place: str
    #: parameters or fields it must have
    takes: tuple[str, ...] = ()
    #: attributes it must have
    has: tuple[str, ...] = ()
    without: str = "the adapter cannot be imported"


NEEDS: dict[str, tuple[Need, ...]] = {
    "langgraph": (
        Need("langchain.agents:create_agent", ("tools", "middleware", "checkpointer")),
        Need(
            "langchain.agents.middleware:AgentMiddleware",
            has=("wrap_tool_call", "awrap_tool_call"),
            without="tools of an agent are not guarded",
        ),
        Need(
            "langchain.agents.middleware.types:ToolCallRequest",
            ("tool_call", "tool", "state", "runtime"),
            ("override",),
            without="changed arguments cannot be passed on",
        ),
        Need(
            "langgraph.types:interrupt",
            ("value", "response_schema"),
            without="answers to escalate() are not checked before they are kept",
        ),
        Need(
            "langgraph.types:Interrupt",
            ("value", "id"),
            without="a paused call cannot be found again",
        ),
        Need("langgraph.types:Command", ("resume",)),
        Need("langgraph.errors:ParentCommand"),
        Need("langgraph.config:get_config"),
        Need(
            "langgraph._internal._scratchpad:PregelScratchpad",
            ("resume", "get_null_resume"),
            without="every call of a graph asks the server, because replays cannot be told apart",
        ),
        Need(
            "langchain.agents.middleware:HumanInTheLoopMiddleware",
            ("interrupt_on", "interrupt_mode"),
            without="stock approvals pause in one mode only",
        ),
    ),
    "pydantic_ai": (
        Need(
            "pydantic_ai.capabilities:AbstractCapability",
            has=("wrap_tool_execute", "handle_deferred_tool_calls"),
            without="tools of an agent are not guarded",
        ),
        Need(
            "pydantic_ai:Agent.run",
            ("deferred_tool_results", "message_history", "conversation_id", "capabilities"),
            without="a parked run cannot be resumed",
        ),
        Need("pydantic_ai:ApprovalRequired", ("metadata",)),
        Need(
            "pydantic_ai:CallDeferred", ("metadata", "kind"), without="questions are no questions"
        ),
        Need("pydantic_ai:ToolApproved", ("override_args",), without="changes are not passed on"),
        Need("pydantic_ai:ToolDenied", ("message",), without="the model does not read why"),
        Need(
            "pydantic_ai:DeferredToolRequests",
            ("calls", "approvals", "metadata"),
            ("kind",),
            without="what was deferred cannot be put before people",
        ),
        Need("pydantic_ai:DeferredToolResults", ("calls", "approvals", "metadata")),
        Need(
            "pydantic_ai:RunContext",
            ("tool_call_approved", "tool_call_metadata", "conversation_id", "messages"),
            without="a resumed call cannot be told from a new one",
        ),
        Need(
            "pydantic_ai.external_events:resolve_external_event",
            ("token", "payload"),
            without="RequestInput is not answered",
        ),
        Need("pydantic_ai.messages:ModelMessagesTypeAdapter"),
    ),
    "openai_agents": (
        Need(
            "agents:RunHooks",
            has=("on_llm_end",),
            without="people do not see how many calls a turn has",
        ),
        Need(
            "agents:FunctionTool",
            ("on_invoke_tool", "needs_approval", "params_json_schema"),
            without="tools cannot be put under guard",
        ),
        Need(
            "agents.tool:set_function_tool_failure_error_function",
            without="a tool's failure is reported as its result",
        ),
        Need(
            "agents.tool:maybe_invoke_function_tool_failure_error_function",
            ("function_tool", "context", "error"),
            without="the model does not read a failure in the tool's own words",
        ),
        Need(
            "agents:RunState",
            has=("from_string", "to_string", "get_interruptions", "approve", "reject"),
            without="a run cannot be parked",
        ),
        Need(
            "agents:RunState.from_string",
            ("context_override",),
            without="a resumed run forgets what was approved",
        ),
        Need(
            "agents:RunState.reject",
            ("rejection_message",),
            without="the model does not read why",
        ),
        Need("agents:RunState.to_string", ("context_serializer",)),
        Need("agents.run_state:CURRENT_SCHEMA_VERSION"),
        Need("agents.tool_context:ToolContext", ("tool_call_id",)),
        Need("agents:RunContextWrapper", ("context", "turn_input")),
        Need("agents:ToolApprovalItem", has=("call_id", "arguments")),
        Need("agents:ToolCallOutputItem", ("output", "raw_item")),
    ),
    "claude_agent": (
        Need(
            "claude_agent_sdk:HookMatcher",
            ("hooks", "timeout", "on_failure"),
            without="a hook that fails or is late lets the tool run",
        ),
        Need(
            "claude_agent_sdk:ClaudeAgentOptions",
            ("hooks", "resume", "session_id", "include_partial_messages", "mcp_servers"),
            without="sessions cannot be parked",
        ),
        Need(
            "claude_agent_sdk:ResultMessage",
            ("stop_reason", "session_id", "deferred_tool_use"),
            without="a deferred session looks like one that ended",
        ),
        Need(
            "claude_agent_sdk:StreamEvent",
            ("event", "parent_tool_use_id"),
            without="turns are not seen whole, so nothing is deferred",
        ),
        Need("claude_agent_sdk:ClaudeSDKClient", has=("query", "receive_response")),
        Need("claude_agent_sdk:create_sdk_mcp_server", ("tools",)),
        Need("claude_agent_sdk:tool"),
    ),
}


def changes(framework: str) -> Iterator[str]:
    """Every need that is not met any more, as a sentence."""
    for need in NEEDS[framework]:
        found = _found(need.place)
        name = need.place.replace(":", ".")
        if found is None:
            yield f"{name} is gone: {need.without}."
            continue
        taken = _takes(found)
        for each in need.takes:
            if taken is not None and each not in taken:
                yield f"{name} no longer takes or has {each!r}: {need.without}."
        for each in need.has:
            if not hasattr(found, each):
                yield f"{name} no longer has {each!r}: {need.without}."


def _found(place: str) -> Any:
    module, _, path = place.partition(":")
    try:
        found: Any = importlib.import_module(module)
    except ImportError:
        return None
    for name in path.split("."):
        found = getattr(found, name, None)
        if found is None:
            return None
    return found


def _takes(found: Any) -> frozenset[str] | None:
    """Names of parameters and fields; None when it takes anything."""
    names: set[str] = set()
    if is_dataclass(found):
        names |= {each.name for each in fields(found)}
    if inspect.isclass(found):
        names |= set(getattr(found, "__annotations__", {})) | set(vars(found))
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return frozenset(names)
    names |= {each.name for each in parameters}
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters)
    return None if takes_any and not names - {"kwargs"} else frozenset(names)


def main() -> int:
    """Say what has changed; 1 when something has."""
    framework = sys.argv[1]
    found = list(changes(framework))
    for each in found:
        print(each)
    if not found:
        print(f"{framework}: all {len(NEEDS[framework])} things the adapter needs are there")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
