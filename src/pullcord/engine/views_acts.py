"""What a viewer may do with one escalation now, and in words why not: the page shows the same."""

from pullcord.owner.floor import Floor
from pullcord.path.escalation import Control, DecisionKind, Escalation, Status
from pullcord.path.permission import unfit, why_not
from pullcord.path.promise import outcome
from pullcord.path.rungs import is_candidate, taker_of
from pullcord.path.transitions import BY_VERB
from pullcord.path.wording import Reader
from pullcord.wire.views import MayDo

#: the acts of people in the order the page offers them
ORDER = (
    "accept",
    "decline",
    "decide",
    "ask",
    "context",
    "comment",
    "reassign",
    "snooze",
    "extend",
    "release",
    "take_over",
    "hand_back",
    "decide_late",
)


def acts(escalation: Escalation, who: str, floor: Floor, reader: Reader) -> list[MayDo]:
    """Every act with whether this viewer may use it now."""
    found: list[MayDo] = []
    for verb in ORDER:
        reason = refusal(escalation, who, verb, floor=floor, reader=reader)
        found.append(MayDo(verb=verb, is_allowed=not reason, why_not=reason))
    return found


def refusal(escalation: Escalation, who: str, verb: str, *, floor: Floor, reader: Reader) -> str:
    """Why this person may not use this verb now; empty when they may."""
    if escalation.status not in BY_VERB[verb].since:
        return _by_status(escalation, verb, reader)
    if verb == "accept" and escalation.status is Status.ACCEPTED:
        if escalation.owner == who:
            return "You have it already."
        if taker_of(escalation) != who:
            owner = reader.subject(escalation.owner)
            return f"{owner} has it; they or a lead can reassign it to you."
    return _by_state(escalation, who, verb) or why_not(escalation, who, verb, floor)


def _by_status(escalation: Escalation, verb: str, reader: Reader) -> str:
    """What stands in the way of a verb in this status, in the words of the page."""
    if not escalation.is_living:
        over = "A decision never changes." if escalation.decision else "Nothing can be done."
        return f"{outcome(escalation, reader)} {over}"
    if verb == "decide_late":
        return "It is not decided yet; decide it now instead."
    return f"Nobody has accepted it yet; accept it first, then {verb.replace('_', ' ')}."


def _by_state(escalation: Escalation, who: str, verb: str) -> str:
    """What the verb itself would refuse, beyond the table of statuses."""
    if verb == "decline" and not is_candidate(escalation, who):
        return "You are not being asked, so there is nothing to decline."
    if verb == "decide" and any(vote.by == who for vote in escalation.votes):
        return "Your vote is given and stands."
    if verb == "ask" and escalation.question is not None:
        return "A question is pending; wait for the reply to it."
    if verb == "take_over" and escalation.control is Control.HUMAN:
        return "The conversation is taken over already."
    if verb == "release" and escalation.control is Control.HUMAN:
        return "You have the conversation; hand it back, or reassign it to a colleague."
    if verb == "hand_back" and escalation.control is not Control.HUMAN:
        return "The agent has the conversation; take over first, or decide."
    if verb == "extend" and extendable_seconds(escalation) == 0:
        return "Its rule lets it be extended no further."
    return _late(escalation) if verb == "decide_late" else ""


def _late(escalation: Escalation) -> str:
    decision = escalation.decision
    if decision is not None and decision.kind is DecisionKind.NOBODY_DECIDED:
        return ""
    return f"{escalation.id} was decided by a person; a decision never changes."


def extendable_seconds(escalation: Escalation) -> int:
    """By how much `decide_by` may still be moved."""
    if not escalation.is_living:
        return 0
    left = escalation.terms.extend_at_most - escalation.extended_for
    return max(0, int(left.total_seconds()))


def takers(escalation: Escalation, floor: Floor) -> list[str]:
    """To whom it can be reassigned, by name: who is active, may act and does not have it."""
    out = unfit(escalation, floor)
    if escalation.status is Status.ACCEPTED:
        out = out | {escalation.owner}
    able = [each for each in floor.people.values() if each.is_active and each.id not in out]
    return [each.id for each in sorted(able, key=lambda each: (each.name, each.id))]
