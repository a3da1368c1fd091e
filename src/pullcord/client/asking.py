"""Flows that stop a call: is the policy fresh, has a person the conversation, open, wait."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pullcord.client import plans, texts
from pullcord.client.answers import NotModified
from pullcord.client.core import FREE_FOR, QUIET_FOR, Core
from pullcord.client.flows import Flow, Pause, ask, exchange, pause_before
from pullcord.client.keys import key_of
from pullcord.client.policy import InHand
from pullcord.client.runs import Run, Seen, fresh_call_id
from pullcord.errors import (
    DeniedByPolicy,
    Halted,
    NotDone,
    OutsideFailed,
    Parked,
    PullcordError,
    RunTakenOver,
    Stopped,
    TakenOver,
    TooMuch,
    Unreachable,
)
from pullcord.trigger.evaluate import Judgement
from pullcord.wire.bounds import TURN_CALLS_MAX
from pullcord.wire.replies import EscalationOut, OpenOut
from pullcord.wire.requests import AskIn, Capability, HitIn, OpenIn

#: seconds one poll is held while a guarded call waits; between two of them it is seen whether
#: the question was taken back or a person has the conversation
POLL = 5.0
#: seconds between two looks in the last second of a wait
GLANCE = 0.1
#: seconds after a failed attempt in which the server is tried once and not waited for
AWAY_FOR = 5.0
#: statuses in which people are still asked; in which a decision stands; in which it is over
LIVING = frozenset({"open", "accepted"})
#: pages looked at to learn whether a person has a conversation
PAGES_MAX = 5


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How the agent that asks is built, where an adapter knows more than the transcript says."""

    #: which turn of the model this is; empty to count in the transcript
    turn: str = ""
    #: tool calls of that turn; 0 when that is not known, None to count in the transcript
    turn_size: int | None = None
    #: what it can do with a decision; None is everything
    capabilities: tuple[Capability, ...] | None = None


#: an agent whose calls are guarded one by one
PLAIN = Circumstances()


@dataclass(frozen=True, slots=True)
class Subject:
    """What a flow is about: the tool or ask, for the texts."""

    tool: str
    core: Core

    def error(self, kind: type[NotDone], said: tuple[str, str], escalation: str = "") -> NotDone:
        """An error with its two texts."""
        for_model, for_user = said
        return kind(for_model, for_user=for_user, escalation=escalation)

    def unreachable(self, failed: PullcordError, escalation: str = "") -> NotDone:
        """The server cannot be asked, so nothing runs."""
        said = texts.unreachable(self.tool, str(failed), self.core.now())
        return self.error(Unreachable, said, escalation)

    def not_done(self, error: PullcordError, escalation: str = "") -> PullcordError:
        """The same in the words of a guarded call; what is the caller's mistake stays itself."""
        now = self.core.now()
        if isinstance(error, OutsideFailed | TooMuch):
            return self.unreachable(error, escalation)
        if isinstance(error, RunTakenOver):
            return self.error(TakenOver, texts.taken_over(self.tool, error.by, now), escalation)
        if isinstance(error, Stopped):
            return self.error(Halted, texts.halted(self.tool, str(error), now), escalation)
        return error


def current_policy(core: Core, *, at_least_once: bool = False) -> Flow[InHand]:
    """The policy in hand, asked for again when it is too old or `at_least_once` is wanted.

    Raises:
        OutsideFailed, CallerIsWrong: there is none that may be believed.
    """
    found = core.policy.in_hand
    if found is not None and not at_least_once and core.timer.monotonic() < found.fresh_until:
        return found
    plan = plans.rules(etag=found.etag if found else "")
    was_away = core.timer.monotonic() < core.policy.away_until
    try:
        patience = 0.0 if was_away else core.patience
        rules, answer = yield from exchange(plan, core.timer, patience=patience)
    except NotModified:
        return core.policy.still_holds(now=core.timer.monotonic())
    except (OutsideFailed, TooMuch):
        # the next calls find out at once instead of each being patient
        core.policy.away_until = core.timer.monotonic() + AWAY_FOR
        raise
    etag = answer.headers.get("etag", "")
    return core.policy.take(rules, etag=etag, now=core.timer.monotonic())


def has_the_conversation(core: Core, run: Run, subject: Subject) -> Flow[None]:
    """Refuse to go on while a person has the conversation of this run.

    A run is asked about when it begins, every two seconds while something of it waits for people,
    because only then can anybody take it over, and otherwise now and then.

    Raises:
        TakenOver, Unreachable: nothing may run.
    """
    if not run.id or core.timer.monotonic() < run.free_until:
        return
    cursor = ""
    is_living = False
    for _ in range(PAGES_MAX):
        plan = plans.page(run=run.id, cursor=cursor)
        found = yield from ask(plan, core.timer, patience=core.patience)
        for each in found.escalations:
            if each.status in LIVING and each.control == "human":
                said = (each.for_model, each.for_user)
                raise subject.error(TakenOver, said, each.id)
            is_living = is_living or each.status in LIVING
        cursor = found.cursor
        if not cursor or not is_living:
            break
    run.free_until = core.timer.monotonic() + (FREE_FOR if is_living else QUIET_FOR)


