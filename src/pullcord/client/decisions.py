"""A decision as the agent has it: first that there is one, then, collected, what it says."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from pullcord.wire.replies import CollectedOut, EscalationOut


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided on one escalation; `args`, `answer`, `option` and `note` once collected."""

    escalation: str
    #: approve, edit, reject, answer, choose, hand_back, nobody_decided
    kind: str
    tool: str
    run: str
    call: str
    #: who decided, as agents and end users may call them
    by: str
    at: datetime
    for_model: str
    for_user: str
    is_collected: bool = False
    args: dict[str, Any] | None = None
    answer: Any = None
    option: str = ""
    note: str = ""
    #: what the fallback applied, when nobody decided
    applied: str = ""
    key: str = field(default="", repr=False)

    @property
    def is_by_rule(self) -> bool:
        """Whether nobody decided and the rule's fallback spoke."""
        return self.kind == "nobody_decided"


class Told(str):
    """What the model is told instead of a result; `reason` is the error behind it."""

    __slots__ = ("reason",)

    def __new__(cls, text: str, reason: Exception) -> Self:
        """The text, with the reason at hand."""
        found = super().__new__(cls, text)
        found.reason = reason
        return found

    reason: Exception


def announced(found: EscalationOut) -> Decision:
    """That there is a decision, from the listing."""
    decision = found.decision
    assert decision is not None, f"{found.id} was announced as decided without a decision"
    return Decision(
        escalation=found.id,
        kind=decision.kind,
        tool=found.tool,
        run=found.run,
        call=found.call,
        by=decision.by.shown_as,
        at=decision.at,
        for_model=found.for_model,
        for_user=found.for_user,
        applied=decision.applied,
        key=found.key,
    )


def collected(found: CollectedOut) -> Decision:
    """What it says."""
    return Decision(
        escalation=found.escalation,
        kind=found.kind,
        tool=found.tool,
        run=found.run,
        call=found.call,
        by=found.by.shown_as,
        at=found.at,
        for_model=found.for_model,
        for_user=found.for_user,
        is_collected=True,
        args=found.args,
        answer=found.answer,
        option=found.option,
        note=found.note,
        applied=found.applied,
    )
