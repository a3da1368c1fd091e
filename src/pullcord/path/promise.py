"""What end users and models read in every state: attributed, dated, never empty.

For people it is a promise: who has it and when they will hear. For the model it is a record of
dated facts: who was asked, whether the call ran, what was decided by whom. It never becomes a
standing order, because it stays in the conversation long after it stopped being true.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pullcord.path.escalation import (
    ActorKind,
    ClosedAs,
    Control,
    Decision,
    DecisionKind,
    Escalation,
    Fallback,
    Json,
    Status,
)
from pullcord.path.wording import Reader, listed, team

#: how a person's decision reads after their name
DECIDED: Mapping[DecisionKind, str] = {
    DecisionKind.APPROVE: "approved it",
    DecisionKind.EDIT: "approved it with changes",
    DecisionKind.REJECT: "decided against it",
    DecisionKind.ANSWER: "answered",
    DecisionKind.CHOOSE: "chose how to go on",
    DecisionKind.HAND_BACK: "handed the conversation back",
}
#: how a fallback reads after "nobody decided in time"
APPLIED: Mapping[Fallback, str] = {
    Fallback.REJECT: "so it was not done",
    Fallback.NO_ANSWER: "so there is no answer",
    Fallback.SAFE_OPTION: "so the safe option applies",
    Fallback.APPROVE: "and a rule lets it go ahead in that case",
    Fallback.KEEP_WAITING: "and it keeps waiting",
}
_HEADLINES: Mapping[ClosedAs, str] = {
    ClosedAs.EXECUTED: "Your request is done.",
    ClosedAs.FAILED: "Your request could not be carried out.",
    ClosedAs.DRIFTED: "Your request is being checked.",
    ClosedAs.NOT_NEEDED: "Your request is closed.",
    ClosedAs.UNCOLLECTED: "Your request was not carried out.",
    ClosedAs.EFFECT_UNKNOWN: "Your request is being checked.",
}
_LAST_STEPS: Mapping[ClosedAs, str] = {
    ClosedAs.EXECUTED: "Done",
    ClosedAs.FAILED: "Not carried out",
    ClosedAs.DRIFTED: "Being checked",
    ClosedAs.NOT_NEEDED: "Closed",
    ClosedAs.UNCOLLECTED: "Not carried out",
    ClosedAs.EFFECT_UNKNOWN: "Being checked",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One of the four steps of the way: where the request is, and since when."""

    label: str
    is_done: bool
    is_now: bool
    at: datetime | None = None


# --- for the end user -------------------------------------------------------------------------


def for_user(
    escalation: Escalation, reader: Reader, *, accepted_at: datetime | None = None, url: str = ""
) -> str:
    """What the agent may say to the end user now; `url` is their status page."""
    if not escalation.is_living:
        return outcome(escalation, reader)
    if _asks_end_user(escalation):
        where = f": {url}" if url else "."
        return f"{reader.subject(escalation.owner)} has a question for you{where}"
    if escalation.status is Status.OPEN:
        who = f"I have asked {team(escalation.ladder.id)}."
    elif escalation.control is Control.HUMAN:
        who = f"{reader.subject(escalation.owner)} has taken over this conversation."
    else:
        since = f" since {reader.clock(accepted_at)}" if accepted_at else ""
        who = f"{reader.subject(escalation.owner)} has it{since}."
    said = promise(escalation, reader, first_person="")
    return f"{who} {said.removesuffix('.')}: {url}" if url else f"{who} {said}"


def headline(escalation: Escalation, reader: Reader, *, accepted_at: datetime | None = None) -> str:
    """Where the request is now, as the first line of the status page."""
    if escalation.status is Status.WITHDRAWN:
        return "Your request was taken back."
    if escalation.closed_as is not None:
        return _HEADLINES[escalation.closed_as]
    if escalation.decision is not None:
        return "Your request is decided."
    owner = reader.name(escalation.owner)
    if _asks_end_user(escalation):
        return f"{reader.subject(escalation.owner)} has a question for you."
    if escalation.control is Control.HUMAN:
        return f"{reader.subject(escalation.owner)} has taken over this conversation."
    if escalation.status is Status.OPEN:
        return f"Your request is with {team(escalation.ladder.id)}."
    since = f" since {reader.clock(accepted_at)}" if accepted_at else ""
    return f"Your request is with {owner}{since}."


