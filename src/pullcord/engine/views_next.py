"""What comes next if nobody acts: whom the ladder asks when, and what the fallback does."""

from dataclasses import replace
from datetime import datetime

from pullcord.owner.floor import Floor
from pullcord.owner.resolve import Resolution
from pullcord.path.deciding import fallback_of
from pullcord.path.escalation import Control, Escalation, Fallback, Status
from pullcord.path.rungs import resolved
from pullcord.path.wording import Reader, listed, span


def next_up(escalation: Escalation, floor: Floor, reader: Reader) -> str:
    """Who is asked after whom, and when: "then Tom at 14:20, then Dana (catch-all) at 14:30"."""
    if not escalation.is_living or escalation.control is Control.HUMAN:
        return ""
    if escalation.status is Status.ACCEPTED:
        return _after_lapse(escalation, floor, reader)
    if escalation.is_at_catch_all:
        every = span(escalation.ladder.remind_every)
        return f"then {reader.name(escalation.owner)} again every {every}"
    asks = [
        f"then {_asked(each, reader)} at {reader.clock(at)}"
        for at, each in later_asks(escalation, floor)
    ]
    return ", ".join(asks)


def _after_lapse(escalation: Escalation, floor: Floor, reader: Reader) -> str:
    at = escalation.hold_until
    if at is None or at == escalation.decide_by:
        return ""
    declined = (*escalation.declined, escalation.owner)
    found = resolved(replace(escalation, declined=declined), floor, at, start=escalation.rung)
    asked = _asked(found, reader)
    return f"if it is still undecided at {reader.clock(at)}, {asked} will be asked"


def later_asks(escalation: Escalation, floor: Floor) -> list[tuple[datetime, Resolution]]:
    """The asks that follow the present one before the decision deadline, at most one a rung."""
    found: list[tuple[datetime, Resolution]] = []
    at, until = escalation.accept_by, escalation.decide_by
    assert at is not None, f"{escalation.id} is open without accept_by"
    assert until is not None, f"{escalation.id} is open without decide_by"
    rung = escalation.rung + 1
    while rung <= len(escalation.ladder.rungs) and at < until:
        resolution = resolved(escalation, floor, at, start=rung)
        found.append((at, resolution))
        at, rung = resolution.until, resolution.rung + 1
    return found


def _asked(resolution: Resolution, reader: Reader) -> str:
    people = listed([reader.name(each) for each in resolution.candidates])
    return f"{people} (catch-all)" if resolution.is_catch_all else people


def fallback_sentence(
    escalation: Escalation, reader: Reader, end_user: str, *, safe_label: str = ""
) -> str:
    """What happens when nobody decides, as a whole sentence; empty when it is decided.

    `safe_label` is what people read for the option marked safe.
    """
    if not escalation.is_living or escalation.decide_by is None:
        return ""
    owner = reader.subject(escalation.owner)
    if escalation.control is Control.HUMAN:
        return f"While {owner} has the conversation, nothing is decided by rule."
    by = reader.clock(escalation.decide_by)
    told = f", and {end_user} is told so" if end_user else ""
    every = span(escalation.terms.call_back_every)
    waits = f", and {end_user} is promised a new time" if end_user else ""
    return {
        Fallback.REJECT: f"If nobody decides by {by}, it is rejected{told}.",
        Fallback.NO_ANSWER: f"If nobody answers by {by}, the agent gets no answer{told}.",
        Fallback.SAFE_OPTION: f"If nobody chooses by {by}, the option "
        f"“{safe_label or escalation.terms.safe_option}” is taken{told}.",
        Fallback.KEEP_WAITING: f"If nobody decides by {by}, it keeps waiting: "
        f"people are reminded every {every}{waits}.",
        Fallback.APPROVE: f"If nobody decides by {by}, it is approved by rule{told}.",
    }[fallback_of(escalation)]
