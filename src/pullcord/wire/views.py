"""What the console shows: plain, complete values, so that a template only lays them out.

Every text in these models is untrusted unless its field says otherwise; templates escape it.
Times are aware UTC; the page converts to the viewer's zone.
"""

from datetime import datetime
from typing import Any

import msgspec

from pullcord.wire.replies import DecisionOut, OfferOut, PersonOut, Reply


class HeldOut(Reply, frozen=True, kw_only=True):
    """The whole database can be looked at, and nothing goes in or out."""

    since: datetime
    by: str
    why: str
    #: whether this viewer may let it go here
    may_let_go: bool = False


class ViewerOut(Reply, frozen=True, kw_only=True):
    """The signed-in person."""

    id: str
    shown_as: str
    name: str
    role: str
    workspace: str
    timezone: str
    #: "Maria is on call for billing until Mon 09:00"; empty when not on call
    duty: str = ""
    #: while nothing goes in or out, and until when nobody lets it go
    held: HeldOut | None = None


class InboxRow(Reply, frozen=True, kw_only=True):
    """One line of the inbox: everything needed to choose what to open first."""

    id: str
    question: str
    agent: str
    environment: str
    tool: str
    rule: str
    severity: str
    ask_kind: str
    status: str
    #: "being asked", "you have it", "Tom has it", "waiting for the agent", "decided"
    standing: str
    owner: PersonOut
    opened_at: datetime
    due_at: datetime | None
    decide_by: datetime | None
    #: "nobody decides → reject"
    fallback: str
    #: share of the time between opening and decide_by that has passed, 0..1
    elapsed: float
    is_irreversible: bool
    is_mine: bool
    is_offered_to_me: bool
    completeness: int  #: filled fields of 12
    end_user: str = ""
    purpose: str = "work"
    decided_as: str = ""
    closed_as: str = ""


class InboxView(Reply, frozen=True, kw_only=True):
    """One tab of the inbox."""

    tab: str  #: needs_me, queues, waiting, decided
    rows: list[InboxRow]
    counts: dict[str, int]  #: per tab; one that has reached `counted_to` may be higher
    counted_to: int = 100
    cursor: str = ""
    #: what to say when there are no rows, with figures of the day
    empty: str = ""


class FormField(Reply, frozen=True, kw_only=True):
    """One typed field of a form made from a tool's schema or its proposed arguments."""

    path: str  #: dotted name, e.g. "amount" or "address.city"
    label: str
    kind: str  #: text, long_text, number, integer, boolean, choice, list, json
    value: Any
    is_editable: bool = True
    is_required: bool = False
    choices: list[str] = []
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None
    help: str = ""


class OptionOut(Reply, frozen=True, kw_only=True):
    """One option of the decision."""

    id: str
    label: str
    consequence: str
    is_safe: bool = False


class HitOut(Reply, frozen=True, kw_only=True):
    """Why it stopped: the rule, its limit and what was observed."""

    rule: str
    mode: str
    threshold: str
    observed: str
    detail: str
    policy_version: str
    steward: str = ""


class Said(Reply, frozen=True, kw_only=True):
    """One message of the conversation, or a reply, comment or added context."""

    role: str  #: user, assistant, tool, person, agent, end_user
    who: str
    text: str
    at: datetime | None = None
    via: str = ""


class DoneOut(Reply, frozen=True, kw_only=True):
    """One thing the agent already did."""

    action: str
    result: str
    is_failed: bool = False
    is_reversible: str = ""


class TimelineLine(Reply, frozen=True, kw_only=True):
    """One entry as a sentence."""

    seq: int
    at: datetime
    kind: str
    who: str
    sentence: str
    detail: str = ""
    hash: str = ""


class ReceiptLine(Reply, frozen=True, kw_only=True):
    """What became of one message: of all tries of one copy that came out alike."""

    at: datetime
    #: the last of these tries, and how many there were
    last_at: datetime
    tries: int = 1
    to: str
    channel: str
    state: str
    #: the state as people read it
    words: str = ""
    #: what the message was about: an ask, a reminder, the decision
    about: str = ""
    detail: str = ""


class ChangedField(Reply, frozen=True, kw_only=True):
    """One argument that a person changed, or that drifted."""

    path: str
    before: str
    after: str


class DecidedOut(Reply, frozen=True, kw_only=True):
    """A decision with its content, as operators see it."""

    decision: DecisionOut
    sentence: str
    args: dict[str, Any] | None = None
    answer: str = ""
    option: str = ""
    note: str = ""
    changes: list[ChangedField] = []


class MayDo(Reply, frozen=True, kw_only=True):
    """One act this viewer may or may not do now; the page hides or explains accordingly."""

    verb: str
    is_allowed: bool
    why_not: str = ""


