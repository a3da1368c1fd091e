"""What the client asks of the server, as plain values: made by pure functions, sent by either face.

A plan knows its path, body, time limit, what a good answer is decoded to, and whether it may be
repeated when nobody knows what became of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar
from urllib.parse import quote

import msgspec

from pullcord.errors import InvalidInput
from pullcord.wire.bounds import BODY_BYTES_MAX, WAIT_SECONDS_MAX
from pullcord.wire.replies import (
    CollectedOut,
    DecisionsOut,
    EscalationOut,
    OpenOut,
    PageOut,
    RulesOut,
    VerdictOut,
)
from pullcord.wire.requests import (
    CallsIn,
    CollectIn,
    ContextIn,
    ExplainIn,
    OpenIn,
    ReplyIn,
    ReportIn,
    WithdrawIn,
)

#: seconds an ordinary request may take
ANSWER_WITHIN = 10.0
#: seconds a poll may take beyond the time it waits
POLL_GRACE = 5.0

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Plan(Generic[T_co]):
    """One request, ready to be sent."""

    method: str
    path: str
    #: what a good answer is decoded to
    gives: type[T_co]
    body: bytes | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    #: seconds until the server must have answered
    within: float = ANSWER_WITHIN
    #: the same request twice does what it does once
    is_repeatable: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers with lower-case names, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Recorded(msgspec.Struct, frozen=True):
    """The answer to a batch of calls."""

    recorded: int = 0


def open_escalation(request: OpenIn) -> Plan[OpenOut]:
    """Stop a call, or ask by itself; the same key again is the same escalation."""
    return _post("/v1/escalations", request, OpenOut)


def look_at(escalation: str) -> Plan[EscalationOut]:
    """One escalation as it stands."""
    return Plan("GET", _of(escalation), EscalationOut)


def page(*, cursor: str = "", limit: int = 100, **wanted: str) -> Plan[PageOut]:
    """A page of this key's escalations."""
    query = {name: value for name, value in wanted.items() if value}
    query["limit"] = str(limit)
    if cursor:
        query["cursor"] = cursor
    return Plan("GET", "/v1/escalations", PageOut, query=query)


def decided(*, wait: float, attempt: str, escalation: str = "") -> Plan[DecisionsOut]:
    """What is decided for this key, held by the server until there is something.

    With `escalation` only that one counts, so that others' decisions do not end the wait.
    """
    seconds = min(max(0, int(wait)), WAIT_SECONDS_MAX)
    query = {"wait": str(seconds), "attempt": attempt}
    if escalation:
        query["escalation"] = escalation
    within = seconds + POLL_GRACE
    return Plan("GET", "/v1/decisions", DecisionsOut, query=query, within=within)


def collect(escalation: str, *, attempt: str) -> Plan[CollectedOut]:
    """Take the decision; the same attempt gets the same answer."""
    return _post(f"{_of(escalation)}/collect", CollectIn(attempt=attempt), CollectedOut)


def report(escalation: str, request: ReportIn) -> Plan[EscalationOut]:
    """Say what was executed."""
    return _post(f"{_of(escalation)}/report", request, EscalationOut)


def withdraw(escalation: str, *, reason: str) -> Plan[EscalationOut]:
    """Take the question back."""
    return _post(f"{_of(escalation)}/withdraw", WithdrawIn(reason=reason), EscalationOut)


def add_context(escalation: str, *, text: str) -> Plan[EscalationOut]:
    """Tell the people who decide something more."""
    return _once(_post(f"{_of(escalation)}/context", ContextIn(text=text), EscalationOut))


def reply(escalation: str, *, question: str, text: str) -> Plan[EscalationOut]:
    """Answer what the owner asked."""
    request = ReplyIn(question=question, text=text)
    return _once(_post(f"{_of(escalation)}/reply", request, EscalationOut))


def rules(*, etag: str) -> Plan[RulesOut]:
    """The policy of this key; 304 when it is still the one with this tag."""
    return Plan("GET", "/v1/policy", RulesOut, headers={"if-none-match": etag} if etag else {})


def record_calls(request: CallsIn) -> Plan[Recorded]:
    """A batch of guarded calls that needed no person."""
    return _post("/v1/calls", request, Recorded)


def explain(request: ExplainIn) -> Plan[VerdictOut]:
    """What would happen to a call."""
    return _post("/v1/explain", request, VerdictOut)


def _of(escalation: str) -> str:
    return f"/v1/escalations/{quote(escalation, safe='')}"


def _once(plan: Plan[T_co]) -> Plan[T_co]:
    """The same plan, which would do its work twice if it were sent twice."""
    return replace(plan, is_repeatable=False)


def _post(path: str, request: msgspec.Struct, gives: type[T_co]) -> Plan[T_co]:
    body = msgspec.json.encode(request)
    if len(body) > BODY_BYTES_MAX:
        raise InvalidInput(
            "request",
            value=f"{len(body)} bytes",
            limit=f"{BODY_BYTES_MAX} bytes",
            remedy="Send smaller arguments; name large ones in exclude=.",
        )
    return Plan("POST", path, gives, body)
