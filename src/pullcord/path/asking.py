"""Who is asked: opening, accepting, declining, advancing, lapsing, releasing, reassigning.

Owner and offer move together, empty rungs are recorded and skipped at once, and a ladder never
just ends: afterwards the catch-all is asked again and again until somebody answers.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pullcord.errors import InvalidInput, NotAllowed
from pullcord.owner.authority import PRODUCTION
from pullcord.owner.floor import Floor
from pullcord.owner.ladder import Ladder, Rung, Target
from pullcord.path.draft import Draft
from pullcord.path.escalation import (
    ENGINE,
    Actor,
    Change,
    Control,
    Escalation,
    Json,
    MessageKind,
    Offer,
    Status,
    agent,
    person,
)
from pullcord.path.permission import permit, unfit
from pullcord.path.rungs import (
    ask,
    asked_now,
    asked_state,
    change_asked,
    enter_asked,
    held_until,
    is_candidate,
    moved,
    note_asked,
    remind,
    resolved,
    taker_of,
    voters,
    voters_left,
    wanted,
)
from pullcord.path.transitions import in_the_way, require

NOTHING = Change()

#: ends the name of a ladder that was narrowed to the key's creator
OF_CREATOR = "~creator"


def open_escalation(
    blank: Escalation,
    shown: dict[str, Json],
    floor: Floor,
    now: datetime,
    *,
    taken_by: str = "",
) -> Change:
    """An agent stopped: pin everything, set the promise, ask the first reachable rung.

    `blank` carries identity, pinned ladder and terms, and version 0; `shown` is the content
    people will see, sealed under the name `shown`. With `taken_by` nobody is asked: that person
    has it from the beginning.
    """
    assert blank.version == 0, f"{blank.id} was opened before"
    draft = Draft(blank, now, **_pinned(blank, now))
    ladder = draft.state.ladder.id
    facts: dict[str, Json] = {"rule": blank.rule, "tool": blank.tool, "ladder": ladder}
    if blank.follows:
        facts["follows"] = blank.follows
    # The first entry is written once an owner stands, so that no state is ever without one.
    resolution = resolved(draft.state, floor, now, start=0)
    draft.state = asked_state(draft.state, resolution, floor, now)
    by = agent(blank.agent)
    if taken_by:
        draft.state = _named(draft.state, taken_by, now)
        by = person(taken_by)
    draft.enter("opened", by, facts=facts, sealed={"shown": shown})
    if not taken_by or draft.state.terms.quorum > 1:
        note_asked(draft, resolution)
    if taken_by:
        enter_accepted(draft, taken_by)
    return draft.change()


def _pinned(blank: Escalation, now: datetime) -> dict[str, Any]:
    """Deadlines; outside production the ask goes to the creator alone, so one is enough."""
    decide_by = now + blank.terms.decide_within
    pinned = {"opened_at": now, "decide_by": decide_by, "promise_by": decide_by}
    if blank.environment == PRODUCTION:
        return pinned
    ladder = creators_ladder(blank.requester, blank.ladder)
    return {**pinned, "ladder": ladder, "terms": replace(blank.terms, quorum=1)}


def _named(asked: Escalation, who: str, now: datetime) -> Escalation:
    """Asked of this person; of the ladder's people only where several must agree."""
    assert asked.offer is not None, f"{asked.id} asks nobody"
    others = asked.offer.candidates if asked.terms.quorum > 1 else ()
    until = now + asked.terms.reassign_within
    offer = Offer(candidates=tuple(dict.fromkeys((who, *others))), until=until)
    return replace(asked, owner=who, offer=offer, accept_by=until)


def creators_ladder(creator: str, ladder: Ladder) -> Ladder:
    """Outside production nobody is woken but the person who made the agent's key."""
    rung = Rung(target=Target(kind="person", id=creator), accept_within=timedelta(minutes=30))
    name = ladder.id.removesuffix(OF_CREATOR) + OF_CREATOR
    return replace(ladder, id=name, rungs=(rung,), catch_all=creator)


def accept(escalation: Escalation, who: str, floor: Floor, now: datetime) -> Change:
    """ "I have it": the owner is who accepted, for as long as the lease holds."""
    require(escalation, "accept")
    if escalation.status is Status.ACCEPTED and escalation.owner == who:
        return NOTHING
    if escalation.status is Status.ACCEPTED and taker_of(escalation) != who:
        raise in_the_way(escalation, "accept")
    permit(escalation, who, "accept", floor)
    draft = Draft(escalation, now)
    enter_accepted(draft, who)
    return draft.change()


