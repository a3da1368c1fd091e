"""People, a ladder and an escalation in every status: the scenes these tests play in."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pullcord.owner.floor import Floor
from pullcord.owner.ladder import Ladder, Rung, parse_target
from pullcord.owner.roster import Absence, Person, Role, Team
from pullcord.path.asking import accept, open_escalation, reassign
from pullcord.path.deciding import Ruling, decide, fall_back
from pullcord.path.ending import Fresh, Report, collect, report, withdraw
from pullcord.path.escalation import (
    AskKind,
    Change,
    ClosedAs,
    DecisionKind,
    Escalation,
    Message,
    MessageKind,
    Status,
    Terms,
    agent,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SHOWN = {"ask": {"question": "Refund EUR 480 to Anna?"}}


def somebody(name: str, role: Role = Role.OPERATOR, **changes: Any) -> Person:
    """A person who can be asked."""
    return Person(name, name.title(), f"{name.title()} from Billing", role, **changes)


PEOPLE = {
    each.id: each
    for each in (
        somebody("ana"),
        somebody("ben"),
        somebody("cyd"),
        somebody("dana", Role.LEAD),
        somebody("eve"),
        somebody("gus", is_active=False),
        somebody("olga", Role.AUDITOR),
        somebody("vic", Role.DEVELOPER),
        somebody("kim", Role.ADMIN),
    )
}
FLOOR = Floor(version=1, at=NOON, people=PEOPLE, teams={"billing": Team("billing", ("ana", "ben"))})
LADDER = Ladder(
    id="billing",
    rungs=(
        Rung(parse_target("team/billing"), 10 * MINUTE),
        Rung(parse_target("person/cyd"), 20 * MINUTE, wakes=True),
    ),
    catch_all="dana",
)


def floor_with(**people: Mapping[str, Any]) -> Floor:
    """The floor, some people changed: `floor_with(ana={"is_active": False})`."""
    changed = {who: replace(PEOPLE[who], **changes) for who, changes in people.items()}
    return replace(FLOOR, people={**PEOPLE, **changed})


def away(start_at: datetime = NOON - HOUR, end_at: datetime = NOON + 24 * HOUR) -> dict[str, Any]:
    """A change of a person: they are away."""
    return {"absences": (Absence(start_at, end_at),)}


def sign(facts: Mapping[str, Any]) -> tuple[str, str]:
    """A signature that says what it is over."""
    return "key_1", f"signed {facts['kind']} of {facts['escalation']}"


def blank(**changes: Any) -> Escalation:
    """An escalation about to be opened; `terms` may be given as keywords of `Terms`."""
    terms = changes.pop("terms", {})
    facts: dict[str, Any] = {
        "workspace": "shop",
        "id": "esc_1",
        "environment": "production",
        "agent": "support",
        "agent_key": "pk_1",
        "key": "run_1/call_1",
        "opened_at": NOON,
        "tool": "issue_refund",
        "ask_kind": AskKind.APPROVE,
        "severity": "normal",
        "rule": "refund-over-limit",
        "policy_version": "p_1",
        "ladder": LADDER,
        "terms": Terms(**terms) if isinstance(terms, dict) else terms,
        "body_digest": "body",
        "shown_digest": "shown",
        "nonce": "nonce",
        "requester": "vic",
        "end_user": "u_7",
        "contact": "eve",
        "run": "run_1",
    }
    return Escalation(**{**facts, **changes})


def only(change: Change) -> Escalation:
    """The one escalation of a Change."""
    (escalation,) = change.escalations
    return escalation


def kinds(change: Change) -> list[str]:
    """The kinds of a Change's entries, in order."""
    return [each.kind for each in change.entries]


def told(change: Change, kind: MessageKind) -> list[str]:
    """Who is told this, in order."""
    return [each.to_id for each in messages(change, kind)]


def messages(change: Change, kind: MessageKind) -> list[Message]:
    """The messages of one kind."""
    return [each for each in change.messages if each.kind is kind]


def opened(floor: Floor = FLOOR, **changes: Any) -> Escalation:
    """Open at noon: Ana owns it, Ana and Ben are asked."""
    return only(open_escalation(blank(**changes), SHOWN, floor, NOON))


def accepted(who: str = "ana", **changes: Any) -> Escalation:
    """Accepted a minute after noon."""
    return only(accept(opened(**changes), who, FLOOR, NOON + MINUTE))


def offered(to: str = "cyd", **changes: Any) -> Escalation:
    """Accepted by Ana, who offers it to somebody else two minutes after noon."""
    return only(reassign(accepted(**changes), "ana", FLOOR, NOON + 2 * MINUTE, to=to))


def ruling(kind: DecisionKind = DecisionKind.APPROVE, **changes: Any) -> Ruling:
    """What somebody wants to decide; approving is over what was shown."""
    digests = {DecisionKind.APPROVE: "shown", DecisionKind.EDIT: "edited"}
    facts: dict[str, Any] = {
        "kind": kind,
        "via": "console",
        "nonce": "nonce_2",
        "digest": digests.get(kind),
        "content": {"note": ""},
    }
    return Ruling(**{**facts, **changes})


def decided(kind: DecisionKind = DecisionKind.APPROVE, **changes: Any) -> Escalation:
    """Decided by Ana three minutes after noon."""
    change = decide(
        accepted(**changes), "ana", FLOOR, NOON + 3 * MINUTE, ruling=ruling(kind), sign=sign
    )
    return only(change)


def undecided(**changes: Any) -> Escalation:
    """Decided by rule, because nobody did."""
    escalation = opened(**changes)
    assert escalation.decide_by is not None
    return only(fall_back(escalation, escalation.decide_by, sign=sign, nonce="nonce_3"))


def collected(escalation: Escalation | None = None) -> Escalation:
    """Collected by the attempt `a1`."""
    standing = decided() if escalation is None else escalation
    assert standing.decision is not None
    return only(collect(standing, standing.decision.at + MINUTE, attempt="a1"))


def told_of(
    outcome: ClosedAs = ClosedAs.EXECUTED, digest: str | None = "shown", attempt: str = "a1"
) -> Report:
    """What the agent says it did."""
    return Report(attempt, outcome, digest, {"outcome": str(outcome)})


def closed(escalation: Escalation | None = None) -> Escalation:
    """Reported as decided."""
    standing = collected(escalation)
    assert standing.decision is not None
    outcome = ClosedAs.EXECUTED if standing.decision.decided_digest else ClosedAs.NOT_NEEDED
    return only(
        report(standing, told_of(outcome), FLOOR, standing.decision.at + 2 * MINUTE, fresh=None)
    )


def withdrawn() -> Escalation:
    """Taken back by its agent."""
    return only(withdraw(opened(), agent("support"), NOON + MINUTE))


def fresh(escalation: str = "esc_2") -> Fresh:
    """Identity and content of an escalation that follows."""
    return Fresh(escalation, "nonce_9", "body_2", "shown_2", "status_2", SHOWN)


#: one escalation in every status
SAMPLES: Mapping[Status, Escalation] = {
    Status.OPEN: opened(),
    Status.ACCEPTED: accepted(),
    Status.DECIDED: decided(),
    Status.COLLECTED: collected(),
    Status.CLOSED: closed(),
    Status.WITHDRAWN: withdrawn(),
}
