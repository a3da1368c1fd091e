"""Flows of an agent that asks by itself, looks, adds and takes back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pullcord.client import plans
from pullcord.client.asking import LIVING, Subject, current_policy, decision_on, denied, open_for
from pullcord.client.carrying_out import collect, elsewhere
from pullcord.client.core import Core
from pullcord.client.decisions import Decision, collected
from pullcord.client.flows import Flow, ask
from pullcord.client.guarding import handed_over
from pullcord.client.round_trip import to_json
from pullcord.client.runs import Claims, current, current_call
from pullcord.errors import AlreadyCollected, AlreadyWithdrawn, InvalidInput, PullcordError
from pullcord.wire.replies import CollectedOut, EscalationOut, VerdictOut
from pullcord.wire.requests import AskIn, ExplainIn, OptionIn

KINDS = ("approve", "answer", "choose", "take_over")
#: pages of one end user's escalations that are read
PAGES_MAX = 10


@dataclass(frozen=True, slots=True)
class Option:
    """One option of an ask to choose; exactly one is safe: it is taken when nobody decides."""

    id: str
    label: str
    consequence: str = ""
    is_safe: bool = False

    def wire(self) -> OptionIn:
        """As it is sent."""
        return OptionIn(
            id=self.id, label=self.label, consequence=self.consequence, is_safe=self.is_safe
        )


@dataclass(frozen=True, slots=True)
class Question:
    """What an agent asks by itself."""

    text: str
    kind: str
    options: Sequence[Option] = ()
    #: JSON Schema of the answer, for questions of kind answer
    schema: Mapping[str, Any] | None = None
    tool: str = ""
    args: Mapping[str, Any] | None = None
    claims: Claims | None = None
    key: str = ""

    def wire(self) -> AskIn:
        """As it is sent.

        Raises:
            InvalidInput: says what is missing.
        """
        if self.kind not in KINDS:
            raise InvalidInput("kind", value=self.kind, limit=", ".join(KINDS))
        if not self.text.strip():
            raise InvalidInput("question", value=self.text, remedy="Say what people should decide.")
        if self.kind == "choose" and sum(each.is_safe for each in self.options) != 1:
            raise InvalidInput(
                "options",
                value=f"{len(self.options)} options",
                limit="two or more, exactly one with is_safe=True",
                remedy="Mark the option that is right when nobody decides.",
            )
        return AskIn(
            kind=self.kind,  # type: ignore[arg-type]  # checked just above
            question=self.text,
            options=[each.wire() for each in self.options],
            schema=dict(self.schema) if self.schema is not None else None,
        )


def escalated(core: Core, question: Question, *, wait: float | None) -> Flow[Decision]:
    """Ask people, wait at most `wait` seconds, and hand over what they say.

    Raises:
        Parked: nobody has answered yet; the decision will come through `decisions()`.
        NotDone: there is no answer, and why.
    """
    subject = Subject(question.tool or "the question", core)
    run = current()
    args = {name: to_json(name, value) for name, value in (question.args or {}).items()}
    ask_in = question.wire()
    try:
        in_hand = yield from current_policy(core)
        opened = yield from open_for(
            core,
            run,
            run.seen(in_hand.writes),
            tool=question.tool,
            args=args,
            call=current_call(),
            key=question.key,
            ask_in=ask_in,
            claims=question.claims,
        )
    except PullcordError as error:
        told = subject.not_done(error)
        if told is error:
            raise
        raise told from error
    if opened.escalation is None:
        raise denied(subject, opened)
    found = yield from _answered(core, subject, opened.escalation, wait)
    run.remember(collected(found))
    return (yield from handed_over(core, found, subject))


def _answered(
    core: Core, subject: Subject, standing: EscalationOut, wait: float | None
) -> Flow[CollectedOut]:
    core.waiting.enter(standing.id)
    try:
        decided = yield from decision_on(core, subject, standing, wait=wait)
        return (yield from collect(core, decided.id, subject))
    except AlreadyCollected as error:
        raise elsewhere(subject, error, standing.id) from error
    finally:
        core.waiting.leave(standing.id)


def explained(core: Core, tool: str, args: Mapping[str, Any]) -> Flow[VerdictOut]:
    """What would happen to this call now, by the server's rules, without acting."""
    run = current()
    in_hand = yield from current_policy(core)
    seen = run.seen(in_hand.writes)
    request = ExplainIn(
        tool=tool,
        args=dict(args),
        run=run.id,
        end_user=run.end_user.wire() if run.end_user else None,
        signals=dict(run.signals),
        messages=seen.messages,
    )
    return (yield from ask(plans.explain(request), core.timer, patience=core.patience))


def open_of(core: Core, end_user: str) -> Flow[list[EscalationOut]]:
    """What still waits for people on behalf of one end user."""
    found: list[EscalationOut] = []
    cursor = ""
    for _ in range(PAGES_MAX):
        plan = plans.page(end_user=end_user, cursor=cursor)
        page = yield from ask(plan, core.timer, patience=core.patience)
        living = [each for each in page.escalations if each.status in LIVING]
        found += living
        cursor = page.cursor
        # living ones are listed first, so a page with others on it is the last that matters
        if not cursor or len(living) < len(page.escalations):
            break
    return found


def withdrawn(core: Core, escalation: str, reason: str) -> Flow[None]:
    """Take a question back; it does not matter if it was taken back already."""
    try:
        yield from ask(
            plans.withdraw(escalation, reason=reason), core.timer, patience=core.patience
        )
    except AlreadyWithdrawn:
        return


def added(core: Core, escalation: str, text: str) -> Flow[EscalationOut]:
    """Tell the people who decide something more."""
    plan = plans.add_context(escalation, text=text)
    return (yield from ask(plan, core.timer, patience=core.patience))


def replied(core: Core, escalation: str, question: str, text: str) -> Flow[EscalationOut]:
    """Answer what the owner asked."""
    plan = plans.reply(escalation, question=question, text=text)
    return (yield from ask(plan, core.timer, patience=core.patience))


def looked_at(core: Core, escalation: str) -> Flow[EscalationOut]:
    """One escalation as it stands."""
    return (yield from ask(plans.look_at(escalation), core.timer, patience=core.patience))
