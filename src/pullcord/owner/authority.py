"""Who may do what: one table of roles and verbs, asked with the facts of one escalation."""

from collections.abc import Mapping
from dataclasses import dataclass

from pullcord.owner.roster import Person, Role

#: severities at which the person behind the agent's key may not decide in production
SEPARATED = frozenset({"high", "critical"})
PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Allowed:
    """Yes."""


@dataclass(frozen=True, slots=True)
class Refused:
    """No, and why, in words for the person who tried."""

    reason: str


ALLOWED = Allowed()

#: verb to the positions that may use it; "lead" means role lead or admin, anywhere
POSITIONS: Mapping[str, tuple[str, ...]] = {
    "accept": ("candidate", "lead"),
    "decline": ("candidate",),
    "release": ("owner",),
    "reassign": ("owner", "lead"),
    "snooze": ("owner", "lead"),
    "extend": ("owner", "lead"),
    "ask": ("owner",),
    "context": ("anybody",),
    "comment": ("anybody",),
    "decide": ("owner", "candidate"),
    "take_over": ("owner",),
    "hand_back": ("owner",),
    "decide_late": ("worker",),
}

#: what the positions are called towards people
CALLED: Mapping[str, str] = {
    "owner": "the owner",
    "candidate": "somebody who is being asked",
    "lead": "a lead",
    "worker": "an operator",
    "anybody": "anybody",
}

#: roles that only look
LOOKERS = frozenset({Role.AUDITOR, Role.DEVELOPER})
#: verbs a looker may use all the same
LOOKERS_MAY = frozenset({"comment"})
LEADERS = frozenset({Role.LEAD, Role.ADMIN})

#: acts outside an escalation: what each role may do in the workspace
WORKSPACE: Mapping[str, frozenset[Role]] = {
    "read": frozenset(Role),
    "configure": frozenset({Role.LEAD, Role.ADMIN}),
    "keys": frozenset({Role.DEVELOPER, Role.LEAD, Role.ADMIN}),
    "people": frozenset({Role.ADMIN, Role.LEAD}),
    "export": frozenset({Role.AUDITOR, Role.ADMIN, Role.LEAD}),
    #: auditors prove what happened; they add nothing to it
    "label": frozenset(Role) - {Role.AUDITOR},
    "hold": frozenset({Role.ADMIN, Role.LEAD}),
}


def may(
    person: Person,
    verb: str,
    *,
    is_owner: bool,
    is_candidate: bool,
    is_requester: bool,
    severity: str,
    environment: str,
) -> Allowed | Refused:
    """Whether this person may use this verb on an escalation with these facts."""
    if person.role in LOOKERS and verb not in LOOKERS_MAY and environment == PRODUCTION:
        return Refused(f"{person.name} has the role {person.role}, which may look but not act.")
    if _is_separated(verb, is_requester, severity, environment):
        return Refused(
            f"{person.name} made this agent's key, so at severity {severity} somebody else decides."
        )
    held = {
        "owner": is_owner,
        "candidate": is_candidate,
        "lead": person.role in LEADERS,
        "worker": person.role not in LOOKERS or environment != PRODUCTION,
        "anybody": True,
    }
    positions = POSITIONS[verb]
    if any(held[position] for position in positions):
        return ALLOWED
    able = " or ".join(CALLED[position] for position in positions)
    return Refused(f"Only {able} may {verb.replace('_', ' ')}; {person.name} is not.")


def may_in_workspace(person: Person, act: str) -> Allowed | Refused:
    """Whether this person may do this outside an escalation."""
    if person.role in WORKSPACE[act]:
        return ALLOWED
    able = ", ".join(sorted(WORKSPACE[act]))
    return Refused(f"{person.name} has the role {person.role}; this takes {able}.")


def _is_separated(verb: str, is_requester: bool, severity: str, environment: str) -> bool:
    decides = verb in ("decide", "hand_back", "accept", "decide_late")
    return decides and is_requester and severity in SEPARATED and environment == PRODUCTION
