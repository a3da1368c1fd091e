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
from pullcord.owner.resolve import Resolution, resolve
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
from pullcord.path.permission import barred, permit
from pullcord.path.transitions import in_the_way, require

NOTHING = Change()


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
    decide_by = now + blank.terms.decide_within
    ladder = blank.ladder
    if blank.environment != PRODUCTION:
        ladder = creators_ladder(blank.requester, ladder)
    draft = Draft(
        replace(blank, ladder=ladder, opened_at=now, decide_by=decide_by, promise_by=decide_by), now
    )
    facts: dict[str, Json] = {"rule": blank.rule, "tool": blank.tool, "ladder": ladder.id}
    if blank.follows:
        facts["follows"] = blank.follows
    # The first entry is written once an owner stands, so that no state is ever without one.
    if taken_by:
        until = now + blank.terms.reassign_within
        draft.state = replace(
            draft.state, owner=taken_by, offer=Offer((taken_by,), until), accept_by=until
        )
        draft.enter("opened", person(taken_by), facts=facts, sealed={"shown": shown})
        enter_accepted(draft, taken_by)
        return draft.change()
    resolution = _resolved(draft.state, floor, now, start=0)
    draft.state = _asked_state(draft.state, resolution, floor, now)
    draft.enter("opened", agent(blank.agent), facts=facts, sealed={"shown": shown})
    _note_asked(draft, resolution)
    return draft.change()


def creators_ladder(creator: str, ladder: Ladder) -> Ladder:
    """Outside production nobody is woken but the person who made the agent's key."""
    rung = Rung(target=Target(kind="person", id=creator), accept_within=timedelta(minutes=30))
    return replace(ladder, id=f"{ladder.id}~creator", rungs=(rung,), catch_all=creator)


def accept(escalation: Escalation, who: str, floor: Floor, now: datetime) -> Change:
    """ "I have it": the owner is who accepted, for as long as the lease holds."""
    require(escalation, "accept")
    if escalation.status is Status.ACCEPTED and escalation.owner == who:
        return NOTHING
    if escalation.status is Status.ACCEPTED and not is_candidate(escalation, who):
        raise in_the_way(escalation, "advance")
    permit(escalation, who, "accept", floor)
    draft = Draft(escalation, now)
    enter_accepted(draft, who)
    return draft.change()


def enter_accepted(draft: Draft, who: str) -> None:
    """Note the acceptance and tell everybody whom it concerns."""
    before = draft.state
    asked = set(before.offer.candidates) if before.offer else set()
    draft.enter(
        "accepted",
        person(who),
        facts={"from": before.owner} if before.owner != who else {},
        status=Status.ACCEPTED,
        owner=who,
        offer=_voters_left(before, who),
        accept_by=None,
        hold_until=_held(before, draft.at),
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
        _decline_offer(draft, who, reason)
    else:
        _step_aside(draft, "declined", person(who), who, floor, reason=reason)
    return draft.change()


def not_reached(
    escalation: Escalation, who: str, floor: Floor, now: datetime, *, generation: int
) -> Change:
    """Every channel to this person failed: somebody else is asked at once, and it is visible.

    Does nothing when other people are asked by now.
    """
    if escalation.status is not Status.OPEN or escalation.generation != generation:
        return NOTHING
    if not is_candidate(escalation, who):
        return NOTHING
    draft = Draft(escalation, now)
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
    if before.is_at_catch_all:
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
        offer=replace(offer, candidates=left),
    )


def _decline_offer(draft: Draft, who: str, reason: str) -> None:
    """A person to whom an accepted escalation was offered says no: the giver keeps it."""
    sealed = draft.reason(reason)
    draft.enter("declined", person(who), sealed=sealed, offer=None, accept_by=None)
    draft.tell(MessageKind.REMINDED, [draft.state.owner])


def advance(escalation: Escalation, floor: Floor, now: datetime) -> Change:
    """Nobody accepted in time: ask the next rung, and at the end the catch-all, for ever.

    Safe to call at any time and any number of times: before the deadline it does nothing.
    """
    if escalation.status is not Status.OPEN:
        return NOTHING
    if escalation.accept_by is None or now < escalation.accept_by:
        return NOTHING
    draft = Draft(escalation, now)
    if escalation.is_at_catch_all:
        remind(draft, accept_by=now + escalation.ladder.remind_every)
        return draft.change()
    assert escalation.offer is not None, f"{escalation.id} expired without an offer"
    draft.enter(
        "rung_expired",
        ENGINE,
        facts={"rung": escalation.rung, "asked": list(escalation.offer.candidates)},
    )
    ask(draft, floor, start=escalation.rung + 1)
    return draft.change()


