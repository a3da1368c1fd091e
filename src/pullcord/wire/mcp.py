"""What MCP clients send to `/mcp` and get back: JSON-RPC messages, and the arguments of our tools.

The descriptions stand in the schemas that a model reads, so each says what to write there.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from pullcord.wire.bounds import MaybeName, MaybeText, Name, Question, Text
from pullcord.wire.replies import Reply
from pullcord.wire.requests import Request

#: longest wait of `await_decision`, in seconds; many hosts give a tool call a minute
AWAIT_SECONDS_MAX = 50

#: an escalation of this key, and the attempt under which its decision is taken
Handle = Annotated[
    str,
    Meta(
        pattern=r"^esc_[0-9A-Za-z_]{1,60}\.[0-9a-f]{32}$",
        description="The handle that `escalate` returned. Pass it on unchanged.",
    ),
]


class RpcIn(msgspec.Struct, frozen=True, kw_only=True):
    """One JSON-RPC message of a client; without `id` it is a notification."""

    jsonrpc: Literal["2.0"]
    method: Annotated[str, Meta(min_length=1, max_length=200)]
    id: str | int | UnsetType = UNSET
    params: dict[str, Any] = {}


class RpcErrorOut(Reply, frozen=True, kw_only=True, omit_defaults=True):
    """Why a request was refused."""

    code: int
    message: str
    data: Any = None


class RpcOut(msgspec.Struct, frozen=True, kw_only=True):
    """One JSON-RPC answer: a result or an error."""

    jsonrpc: Literal["2.0"] = "2.0"
    id: str | int | None
    result: dict[str, Any] | UnsetType = UNSET
    error: RpcErrorOut | UnsetType = UNSET


# --- the arguments of the tools -------------------------------------------------------------------


class OptionArgs(Request, frozen=True, kw_only=True):
    """One option of a question of kind choose."""

    id: Name
    label: Question
    consequence: Annotated[MaybeText, Meta(description="What follows from choosing it.")] = ""
    is_safe: Annotated[
        bool,
        Meta(description="True for exactly one option: the one that holds when nobody decides."),
    ] = False


class EscalateArgs(Request, frozen=True, kw_only=True):
    """What `escalate` takes."""

    question: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=500,
            description="What people should decide, in one or two sentences they understand "
            "without the conversation.",
        ),
    ]
    kind: Annotated[
        Literal["approve", "answer", "choose", "take_over"],
        Meta(
            description="approve: yes or no to one action. answer: words. choose: one of "
            "`options`. take_over: a person should take this conversation."
        ),
    ] = "answer"
    options: Annotated[list[OptionArgs], Meta(max_length=12)] = []
    tool: Annotated[
        MaybeName, Meta(description="For approve: the name of the action you want to take.")
    ] = ""
    args: Annotated[
        dict[str, Any],
        Meta(description="For approve: exactly the arguments you would use; people may edit them."),
    ] = {}
    situation: Annotated[MaybeText, Meta(description="What happened, as far as you know.")] = ""
    assessment: Annotated[MaybeText, Meta(description="What you make of it, and why.")] = ""
    recommendation: Annotated[MaybeText, Meta(description="What you would do.")] = ""
    counter_argument: Annotated[
        MaybeText, Meta(description="What speaks against your recommendation.")
    ] = ""
    unknowns: Annotated[
        list[Question], Meta(max_length=20, description="What you do not know and would matter.")
    ] = []
    confidence: Annotated[float, Meta(ge=0, le=1)] | None = None
    run: Annotated[
        MaybeName, Meta(description="The name of this conversation or task, always the same.")
    ] = ""
    end_user: Annotated[
        MaybeName, Meta(description="The id of the person you are working for, if there is one.")
    ] = ""
    key: Annotated[
        MaybeName,
        Meta(
            description="A name of your own for this question. The same name is the same question, "
            "however often it is sent; people are asked once."
        ),
    ] = ""


class AwaitArgs(Request, frozen=True, kw_only=True):
    """What `await_decision` takes."""

    handle: Handle
    wait_s: Annotated[
        int,
        Meta(ge=0, le=AWAIT_SECONDS_MAX, description="Seconds to wait at most for a decision."),
    ] = 20


class AddContextArgs(Request, frozen=True, kw_only=True):
    """What `add_context` takes."""

    handle: Handle
    text: Annotated[Text, Meta(description="What people should know in addition.")]


class ReportArgs(Request, frozen=True, kw_only=True):
    """What `report_execution` takes."""

    handle: Handle
    outcome: Annotated[
        Literal["executed", "failed", "not_needed"],
        Meta(
            description="executed: you did it, or used the answer. failed: you tried. "
            "not_needed: nothing was done."
        ),
    ]
    args: Annotated[
        dict[str, Any] | None,
        Meta(description="The arguments you really used; needed for an approved action."),
    ] = None
    result: Annotated[MaybeText, Meta(description="What came of it.")] = ""


class WithdrawArgs(Request, frozen=True, kw_only=True):
    """What `withdraw` takes."""

    handle: Handle
    reason: Annotated[MaybeText, Meta(description="Why nobody needs to decide it any more.")] = ""
