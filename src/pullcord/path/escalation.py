"""The escalation: the durable record of one stop, and what surrounds it.

One noun, drawn once. Nothing here acts; the verbs live beside this file and return a `Change`.

    open ──accept──▶ accepted ──decide──▶ decided ──collect──▶ collected ──report──▶ closed
     │ ▲               │                    ▲  │
     │ └─lapse,release─┘                    │  └──nobody collects───────────────────▶ closed
     ├──withdraw──▶ withdrawn ◀──withdraw───│──(from accepted)
     └──decide, fall back───────────────────┘
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import Any

from pullcord.owner.ladder import Ladder

#: A JSON value: object, array, string, number, boolean or null.
Json = Any


class Status(StrEnum):
    """Where an escalation stands."""

    OPEN = "open"  #: an owner is being asked; nobody has accepted yet
    ACCEPTED = "accepted"  #: a named person has said "I have it"
    DECIDED = "decided"  #: the decision stands; the agent has not taken it yet
    COLLECTED = "collected"  #: the agent took the decision and has not reported yet
    CLOSED = "closed"  #: it has ended; `closed_as` says how
    WITHDRAWN = "withdrawn"  #: the agent or end user took the question back


#: Statuses in which people are still needed.
LIVING = frozenset({Status.OPEN, Status.ACCEPTED})
#: Statuses after which nothing happens any more.
ENDED = frozenset({Status.CLOSED, Status.WITHDRAWN})


class Purpose(StrEnum):
    """Why the escalation exists."""

    WORK = "work"  #: a real stop of an agent
    DRILL = "drill"  #: a marked test through a real ladder; never counted
    CONTROL = "control"  #: a planted case that checks attention; never counted


class Control(StrEnum):
    """Who runs the conversation of this escalation's run."""

    AGENT = "agent"
    HUMAN = "human"


class AskKind(StrEnum):
    """What kind of answer is asked for."""

    APPROVE = "approve"  #: may this call run?
    ANSWER = "answer"  #: a question with a free or typed answer
    CHOOSE = "choose"  #: one of the options
    TAKE_OVER = "take_over"  #: a person should take the conversation


class DecisionKind(StrEnum):
    """What was decided."""

    APPROVE = "approve"
    EDIT = "edit"  #: approved with changed arguments
    REJECT = "reject"
    ANSWER = "answer"
    CHOOSE = "choose"
    HAND_BACK = "hand_back"  #: the person returns control to the agent, with a note
    NOBODY_DECIDED = "nobody_decided"  #: the fallback spoke; a kind of its own


class Fallback(StrEnum):
    """What the rule decides when no person does."""

    REJECT = "reject"
    NO_ANSWER = "no_answer"
    SAFE_OPTION = "safe_option"
    KEEP_WAITING = "keep_waiting"
    APPROVE = "approve"  #: only where a rule names it


class ClosedAs(StrEnum):
    """How an escalation ended."""

    EXECUTED = "executed"
    FAILED = "failed"
    DRIFTED = "drifted"  #: something else was executed than decided; a new escalation asks about it
    NOT_NEEDED = "not_needed"
    UNCOLLECTED = "uncollected"  #: nobody collected the decision in time
    EFFECT_UNKNOWN = "effect_unknown"  #: collected and never reported: nothing re-executes


