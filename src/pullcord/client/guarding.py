"""The flow of one guarded call that could not be cleared on the spot, and of resuming one later."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from pullcord.client import texts
from pullcord.client.asking import (
    PLAIN,
    Circumstances,
    Subject,
    current_policy,
    decision_on,
    denied,
    has_the_conversation,
    open_for,
)
from pullcord.client.carrying_out import (
    carry_out,
    collect,
    elsewhere,
    lets_run,
    refusal,
    settle,
    take_note,
)
from pullcord.client.core import Core
from pullcord.client.decisions import Decision, collected
from pullcord.client.flows import Flow, Perform
from pullcord.client.policy import RUNS, InHand
from pullcord.client.runs import Run, current, current_call
from pullcord.client.tools import Guarded, Prepared
from pullcord.errors import (
    AlreadyCollected,
    DeniedByPolicy,
    InvalidInput,
    OutsideFailed,
    Parked,
    PullcordError,
    TooMuch,
)
from pullcord.trigger.evaluate import Judgement
from pullcord.trigger.rules import Verdict
from pullcord.wire.replies import EscalationOut
from pullcord.wire.requests import AskIn

log = logging.getLogger("pullcord")
#: rule that stands in the record of calls that ran because nobody could be asked
RAN_UNREACHABLE = "ran-unreachable"


def cleared(core: Core, guarded: Guarded, prepared: Prepared, run: Run) -> bool:
    """Whether a call may run at once, without any network: the path of almost every call."""
    in_hand = core.policy.in_hand
    now = core.timer.monotonic()
    if in_hand is None or now >= in_hand.fresh_until or (run.id and now >= run.free_until):
        return False
    judgement = in_hand.judge(guarded.tool, prepared.shown, run, run.seen(in_hand.writes))
    if judgement.verdict not in RUNS:
        return False
    note(core, guarded, judgement, run)
    return True


def note(core: Core, guarded: Guarded, judgement: Judgement, run: Run) -> None:
    """Record a call that needed no person."""
    core.background.note(
        guarded.tool,
        str(judgement.verdict),
        rule=judgement.rule,
        run=run.id,
        policy_version=judgement.policy_version,
    )


def guarded_call(core: Core, guarded: Guarded, prepared: Prepared) -> Flow[Any]:
    """Judge the call, ask a person where a rule says so, and run what was decided.

    Raises:
        Parked: a person is being asked.
        NotDone: it did not run, and why.
    """
    subject = Subject(guarded.tool, core)
    run = current()
    try:
        in_hand = yield from current_policy(core)
        yield from has_the_conversation(core, run, subject)
    except (OutsideFailed, TooMuch) as failed:
        return (yield from _without_the_server(core, guarded, prepared, failed))
    judgement = in_hand.judge(guarded.tool, prepared.shown, run, run.seen(in_hand.writes))
    if judgement.verdict in RUNS:
        note(core, guarded, judgement, run)
        return (yield _perform(guarded, prepared))
    if judgement.verdict is Verdict.DENY:
        note(core, guarded, judgement, run)
        said = texts.denied(guarded.tool, judgement.reason, core.now())
        raise subject.error(DeniedByPolicy, said)
    guarded.check(prepared)
    return (yield from _stopped(core, guarded, prepared, in_hand, judgement))


def _perform(guarded: Guarded, prepared: Prepared) -> Perform:
    act = partial(guarded.function, *prepared.args, **prepared.kwargs)
    return Perform(act, is_blocking=not guarded.is_async)


def _without_the_server(
    core: Core, guarded: Guarded, prepared: Prepared, failed: PullcordError
) -> Flow[Any]:
    """The server does not answer: refuse, unless this tool's own setting says to run all the same.

    Even then a policy in hand that would stop the call keeps stopping it.
    """
    subject = Subject(guarded.tool, core)
    in_hand = core.policy.in_hand
    run = current()
    judgement = _last_known(in_hand, guarded, prepared, run)
    may_run = judgement is None or judgement.verdict in RUNS
    if not guarded.runs_unreachable or not may_run:
        raise subject.unreachable(failed) from failed
    log.critical(
        "%s RUNS UNCHECKED because Pullcord cannot be reached and @guard(unreachable='run') says "
        "so: %s",
        guarded.tool,
        failed,
    )
    core.background.note(
        guarded.tool,
        str(Verdict.ALLOW),
        rule=RAN_UNREACHABLE,
        run=run.id,
        policy_version=in_hand.version if in_hand else "",
    )
    return (yield _perform(guarded, prepared))


def _last_known(
    in_hand: InHand | None, guarded: Guarded, prepared: Prepared, run: Run
) -> Judgement | None:
    if in_hand is None:
        return None
    return in_hand.judge(guarded.tool, prepared.shown, run, run.seen(in_hand.writes))


def _stopped(
    core: Core, guarded: Guarded, prepared: Prepared, in_hand: InHand, judgement: Judgement
) -> Flow[Any]:
    """Ask a person and wait as long as the guard says."""
    subject = Subject(guarded.tool, core)
    run = current()
    call = _call_id(guarded, prepared, run)
    try:
        standing = yield from opened(core, guarded, prepared, in_hand, judgement, run, call)
    except PullcordError as error:
        told = subject.not_done(error)
        if told is error:
            raise
        raise told from error
    if standing is None:
        return (yield _perform(guarded, prepared))
    core.waiting.enter(standing.id)
    try:
        decided = yield from decision_on(core, subject, standing, wait=guarded.wait)
        found = yield from collect(core, decided.id, subject)
    except Parked:
        core.kept.put(standing.id, prepared.kept)
        raise
    except AlreadyCollected as error:
        raise elsewhere(subject, error, standing.id) from error
    finally:
        core.waiting.leave(standing.id)
    run.remember(collected(found))
    if not lets_run(found):
        raise (yield from settle(core, found, subject))
    return (yield from carry_out(core, guarded, found, subject, prepared=prepared))


def opened(
    core: Core,
    guarded: Guarded,
    prepared: Prepared,
    in_hand: InHand,
    judgement: Judgement,
    run: Run,
    call: str,
    built: Circumstances = PLAIN,
) -> Flow[EscalationOut | None]:
    """The escalation that stands for this call; None when the server says that it may run.

    The stricter verdict wins: when the server would let run what the rules in hand stop, and both
    judge by the same version, a person is asked all the same.
    """
    subject = Subject(guarded.tool, core)
    seen = run.seen(in_hand.writes)
    ask_in: AskIn | None = None
    for _ in range(3):
        said = yield from open_for(
            core,
            run,
            seen,
            tool=guarded.tool,
            args=prepared.shown,
            call=call,
            judgement=judgement,
            ask_in=ask_in,
            excluded=guarded.exclude & prepared.kept.keys(),
            built=built,
        )
        if said.escalation is not None:
            return said.escalation
        if said.verdict == Verdict.DENY:
            raise denied(subject, said)
        if said.verdict == Verdict.GRANTED:
            judgement = replace(judgement, verdict=Verdict.GRANTED)
            break
        in_hand = yield from current_policy(core, at_least_once=True)
        judgement = in_hand.judge(guarded.tool, prepared.shown, run, seen)
        if judgement.verdict in RUNS:
            break
        ask_in = AskIn(kind="approve")
    else:
        why = f"{judgement.reason}, and no person was asked"
        raise subject.error(DeniedByPolicy, texts.denied(guarded.tool, why, core.now()))
    note(core, guarded, judgement, run)
    return None


def _call_id(guarded: Guarded, prepared: Prepared, run: Run) -> str:
    """Named by the caller, by an argument, or by the transcript; else fresh."""
    named = current_call()
    if not named and guarded.call_id_from:
        named = str(prepared.kept.get(guarded.call_id_from) or "")
    return named or run.call_id(guarded.tool, prepared.shown)


# --- resume -------------------------------------------------------------------------------------
def resumed(
    core: Core, decision: Decision, extra: Mapping[str, Any], *, can_await: bool
) -> Flow[Any]:
    """Execute a decision that came later, or hand over what was answered.

    Raises:
        AlreadyCollected, NotDone: nothing was executed here, and why.
        InvalidInput: this process does not guard that tool, or `extra` lacks something.
    """
    subject = Subject(decision.tool or "the question", core)
    guarded = _tool_of(core, decision, extra)
    if guarded is not None and guarded.is_async and not can_await:
        raise InvalidInput(
            "decision",
            value=guarded.tool,
            limit="tools that are no coroutines",
            remedy="Resume it with AsyncPullcord, which can await it.",
        )
    try:
        yield from current_policy(core)
    except (OutsideFailed, TooMuch) as failed:
        raise subject.unreachable(failed, decision.escalation) from failed
    found = yield from collect(core, decision.escalation, subject)
    if guarded is not None and lets_run(found):
        return (yield from carry_out(core, guarded, found, subject, extra=extra))
    if guarded is not None:
        raise (yield from settle(core, found, subject))
    return (yield from handed_over(core, found, subject))


def handed_over(core: Core, found: Any, subject: Subject) -> Flow[Decision]:
    """The content of a decision on an ask of the agent's own.

    What it lets run the agent does itself and reports itself.

    Raises:
        RejectedByPerson, NobodyDecided: there is no answer.
    """
    if lets_run(found):
        core.executions.begin(found.escalation)
        return collected(found)
    yield from take_note(core, found)
    is_empty = found.kind == "nobody_decided" and found.applied in ("reject", "no_answer")
    if found.kind == "reject" or is_empty:
        raise refusal(found, subject)
    return collected(found)


def _tool_of(core: Core, decision: Decision, extra: Mapping[str, Any]) -> Guarded | None:
    """The function to execute with; None where the agent asked by itself."""
    may_run = decision.kind in ("approve", "edit") or decision.applied == "approve"
    if not decision.tool:
        return None
    if decision.tool not in core.tools and not may_run:
        return None
    guarded = core.tools.find(decision.tool)
    if may_run:
        guarded.need({**core.kept.look(decision.escalation), **extra})
        if unknown := sorted(extra.keys() - guarded.exclude):
            allowed = ", ".join(sorted(guarded.exclude)) or "none"
            raise InvalidInput(
                "extra",
                value=", ".join(unknown),
                limit=f"excluded parameters of {guarded.tool}: {allowed}",
                remedy="What was decided is executed as it was decided.",
            )
    return guarded
