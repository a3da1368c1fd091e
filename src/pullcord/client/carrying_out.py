"""Flows that end a stop: collect, prove, execute exactly what was decided, once, and report it.

The order is what keeps the promise. Collected under this process's attempt; proven by signature
and digest; rebuilt, and compared with the decided document once more; begun, which happens once;
executed; reported. Whatever is cut off in between is never executed again by anybody.
"""

import logging
from collections.abc import Mapping
from contextvars import ContextVar
from functools import partial
from typing import Any

import msgspec

from pullcord.client import plans, texts
from pullcord.client.asking import Subject
from pullcord.client.core import Core
from pullcord.client.flows import Flow, Perform, ask
from pullcord.client.round_trip import same, to_json
from pullcord.client.tools import Guarded, Prepared
from pullcord.client.verifying import Proof, check, proof_of
from pullcord.errors import (
    AlreadyClosed,
    AlreadyCollected,
    AlreadyWithdrawn,
    CallerIsWrong,
    DecisionExpired,
    Drifted,
    InvalidInput,
    NobodyDecided,
    NotDone,
    OutsideFailed,
    PullcordError,
    RejectedByPerson,
    ServerUnreachable,
    TakenOver,
    TooMuch,
    WorldMovedOn,
)
from pullcord.wire.replies import CollectedOut
from pullcord.wire.requests import ReportIn

#: characters of a result that a report carries
RESULT_MAX = 2_000
#: seconds a report is repeated before it is left to the background
REPORT_WITHIN = 3.0

log = logging.getLogger("pullcord")
_proof: ContextVar[Proof | None] = ContextVar("pullcord_proof", default=None)


def current_proof() -> Proof | None:
    """Inside a guarded function that a person allowed: the proof, for a tool service."""
    return _proof.get()


# --- collect ------------------------------------------------------------------------------------
def collect(core: Core, escalation: str, subject: Subject) -> Flow[CollectedOut]:
    """Take the decision under this process's attempt.

    Raises:
        AlreadyCollected: another process took it, or this one has begun already.
        NotDone: it cannot be taken (now): nothing runs.
    """
    if core.executions.has_begun(escalation):
        raise AlreadyCollected(
            f"{escalation} was begun in this process already, so it is not executed again.",
            attempt=core.executions.attempt,
        )
    if core.background.is_full:
        raise subject.unreachable(
            ServerUnreachable("too many reports could not be delivered yet"), escalation
        )
    plan = plans.collect(escalation, attempt=core.executions.attempt)
    now = core.now()
    try:
        found = yield from ask(plan, core.timer, patience=core.patience)
    except AlreadyCollected:
        raise
    except (DecisionExpired, AlreadyClosed) as error:
        said = texts.ended(subject.tool, escalation, str(error), now)
        raise subject.error(NotDone, said, escalation) from error
    except AlreadyWithdrawn as error:
        said = texts.withdrawn(subject.tool, escalation, now)
        raise subject.error(NotDone, said, escalation) from error
    except PullcordError as error:
        told = subject.not_done(error, escalation)
        if told is error:
            raise
        raise told from error
    if found.escalation != escalation:
        # genuine, perhaps, and about something else: whoever stands between may have swapped it
        why = f"the answer is about {found.escalation}"
        raise subject.error(Drifted, texts.drifted(subject.tool, escalation, why, now), escalation)
    return found


def elsewhere(subject: Subject, error: AlreadyCollected, escalation: str) -> NotDone:
    """What a waiting call says when another process took its decision."""
    said = texts.taken_elsewhere(subject.tool, escalation, subject.core.now())
    found = subject.error(NotDone, said, escalation)
    found.__cause__ = error
    return found


def lets_run(found: CollectedOut) -> bool:
    """Whether this decision executes anything."""
    if found.kind in ("approve", "edit"):
        return True
    return found.kind == "nobody_decided" and found.applied == "approve"


# --- what lets nothing run ------------------------------------------------------------------------
def settle(core: Core, found: CollectedOut, subject: Subject) -> Flow[NotDone]:
    """Report a decision that executes nothing, and the error it stands for."""
    yield from take_note(core, found)
    return refusal(found, subject)


def take_note(core: Core, found: CollectedOut) -> Flow[None]:
    """Report that the agent has a decision that executes nothing."""
    core.executions.begin(found.escalation)
    is_no = found.kind in ("reject", "nobody_decided")
    report = ReportIn(
        attempt=core.executions.attempt, outcome="not_needed" if is_no else "executed"
    )
    yield from tell(core, found.escalation, report)


def refusal(found: CollectedOut, subject: Subject) -> NotDone:
    """The error a decision stands for when it executes nothing."""
    kinds: Mapping[str, type[NotDone]] = {
        "reject": RejectedByPerson,
        "nobody_decided": NobodyDecided,
        "hand_back": TakenOver,
    }
    own_model, own_user = texts.decided_otherwise(
        subject.tool, found.escalation, found.note, subject.core.now()
    )
    said = (found.for_model or own_model, found.for_user or own_user)
    return subject.error(kinds.get(found.kind, NotDone), said, found.escalation)


