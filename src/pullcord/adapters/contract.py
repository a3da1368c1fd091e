"""What every adapter keeps: one stop a call, one decision a stop, executed once and reported.

A framework pauses in its own way, and resumes in its own way. In between stands the same `Gate`:
`stop` says whether a call may run or which escalation stands for it, `finish` executes what was
decided, `ask` and `answered` are the same for questions. All four are flows, so an adapter drives
them on its thread or on its event loop. What the framework hands back on resume (an approval, a
resume value, an edited call) is a wake-up and never an authority: the decision is collected from
the server, proven by its signature, and executed by the client as for any guarded function.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from pullcord.adapters.calls import (
    THREADS_MAX,
    Done,
    Framework,
    Lasting,
    Result,
    ToolCall,
    ToolFailed,
)
from pullcord.client import texts
from pullcord.client.asking import (
    LIVING,
    Circumstances,
    Subject,
    current_policy,
    decision_on,
    denied,
    has_the_conversation,
    open_for,
    parked,
)
from pullcord.client.carrying_out import (
    carry_out,
    collect,
    elsewhere,
    lets_run,
    proven,
    refusal,
    refuse,
    settle,
    take_note,
    tell,
)
from pullcord.client.decisions import Decision, collected
from pullcord.client.escalating import Question, looked_at
from pullcord.client.face import Face, inside
from pullcord.client.flows import Flow
from pullcord.client.guarding import cleared, handed_over, note, opened
from pullcord.client.keys import key_of
from pullcord.client.policy import RUNS, InHand
from pullcord.client.runs import NO_RUN, Run, current
from pullcord.client.tools import Guarded, Prepared
from pullcord.client.verifying import Verified, check, proof_of, read_proof
from pullcord.errors import (
    AlreadyCollected,
    DecisionExpired,
    DeniedByPolicy,
    Drifted,
    InvalidInput,
    KeyReused,
    NobodyDecided,
    NotDone,
    OutsideFailed,
    Parked,
    PullcordError,
    RejectedByPerson,
    TakenOver,
    TooMuch,
)
from pullcord.trigger.evaluate import Judgement
from pullcord.trigger.rules import Verdict
from pullcord.wire.replies import CollectedOut, EscalationOut
from pullcord.wire.requests import AskIn, ReportIn

T = TypeVar("T")

#: stopped calls of one conversation, and results, that one process remembers
CALLS_MAX, RESULTS_MAX = 1_000, 1_000


@dataclass(slots=True)
class _Thread:
    """What this process knows of one conversation."""

    run: Run
    #: ids of calls that were stopped: these are never judged anew
    stopped: dict[str, None] = field(default_factory=dict)


class Gate:
    """Stops calls, asks people and carries out what they decide, for one adapter."""

    def __init__(self, cord: Face, framework: Framework) -> None:
        self.framework = framework
        self._inside = inside(cord)
        self._core = self._inside.core
        self._threads: Lasting[_Thread] = Lasting(THREADS_MAX)
        self._ended: Lasting[Done | NotDone] = Lasting(RESULTS_MAX)

    # --- drivers --------------------------------------------------------------------------------
    def do(self, flow: Flow[T]) -> T:
        """Drive a flow on this thread."""
        return self._inside.blocking.drive(flow)

    async def ado(self, flow: Flow[T]) -> T:
        """Drive a flow on the running event loop."""
        return await self._inside.awaiting.drive(flow)

    @property
    def secret(self) -> str:
        """The agent's key, with which parked runs are sealed; never written anywhere."""
        return self._core.address.key

    # --- a call is stopped ----------------------------------------------------------------------
    def stop(self, call: ToolCall, *, ask: AskIn | None = None) -> Flow[EscalationOut | None]:
        """The escalation that stands for a call; None when it may run.

        A call that was stopped before is not judged again: the first verdict stands, whatever
        the policy says by now. `ask` stops it whatever the policy says.

        Raises:
            NotDone: it must not run, and why.
        """
        core, thread = self._core, self._thread(call)
        guarded, prepared = _prepared(call)
        subject = Subject(call.tool, core)
        is_known = ask is not None or call.is_replayed or call.id in thread.stopped
        if not is_known and cleared(core, guarded, prepared, thread.run):
            return None
        try:
            in_hand = yield from current_policy(core)
            if not is_known:
                yield from has_the_conversation(core, thread.run, subject)
        except (OutsideFailed, TooMuch) as failed:
            raise subject.unreachable(failed) from failed
        seen = thread.run.seen(in_hand.writes)
        judgement = in_hand.judge(call.tool, prepared.shown, thread.run, seen)
        if not is_known and judgement.verdict in RUNS:
            note(core, guarded, judgement, thread.run)
            return None
        if not is_known and judgement.verdict is Verdict.DENY:
            note(core, guarded, judgement, thread.run)
            said = texts.denied(call.tool, judgement.reason, core.now())
            raise subject.error(DeniedByPolicy, said)
        standing = yield from self._standing(call, in_hand, judgement, ask)
        if standing is not None:
            self.knows(call.thread, call.id)
        return standing

    def _standing(
        self, call: ToolCall, in_hand: InHand, judgement: Judgement, ask: AskIn | None
    ) -> Flow[EscalationOut | None]:
        """The escalation under the key of this call; None when the server says that it may run."""
        core, run = self._core, self._thread(call).run
        guarded, prepared = _prepared(call)
        subject = Subject(call.tool, core)
        try:
            if ask is not None:
                return (yield from self._asked(call, subject, ask))
            try:
                built = self._built(call)
                return (
                    yield from opened(
                        core, guarded, prepared, in_hand, judgement, run, call.id, built
                    )
                )
            except KeyReused:
                # the same call may have been put to people although the server's rules let it run
                return (yield from self._asked(call, subject, AskIn(kind="approve")))
        except KeyReused as error:
            raise self._not_the_same(call, subject) from error
        except PullcordError as error:
            told = subject.not_done(error)
            if told is error:
                raise
            raise told from error

    def ask(self, question: Question, call: ToolCall) -> Flow[EscalationOut]:
        """The escalation that stands for a question; `call` names it within its conversation.

        Raises:
            NotDone: nobody can be asked, and why.
        """
        core = self._core
        subject = Subject(question.tool or "the question", core)
        try:
            yield from current_policy(core)
            return (yield from self._asked(call, subject, question.wire()))
        except PullcordError as error:
            told = subject.not_done(error)
            if told is error:
                raise
            raise told from error

    def _asked(self, call: ToolCall, subject: Subject, ask: AskIn) -> Flow[EscalationOut]:
        core, thread = self._core, self._thread(call)
        in_hand = core.policy.in_hand
        assert in_hand is not None, "people are asked only after the policy was read"
        _, prepared = _prepared(call)
        found = yield from open_for(
            core,
            thread.run,
            thread.run.seen(in_hand.writes),
            tool=call.tool,
            args=prepared.shown,
            call=call.id,
            key=key_of(call.thread, call.id),
            ask_in=ask,
            built=self._built(call),
        )
        if found.escalation is None:
            raise denied(subject, found)
        return found.escalation

    def knows(self, thread: str, call: str) -> None:
        """From now on this call is known to have been stopped."""
        stopped = self._thread(ToolCall("", {}, call, thread)).stopped
        stopped[call] = None
        if len(stopped) > CALLS_MAX:
            stopped.pop(next(iter(stopped)))

    # --- a decision is waited for ---------------------------------------------------------------
    def waited(
        self, call: ToolCall, standing: EscalationOut, *, wait: float | None
    ) -> Flow[EscalationOut]:
        """The escalation once it is decided, at most `wait` seconds from now.

        Raises:
            Parked: nobody has decided yet.
            NotDone: it will not be decided as asked.
        """
        core = self._core
        core.waiting.enter(standing.id)
        try:
            return (yield from decision_on(core, Subject(call.tool, core), standing, wait=wait))
        finally:
            core.waiting.leave(standing.id)

    def look(self, escalation: str) -> Flow[EscalationOut]:
        """One escalation as it stands.

        Raises:
            NotDone: the server does not answer.
        """
        try:
            return (yield from looked_at(self._core, escalation))
        except (OutsideFailed, TooMuch) as failed:
            subject = Subject("the call", self._core)
            raise subject.unreachable(failed, escalation) from failed

    def parked(self, call: ToolCall, standing: EscalationOut) -> Parked:
        """The words for a call that waits."""
        return parked(Subject(call.tool, self._core), standing)

    # --- what was decided is done ---------------------------------------------------------------
    def finish(
        self, call: ToolCall, standing: EscalationOut, act: Callable[..., Any]
    ) -> Flow[Done]:
        """Execute what was decided: `act` is called with exactly the decided arguments, once.

        A call that is replayed in this process gets what came of it the first time.

        Raises:
            NotDone: nothing ran (any more), and why.
        """
        ended = self._ended.get(standing.id)
        if isinstance(ended, Done):
            return ended
        if ended is not None:
            raise ended
        try:
            done = yield from self._carried(call, standing, act)
        except (RejectedByPerson, NobodyDecided) as no:
            self._ended.keep(standing.id, no)
            raise
        self._ended.keep(standing.id, done)
        return done

    def _carried(
        self, call: ToolCall, standing: EscalationOut, act: Callable[..., Any]
    ) -> Flow[Done]:
        core = self._core
        subject = Subject(call.tool, core)
        if (over := _over(subject, standing)) is not None:
            raise over
        found = yield from self._collected(standing.id, subject)
        decision = collected(found)
        self._thread(call).run.remember(decision)
        if not lets_run(found):
            raise (yield from settle(core, found, subject))
        guarded = Guarded(tool=call.tool, function=act)
        try:
            value = yield from carry_out(core, guarded, found, subject)
        except ToolFailed as failed:
            return Done(failed.value, decision, is_failed=True)
        except AlreadyCollected as error:
            # a sibling that was replayed at the same time has begun it
            raise elsewhere(subject, error, standing.id) from error
        return Done(value.value if isinstance(value, Result) else value, decision)

    def answered(self, standing: EscalationOut) -> Flow[Decision]:
        """What people answered; what it lets run, the agent does and reports itself.

        Raises:
            NotDone: there is no answer, and why.
        """
        subject = Subject(standing.tool or "the question", self._core)
        found = yield from self._collected(standing.id, subject)
        return (yield from handed_over(self._core, found, subject))

    # --- what the framework executes itself -------------------------------------------------------
    def take(self, call: ToolCall, standing: EscalationOut) -> Flow[CollectedOut]:
        """A decision that the framework carries out by itself: collected, proven, begun.

        Tell with `report` what came of it.

        Raises:
            NotDone: it lets nothing run (which is reported), or not here.
            Drifted: it does not hold (which is reported).
        """
        core = self._core
        subject = Subject(call.tool, core)
        ended = self._ended.get(standing.id)
        over = ended if isinstance(ended, NotDone) else _over(subject, standing)
        if over is not None:
            raise over
        yield from current_policy(core)
        found = yield from self._collected(standing.id, subject)
        if not lets_run(found):
            no = yield from settle(core, found, subject)
            self._ended.keep(standing.id, no)
            raise no
        try:
            proven(core, call.tool, found)
        except (Drifted, DecisionExpired, InvalidInput) as error:
            raise (yield from refuse(core, found, subject, error)) from error
        try:
            core.executions.begin(standing.id)
        except AlreadyCollected as error:
            raise elsewhere(subject, error, standing.id) from error
        return found

    def given(self, escalation: str, tool: str) -> Flow[CollectedOut]:
        """A decision of any kind, collected and proven, to be kept by the framework.

        Say `noted` when it is kept there: until then a crash leaves it unreported, and people are
        told, instead of lost.
        """
        core = self._core
        yield from current_policy(core)
        found = yield from self._collected(escalation, Subject(tool or "the question", core))
        if lets_run(found):
            check(proof_of(found), public_keys=core.public_keys(), now=core.now())
        return found

    def noted(self, found: CollectedOut) -> Flow[None]:
        """The framework keeps it; what lets nothing run is reported, the rest is begun."""
        if self._core.executions.has_begun(found.escalation):
            return
        if lets_run(found):
            self._core.executions.begin(found.escalation)
        else:
            yield from take_note(self._core, found)

    def unused(self, found: CollectedOut) -> Flow[None]:
        """Report a yes that the framework was given and did not carry out after all."""
        if not self._core.executions.has_begun(found.escalation):
            self._core.executions.begin(found.escalation)
            why = "not executed: the agent as it is now could not use the decided arguments"
            args = found.args or {}
            yield from self.report(found.escalation, args, result=why, is_failed=True)

    def proven(self, text: str) -> Verified:
        """A signed decision that came back from the framework's own state.

        Raises:
            Drifted, DecisionExpired, InvalidInput: it does not hold.
        """
        proof = read_proof(text)
        return check(proof, public_keys=self._core.public_keys(), now=self._core.now())

    def refused(self, found: CollectedOut) -> NotDone:
        """The error a decision stands for that lets nothing run."""
        return refusal(found, Subject(found.tool or "the question", self._core))

    def report(
        self, escalation: str, args: Mapping[str, Any], *, result: str, is_failed: bool = False
    ) -> Flow[None]:
        """Tell what the framework executed."""
        report = ReportIn(
            attempt=self._core.executions.attempt,
            outcome="failed" if is_failed else "executed",
            args=dict(args),
            result=result[:10_000],
        )
        yield from tell(self._core, escalation, report)

    def _collected(self, escalation: str, subject: Subject) -> Flow[CollectedOut]:
        try:
            return (yield from collect(self._core, escalation, subject))
        except AlreadyCollected as error:
            raise elsewhere(subject, error, escalation) from error

    # --- what is known of a conversation ----------------------------------------------------------
    def _thread(self, call: ToolCall) -> _Thread:
        """The conversation a call belongs to, with what the caller's own run adds to it."""
        own = current()
        name = call.thread or own.id
        found = self._threads.get(name)
        if found is None:
            found = self._threads.keep(name, _Thread(Run(id=name)))
        run = found.run
        if call.messages or own.messages:
            run.messages = call.messages or own.messages
        if own is not NO_RUN:
            run.end_user, run.claims, run.trace = own.end_user, own.claims, own.trace
            run.signals = own.signals
        return found

    def _built(self, call: ToolCall) -> Circumstances:
        can = self.framework.capabilities if call.capabilities is None else call.capabilities
        return Circumstances(call.turn, call.turn_size, can)

    def _not_the_same(self, call: ToolCall, subject: Subject) -> NotDone:
        """The id of this call stands for another action: nothing runs under somebody else's yes."""
        why = f"its id {call.id!r} already stands for another action of this conversation"
        return subject.error(DeniedByPolicy, texts.denied(call.tool, why, self._core.now()))