def enter_accepted(draft: Draft, who: str) -> None:
    """Note the acceptance and tell everybody whom it concerns."""
    before = draft.state
    asked = asked_now(before)
    draft.enter(
        "accepted",
        person(who),
        facts={"from": before.owner} if before.owner != who else {},
        status=Status.ACCEPTED,
        owner=who,
        offer=voters_left(before, who),
        accept_by=None,
        hold_until=held_until(before, draft.at),
        generation=before.generation + 1,
        reminders=0,
    )
    draft.tell_agent(MessageKind.ACCEPTED)
    draft.tell_end_user(MessageKind.ACCEPTED)
    if before.terms.quorum == 1:
        draft.tell(MessageKind.STOOD_DOWN, sorted((asked | {before.owner}) - {who, ""}))


def decline(
    escalation: Escalation, who: str, floor: Floor, now: datetime, *, reason: str = ""
) -> Change:
    """ "Not me": the others of the rung stay asked; when none is left the ladder advances."""
    require(escalation, "decline")
    if not is_candidate(escalation, who):
        raise NotAllowed(
            f"{who} is not being asked about {escalation.id}, so there is nothing to decline. "
            "An owner who has accepted releases it instead."
        )
    draft = Draft(escalation, now)
    if escalation.status is Status.ACCEPTED:
        _leave_offer(draft, "declined", person(who), who, reason=reason)
    else:
        _step_aside(draft, "declined", person(who), who, floor, reason=reason)
    return draft.change()


def not_reached(
    escalation: Escalation, who: str, floor: Floor, now: datetime, *, generation: int
) -> Change:
    """Every channel to this person failed: somebody else is asked at once, and it is visible.

    Does nothing when other people are asked by now.
    """
    if not escalation.is_living or escalation.generation != generation:
        return NOTHING
    if not is_candidate(escalation, who):
        return NOTHING
    draft = Draft(escalation, now)
    if escalation.status is Status.ACCEPTED:
        _leave_offer(draft, "not_reached", ENGINE, who)
    else:
        _step_aside(draft, "not_reached", ENGINE, who, floor)
    return draft.change()


def _step_aside(
    draft: Draft, kind: str, by: Actor, who: str, floor: Floor, *, reason: str = ""
) -> None:
    """One candidate is out: the others of the rung stay asked; with none left it advances.

    The catch-all cannot step aside: it is noted, and the reminders go on.
    """
    before = draft.state
    offer = before.offer
    assert offer is not None, f"{before.id} has a candidate without an offer"
    facts = {"person": who}
    sealed = draft.reason(reason)
    if before.is_at_catch_all and _last_asked(before, floor, draft.at) == who:
        draft.enter(kind, by, facts={**facts, "stays": True}, sealed=sealed)
        return
    declined = (*before.declined, who)
    left = tuple(each for each in offer.candidates if each != who)
    if not left:
        draft.enter(kind, by, facts=facts, sealed=sealed, declined=declined)
        ask(draft, floor, start=before.rung + 1)
        return
    draft.enter(
        kind,
        by,
        facts=facts,
        sealed=sealed,
        declined=declined,
        owner=before.owner if before.owner in left else left[0],
        offer=replace(offer, candidates=left, taker="" if offer.taker == who else offer.taker),
    )


def _last_asked(escalation: Escalation, floor: Floor, now: datetime) -> str:
    """Whom the end of the ladder means now: the catch-all, or who stands in for them."""
    return resolved(escalation, floor, now, start=len(escalation.ladder.rungs)).owner


def _leave_offer(draft: Draft, kind: str, by: Actor, who: str, *, reason: str = "") -> None:
    """Somebody asked about an accepted escalation is out; who has it keeps it, and is told."""
    before = draft.state
    assert before.offer is not None, f"{before.id} has a candidate without an offer"
    facts = {"person": who}
    sealed = draft.reason(reason)
    if who != before.offer.taker:
        left = tuple(each for each in before.offer.candidates if each != who)
        offer = replace(before.offer, candidates=left) if left else None
        draft.enter(kind, by, facts=facts, sealed=sealed, offer=offer)
        return
    offer = None
    if before.terms.quorum > 1:
        offer = voters(before, before.offer.candidates, without=who)
    draft.enter(kind, by, facts=facts, sealed=sealed, offer=offer, accept_by=None)
    draft.tell(MessageKind.REMINDED, [before.owner])


