"""What the server answers: the same models serve SDK, console tests and OpenAPI."""

from datetime import datetime
from typing import Any

import msgspec


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """The base of everything that goes out."""


class PersonOut(Reply, frozen=True, kw_only=True):
    """A person as agents and end users may see them."""

    id: str
    shown_as: str


class OfferOut(Reply, frozen=True, kw_only=True):
    """Who is being asked, and until when."""

    candidates: list[PersonOut]
    until: datetime


class DecisionOut(Reply, frozen=True, kw_only=True):
    """The public part of a decision; its content leaves only through collect."""

    kind: str
    by: PersonOut
    at: datetime
    expires_at: datetime
    applied: str = ""


class EscalationOut(Reply, frozen=True, kw_only=True):
    """One escalation as its agent may see it."""

    id: str
    status: str
    version: int
    generation: int
    tool: str
    ask_kind: str
    severity: str
    rule: str
    run: str
    call: str
    key: str
    owner: PersonOut
    opened_at: datetime
    offer: OfferOut | None = None
    accept_by: datetime | None = None
    hold_until: datetime | None = None
    decide_by: datetime | None = None
    collect_by: datetime | None = None
    report_by: datetime | None = None
    promise_by: datetime | None = None
    control: str = "agent"
    question: str = ""
    decision: DecisionOut | None = None
    closed_as: str = ""
    shown_digest: str = ""
    status_url: str = ""
    #: sentences: one for the model, one for the end user
    for_model: str = ""
    for_user: str = ""


class OpenOut(Reply, frozen=True, kw_only=True):
    """What happened to the call: `gate` carries the escalation, `deny` the reason."""

    verdict: str
    rule: str = ""
    reason: str = ""
    is_new: bool = False
    escalation: EscalationOut | None = None
    for_model: str = ""
    for_user: str = ""


class CollectedOut(Reply, frozen=True, kw_only=True):
    """The decision with its content: what the agent may execute, and the proof of it."""

    escalation: str
    kind: str
    tool: str
    run: str
    call: str
    #: decided arguments (None unless approve or edit)
    args: dict[str, Any] | None
    answer: Any
    option: str
    note: str
    by: PersonOut
    at: datetime
    expires_at: datetime
    #: canonical document the digest is over, with the decided arguments
    document: dict[str, Any] | None
    decided_digest: str
    key_id: str
    signature: str
    signed: dict[str, Any]
    for_model: str
    for_user: str
    attempt: str
    applied: str = ""


class DecisionsOut(Reply, frozen=True, kw_only=True):
    """`GET /v1/decisions`: which escalations of this key are decided; fetch each by collect."""

    decided: list[EscalationOut]


class EntryOut(Reply, frozen=True, kw_only=True):
    """One entry of a timeline with its place in the chain."""

    seq: int
    at: datetime
    kind: str
    by: str
    facts: dict[str, Any]
    hash: str


class PageOut(Reply, frozen=True, kw_only=True):
    """A page of escalations; an empty cursor is the end."""

    escalations: list[EscalationOut]
    cursor: str = ""


class RulesOut(Reply, frozen=True, kw_only=True):
    """`GET /v1/policy` for the SDK: the policy to evaluate locally, for this key."""

    version: str
    environment: str
    agent: str
    document: dict[str, Any]
    #: seconds after which the SDK must ask the server again
    stale_after: int
    #: public keys by id (base64url) that decisions are signed with
    public_keys: dict[str, str]


class VerdictOut(Reply, frozen=True, kw_only=True):
    """`POST /v1/explain`."""

    verdict: str
    rule: str
    reason: str
    policy_version: str
    lines: list[str]
    owner: PersonOut | None = None
    owner_reason: str = ""


class ProblemOut(Reply, frozen=True, rename={"kind": "type"}):
    """RFC 9457 problem; `type` is stable, `detail` says what to do."""

    kind: str
    title: str
    status: int
    detail: str
    field: str = ""
    value: str = ""
    limit: str = ""
    remedy: str = ""
    by: str = ""
    attempt: str = ""