def remind(draft: Draft, **deadlines: Any) -> None:
    """Ask the present owner again, awake this time."""
    count = draft.state.reminders + 1
    draft.enter("reminded", ENGINE, facts={"count": count}, reminders=count, **deadlines)
    draft.tell(MessageKind.REMINDED, [draft.state.owner], wakes=True, urgency=0)


def refresh(escalation: Escalation, floor: Floor, now: datetime) -> Change:
    """A shift ended or people changed while somebody is asked: ask who is on duty now.

    Does nothing when the same people are asked; the rung's deadline does not move.
    """
    if escalation.status is not Status.OPEN or escalation.is_at_catch_all:
        return NOTHING
    offer = escalation.offer
    assert offer is not None, f"{escalation.id} is open without an offer"
    resolution = _resolved(escalation, floor, now, start=escalation.rung)
    if set(resolution.candidates) == set(offer.candidates):
        return NOTHING
    if resolution.rung == escalation.rung:
        until = offer.until
        resolution = replace(resolution, until=until)
    draft = Draft(escalation, now)
    _enter_asked(draft, resolution, floor)
    draft.tell(MessageKind.STOOD_DOWN, sorted(set(offer.candidates) - set(resolution.candidates)))
    return draft.change()


def lapse(escalation: Escalation, floor: Floor, now: datetime) -> Change:
    """The lease is over: offer it to the others of the rung, then upward.

    While a person has the conversation the lease does not lapse; they are reminded instead.
    """
    if escalation.status is not Status.ACCEPTED:
        return NOTHING
    if escalation.hold_until is None or now < escalation.hold_until:
        return NOTHING
    draft = Draft(escalation, now)
    if escalation.control is Control.HUMAN:
        remind(draft, hold_until=now + escalation.terms.hold_for)
        return draft.change()
    giver = escalation.owner
    _reopen(draft, "lapsed", ENGINE, giver, floor)
    draft.tell(MessageKind.STOOD_DOWN, [giver])
    return draft.change()


def return_offer(escalation: Escalation, now: datetime) -> Change:
    """A reassigned person did not accept in time: the giver still has it and is told so."""
    if escalation.status is not Status.ACCEPTED:
        return NOTHING
    if escalation.accept_by is None or now < escalation.accept_by:
        return NOTHING
    assert escalation.offer is not None, f"{escalation.id} has an expiry without an offer"
    draft = Draft(escalation, now)
    asked = list(escalation.offer.candidates)
    draft.enter("offer_returned", ENGINE, facts={"asked": asked}, offer=None, accept_by=None)
    draft.tell(MessageKind.REMINDED, [escalation.owner], wakes=True)
    draft.tell(MessageKind.STOOD_DOWN, asked)
    return draft.change()


def release(
    escalation: Escalation, who: str, floor: Floor, now: datetime, *, reason: str = ""
) -> Change:
    """The owner gives it back: the same rung is asked without the releaser."""
    require(escalation, "release")
    permit(escalation, who, "release", floor)
    draft = Draft(escalation, now)
    _reopen(draft, "released", person(who), who, floor, reason=reason)
    return draft.change()


