"""Who may do what to this escalation now: the one authority table, asked with its facts."""

from pullcord.errors import NotAllowed
from pullcord.owner.authority import LOOKERS, PRODUCTION, SEPARATED, Refused, may
from pullcord.owner.floor import Floor
from pullcord.path.escalation import Escalation, Status


def barred(escalation: Escalation) -> frozenset[str]:
    """People who may not own this one: separation of duties in production."""
    return separated(escalation.environment, escalation.severity, escalation.requester)


def separated(environment: str, severity: str, requester: str) -> frozenset[str]:
    """The same before there is an escalation: who may not own one with these facts."""
    if environment == PRODUCTION and severity in SEPARATED:
        return frozenset({requester})
    return frozenset()


def unfit(escalation: Escalation, floor: Floor) -> frozenset[str]:
    """People who could not decide this one if they were asked: barred, or only allowed to look."""
    if escalation.environment != PRODUCTION:
        return barred(escalation)
    lookers = {each.id for each in floor.people.values() if each.role in LOOKERS}
    return barred(escalation) | lookers


def permit(escalation: Escalation, who: str, verb: str, floor: Floor) -> None:
    """Raise unless the authority table lets this person use this verb now.

    Raises:
        NotAllowed: with the reason, in words for the person who tried.
    """
    refusal = why_not(escalation, who, verb, floor)
    if refusal:
        raise NotAllowed(f"{escalation.id}: {refusal} {standing(escalation)}")


def standing(escalation: Escalation) -> str:
    """Whose it is now, as a sentence for somebody who may not act."""
    if escalation.status is Status.OPEN:
        return f"{escalation.owner} is being asked."
    return f"{escalation.owner} has it."


def why_not(escalation: Escalation, who: str, verb: str, floor: Floor) -> str:
    """The reason this person may not use this verb now; empty when they may."""
    someone = floor.people.get(who)
    if someone is None or not someone.is_active:
        return f"{who!r} is not an active person of this workspace."
    offer = escalation.offer
    answer = may(
        someone,
        verb,
        is_owner=escalation.owner == who,
        is_candidate=offer is not None and who in offer.candidates,
        is_requester=escalation.requester == who,
        severity=escalation.severity,
        environment=escalation.environment,
    )
    return answer.reason if isinstance(answer, Refused) else ""
