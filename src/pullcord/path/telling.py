"""The timeline in words: every kind of entry as one sentence for the people who work with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pullcord.path.escalation import Actor, ClosedAs, DecisionKind, Fallback
from pullcord.path.promise import APPLIED, DECIDED
from pullcord.path.wording import Reader, actor_of, called, listed, span

_CLOSED: Mapping[str, str] = {
    ClosedAs.UNCOLLECTED: "Nobody collected the decision in time; the technical contact was told",
    ClosedAs.EFFECT_UNKNOWN: "No report came, so the effect is unknown; nothing runs again, "
    "and the technical contact was told",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One entry as it is told: who acted, what it says, what it changed."""

    by: Actor
    facts: Mapping[str, Any]
    sets: Mapping[str, Any]
    reader: Reader

    @property
    def who(self) -> str:
        """Who acted, fit to begin a sentence."""
        return called(self.by, self.reader)

    def people(self, fact: str) -> str:
        """The people a fact lists."""
        return listed([self.reader.name(str(each)) for each in self.facts.get(fact) or ()])

    def person(self, fact: str) -> str:
        """The person a fact names."""
        return self.reader.name(str(self.facts.get(fact, "")))

    def until(self, field: str, lead: str = " until ") -> str:
        """The time a changed field now holds; empty when it did not change."""
        at = self.sets.get(field)
        return lead + self.reader.clock(datetime.fromisoformat(at)) if at else ""


def sentence(body: Mapping[str, Any], reader: Reader) -> str:
    """One entry's body (see `timeline.link`) as a sentence."""
    told = Told(actor_of(body["by"]), body["facts"], body["sets"], reader)
    teller = TELLERS.get(body["kind"])
    said = teller(told) if teller else f"{told.who}: {body['kind'].replace('_', ' ')}"
    return said + "."


def _opened(told: Told) -> str:
    rule, tool = told.facts.get("rule"), told.facts.get("tool")
    after = f", following {told.facts['follows']}" if told.facts.get("follows") else ""
    if rule and tool:
        return f"{told.who} was stopped at {tool} by rule {rule}{after}"
    if rule:
        return f"{told.who} was stopped by rule {rule}{after}"
    return f"{told.who} asked{f' about {tool}' if tool else ''}{after}"


def _asked(told: Told) -> str:
    many = len(told.facts.get("people") or ()) != 1
    woken = ", and may be woken" if told.facts.get("wakes") else ""
    verb = "are" if many else "is"
    until = told.until("accept_by")
    why = told.reader.local(str(told.facts.get("reason")))
    return f"{told.people('people')} {verb} being asked{until}{woken}: {why}"


def _skipped(told: Told) -> str:
    return (
        f"{told.facts.get('target')} was skipped: {told.reader.local(str(told.facts.get('why')))}"
    )


def _accepted(told: Told) -> str:
    giver = f", instead of {told.person('from')}" if told.facts.get("from") else ""
    return f"{told.who} has it{giver}"


def _declined(told: Told) -> str:
    stays = ", and stays asked as the last of the ladder" if told.facts.get("stays") else ""
    return f"{told.who} said: not me{stays}"


def _not_reached(told: Told) -> str:
    stays = "; reminders go on" if told.facts.get("stays") else ""
    return f"{told.person('person')} could not be reached on any channel{stays}"


def _rung_expired(told: Told) -> str:
    return f"{told.people('asked')} did not answer in time"


def _reminded(told: Told) -> str:
    return f"Reminder {told.facts.get('count')} went out"


def _lapsed(told: Told) -> str:
    return f"The time {told.person('from')} had for it is over; others are asked"


def _released(told: Told) -> str:
    return f"{told.who} gave it back; others are asked"


def _offer_returned(told: Told) -> str:
    return f"{told.people('asked')} did not answer, so it stays where it was"


def _reassigned(told: Told) -> str:
    return f"{told.who} offered it to {told.person('to')}{told.until('accept_by')}"


def _snoozed(told: Told) -> str:
    return f"{told.who} holds it{told.until('hold_until')}"


def _extended(told: Told) -> str:
    more = span(timedelta(seconds=int(told.facts.get("seconds", 0))))
    return f"{told.who} took {more} more{told.until('decide_by', ', and promised ')}"


def _asked_back(told: Told) -> str:
    to = str(told.facts.get("to", "")).replace("_", " ")
    return f"{told.who} asked the {to} a question"


def _replied(told: Told) -> str:
    return f"{told.who} answered the question"


def _context_added(told: Told) -> str:
    return f"{told.who} added context"


def _commented(told: Told) -> str:
    return f"{told.who} left a note for colleagues"


def _voted(told: Told) -> str:
    return f"One vote was given; {told.facts.get('needed')} have to agree"


def _decided(told: Told) -> str:
    applied = told.facts.get("applied")
    if applied:
        return f"Nobody decided in time, {APPLIED[Fallback(applied)]}"
    said = f"{told.who} {DECIDED[DecisionKind(told.facts['kind'])]}"
    votes = [
        f"{told.reader.name(each['by'])} {DECIDED[DecisionKind(each['kind'])]}"
        for each in told.facts.get("votes") or ()
    ]
    return f"{said}; votes: {', '.join(votes)}" if votes else said


def _taken_over(told: Told) -> str:
    return f"{told.who} took over the conversation"


def _kept_waiting(told: Told) -> str:
    return f"Nobody decided in time; it keeps waiting{told.until('decide_by')}"


def _withdrawn(told: Told) -> str:
    return f"{told.who} took the question back"


def _collected(told: Told) -> str:
    return f"{told.who} took the decision"


def _reported(told: Told) -> str:
    follows = told.facts.get("followed_by")
    drift = f"; it is not what was decided, {follows} asks about it" if follows else ""
    outcome = str(told.facts.get("outcome", "")).replace("_", " ")
    return f"{told.who} reported: {outcome}{drift}"


def _reported_late(told: Told) -> str:
    return f"{_reported(told)}, after its time"


def _closed(told: Told) -> str:
    return _CLOSED.get(str(told.facts.get("as")), f"It is closed: {told.facts.get('why')}")


#: every kind of entry that the path writes; a test holds this complete
TELLERS: Mapping[str, Callable[[Told], str]] = {
    "opened": _opened,
    "asked": _asked,
    "rung_skipped": _skipped,
    "accepted": _accepted,
    "declined": _declined,
    "not_reached": _not_reached,
    "rung_expired": _rung_expired,
    "reminded": _reminded,
    "lapsed": _lapsed,
    "released": _released,
    "offer_returned": _offer_returned,
    "reassigned": _reassigned,
    "snoozed": _snoozed,
    "extended": _extended,
    "asked_back": _asked_back,
    "replied": _replied,
    "context_added": _context_added,
    "commented": _commented,
    "voted": _voted,
    "decided": _decided,
    "taken_over": _taken_over,
    "kept_waiting": _kept_waiting,
    "withdrawn": _withdrawn,
    "collected": _collected,
    "reported": _reported,
    "reported_late": _reported_late,
    "closed": _closed,
}