def advance(escalation: Escalation, floor: Floor, now: datetime) -> Change:
    """Nobody accepted in time: ask the next rung, and at the end the catch-all, for ever.

    Safe to call at any time and any number of times: before the deadline it does nothing.
    """
    if escalation.status is not Status.OPEN:
        return NOTHING
    if escalation.accept_by is None or now < escalation.accept_by:
        return NOTHING
    draft = Draft(escalation, now)
    assert escalation.offer is not None, f"{escalation.id} expired without an offer"
    if escalation.is_at_catch_all and _last_asked(escalation, floor, now) == escalation.owner:
        until = now + escalation.ladder.remind_every
        remind(draft, accept_by=until, offer=replace(escalation.offer, until=until))
        return draft.change()
    draft.enter(
        "rung_expired",
        ENGINE,
        facts={"rung": escalation.rung, "asked": list(escalation.offer.candidates)},
    )
    ask(draft, floor, start=escalation.rung + 1)
    return draft.change()


def refresh(escalation: Escalation, floor: Floor, now: datetime) -> Change:
    """A shift ended or people changed while somebody is asked: ask who is on duty now.

    Does nothing when the same people are asked, or one of them by name through `reassign`. What
    the asked hold already is never held against them; the rung's deadline does not move.
    """
    if escalation.status is not Status.OPEN:
        return NOTHING
    offer = escalation.offer
    assert offer is not None, f"{escalation.id} is open without an offer"
    free = replace(floor, load={**floor.load, **dict.fromkeys(offer.candidates, 0)})
    if offer.taker and not free.why_unavailable(offer.taker, now):
        return NOTHING
    resolution = resolved(escalation, free, now, start=escalation.rung)
    people = wanted(escalation, resolution, free, now)
    if set(people) == set(offer.candidates):
        return NOTHING
    draft = Draft(escalation, now)
    if resolution.rung == escalation.rung and not offer.taker:
        if set(people) & set(offer.candidates):
            change_asked(draft, resolution, people)
            return draft.change()
        resolution = replace(resolution, until=offer.until)
    enter_asked(draft, resolution, free)
    draft.tell(MessageKind.STOOD_DOWN, sorted(set(offer.candidates) - set(people)))
    return draft.change()


def lapse(escalation: Escalation, floor: Floor, now: datetime) -> Change:
    """The lease is over: offer it to the others of the rung, then upward.

    While a person has the conversation the lease does not lapse; they are reminded instead, as
    long as they are there.
    """
    if escalation.status is not Status.ACCEPTED:
        return NOTHING
    if escalation.hold_until is None or now < escalation.hold_until:
        return NOTHING
    draft = Draft(escalation, now)
    holder = floor.people.get(escalation.owner)
    if escalation.control is Control.HUMAN and holder is not None and holder.is_active:
        remind(draft, hold_until=now + escalation.terms.hold_for)
        return draft.change()
    _reopen(draft, "lapsed", ENGINE, floor)
    draft.tell(MessageKind.STOOD_DOWN, {escalation.owner} - asked_now(draft.state))
    return draft.change()


def return_offer(escalation: Escalation, now: datetime) -> Change:
    """A reassigned person did not accept in time: the giver still has it and is told so."""
    if escalation.status is not Status.ACCEPTED:
        return NOTHING
    if escalation.accept_by is None or now < escalation.accept_by:
        return NOTHING
    offer = escalation.offer
    assert offer is not None, f"{escalation.id} has an expiry without an offer"
    draft = Draft(escalation, now)
    left = voters(escalation, offer.candidates, without="") if escalation.terms.quorum > 1 else None
    facts = {"asked": [offer.taker]}
    draft.enter("offer_returned", ENGINE, facts=facts, offer=left, accept_by=None)
    draft.tell(MessageKind.REMINDED, [escalation.owner], wakes=True)
    draft.tell(MessageKind.STOOD_DOWN, {offer.taker} - asked_now(draft.state))
    return draft.change()


def release(
    escalation: Escalation, who: str, floor: Floor, now: datetime, *, reason: str = ""
) -> Change:
    """The owner gives it back: the same rung is asked without the releaser.

    A conversation is never dropped: who has taken it over hands it back or reassigns it.
    """
    require(escalation, "release")
    permit(escalation, who, "release", floor)
    if escalation.control is Control.HUMAN:
        raise InvalidInput(
            "verb",
            value="release",
            limit="not while you have the conversation",
            remedy=f"Hand {escalation.id} back, or reassign it and keep it until then.",
        )
    draft = Draft(escalation, now)
    _reopen(draft, "released", person(who), floor, reason=reason)
    return draft.change()


