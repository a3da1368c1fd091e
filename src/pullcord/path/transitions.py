"""Which verb is possible from which status, by whom, and what stands in the way otherwise.

This table is the specification (docs/adr/0001) and, as data, the fixture of the room's tests.
"""

from dataclasses import dataclass

from pullcord.errors import (
    AlreadyAccepted,
    AlreadyClosed,
    AlreadyCollected,
    AlreadyDecided,
    AlreadyWithdrawn,
    NotAccepted,
    NotCollected,
    NotYetDecided,
    WorldMovedOn,
)
from pullcord.path.escalation import ENDED, ClosedAs, DecisionKind, Escalation, Status

OPEN, ACCEPTED = Status.OPEN, Status.ACCEPTED
DECIDED, COLLECTED = Status.DECIDED, Status.COLLECTED
CLOSED, WITHDRAWN = Status.CLOSED, Status.WITHDRAWN


@dataclass(frozen=True, slots=True)
class Row:
    """One verb: who uses it, from where it is possible, where it can lead.

    `open` comes from nowhere, `decide_late` leads to a fresh escalation, and what the engine does
    by itself changes nothing from anywhere else, where a person or agent gets a problem.
    """

    verb: str
    by: tuple[str, ...]
    since: tuple[Status, ...]
    leads_to: tuple[Status, ...]


TABLE: tuple[Row, ...] = (
    Row("open", ("agent",), (), (OPEN,)),
    Row("accept", ("candidate", "lead"), (OPEN, ACCEPTED), (ACCEPTED,)),
    Row("decline", ("candidate",), (OPEN, ACCEPTED), (OPEN, ACCEPTED)),
    Row("not_reached", ("engine",), (OPEN, ACCEPTED), (OPEN, ACCEPTED)),
    Row("advance", ("engine",), (OPEN,), (OPEN,)),
    Row("refresh", ("engine",), (OPEN,), (OPEN,)),
    Row("lapse", ("engine",), (ACCEPTED,), (OPEN,)),
    Row("return_offer", ("engine",), (ACCEPTED,), (ACCEPTED,)),
    Row("release", ("owner",), (ACCEPTED,), (OPEN,)),
    Row("reassign", ("owner", "lead"), (OPEN, ACCEPTED), (OPEN, ACCEPTED)),
    Row("snooze", ("owner", "lead"), (ACCEPTED,), (ACCEPTED,)),
    Row("extend", ("owner", "lead"), (OPEN, ACCEPTED), (OPEN, ACCEPTED)),
    Row("ask", ("owner",), (ACCEPTED,), (ACCEPTED,)),
    Row("reply", ("agent", "end_user"), (ACCEPTED,), (ACCEPTED,)),
    Row("context", ("agent", "person", "end_user"), (OPEN, ACCEPTED), (OPEN, ACCEPTED)),
    Row("comment", ("person",), (OPEN, ACCEPTED), (OPEN, ACCEPTED)),
    Row("decide", ("owner", "candidate"), (OPEN, ACCEPTED), (ACCEPTED, DECIDED, CLOSED)),
    Row("take_over", ("owner",), (ACCEPTED,), (ACCEPTED,)),
    Row("hand_back", ("owner",), (ACCEPTED,), (DECIDED, CLOSED)),
    Row("fall_back", ("engine",), (OPEN, ACCEPTED), (OPEN, ACCEPTED, DECIDED, CLOSED)),
    Row("withdraw", ("agent", "end_user"), (OPEN, ACCEPTED), (WITHDRAWN,)),
    Row("collect", ("agent",), (DECIDED, COLLECTED), (COLLECTED,)),
    Row("report", ("agent",), (COLLECTED, CLOSED), (CLOSED,)),
    Row("give_up_collecting", ("engine",), (DECIDED,), (CLOSED,)),
    Row("give_up_reporting", ("engine",), (COLLECTED,), (CLOSED,)),
    Row("decide_late", ("person",), (DECIDED, COLLECTED, CLOSED), (ACCEPTED,)),
)

BY_VERB: dict[str, Row] = {row.verb: row for row in TABLE}


def require(escalation: Escalation, verb: str) -> None:
    """Raise what stands in the way of `verb`, naming who or what was first.

    Raises:
        WorldMovedOn: the subclass that fits the escalation's status.
    """
    if escalation.status not in BY_VERB[verb].since:
        raise in_the_way(escalation, verb)


def in_the_way(escalation: Escalation, verb: str) -> WorldMovedOn:
    """The problem of trying `verb` now, in words for the person or agent who tried."""
    status = escalation.status
    if status is WITHDRAWN:
        return AlreadyWithdrawn(
            f"{escalation.id} was withdrawn{_when(escalation)} by its agent or end user; nothing "
            "can be done with it. Open a new escalation if the work is still needed."
        )
    if verb in ("collect", "report", "decide_late") and status in (OPEN, ACCEPTED):
        return _too_early(escalation, verb)
    if verb == "report" and status is DECIDED:
        return NotCollected(
            f"{escalation.id} has not been collected; collect the decision before reporting on it."
        )
    if status in ENDED and verb in ("collect", "report"):
        return _ended(escalation)
    if escalation.decision is not None:
        return decided_before(escalation)
    if status is ACCEPTED:
        return AlreadyAccepted(
            f"{escalation.owner} already has {escalation.id}. "
            "Ask them, or a lead, to reassign it if you should have it.",
            by=escalation.owner,
        )
    return NotAccepted(
        f"nobody has accepted {escalation.id} yet; {escalation.owner} is being asked. "
        f"Accept it first, then {verb.replace('_', ' ')}."
    )


def _when(escalation: Escalation) -> str:
    ended_at = escalation.ended_at
    return f" at {ended_at:%Y-%m-%d %H:%M:%S} UTC" if ended_at is not None else ""


def decided_before(escalation: Escalation) -> AlreadyDecided:
    """The loser of a race is told who was first, what and when."""
    decision = escalation.decision
    assert decision is not None, f"{escalation.id} is {escalation.status} without a decision"
    by_rule = decision.kind is DecisionKind.NOBODY_DECIDED
    who = "by rule, because nobody decided" if by_rule else f"by {decision.by}"
    remedy = (
        "Decide it late to open a fresh escalation."
        if by_rule
        else "Comment on it, or wait for the agent to ask anew."
    )
    return AlreadyDecided(
        f"{escalation.id} was decided {who} at {decision.at:%Y-%m-%d %H:%M:%S} UTC: "
        f"{decision.kind}. A decision never changes. {remedy}",
        by=decision.by,
        at=decision.at,
    )


def _too_early(escalation: Escalation, verb: str) -> NotYetDecided:
    what = "decided late" if verb == "decide_late" else f"{verb}ed"
    return NotYetDecided(
        f"{escalation.id} is {escalation.status}: {escalation.owner} has not decided, "
        f"so it cannot be {what} yet. Wait for the decision."
    )


def _ended(escalation: Escalation) -> WorldMovedOn:
    if escalation.closed_as is ClosedAs.UNCOLLECTED:
        return AlreadyClosed(
            f"{escalation.id} was closed because nobody collected the decision in time; "
            "do not execute it. Open a new escalation if the work is still needed."
        )
    if escalation.attempt:
        return AlreadyCollected(
            f"{escalation.id} was collected by attempt {escalation.attempt!r} and is closed as "
            f"{escalation.closed_as}; do not execute it again.",
            attempt=escalation.attempt,
        )
    return AlreadyClosed(
        f"{escalation.id} is closed as {escalation.closed_as}; no agent waited for its decision, "
        "so there is nothing to collect or report."
    )