def promise(escalation: Escalation, reader: Reader, *, first_person: str = " from us") -> str:
    """By when the end user will hear; honest when that time has passed."""
    by = escalation.promise_by
    if not escalation.is_living or by is None:
        return "Nothing more is needed from you."
    if by <= reader.now:
        return f"You were to hear by {reader.clock(by)}; that has passed, and it is still open."
    return f"You will hear{first_person} by {reader.clock(by)}."


def outcome(escalation: Escalation, reader: Reader) -> str:
    """How it was decided and what became of it; "not decided yet" while it lives."""
    if escalation.status is Status.WITHDRAWN:
        return f"It was taken back{_on(escalation.ended_at, reader)}, so nothing was done."
    decision = escalation.decision
    if decision is None:
        return "It is not decided yet."
    said = _ruled(decision, reader)
    became = _became(escalation, reader)
    return f"{said} {became}" if became else said


def _ruled(decision: Decision, reader: Reader) -> str:
    if decision.applied is not None:
        when = reader.clock(decision.at)
        return f"Nobody could decide by {when}, {APPLIED[decision.applied]}."
    how = DECIDED[decision.kind]
    return f"{reader.subject(decision.by)} {how} at {reader.clock(decision.at)}."


def _became(escalation: Escalation, reader: Reader) -> str:
    """What happened to something that was to run; empty when nothing was."""
    decision = escalation.decision
    closed_as = escalation.closed_as
    if closed_as is ClosedAs.DRIFTED:
        return "Something else was carried out; a person is looking at it."
    if decision is None or decision.decided_digest is None:
        return ""
    if closed_as is None:
        return "It is being carried out."
    when = _on(escalation.ended_at, reader)
    return {
        ClosedAs.EXECUTED: f"It was carried out{when}.",
        ClosedAs.FAILED: f"Carrying it out failed{when}.",
        ClosedAs.NOT_NEEDED: "It was no longer needed, so nothing was done.",
        ClosedAs.UNCOLLECTED: "It was not carried out in time; please ask again.",
        ClosedAs.EFFECT_UNKNOWN: "Whether it was carried out is not known; a person looks into it.",
    }[closed_as]


def steps(
    escalation: Escalation, reader: Reader, *, accepted_at: datetime | None = None
) -> tuple[Step, Step, Step, Step]:
    """Passed on, a person has it, decided, done: with times, one of them is now until it ends."""
    decision = escalation.decision
    is_open = escalation.status is Status.OPEN
    had = escalation.status is Status.ACCEPTED or (decision is not None and not decision.applied)
    who = reader.subject(decision.by if decision and had else escalation.owner)
    second = Step(
        f"{who} has it" if had else "A person has it", had, is_open, accepted_at if had else None
    )
    third = Step(
        "Decision",
        decision is not None,
        escalation.status is Status.ACCEPTED,
        decision.at if decision else None,
    )
    last = "Taken back" if escalation.status is Status.WITHDRAWN else "Done"
    if escalation.closed_as is not None:
        last = _LAST_STEPS[escalation.closed_as]
    is_next = escalation.status in (Status.DECIDED, Status.COLLECTED)
    ended_at = escalation.ended_at
    fourth = Step(last, ended_at is not None, is_next, ended_at)
    return Step("Passed on", True, False, escalation.opened_at), second, third, fourth


def _asks_end_user(escalation: Escalation) -> bool:
    question = escalation.question
    return question is not None and question.to is ActorKind.END_USER


def _on(at: datetime | None, reader: Reader) -> str:
    return f" at {reader.clock(at)}" if at else ""


# --- for the model ------------------------------------------------------------------------------


def for_model(
    escalation: Escalation, reader: Reader, *, content: Mapping[str, Json] | None = None
) -> str:
    """Dated facts for the model; `content` is what was decided, given only at collect."""
    parts = [_stopped(escalation, reader)]
    if escalation.is_living:
        parts += _waiting(escalation, reader)
    elif escalation.decision is None:
        when = reader.stamp(escalation.ended_at or reader.now)
        parts.append(f"It was withdrawn at {when}. {_not_run(escalation)}")
    else:
        parts.append(_decided(escalation.decision, reader))
        parts += _quoted(escalation.decision, content or {}, reader)
        parts.append(_effect(escalation, escalation.decision, reader))
    return " ".join(part for part in parts if part)


def denied_for_model(reason: str, reader: Reader) -> str:
    """A rule refuses the call outright: nobody is asked, and nothing ran."""
    return (
        f"At {reader.stamp(reader.now)} this call was refused by policy ({reason}). "
        "It has NOT run and nobody is being asked; the same call would be refused again."
    )