class DetailView(Reply, frozen=True, kw_only=True):
    """The whole page of one escalation."""

    row: InboxRow
    version: int
    generation: int
    shown_digest: str
    question: str
    situation: str
    situation_source: str
    consequence: str  #: what happens on approval, from configuration: trusted text
    reversible: str  #: yes, partly, no
    money: str
    tool_is_registered: bool
    args: dict[str, Any]  #: the exact arguments, raw: what a form starts from
    args_text: str  #: the same for people to read: indented, hidden characters made visible
    fields: list[FormField]
    options: list[OptionOut]
    answer_schema: dict[str, Any] | None
    hits: list[HitOut]
    facts: list[tuple[str, str]]  #: label and value captured by the system
    claims: list[tuple[str, str]]  #: label and text said by the agent
    unknowns: list[str]
    done: list[DoneOut]
    conversation: list[Said]
    cut_messages: int
    notes: list[Said]  #: context, replies and comments added since opening
    pending_question: Said | None
    offer: OfferOut | None
    owner: PersonOut
    owner_reason: str
    next_up: str  #: "then Tom at 14:20, then Dana (catch-all)"
    accept_by: datetime | None
    hold_until: datetime | None
    decide_by: datetime | None
    promise_by: datetime | None
    fallback: str  #: whole sentence: "If nobody decides by then it is rejected and Anna is told …"
    extendable_seconds: int
    votes_needed: int
    votes_given: int
    control: str
    decided: DecidedOut | None
    report: str
    drift: list[ChangedField]
    acts: list[MayDo]
    limits: list[str]  #: what the agent that asks cannot do with a decision
    people: list[PersonOut]  #: to whom it can be reassigned
    timeline: list[TimelineLine]
    receipts: list[ReceiptLine]
    completeness_score: int
    missing: list[str]
    hostile_marks: list[str]  #: hidden or misleading characters found in agent text
    status_url: str
    follows: str
    trace: str


class StatusStep(Reply, frozen=True, kw_only=True):
    """One of the four steps of the end user's status page."""

    label: str
    is_done: bool
    is_now: bool
    at: datetime | None = None


class StatusView(Reply, frozen=True, kw_only=True):
    """The end user's page: an allow-listed projection, nothing internal."""

    workspace_name: str
    headline: str  #: "Your refund request is with Maria from Billing."
    promise: str  #: "You will hear from us by 14:30."
    promise_by: datetime | None
    steps: list[StatusStep]
    passed_on: list[str]  #: what was passed on, so that they need not repeat it
    pending_question: str
    question_id: str
    may_reply: bool
    may_cancel: bool
    outcome: str
    said: list[Said]  #: what the end user added through this page
    is_over: bool
    timezone: str


class OnCallLine(Reply, frozen=True, kw_only=True):
    """Who answers one ladder now, and why."""

    ladder: str
    person: PersonOut
    reason: str
    until: datetime | None
    then: list[str]
    gaps: list[str]


class KeyLine(Reply, frozen=True, kw_only=True):
    """One API key as the console lists it; the secret is never shown again."""

    id: str
    agent: str
    environment: str
    creator: str
    created_at: datetime
    revoked_at: datetime | None
    note: str


class PersonLine(Reply, frozen=True, kw_only=True):
    """One person as the console lists them."""

    person: PersonOut
    name: str
    role: str
    email: str
    phone: str
    timezone: str
    is_active: bool
    has_account: bool
    holds: int
    availability: str  #: "available", "absent until …", "no contact"
    reach: str = ""  #: their own rules in one line


class PolicyLine(Reply, frozen=True, kw_only=True):
    """One applied policy version."""

    version: str
    by: str
    at: datetime
    is_current: bool
    rules: int


class AccountLine(Reply, frozen=True, kw_only=True):
    """An account or device somebody linked."""

    account: str
    name: str
    at: datetime


class ChannelLine(Reply, frozen=True, kw_only=True):
    """One way outward: what it can do, how it is, what the viewer linked on it."""

    name: str
    found_by: str
    abilities: list[str]
    limits: list[str]
    accepted: int
    delivered: int
    failed: int
    failure_share: float
    last_good_at: datetime | None
    alarm: str
    #: why the last try failed, in an alarm
    trouble: str = ""
    is_linkable: bool
    links_here: bool
    #: whether the viewer can be found on it now
    finds_you: bool
    #: what this browser needs to link itself; empty where it cannot
    invitation: str
    accounts: list[AccountLine]


class TriedOut(Reply, frozen=True, kw_only=True):
    """What became of a test letter."""

    channel: str
    has_arrived: bool
    detail: str


def to_plain(reply: Reply) -> Any:
    """A reply as plain JSON-ready values."""
    return msgspec.to_builtins(reply)