# --- what runs ----------------------------------------------------------------------------------
def carry_out(
    core: Core,
    guarded: Guarded,
    found: CollectedOut,
    subject: Subject,
    *,
    prepared: Prepared | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Flow[Any]:
    """Execute what was decided, once, and report it; returns what the tool returns.

    With `prepared` the very objects of the stopped call are used where nothing was changed.

    Raises:
        Drifted, DecisionExpired: what would run is not, or no longer, what was decided.
    """
    try:
        proof, act, used = _made_ready(core, guarded, found, prepared, extra or {})
    except (Drifted, DecisionExpired, InvalidInput, TypeError) as error:
        raise (yield from refuse(core, found, subject, error)) from error
    core.executions.begin(found.escalation)
    core.kept.take(found.escalation)
    token = _proof.set(proof)
    try:
        value = yield Perform(act, is_blocking=not guarded.is_async)
    except BaseException as error:
        yield from _report_failure(core, found, used, error)
        raise
    finally:
        _proof.reset(token)
    result = result_text(value)
    report = ReportIn(attempt=core.executions.attempt, outcome="executed", args=used, result=result)
    yield from tell(core, found.escalation, report)
    return value


def _made_ready(
    core: Core,
    guarded: Guarded,
    found: CollectedOut,
    prepared: Prepared | None,
    extra: Mapping[str, Any],
) -> tuple[Proof, Any, dict[str, Any]]:
    """The proof, the call, and the arguments it really uses, compared with what was decided."""
    proof, args = proven(core, guarded.tool, found)
    if prepared is not None and same(_as_it_is_now(guarded, prepared), args):
        return proof, partial(guarded.function, *prepared.args, **prepared.kwargs), args
    kept = prepared.kept if prepared is not None else core.kept.look(found.escalation)
    positional, keywords = guarded.rebuilt(args, {**kept, **extra})
    used = dict(guarded.prepare(positional, keywords).shown)
    if not same(used, args):
        raise Drifted(f"rebuilt for {guarded.tool} the arguments are not the same any more")
    return proof, partial(guarded.function, *positional, **keywords), used


def _as_it_is_now(guarded: Guarded, prepared: Prepared) -> dict[str, Any]:
    """The arguments of a stopped call again: a list may have been changed while it waited."""
    return dict(guarded.prepare(prepared.args, prepared.kwargs).shown)


def proven(core: Core, tool: str, found: CollectedOut) -> tuple[Proof, dict[str, Any]]:
    """The proof of a decision that lets something run, and the arguments it is about.

    Raises:
        Drifted, DecisionExpired: it is not genuine, not about this call, or its time is over.
    """
    proof = proof_of(found)
    verified = check(proof, public_keys=core.public_keys(), now=core.now())
    _belongs(core, tool, found, verified.escalation, proof)
    args = dict(verified.args)
    if not same(args, found.args):
        raise Drifted("the arguments sent along are not those the signature is about")
    return proof, args


def _belongs(core: Core, tool: str, found: CollectedOut, escalation: str, proof: Proof) -> None:
    """The signed document is about this escalation, tool, agent and environment."""
    expected = {"escalation": found.escalation, "tool": tool}
    in_hand = core.policy.in_hand
    if in_hand is not None:
        expected |= {"agent": in_hand.rules.agent, "environment": in_hand.rules.environment}
    if escalation != found.escalation or proof.signed.get("kind") != found.kind:
        raise Drifted("the signature belongs to another decision")
    for name, value in expected.items():
        if proof.document.get(name) != value:
            raise Drifted(f"it was decided for {name} {proof.document.get(name)!r}, not {value!r}")


def refuse(
    core: Core, found: CollectedOut, subject: Subject, error: Exception
) -> Flow[PullcordError]:
    """Report that nothing ran, so that people look at it, and the error to raise."""
    report = ReportIn(
        attempt=core.executions.attempt,
        outcome="failed",
        args=found.args,
        result=f"not executed: {error}"[:RESULT_MAX],
    )
    yield from tell(core, found.escalation, report)
    now = core.now()
    if isinstance(error, DecisionExpired):
        said = texts.ended(subject.tool, found.escalation, str(error), now)
        return subject.error(NotDone, said, found.escalation)
    said = texts.drifted(subject.tool, found.escalation, str(error), now)
    return subject.error(Drifted, said, found.escalation)


def _report_failure(
    core: Core, found: CollectedOut, used: dict[str, Any], error: BaseException
) -> Flow[None]:
    """The tool raised: its effect may have happened in part, so it is never repeated."""
    result = f"{type(error).__name__}: {error}"[:RESULT_MAX]
    report = ReportIn(
        attempt=core.executions.attempt, outcome="failed", args=used, result=clean(result)
    )
    if isinstance(error, Exception):
        yield from tell(core, found.escalation, report)
    else:
        # the process is being ended or the task cancelled: leave now, tell afterwards
        core.background.report_later(found.escalation, report)


def tell(core: Core, escalation: str, report: ReportIn) -> Flow[None]:
    """Report; what cannot be delivered now is delivered in the background, never executed again."""
    try:
        patience = min(core.patience, REPORT_WITHIN)
        yield from ask(plans.report(escalation, report), core.timer, patience=patience)
    except (OutsideFailed, TooMuch) as error:
        log.warning("the report on %s waits: %s", escalation, error)
        core.background.report_later(escalation, report)
        return
    except (CallerIsWrong, WorldMovedOn) as error:
        # it stays begun: as long as the server has no report it might offer the decision again
        log.warning("the report on %s was refused: %s", escalation, error)
        return
    core.executions.ended(escalation)


def result_text(value: Any) -> str:
    """What a tool returned, as short text for the record."""
    if value is None:
        return ""
    try:
        text = value if isinstance(value, str) else msgspec.json.encode(to_json("", value)).decode()
    except InvalidInput:
        text = f"a {type(value).__name__}"
    return clean(text[:RESULT_MAX])


def clean(text: str) -> str:
    """Text that can be sent."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