def _reopen(draft: Draft, kind: str, by: Actor, floor: Floor, *, reason: str = "") -> None:
    """Back to open: the owner is out of this rung, the question falls, the ladder goes on."""
    before = draft.state
    giver = before.owner
    declined = (*before.declined, giver)
    sealed = draft.reason(reason)
    reopened = replace(
        before,
        status=Status.OPEN,
        control=Control.AGENT,
        hold_until=None,
        promise_by=before.decide_by,
        question=None,
        declined=declined,
    )
    resolution = resolved(reopened, floor, draft.at, start=before.rung)
    draft.state = asked_state(reopened, resolution, floor, draft.at)
    draft.enter(kind, by, facts={"from": giver}, sealed=sealed)
    note_asked(draft, resolution)
    draft.tell(MessageKind.STOOD_DOWN, sorted(asked_now(before) - asked_now(draft.state)))
    if before.promise_by != before.decide_by:
        draft.tell_end_user(MessageKind.PROMISE_MOVED)


def reassign(
    escalation: Escalation, who: str, floor: Floor, now: datetime, *, to: str, reason: str = ""
) -> Change:
    """Offer it to a named person; it neither accepts for them nor resets the ladder.

    From open the ownership moves at once; from accepted the giver keeps it until the taker
    accepts, and an offer that expires returns.
    """
    require(escalation, "reassign")
    permit(escalation, who, "reassign", floor)
    taker = floor.people.get(to)
    if taker is None or not taker.is_active or to in unfit(escalation, floor):
        raise InvalidInput(
            "to",
            value=to,
            limit="an active person of this workspace who may decide this",
            remedy="Choose somebody from the list of people.",
        )
    if to == escalation.owner and escalation.status is Status.ACCEPTED:
        raise InvalidInput("to", value=to, remedy=f"{to} has it already; nothing to do.")
    draft = Draft(escalation, now)
    until = now + escalation.terms.reassign_within
    asked = escalation.offer.candidates if escalation.offer is not None else ()
    others = asked if escalation.terms.quorum > 1 else ()
    draft.enter(
        "reassigned",
        person(who),
        facts={"to": to},
        sealed=draft.reason(reason),
        offer=Offer(tuple(dict.fromkeys((to, *others))), until, taker=to),
        accept_by=until,
        owner=to if escalation.status is Status.OPEN else escalation.owner,
        generation=escalation.generation + 1,
    )
    draft.tell(MessageKind.ASKED, [to], wakes=True)
    draft.tell(MessageKind.STOOD_DOWN, sorted(set(asked) - asked_now(draft.state)))
    return draft.change()


def snooze(
    escalation: Escalation, who: str, floor: Floor, now: datetime, *, within: timedelta
) -> Change:
    """Hold it longer before deciding, never past the promise."""
    require(escalation, "snooze")
    permit(escalation, who, "snooze", floor)
    assert escalation.decide_by is not None, f"{escalation.id} is accepted without decide_by"
    until = now + within
    if until > escalation.decide_by:
        raise InvalidInput(
            "seconds",
            value=int(within.total_seconds()),
            limit=f"until the promise, {escalation.decide_by:%Y-%m-%d %H:%M:%S} UTC",
            remedy="Extend the promise first, or choose a shorter time.",
        )
    draft = Draft(escalation, now)
    draft.enter("snoozed", person(who), hold_until=until)
    return draft.change()


def extend(
    escalation: Escalation,
    who: str,
    floor: Floor,
    now: datetime,
    *,
    within: timedelta,
    reason: str = "",
) -> Change:
    """Move `decide_by` within the rule's limit and promise anew."""
    require(escalation, "extend")
    permit(escalation, who, "extend", floor)
    assert escalation.decide_by is not None, f"{escalation.id} is living without decide_by"
    total = escalation.extended_for + within
    if total > escalation.terms.extend_at_most:
        left = escalation.terms.extend_at_most - escalation.extended_for
        raise InvalidInput(
            "seconds",
            value=int(within.total_seconds()),
            limit=f"{int(left.total_seconds())} more seconds by this rule",
            remedy="Choose a shorter extension, or decide now.",
        )
    decide_by = escalation.decide_by + within
    draft = Draft(escalation, now)
    draft.enter(
        "extended",
        person(who),
        facts={"seconds": int(within.total_seconds())},
        sealed=draft.reason(reason),
        promise_by=decide_by,
        extended_for=total,
        **moved(escalation, decide_by),
    )
    draft.tell_end_user(MessageKind.PROMISE_MOVED)
    return draft.change()
