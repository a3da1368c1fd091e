"""The five tools an agent has over MCP; none of them decides.

A handle is minted by `escalate` and passed as an ordinary argument, because no session is kept:
it names the escalation and the attempt under which its decision is taken, so whoever holds it
gets the same decision again until it is reported, and nobody else does.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any

import msgspec

from pullcord.errors import AlreadyCollected, PullcordError, WorldMovedOn
from pullcord.path.escalation import Status
from pullcord.server.hub import for_decisions
from pullcord.server.route import Visit
from pullcord.wire import mcp as args
from pullcord.wire.replies import CollectedOut, EscalationOut
from pullcord.wire.requests import (
    AskIn,
    ClaimsIn,
    CollectIn,
    ContextIn,
    EndUserIn,
    OpenIn,
    OptionIn,
    ReportIn,
    WithdrawIn,
)

VIA = "mcp"
#: seconds after which a waiting call looks by itself
SAFETY_POLL = 5.0
LIVING = frozenset({Status.OPEN, Status.ACCEPTED})
#: decisions after which nothing is done: they need no report of the agent's
NO = frozenset({"reject", "nobody_decided"})


@dataclass(frozen=True, slots=True)
class Said:
    """What a tool answers: words for the model, and the same as data."""

    text: str
    facts: Mapping[str, Any]
    is_error: bool = False


Work = Callable[[Visit, Any], Awaitable[Said]]


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool as it is listed and called."""

    name: str
    title: str
    description: str
    takes: type[msgspec.Struct]
    work: Work
    #: it changes nothing but what is remembered of a wait
    is_reading: bool = False
    #: the same call twice does what it does once
    is_idempotent: bool = False

    def listed(self) -> dict[str, Any]:
        """As `tools/list` shows it."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": schema_of(self.takes),
            "annotations": {
                "title": self.title,
                "readOnlyHint": self.is_reading,
                "destructiveHint": False,
                "idempotentHint": self.is_idempotent,
                "openWorldHint": True,
            },
        }


def schema_of(takes: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema of a tool's arguments, an object at its root as MCP wants it."""
    (found,), others = msgspec.json.schema_components([takes], ref_template="#/$defs/{name}")
    name = found["$ref"].rpartition("/")[2]
    root = dict(others.pop(name))
    # the class is named for us, not for the model
    root.pop("title", None)
    return {**root, "$defs": others} if others else root


# --- what they do ---------------------------------------------------------------------------------
async def escalate(visit: Visit, asked: args.EscalateArgs) -> Said:
    """Ask people; the same key is the same question."""
    ids, views = visit.house.ids, visit.house.agent_views
    request = OpenIn(
        key=asked.key or f"mcp-{ids.chance(16).hex()}",
        tool=asked.tool,
        args=asked.args,
        ask=AskIn(
            kind=asked.kind,
            question=asked.question,
            options=[_option(each) for each in asked.options],
        ),
        run=asked.run,
        call=asked.key,
        end_user=EndUserIn(id=asked.end_user) if asked.end_user else None,
        claims=ClaimsIn(
            situation=asked.situation,
            assessment=asked.assessment,
            unknowns=asked.unknowns,
            confidence=asked.confidence,
            recommendation=asked.recommendation,
            counter_argument=asked.counter_argument,
        ),
    )
    opened = await views.opened(
        visit.agent_key, await visit.house.desk.open(visit.agent_key, request)
    )
    if opened.escalation is None:
        return Said(opened.for_model, {"status": opened.verdict}, is_error=True)
    visit.note(opened.escalation.id)
    handle = f"{opened.escalation.id}.{ids.chance(16).hex()}"
    text = f'{opened.for_model} Call await_decision with handle "{handle}" to get the decision.'
    return Said(text, {"handle": handle, **_standing(opened.escalation)})


async def await_decision(visit: Visit, asked: args.AwaitArgs) -> Said:
    """Wait a bounded time, and take the decision when there is one."""
    escalation, attempt = _named(visit, asked.handle)
    found = await _waited(visit, escalation, asked.wait_s)
    if found.status in LIVING:
        text = f"{found.for_model} Call await_decision again with the same handle to go on waiting."
        return Said(text, {"handle": asked.handle, **_standing(found)})
    if found.status in (Status.CLOSED, Status.WITHDRAWN):
        return Said(found.for_model, {"handle": asked.handle, **_standing(found)})
    try:
        taken = await visit.house.desk.collect(
            visit.agent_key, escalation, CollectIn(attempt=attempt)
        )
    except AlreadyCollected as error:
        return _refused(visit, error, "Do not act on it; another holder of a handle does.")
    decided = await visit.house.agent_views.collected(taken)
    if decided.kind in NO and decided.document is None:
        report = ReportIn(attempt=attempt, outcome="not_needed")
        await visit.house.desk.report(visit.agent_key, escalation, report)
        return Said(decided.for_model, _decided(asked.handle, decided))
    text = (
        f"{decided.for_model}{_exactly(decided)} When you have acted on it, call report_execution "
        f'with handle "{asked.handle}" and what you really did.'
    )
    return Said(text, _decided(asked.handle, decided))


async def add_context(visit: Visit, asked: args.AddContextArgs) -> Said:
    """Tell the people who decide something more."""
    escalation, _ = _named(visit, asked.handle)
    found = await _acted(visit, escalation, ContextIn(text=asked.text))
    return Said(f"Added. {found.for_model}", {"handle": asked.handle, **_standing(found)})


async def report_execution(visit: Visit, asked: args.ReportArgs) -> Said:
    """Say what was really done; a difference is put to people."""
    escalation, attempt = _named(visit, asked.handle)
    report = ReportIn(attempt=attempt, outcome=asked.outcome, args=asked.args, result=asked.result)
    row = await visit.house.desk.report(visit.agent_key, escalation, report)
    found = await visit.house.agent_views.of_row(row)
    return Said(found.for_model, {"handle": asked.handle, **_standing(found)})


