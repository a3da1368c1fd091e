"""One rung asked: whom the ladder names now, how many are needed, and what everybody is told."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from pullcord.owner.floor import Floor
from pullcord.owner.resolve import Resolution, resolve
from pullcord.path.draft import Draft
from pullcord.path.escalation import ENGINE, Escalation, MessageKind, Offer, moved_on
from pullcord.path.permission import unfit


def is_candidate(escalation: Escalation, who: str) -> bool:
    """Whether this person is being asked now."""
    return escalation.offer is not None and who in escalation.offer.candidates


def taker_of(escalation: Escalation) -> str:
    """The person it was reassigned to and who has not answered; empty when nobody is."""
    return escalation.offer.taker if escalation.offer is not None else ""


def asked_now(escalation: Escalation) -> set[str]:
    """Everybody who is being asked."""
    return set(escalation.offer.candidates) if escalation.offer is not None else set()


def resolved(escalation: Escalation, floor: Floor, now: datetime, *, start: int) -> Resolution:
    """Whom the pinned ladder names from rung `start` on: not who declined, voted or may not."""
    voted = frozenset(vote.by for vote in escalation.votes)
    return resolve(
        escalation.ladder,
        floor,
        now,
        start=min(start, len(escalation.ladder.rungs)),
        declined=voted.union(escalation.declined),
        excluding=unfit(escalation, floor),
    )


def ask(draft: Draft, floor: Floor, *, start: int) -> None:
    """Ask the first reachable rung from `start` on; who is no longer asked is told so."""
    asked = asked_now(draft.state)
    enter_asked(draft, resolved(draft.state, floor, draft.at, start=start), floor)
    draft.tell(MessageKind.STOOD_DOWN, sorted(asked - asked_now(draft.state)))


def enter_asked(draft: Draft, resolution: Resolution, floor: Floor) -> None:
    """Owner and offer move to what was resolved, and it is noted."""
    draft.state = asked_state(draft.state, resolution, floor, draft.at)
    note_asked(draft, resolution)


def asked_state(
    escalation: Escalation, resolution: Resolution, floor: Floor, now: datetime
) -> Escalation:
    """The escalation with owner and offer as resolved; other people, so another generation."""
    candidates = wanted(escalation, resolution, floor, now)
    return moved_on(
        escalation,
        owner=resolution.owner,
        offer=Offer(candidates=candidates, until=resolution.until),
        rung=resolution.rung,
        accept_by=resolution.until,
        generation=escalation.generation + 1,
        reminders=0,
    )


def wanted(
    escalation: Escalation, first: Resolution, floor: Floor, now: datetime
) -> tuple[str, ...]:
    """The people to ask: where several must agree, those of the next rungs at the same time."""
    people = dict.fromkeys(first.candidates)
    for start in range(first.rung + 1, len(escalation.ladder.rungs) + 1):
        if len(people) >= escalation.terms.quorum:
            break
        people |= dict.fromkeys(resolved(escalation, floor, now, start=start).candidates)
    return tuple(people)


def note_asked(draft: Draft, resolution: Resolution) -> None:
    """Entries for the rungs that were skipped and the people who are asked; they are told."""
    for skip in resolution.skipped:
        facts = {"rung": skip.rung, "target": skip.target, "why": skip.why}
        draft.enter("rung_skipped", ENGINE, facts=facts)
    offer = draft.state.offer
    assert offer is not None, f"{draft.state.id} asks nobody"
    draft.enter("asked", ENGINE, facts=asked_facts(resolution, offer.candidates))
    draft.tell(MessageKind.ASKED, offer.candidates, wakes=resolution.wakes, urgency=0)


def asked_facts(resolution: Resolution, people: tuple[str, ...]) -> dict[str, Any]:
    """What the timeline says of an ask."""
    return {
        "rung": resolution.rung,
        "people": list(people),
        "reason": resolution.reason,
        "wakes": resolution.wakes,
    }


def change_asked(draft: Draft, resolution: Resolution, people: tuple[str, ...]) -> None:
    """Some of the asked stay, some go, some come: nobody who stays is asked a second time.

    The rung's deadline does not move, and the generation stays for those who stay.
    """
    before = draft.state
    offer = before.offer
    assert offer is not None, f"{before.id} is open without an offer"
    draft.enter(
        "asked",
        ENGINE,
        facts=asked_facts(resolution, people),
        owner=before.owner if before.owner in people else resolution.owner,
        offer=replace(offer, candidates=people),
    )
    come = [each for each in people if each not in offer.candidates]
    draft.tell(MessageKind.ASKED, come, wakes=resolution.wakes, urgency=0)
    draft.tell(MessageKind.STOOD_DOWN, sorted(set(offer.candidates) - set(people)))


def remind(draft: Draft, **deadlines: Any) -> None:
    """Ask the present owner again, awake this time."""
    count = draft.state.reminders + 1
    draft.enter("reminded", ENGINE, facts={"count": count}, reminders=count, **deadlines)
    draft.tell(MessageKind.REMINDED, [draft.state.owner], wakes=True, urgency=0)


def voters_left(before: Escalation, who: str) -> Offer | None:
    """After an acceptance the others stay asked only where their votes are needed too.

    Who had it before gave the lead away, not their vote.
    """
    if before.terms.quorum == 1:
        return None
    asked = before.offer.candidates if before.offer is not None else ()
    return voters(before, tuple(dict.fromkeys((*asked, before.owner))), without=who)


def voters(before: Escalation, people: tuple[str, ...], *, without: str) -> Offer | None:
    """These people asked for their votes until the promise; None when nobody is left."""
    assert before.decide_by is not None, f"{before.id} is living without decide_by"
    left = tuple(each for each in people if each != without)
    return Offer(candidates=left, until=before.decide_by) if left else None


def moved(before: Escalation, decide_by: datetime) -> dict[str, Any]:
    """The decision deadline elsewhere, and with it the time until which votes are asked for."""
    offer = before.offer
    if offer is not None and before.accept_by is None:
        offer = replace(offer, until=decide_by)
    return {"decide_by": decide_by, "offer": offer}


def held_until(before: Escalation, now: datetime) -> datetime:
    """When an acceptance of now lapses: never after the promise."""
    assert before.decide_by is not None, f"{before.id} is living without decide_by"
    return min(now + before.terms.hold_for, before.decide_by)
