"""Questions, replies, context and comments: the escalation goes on, its action stays."""

from datetime import datetime

from pullcord.errors import InvalidInput, NotAllowed
from pullcord.owner.floor import Floor
from pullcord.path.draft import Draft
from pullcord.path.escalation import (
    Actor,
    ActorKind,
    Change,
    Escalation,
    MessageKind,
    Question,
    person,
)
from pullcord.path.permission import permit
from pullcord.path.transitions import require


def ask_back(
    escalation: Escalation, who: str, floor: Floor, now: datetime, *, to: ActorKind, text: str
) -> Change:
    """The owner asks the agent or the end user; deadlines keep running."""
    require(escalation, "ask")
    permit(escalation, who, "ask", floor)
    if escalation.question is not None:
        raise InvalidInput(
            "text",
            value=escalation.question.id,
            limit="one pending question",
            remedy=f"Wait for the reply to it, or add a comment to {escalation.id}.",
        )
    if to is ActorKind.END_USER and not escalation.end_user:
        raise InvalidInput("to", value=str(to), remedy="There is no end user; ask the agent.")
    if to is ActorKind.AGENT and not escalation.is_awaited:
        raise InvalidInput("to", value=str(to), remedy="No agent waits here; add a comment.")
    draft = Draft(escalation, now)
    name = draft.named("question")
    draft.enter(
        "asked_back",
        person(who),
        facts={"to": str(to), "question": name},
        sealed={name: {"text": text, "by": who}},
        question=Question(id=name, to=to, asked_at=now),
    )
    if to is ActorKind.AGENT:
        draft.tell_agent(MessageKind.QUESTION)
    else:
        draft.tell_end_user(MessageKind.QUESTION)
    return draft.change()


def reply(escalation: Escalation, by: Actor, now: datetime, *, question: str, text: str) -> Change:
    """The agent or end user answers; the reply joins the briefing as a claim."""
    require(escalation, "reply")
    pending = escalation.question
    if pending is None or pending.id != question:
        raise InvalidInput(
            "question",
            value=question,
            limit=pending.id if pending else "no question is pending",
            remedy="Add context instead, or answer the pending question.",
        )
    if by.kind is not pending.to:
        raise NotAllowed(f"{question} was asked of the {pending.to}, not of the {by.kind}.")
    draft = Draft(escalation, now)
    draft.enter(
        "replied",
        by,
        facts={"question": question},
        sealed={draft.named("reply"): {"text": text, "by": str(by), "question": question}},
        question=None,
    )
    draft.tell(MessageKind.REPLIED, [escalation.owner], wakes=True)
    return draft.change()


def add_context(
    escalation: Escalation, by: Actor, floor: Floor, now: datetime, *, text: str
) -> Change:
    """More context from agent, operator or end user; shown as a claim, never as the action."""
    require(escalation, "context")
    if by.kind is ActorKind.PERSON:
        permit(escalation, by.id, "context", floor)
    draft = Draft(escalation, now)
    content = {draft.named("context"): {"text": text, "by": str(by)}}
    draft.enter("context_added", by, sealed=content)
    if by.kind is not ActorKind.PERSON:
        draft.tell(MessageKind.REPLIED, [escalation.owner])
    return draft.change()


def comment(
    escalation: Escalation, who: str, floor: Floor, now: datetime, *, text: str, once: str = ""
) -> Change:
    """A note among operators; the end user never sees it.

    `once` is the name under which it may stand in the timeline once.
    """
    require(escalation, "comment")
    permit(escalation, who, "comment", floor)
    draft = Draft(escalation, now)
    content = {draft.named("comment"): {"text": text, "by": who}}
    facts = {"once": once} if once else {}
    draft.enter("commented", person(who), facts=facts, sealed=content)
    return draft.change()