async def withdraw(visit: Visit, asked: args.WithdrawArgs) -> Said:
    """Take the question back."""
    escalation, _ = _named(visit, asked.handle)
    found = await _acted(visit, escalation, WithdrawIn(reason=asked.reason))
    return Said(found.for_model, {"handle": asked.handle, **_standing(found)})


# --- how they do it -------------------------------------------------------------------------------
def _option(given: args.OptionArgs) -> OptionIn:
    return OptionIn(
        id=given.id, label=given.label, consequence=given.consequence, is_safe=given.is_safe
    )


def _named(visit: Visit, handle: str) -> tuple[str, str]:
    """The escalation and the attempt of a handle."""
    escalation, _, attempt = handle.partition(".")
    visit.note(escalation)
    return escalation, attempt


async def _acted(visit: Visit, escalation: str, request: Any) -> EscalationOut:
    row = await visit.house.desk.act(
        visit.workspace, escalation, visit.actor, request, via=VIA, agent_key=visit.agent_key.id
    )
    return await visit.house.agent_views.of_row(row)


async def _waited(visit: Visit, escalation: str, seconds: int) -> EscalationOut:
    """The escalation as soon as nobody is asked any more, or as it stands when time is over."""
    clock, views, key = visit.house.clock, visit.house.agent_views, visit.agent_key
    until = clock.now() + timedelta(seconds=seconds)
    found = await views.escalation(key, escalation)
    if found.status not in LIVING or not seconds:
        return found
    place = for_decisions(visit.workspace, key.id, escalation)
    async with visit.parts.hub.ear(visit.request, place) as ear:
        while True:
            found = await views.escalation(key, escalation)
            left = (until - clock.now()).total_seconds()
            if found.status not in LIVING or left <= 0 or ear.is_over:
                return found
            await ear.listen(min(left, SAFETY_POLL))


def _standing(found: EscalationOut) -> dict[str, Any]:
    """How it stands, as data."""
    asked = [each.shown_as for each in found.offer.candidates] if found.offer else []
    return {
        "escalation": found.id,
        "status": found.status,
        "owner": found.owner.shown_as,
        "asked": asked,
        "decide_by": found.decide_by.isoformat() if found.decide_by else None,
        "status_url": found.status_url,
        "for_user": found.for_user,
    }


def _exactly(decided: CollectedOut) -> str:
    """The decided arguments in words: many hosts show a model the text alone."""
    if decided.args is None:
        return ""
    shown = msgspec.json.encode(decided.args).decode()
    return f" Act once, with exactly these arguments: {shown}."


def _decided(handle: str, decided: CollectedOut) -> dict[str, Any]:
    """What was decided, with the proof that a tool service can check."""
    proof = None
    if decided.document is not None:
        proof = {
            "signed": decided.signed,
            "key_id": decided.key_id,
            "signature": decided.signature,
            "document": decided.document,
        }
    return {
        "handle": handle,
        "escalation": decided.escalation,
        "status": "decided",
        "kind": decided.kind,
        "by": decided.by.shown_as,
        "at": decided.at.isoformat(),
        "expires_at": decided.expires_at.isoformat(),
        "args": decided.args,
        "answer": decided.answer,
        "option": decided.option,
        "note": decided.note,
        "applied": decided.applied,
        "for_user": decided.for_user,
        "proof": proof,
    }


def _refused(visit: Visit, error: PullcordError, remedy: str = "") -> Said:
    """An error in words for the model: dated, from the server, never empty."""
    at = visit.house.clock.now().astimezone(UTC)
    text = f"The Pullcord server refused this at {at:%Y-%m-%d %H:%M} UTC: {error} {remedy}".strip()
    has_moved_on = isinstance(error, WorldMovedOn)
    facts = {"problem": error.problem, "has_moved_on": has_moved_on}
    return Said(text, facts, is_error=True)


async def called(visit: Visit, tool: Tool, given: Any) -> Said:
    """What a tool answers; refusals of the domain are answers too, so that the model reads them."""
    try:
        return await tool.work(visit, given)
    except PullcordError as error:
        return _refused(visit, error)


TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            "escalate",
            "Ask the people responsible",
            "Stop and ask a named person: for approval of one action, for an answer, for a choice, "
            "or to take the conversation over. Use it when you are not sure, when an action "
            "cannot be undone, or when you are told to. Returns at once with a handle and the name "
            "of who is being asked; it does not decide anything, and neither do you.",
            args.EscalateArgs,
            escalate,
        ),
        Tool(
            "await_decision",
            "Wait for the decision",
            "Wait up to 50 seconds for what people decide on an escalation. When nobody has "
            "decided yet, it says who is being asked; call it again, or do other work first. "
            "Do exactly what was decided, with exactly the arguments in the answer, once.",
            args.AwaitArgs,
            await_decision,
            is_idempotent=True,
        ),
        Tool(
            "add_context",
            "Tell people more",
            "Add something people should know while they decide. The action they decide on never "
            "changes; for another action, escalate again.",
            args.AddContextArgs,
            add_context,
        ),
        Tool(
            "report_execution",
            "Report what was done",
            "Say what you really did with a decision, with the arguments you really used. "
            "A difference between decided and done is put to people.",
            args.ReportArgs,
            report_execution,
            is_idempotent=True,
        ),
        Tool(
            "withdraw",
            "Take a question back",
            "Take an escalation back that nobody needs to decide any more.",
            args.WithdrawArgs,
            withdraw,
            is_idempotent=True,
        ),
    )
}