def _reopen(
    draft: Draft, kind: str, by: Actor, giver: str, floor: Floor, *, reason: str = ""
) -> None:
    """Back to open: the giver is out of this rung, the question falls, the ladder goes on."""
    before = draft.state
    declined = (*before.declined, giver)
    sealed = draft.reason(reason)
    resolution = _resolved(replace(before, declined=declined), floor, draft.at, start=before.rung)
    reopened = replace(
        before,
        status=Status.OPEN,
        control=Control.AGENT,
        hold_until=None,
        question=None,
        declined=declined,
    )
    draft.state = _asked_state(reopened, resolution, floor, draft.at)
    draft.enter(kind, by, facts={"from": giver}, sealed=sealed)
    _note_asked(draft, resolution)


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
    if taker is None or not taker.is_active or to in barred(escalation):
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
    stood_down = set(escalation.offer.candidates) - {to} if escalation.offer else set()
    draft.enter(
        "reassigned",
        person(who),
        facts={"to": to},
        sealed=draft.reason(reason),
        offer=Offer(candidates=(to,), until=until),
        accept_by=until,
        owner=to if escalation.status is Status.OPEN else escalation.owner,
        generation=escalation.generation + 1,
    )
    draft.tell(MessageKind.ASKED, [to], wakes=True)
    draft.tell(MessageKind.STOOD_DOWN, sorted(stood_down))
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
        decide_by=decide_by,
        promise_by=decide_by,
        extended_for=total,
    )
    draft.tell_end_user(MessageKind.PROMISE_MOVED)
    return draft.change()


# --- asking a rung ----------------------------------------------------------------------------


def ask(draft: Draft, floor: Floor, *, start: int) -> None:
    """Ask the first reachable rung from `start` on; who is no longer asked is told so."""
    before = draft.state
    asked = set(before.offer.candidates) if before.offer else set()
    resolution = _resolved(before, floor, draft.at, start=start)
    _enter_asked(draft, resolution, floor)
    draft.tell(MessageKind.STOOD_DOWN, sorted(asked - set(resolution.candidates)))


def is_candidate(escalation: Escalation, who: str) -> bool:
    """Whether this person is being asked now."""
    return escalation.offer is not None and who in escalation.offer.candidates


def _resolved(escalation: Escalation, floor: Floor, now: datetime, *, start: int) -> Resolution:
    last = len(escalation.ladder.rungs)
    return resolve(
        escalation.ladder,
        floor,
        now,
        start=min(start, last),
        declined=frozenset(escalation.declined),
        excluding=barred(escalation),
    )


def _asked_state(
    escalation: Escalation, resolution: Resolution, floor: Floor, now: datetime
) -> Escalation:
    candidates = resolution.candidates
    if escalation.terms.quorum > len(candidates):
        candidates = _enough_voters(escalation, resolution, floor, now)
    return replace(
        escalation,
        owner=resolution.owner,
        offer=Offer(candidates=candidates, until=resolution.until),
        rung=resolution.rung,
        accept_by=resolution.until,
        generation=escalation.generation + 1,
        reminders=0,
    )


def _enter_asked(draft: Draft, resolution: Resolution, floor: Floor) -> None:
    draft.state = _asked_state(draft.state, resolution, floor, draft.at)
    _note_asked(draft, resolution)


def _note_asked(draft: Draft, resolution: Resolution) -> None:
    for skip in resolution.skipped:
        draft.enter(
            "rung_skipped",
            ENGINE,
            facts={"rung": skip.rung, "target": skip.target, "why": skip.why},
        )
    offer = draft.state.offer
    assert offer is not None, f"{draft.state.id} asks nobody"
    draft.enter(
        "asked",
        ENGINE,
        facts={
            "rung": resolution.rung,
            "people": list(offer.candidates),
            "reason": resolution.reason,
            "wakes": resolution.wakes,
        },
    )
    draft.tell(MessageKind.ASKED, offer.candidates, wakes=resolution.wakes, urgency=0)


def _enough_voters(
    escalation: Escalation, first: Resolution, floor: Floor, now: datetime
) -> tuple[str, ...]:
    """Where more than one must agree, people of the next rungs are asked at the same time."""
    people = dict.fromkeys(first.candidates)
    for start in range(first.rung + 1, len(escalation.ladder.rungs) + 1):
        if len(people) >= escalation.terms.quorum:
            break
        people |= dict.fromkeys(_resolved(escalation, floor, now, start=start).candidates)
    return tuple(people)


def _voters_left(before: Escalation, who: str) -> Offer | None:
    """After an acceptance the others stay asked only where their votes are needed too."""
    if before.terms.quorum == 1 or before.offer is None or before.decide_by is None:
        return None
    others = tuple(each for each in before.offer.candidates if each != who)
    return Offer(candidates=others, until=before.decide_by) if others else None


def _held(escalation: Escalation, now: datetime) -> datetime:
    assert escalation.decide_by is not None, f"{escalation.id} is living without decide_by"
    return min(now + escalation.terms.hold_for, escalation.decide_by)