class ActorKind(StrEnum):
    """What kind of party did something."""

    PERSON = "person"
    AGENT = "agent"
    END_USER = "end_user"  #: through the status page: "via link"
    ENGINE = "engine"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something: a person, an agent, the end user, or the engine by rule."""

    kind: ActorKind
    id: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" if self.id else str(self.kind)


#: The engine, acting by rule.
ENGINE = Actor(ActorKind.ENGINE)


def person(person_id: str) -> Actor:
    """The person with this id, as an actor."""
    return Actor(ActorKind.PERSON, person_id)


def agent(agent_id: str) -> Actor:
    """The agent with this id, as an actor."""
    return Actor(ActorKind.AGENT, agent_id)


@dataclass(frozen=True, slots=True)
class Terms:
    """The deadlines and rules an escalation was opened under, pinned for its whole life."""

    fallback: Fallback = Fallback.REJECT
    #: counts from opening and is the promise
    decide_within: timedelta = timedelta(hours=2)
    #: how long an acceptance holds before it lapses
    hold_for: timedelta = timedelta(minutes=30)
    #: how long a decision waits for its agent
    collect_within: timedelta = timedelta(days=7)
    #: how long the agent has to say what it executed
    report_within: timedelta = timedelta(hours=1)
    #: how far `decide_by` may move in total by `extend`
    extend_at_most: timedelta = timedelta(hours=24)
    #: how long a reassigned person has to accept before the offer returns
    reassign_within: timedelta = timedelta(minutes=10)
    #: how often a waiting escalation asks again when its fallback is to keep waiting
    call_back_every: timedelta = timedelta(hours=1)
    #: how many persons must agree on one decision
    quorum: int = 1
    #: the option marked safe, for asks of kind choose
    safe_option: str | None = None
    #: whether the end user may take the question back from the status page
    end_user_may_withdraw: bool = True


@dataclass(frozen=True, slots=True)
class Offer:
    """Who is being asked, and until when; people read "being asked", never "has it"."""

    candidates: tuple[str, ...]
    until: datetime
    #: the candidate somebody named by `reassign`; empty when the ladder chose them all
    taker: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A question from the owner that waits for the agent or the end user."""

    id: str
    to: ActorKind
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's verdict where more than one is needed."""

    by: str
    at: datetime
    kind: DecisionKind
    #: what votes must agree on: the decided digest, or the digest of an answer
    digest: str | None = None
    option: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, its public part; arguments, answer and note are sealed content."""

    kind: DecisionKind
    #: person id, or "rule" when nobody decided
    by: str
    at: datetime
    via: str
    #: SHA-256 of the proposal with the decided arguments; None when there is nothing to execute
    decided_digest: str | None
    #: after this instant the decision may no longer be executed
    expires_at: datetime
    nonce: str
    #: name of the sealed content with arguments, answer, note
    content: str
    option: str | None = None
    #: what the fallback applied; only for `nobody_decided`
    applied: Fallback | None = None
    has_note: bool = False
    key_id: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Escalation:
    """One stop of an agent and who owns it now. Changed only by the verbs of this room."""

    # --- what it is: fixed at opening -------------------------------------------------------
    workspace: str
    id: str
    environment: str
    agent: str
    #: id of the API key it was opened with
    agent_key: str
    #: the idempotency key, unique per agent key
    key: str
    opened_at: datetime
    tool: str
    ask_kind: AskKind
    severity: str
    #: id of the deciding rule; empty when the agent asked by itself
    rule: str
    policy_version: str
    ladder: Ladder
    terms: Terms
    #: identity of the request body: digest of action and ask, context excluded
    body_digest: str
    #: digest of the canonical document that people are shown
    shown_digest: str
    nonce: str
    #: whose key it is: may not decide at high severity; is asked outside production
    requester: str
    purpose: Purpose = Purpose.WORK
    run: str = ""
    call: str = ""
    turn: str = ""
    tool_version: str = ""
    #: opaque reference of the end user; their name is sealed
    end_user: str = ""
    #: technical contact, told when the agent goes missing
    contact: str = ""
    #: SHA-256 of the status page's token
    status_digest: str = ""
    trace: str = ""
    #: id of the escalation this one follows (late decision, drift)
    follows: str = ""
    #: False: no agent waits; the decision itself ends it
    is_awaited: bool = True

    # --- where it stands ----------------------------------------------------------------
    #: grows by one with every Change
    version: int = 0
    #: grows when other people are asked; timers and messages of an older one do nothing
    generation: int = 0
    status: Status = Status.OPEN
    control: Control = Control.AGENT
    #: the one accountable person; never empty while it lives
    owner: str = ""
    offer: Offer | None = None
    #: index into the ladder; len(rungs) is the catch-all
    rung: int = 0
    #: who declined, released, let it lapse or could not be reached; asked again as catch-all only
    declined: tuple[str, ...] = ()
    #: reminders sent since the last person was asked
    reminders: int = 0
    # the five named deadlines
    accept_by: datetime | None = None
    hold_until: datetime | None = None
    decide_by: datetime | None = None
    collect_by: datetime | None = None
    report_by: datetime | None = None
    #: the time by which the end user will hear
    promise_by: datetime | None = None
    #: sum of all extensions so far
    extended_for: timedelta = timedelta(0)
    question: Question | None = None
    decision: Decision | None = None
    #: the agent's attempt that collected the decision
    attempt: str = ""
    closed_as: ClosedAs | None = None
    ended_at: datetime | None = None

    # --- private: never in timeline, stream or export until the quorum is complete --------
    votes: tuple[Vote, ...] = ()

    @property
    def due_at(self) -> datetime | None:
        """The earliest named deadline; None only when it has ended."""
        named = (self.accept_by, self.hold_until, self.decide_by, self.collect_by, self.report_by)
        return min((at for at in named if at is not None), default=None)

    @property
    def is_living(self) -> bool:
        """Whether people are still needed."""
        return self.status in LIVING

    @property
    def is_at_catch_all(self) -> bool:
        """Whether every rung has been tried and the catch-all is asked."""
        return self.rung >= len(self.ladder.rungs)


_NAMES = tuple(each.name for each in fields(Escalation))
_values: Callable[[Escalation], tuple[Any, ...]] = attrgetter(*_NAMES)


def moved_on(escalation: Escalation, **updates: Any) -> Escalation:
    """The escalation with these fields changed: `dataclasses.replace`, at half its cost."""
    return Escalation(**(dict(zip(_NAMES, _values(escalation), strict=True)) | updates))


class MessageKind(StrEnum):
    """Why somebody is told something."""

    ASKED = "asked"  #: you are being asked to take this
    REMINDED = "reminded"  #: it still waits for you
    STOOD_DOWN = "stood_down"  #: no longer yours to answer: somebody else is asked or has it
    ACCEPTED = "accepted"  #: a named person has it
    TAKEN_OVER = "taken_over"  #: a named person has the conversation now
    QUESTION = "question"  #: the owner asks you something
    REPLIED = "replied"  #: your question was answered
    DECIDED = "decided"  #: it is decided
    WITHDRAWN = "withdrawn"  #: it was taken back
    CLOSED = "closed"  #: it has ended
    AGENT_GONE = (
        "agent_gone"  #: the agent did not collect or report; somebody technical should look
    )
    PROMISE_MOVED = "promise_moved"  #: the time by which the end user hears has changed


@dataclass(frozen=True, slots=True)
class Message:
    """One thing somebody must be told; the courier chooses channels and keeps receipts."""

    escalation: str
    #: "person", "agent", "end_user"
    to: ActorKind
    #: person id; empty for agent and end user
    to_id: str
    kind: MessageKind
    generation: int
    at: datetime
    wakes: bool = False
    #: 0 is the most urgent
    urgency: int = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, as the verb says it; the store keeps it chained and sealed."""

    escalation: str
    kind: str  #: a past participle: opened, rung_expired, decided
    at: datetime
    by: Actor
    #: why and how, for people; public
    facts: Mapping[str, Json] = field(default_factory=dict)
    #: public fields of the escalation that changed, with their new plain values
    sets: Mapping[str, Json] = field(default_factory=dict)
    #: content to be sealed, by name
    sealed: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What a verb wants: new states, entries and messages, which commit together or not at all."""

    escalations: tuple[Escalation, ...] = ()
    entries: tuple[Entry, ...] = ()
    messages: tuple[Message, ...] = ()

    def __add__(self, other: "Change") -> "Change":
        return Change(
            self.escalations + other.escalations,
            self.entries + other.entries,
            self.messages + other.messages,
        )

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.escalations or self.entries or self.messages)
