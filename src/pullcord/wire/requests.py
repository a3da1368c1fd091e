"""What agents, operators and end users send: strict models, unknown fields refused."""

from typing import Annotated, Any, Literal

import msgspec

from pullcord.wire.bounds import (
    CALLS_MAX,
    CAPABILITIES_MAX,
    MESSAGES_MAX,
    TURN_CALLS_MAX,
    Digest,
    MaybeName,
    MaybeText,
    Name,
    Question,
    Seconds,
    Text,
)

#: take changed arguments · go on with one call of a turn while another waits · tell the model why
#: it was refused · tell it a note that came with a yes · wait in no process · go on in another one
Capability = Literal[
    "edit_args",
    "partial_resume",
    "reason_on_reject",
    "note_on_approve",
    "durable",
    "needs_same_process",
]


class Request(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The base of everything that comes in."""


class EndUserIn(Request, frozen=True, kw_only=True):
    """The person the agent serves."""

    id: Name
    name: MaybeName = ""
    email: MaybeName = ""
    locale: MaybeName = ""
    tier: MaybeName = ""
    asks_for_person: bool = False


class OptionIn(Request, frozen=True, kw_only=True):
    """One option of an ask."""

    id: Name
    label: Question
    consequence: MaybeText = ""
    is_safe: bool = False


class AskIn(Request, frozen=True, kw_only=True):
    """What the agent asks by itself; a rule's ask comes from the policy."""

    kind: Literal["approve", "answer", "choose", "take_over"] = "approve"
    question: Question = ""
    options: Annotated[list[OptionIn], msgspec.Meta(max_length=12)] = []
    #: JSON Schema of the answer, for asks of kind answer
    schema: dict[str, Any] | None = None


class ClaimsIn(Request, frozen=True, kw_only=True):
    """What the agent says about the situation: shown as claims, never as facts."""

    situation: MaybeText = ""
    assessment: MaybeText = ""
    unknowns: Annotated[list[Question], msgspec.Meta(max_length=20)] = []
    confidence: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    recommendation: MaybeText = ""
    counter_argument: MaybeText = ""


class HitIn(Request, frozen=True, kw_only=True):
    """A rule that fired in the SDK; the server evaluates again."""

    rule: Name
    mode: Name


class ReplyToIn(Request, frozen=True, kw_only=True):
    """Where whoever asked hears back: a channel of the server, and an address on it."""

    channel: Name
    #: a thread, or the e-mail address of a person of the workspace
    address: Name


class OpenIn(Request, frozen=True, kw_only=True):
    """`POST /v1/escalations`: a guarded call was stopped, or the agent asks by itself.

    `key` makes it idempotent per API key; its identity is `tool`, `args` and `ask`.
    """

    key: Name
    tool: MaybeName = ""
    args: dict[str, Any] = {}
    ask: AskIn | None = None
    run: MaybeName = ""
    call: MaybeName = ""
    turn: MaybeName = ""
    #: tool calls the model made in this turn; 0 when that is not known
    turn_size: Annotated[int, msgspec.Meta(ge=0, le=TURN_CALLS_MAX)] = 0
    #: what the agent can do with a decision; None is everything
    capabilities: Annotated[list[Capability], msgspec.Meta(max_length=CAPABILITIES_MAX)] | None = (
        None
    )
    end_user: EndUserIn | None = None
    messages: Annotated[list[dict[str, Any]], msgspec.Meta(max_length=MESSAGES_MAX)] = []
    claims: ClaimsIn | None = None
    signals: dict[str, str | int | float | bool] = {}
    hits: Annotated[list[HitIn], msgspec.Meta(max_length=200)] = []
    #: names of arguments the SDK left out because they are not JSON
    excluded: Annotated[list[Name], msgspec.Meta(max_length=50)] = []
    policy_version: MaybeName = ""
    trace: MaybeName = ""
    #: where whoever asked hears "being asked", "has it" and "decided"; for this escalation only
    reply_to: ReplyToIn | None = None


class CallIn(Request, frozen=True, kw_only=True):
    """One guarded call that needed no person, for denominators and sampling."""

    id: Name
    at: Name
    tool: Name
    verdict: Literal["allow", "sample", "observe", "granted", "deny", "gate", "veto"]
    rule: MaybeName = ""
    run: MaybeName = ""
    policy_version: MaybeName = ""
    count: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1


class CallsIn(Request, frozen=True, kw_only=True):
    """`POST /v1/calls`: a batch; `lost` counts calls the SDK had to drop."""

    calls: Annotated[list[CallIn], msgspec.Meta(max_length=CALLS_MAX)]
    lost: Annotated[int, msgspec.Meta(ge=0)] = 0


class ExplainIn(Request, frozen=True, kw_only=True):
    """`POST /v1/explain`: what would happen to this call, without acting."""

    tool: Name
    args: dict[str, Any] = {}
    run: MaybeName = ""
    end_user: EndUserIn | None = None
    signals: dict[str, str | int | float | bool] = {}
    messages: Annotated[list[dict[str, Any]], msgspec.Meta(max_length=MESSAGES_MAX)] = []


# --- acts on one escalation: one model per verb ------------------------------------------------


class Act(Request, frozen=True, kw_only=True):
    """The base of every act. `generation` and `shown_digest`, when given, must still hold."""

    generation: int | None = None
    shown_digest: Digest | None = None


class AcceptIn(Act, frozen=True, kw_only=True):
    """ "I have it"."""


class DeclineIn(Act, frozen=True, kw_only=True):
    """ "Not me"."""

    reason: MaybeText = ""


class ReleaseIn(Act, frozen=True, kw_only=True):
    """The owner gives it back to the rung."""

    reason: MaybeText = ""


class ReassignIn(Act, frozen=True, kw_only=True):
    """Offer it to a named person."""

    to: Name
    reason: MaybeText = ""


class SnoozeIn(Act, frozen=True, kw_only=True):
    """Hold it longer without deciding, within `decide_by`."""

    seconds: Seconds


class ExtendIn(Act, frozen=True, kw_only=True):
    """Move `decide_by` within the rule's limit and promise anew."""

    seconds: Seconds
    reason: MaybeText = ""


class QuestionIn(Act, frozen=True, kw_only=True):
    """The owner asks the agent or the end user."""

    to: Literal["agent", "end_user"]
    text: Text


class ReplyIn(Act, frozen=True, kw_only=True):
    """An answer to the pending question."""

    question: Name
    text: Text


class ContextIn(Act, frozen=True, kw_only=True):
    """More context; never the action."""

    text: Text


class CommentIn(Act, frozen=True, kw_only=True):
    """A note in the timeline."""

    text: Text


class TakeOverIn(Act, frozen=True, kw_only=True):
    """The owner takes the conversation."""


class HandBackNoteIn(Request, frozen=True, kw_only=True):
    """What a person tells the agent when handing back; dated facts, never standing orders."""

    decided: MaybeText = ""
    done_outside: MaybeText = ""
    may_assume: MaybeText = ""
    must_not: MaybeText = ""


class HandBackIn(Act, frozen=True, kw_only=True):
    """Control returns to the agent."""

    note: HandBackNoteIn


class DecideIn(Act, frozen=True, kw_only=True):
    """The decision. Edited arguments are the whole object, not a patch."""

    kind: Literal["approve", "edit", "reject", "answer", "choose"]
    args: dict[str, Any] | None = None
    answer: Any = None
    option: MaybeName = ""
    note: MaybeText = ""


class WithdrawIn(Act, frozen=True, kw_only=True):
    """The agent or end user takes the question back."""

    reason: MaybeText = ""


class CollectIn(Act, frozen=True, kw_only=True):
    """The agent takes the decision; the same attempt gets the same reply."""

    attempt: Name


class ReportIn(Act, frozen=True, kw_only=True):
    """What the agent really executed."""

    attempt: Name
    outcome: Literal["executed", "failed", "not_needed"]
    #: the arguments that were really used; needed for executed and failed
    args: dict[str, Any] | None = None
    result: MaybeText = ""


class OutcomeIn(Act, frozen=True, kw_only=True):
    """A label learned afterwards."""

    label: Name
    text: MaybeText = ""
