"""What time does: the one verb the engine's timer calls on an escalation that is due."""

from datetime import datetime

from pullcord.owner.floor import Floor
from pullcord.path.asking import NOTHING, advance, lapse, refresh, return_offer
from pullcord.path.deciding import Sign, fall_back
from pullcord.path.ending import give_up_collecting, give_up_reporting
from pullcord.path.escalation import Change, Escalation, Status


def step(escalation: Escalation, floor: Floor, now: datetime, *, sign: Sign, nonce: str) -> Change:
    """Do the one thing that is due now, or nothing; call again until nothing is left.

    The decision deadline goes first: when nobody decided in time nobody else is asked. An
    acceptance that is due and a promise that is not lead to the next rung.
    """
    if escalation.status is Status.DECIDED:
        return give_up_collecting(escalation, floor, now)
    if escalation.status is Status.COLLECTED:
        return give_up_reporting(escalation, floor, now)
    if not escalation.is_living:
        return NOTHING
    for attempt in (
        fall_back(escalation, now, sign=sign, nonce=nonce),
        return_offer(escalation, now),
        lapse(escalation, floor, now),
        advance(escalation, floor, now),
    ):
        if not attempt.is_empty:
            return attempt
    return refresh(escalation, floor, now)