def open_for(
    core: Core,
    run: Run,
    seen: Seen,
    *,
    tool: str,
    args: Mapping[str, Any],
    call: str,
    key: str = "",
    judgement: Judgement | None = None,
    ask_in: AskIn | None = None,
    excluded: frozenset[str] = frozenset(),
    claims: Any = None,
    built: Circumstances = PLAIN,
) -> Flow[OpenOut]:
    """Open an escalation, or find the one that stands under the same key."""
    call = call or fresh_call_id()
    size = run.turn_size() if built.turn_size is None else built.turn_size
    said = claims or run.claims
    request = OpenIn(
        key=key or key_of(run.id, call),
        tool=tool,
        args=dict(args),
        ask=ask_in,
        run=run.id,
        call=call,
        turn=built.turn or run.turn(),
        turn_size=min(size, TURN_CALLS_MAX),
        capabilities=None if built.capabilities is None else list(built.capabilities),
        end_user=run.end_user.wire() if run.end_user else None,
        messages=seen.messages,
        claims=said.wire() if said else None,
        signals=dict(run.signals),
        hits=[HitIn(rule=hit.rule, mode=str(hit.mode)) for hit in _hits(judgement)],
        excluded=sorted(excluded),
        policy_version=judgement.policy_version if judgement else "",
        trace=run.trace,
        reply_to=run.reply_to.wire() if run.reply_to else None,
    )
    run.free_until = 0.0
    opened = yield from ask(plans.open_escalation(request), core.timer, patience=core.patience)
    return opened


def _hits(judgement: Judgement | None) -> tuple[Any, ...]:
    return judgement.hits[:200] if judgement else ()


def decision_on(
    core: Core, subject: Subject, opened: EscalationOut, *, wait: float | None
) -> Flow[EscalationOut]:
    """Wait for a decision, at most `wait` seconds; None waits until there is one.

    A server that does not answer meanwhile changes nothing: the question stands there.

    Raises:
        Parked: nobody has decided yet.
        TakenOver, NotDone: it will not be decided as asked.
    """
    until = float("inf") if wait is None else core.timer.monotonic() + wait
    standing, misses = opened, 0
    while True:
        if (ended := _ended(subject, standing)) is not None:
            raise ended
        if standing.status not in LIVING:
            return standing
        left = until - core.timer.monotonic()
        if left <= 0:
            raise parked(subject, standing)
        found = yield from _look(core, standing.id, hold=min(left, POLL))
        if found is None:
            misses += 1
            seconds = pause_before(misses, asked=None, jitter=core.timer.jitter())
            yield Pause(min(seconds, left))
        else:
            standing, misses = found, 0


def _look(core: Core, escalation: str, *, hold: float) -> Flow[EscalationOut | None]:
    """Hold a poll, then look at this one; None when the server did not answer."""
    try:
        if hold < 1:
            yield Pause(min(hold, GLANCE))
        else:
            poll = plans.decided(wait=hold, attempt=core.executions.attempt, escalation=escalation)
            told = yield from ask(poll, core.timer, patience=0.0)
            if told.decided:
                return told.decided[0]
        return (yield from ask(plans.look_at(escalation), core.timer, patience=0.0))
    except (OutsideFailed, TooMuch):
        return None


def _ended(subject: Subject, standing: EscalationOut) -> NotDone | None:
    """Whether it ended, or went over to a person, without a decision."""
    now = subject.core.now()
    if standing.status == "withdrawn":
        return subject.error(NotDone, texts.withdrawn(subject.tool, standing.id, now), standing.id)
    if standing.status in LIVING and standing.control == "human":
        return subject.error(TakenOver, (standing.for_model, standing.for_user), standing.id)
    return None


def parked(subject: Subject, standing: EscalationOut) -> Parked:
    """The call waits; the agent may let go of the process."""
    own_model, own_user = texts.parked(subject.tool, standing.id, subject.core.now())
    return Parked(
        standing.id,
        for_user=standing.for_user or own_user,
        for_model=standing.for_model or own_model,
        status_url=standing.status_url,
        promise_by=standing.promise_by,
    )


def denied(subject: Subject, opened: OpenOut) -> NotDone:
    """The server's rules refuse it."""
    now = subject.core.now()
    own_model, own_user = texts.denied(subject.tool, opened.reason or "the policy", now)
    said = (opened.for_model or own_model, opened.for_user or own_user)
    return subject.error(DeniedByPolicy, said)