def denied_for_user() -> str:
    """The same for the end user, without the rule's internals."""
    return "I am not allowed to do that, so nothing was done."


def _what(escalation: Escalation) -> str:
    return f"The call to {escalation.tool}" if escalation.tool else "The agent's question"


def _stopped(escalation: Escalation, reader: Reader) -> str:
    by = f" by rule {escalation.rule}" if escalation.rule else ""
    verb = f"was stopped{by}" if escalation.tool else "was put to people"
    at = reader.stamp(escalation.opened_at)
    return f"{_what(escalation)} {verb} at {at} ({escalation.id})."


def _not_run(escalation: Escalation) -> str:
    return "It has NOT run." if escalation.tool else "There is no answer."


def _waiting(escalation: Escalation, reader: Reader) -> list[str]:
    owner = reader.name(escalation.owner)
    as_of = f"As of {reader.stamp(reader.now)}"
    assert escalation.decide_by is not None, f"{escalation.id} is living without decide_by"
    until = f" to decide by {reader.stamp(escalation.decide_by)}"
    if escalation.control is Control.HUMAN:
        who = f"{as_of} {owner} has taken over the conversation; guarded calls of it are refused."
    elif escalation.status is Status.ACCEPTED:
        who = f"{as_of} {owner} has it and is{until}."
    else:
        offer = escalation.offer
        asked = listed([reader.name(each) for each in offer.candidates]) if offer else owner
        who = f"{as_of} {asked} {'is' if asked == owner else 'are'} being asked{until}."
    parts = [who, _not_run(escalation)]
    if escalation.question is not None:
        to = str(escalation.question.to).replace("_", " ")
        who = reader.subject(escalation.owner)
        parts.append(f"{who} has asked the {to} a question ({escalation.question.id}).")
    parts.append(
        "There is no need to try again: the same call meets this escalation, "
        "and its decision is delivered when it is made."
    )
    return parts


def _decided(decision: Decision, reader: Reader) -> str:
    at = reader.stamp(decision.at)
    if decision.applied is not None:
        return (
            f"Nobody decided by {at}, {APPLIED[decision.applied]}. This is a fallback by rule, "
            "not a person's decision."
        )
    return f"{reader.subject(decision.by)} {DECIDED[decision.kind]} at {at}."


def _quoted(decision: Decision, content: Mapping[str, Json], reader: Reader) -> list[str]:
    """What the decider wrote, as their words at that time."""
    who = "The rule" if decision.applied else reader.subject(decision.by)
    note = content.get("hand_back") or {}
    said = {
        "answered": content.get("answer"),
        "chose": decision.option,
        "noted": content.get("note"),
        "says it was decided": note.get("decided"),
        "did outside this system": note.get("done_outside"),
        "says may be assumed as of then": note.get("may_assume"),
        "asked at that time to leave undone": note.get("must_not"),
    }
    return [f'{who} {verb}: "{words}".' for verb, words in said.items() if words not in (None, "")]


def _effect(escalation: Escalation, decision: Decision, reader: Reader) -> str:
    """Whether anything ran or may run, by what is known now."""
    closed_as = escalation.closed_as
    if closed_as is ClosedAs.DRIFTED:
        return "What ran is not what was decided; people are being asked about it."
    if decision.decided_digest is None:
        return "It has NOT run and will not run." if _could_run(escalation, decision) else ""
    if closed_as is None:
        return (
            "It may run once, exactly as decided, "
            f"before {reader.stamp(decision.expires_at)}; its report is awaited."
        )
    at = reader.stamp(escalation.ended_at or decision.at)
    return {
        ClosedAs.EXECUTED: f"The agent reported at {at} that it ran.",
        ClosedAs.FAILED: f"The agent reported at {at} that it was tried and failed.",
        ClosedAs.NOT_NEEDED: f"The agent reported at {at} that it was not needed. It has NOT run.",
        ClosedAs.UNCOLLECTED: f"It was not collected by {at}. It has NOT run and may not run now.",
        ClosedAs.EFFECT_UNKNOWN: f"No report came by {at}: whether it ran is not known, "
        "and nothing runs it again.",
    }[closed_as]


def _could_run(escalation: Escalation, decision: Decision) -> bool:
    """Whether the decision was about a call that would have run."""
    against = decision.kind is DecisionKind.REJECT or decision.applied is Fallback.REJECT
    return bool(escalation.tool) and against
