"""Who may do what: every verb, every position, every role."""

from itertools import product

import pytest

from pullcord.owner.authority import (
    POSITIONS,
    WORKSPACE,
    Allowed,
    Refused,
    may,
    may_in_workspace,
)
from pullcord.owner.roster import Role
from tests.unit.owner.scenes import somebody


def answer(
    verb: str,
    role: Role = Role.OPERATOR,
    position: str = "nobody",
    *,
    severity: str = "normal",
    environment: str = "production",
    is_requester: bool = False,
) -> Allowed | Refused:
    """May Ana, in this role and position?"""
    return may(
        somebody("ana", role),
        verb,
        is_owner=position == "owner",
        is_candidate=position == "candidate",
        is_requester=is_requester,
        severity=severity,
        environment=environment,
    )


#: verb -> (an owner, somebody who is asked, a lead, any operator) may
OPERATORS = {
    "accept": (False, True, True, False),
    "decline": (False, True, False, False),
    "release": (True, False, False, False),
    "reassign": (True, False, True, False),
    "snooze": (True, False, True, False),
    "extend": (True, False, True, False),
    "ask": (True, False, False, False),
    "context": (True, True, True, True),
    "comment": (True, True, True, True),
    "decide": (True, True, False, False),
    "take_over": (True, False, False, False),
    "hand_back": (True, False, False, False),
    "decide_late": (True, True, True, True),
}


@pytest.mark.parametrize("verb", POSITIONS)
def test_each_verb_has_its_positions(verb: str) -> None:
    """A verb added without a row here fails; so does one that widens unseen."""
    found = (
        answer(verb, position="owner"),
        answer(verb, position="candidate"),
        answer(verb, Role.LEAD),
        answer(verb),
    )

    assert tuple(isinstance(each, Allowed) for each in found) == OPERATORS[verb]
    assert isinstance(answer(verb, Role.ADMIN), Allowed) == OPERATORS[verb][2]


@pytest.mark.parametrize(
    ("role", "verb"),
    list(product((Role.AUDITOR, Role.DEVELOPER), sorted(POSITIONS.keys() - {"comment"}))),
)
def test_in_production_who_only_looks_may_nothing_but_comment(role: Role, verb: str) -> None:
    """In whatever position they got."""
    for position in ("owner", "candidate", "nobody"):
        found = answer(verb, role, position)
        assert found == Refused(f"Ana has the role {role}, which may look but not act.")
    assert isinstance(answer("comment", role), Allowed)


@pytest.mark.parametrize("verb", POSITIONS)
def test_outside_production_a_developer_answers_for_their_own_key(verb: str) -> None:
    """There every ask goes to the person who made the key."""
    allowed = {
        answer(verb, Role.DEVELOPER, each, environment="test")
        for each in (
            "owner",
            "candidate",
        )
    }

    assert Allowed() in allowed


@pytest.mark.parametrize("verb", ["decide", "hand_back", "accept", "decide_late"])
@pytest.mark.parametrize("severity", ["high", "critical"])
def test_who_made_the_key_does_not_decide_severe_work(verb: str, severity: str) -> None:
    """Separation of duties, told in words."""
    found = answer(verb, Role.LEAD, "owner", severity=severity, is_requester=True)

    assert found == Refused(
        f"Ana made this agent's key, so at severity {severity} somebody else decides."
    )


def test_separation_of_duties_ends_where_nothing_is_at_stake() -> None:
    """At normal severity, and outside production, the creator may decide."""
    assert isinstance(answer("decide", position="owner", is_requester=True), Allowed)
    assert isinstance(
        answer("decide", position="owner", severity="high", environment="test", is_requester=True),
        Allowed,
    )
    assert isinstance(
        answer("snooze", position="owner", severity="high", is_requester=True), Allowed
    )


def test_a_refusal_names_who_may() -> None:
    """Whoever is refused knows whom to turn to."""
    assert answer("accept") == Refused(
        "Only somebody who is being asked or a lead may accept; Ana is not."
    )
    assert answer("take_over") == Refused("Only the owner may take over; Ana is not.")


@pytest.mark.parametrize(("act", "role"), list(product(WORKSPACE, Role)))
def test_workspace_acts_follow_the_role(act: str, role: Role) -> None:
    """Outside an escalation the role alone counts, and a refusal lists the roles that may."""
    able = {
        "read": set(Role),
        "configure": {Role.LEAD, Role.ADMIN},
        "keys": {Role.DEVELOPER, Role.LEAD, Role.ADMIN},
        "people": {Role.LEAD, Role.ADMIN},
        "export": {Role.AUDITOR, Role.LEAD, Role.ADMIN},
        "label": {Role.OPERATOR, Role.DEVELOPER, Role.LEAD, Role.ADMIN},
        "hold": {Role.LEAD, Role.ADMIN},
    }[act]

    found = may_in_workspace(somebody("ana", role), act)

    if role in able:
        assert isinstance(found, Allowed)
    else:
        listed = ", ".join(sorted(able))
        assert found == Refused(f"Ana has the role {role}; this takes {listed}.")
