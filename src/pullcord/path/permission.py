"""Who may do what to this escalation now: the one authority table, asked with its facts."""

from pullcord.errors import NotAllowed
from pullcord.owner.authority import PRODUCTION, SEPARATED, Refused, may
from pullcord.owner.floor import Floor
from pullcord.path.escalation import Escalation


def barred(escalation: Escalation) -> frozenset[str]:
    """People who may not own this one: separation of duties in production."""
    if escalation.environment == PRODUCTION and escalation.severity in SEPARATED:
        return frozenset({escalation.requester})
    return frozenset()


def permit(escalation: Escalation, who: str, verb: str, floor: Floor) -> None:
    """Raise unless the authority table lets this person use this verb now.

    Raises:
        NotAllowed: with the reason, in words for the person who tried.
    """
    refusal = why_not(escalation, who, verb, floor)
    if refusal:
        raise NotAllowed(refusal)


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