_gates: WeakKeyDictionary[Face, dict[str, Gate]] = WeakKeyDictionary()


def gate_of(cord: Face, framework: Framework) -> Gate:
    """The one gate of a client for a framework: what one part of an adapter stops, all know."""
    return _gates.setdefault(cord, {}).setdefault(framework.name, Gate(cord, framework))


def _prepared(call: ToolCall) -> tuple[Guarded, Prepared]:
    guarded = Guarded(tool=call.tool, function=_arguments)
    return guarded, guarded.prepare((), call.args)


def _arguments(**arguments: Any) -> Mapping[str, Any]:
    """Stands for a tool whose function only the framework knows."""
    return arguments


def _over(subject: Subject, standing: EscalationOut) -> NotDone | None:
    """Why an escalation that was decided and ended earlier lets nothing run (again)."""
    if standing.status == "withdrawn":
        said = texts.withdrawn(subject.tool, standing.id, subject.core.now())
        return subject.error(NotDone, said, standing.id)
    if standing.status != "closed" or standing.decision is None:
        return None
    kinds: Mapping[str, type[NotDone]] = {
        "reject": RejectedByPerson,
        "nobody_decided": NobodyDecided,
        "hand_back": TakenOver,
    }
    kind = kinds.get(standing.decision.kind)
    if kind is None or standing.decision.applied == "approve":
        return None
    return subject.error(kind, (standing.for_model, standing.for_user), standing.id)


def is_living(standing: EscalationOut) -> bool:
    """Whether people are still asked."""
    return standing.status in LIVING


def need_thread(thread: str, framework: str, remedy: str) -> str:
    """The name of a conversation, which every pause needs.

    Raises:
        InvalidInput: there is none.
    """
    if not thread:
        raise InvalidInput(
            "thread",
            value=thread,
            limit=f"a name that {framework} keeps before and after a pause",
            remedy=remedy,
        )
    return thread
