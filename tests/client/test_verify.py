"""A tool service checks for itself that people allowed exactly this."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pullcord import Drifted, InvalidInput, Proof, current_proof, verify
from pullcord.briefing.digest import digest
from pullcord.errors import DecisionExpired
from pullcord.seal.signing import Signer
from pullcord.testing import approves
from tests.client.stage import Stage

NOW = datetime(2027, 1, 5, 12, tzinfo=UTC)
SIGNER = Signer(bytes(range(32)))
KEYS = {SIGNER.key_id: SIGNER.public_key}
ARGS = {"order": "A", "amount": 480.0}


def signed_proof(**changes: Any) -> Proof:
    """A proof of an approved refund; `changes` are made before it is signed."""
    document = {
        "workspace": "shop",
        "environment": "production",
        "agent": "support",
        "tool": "issue_refund",
        "args": ARGS,
        "escalation": "esc_1",
        "nonce": "n1",
    }
    facts: dict[str, Any] = {
        "v": 1,
        "workspace": "shop",
        "escalation": "esc_1",
        "kind": "approve",
        "decided_digest": digest(document),
        "option": None,
        "by": "maria",
        "decided_at": "2027-01-05T11:59:00.000000Z",
        "expires_at": "2027-01-05T13:00:00.000000Z",
        "nonce": "n2",
        **changes,
    }
    key_id, signature = SIGNER.sign(facts)
    return Proof(facts, key_id, signature, document)


def checked(proof: Any, **terms: Any) -> Any:
    """The check as a service makes it."""
    wanted: dict[str, Any] = {"public_keys": KEYS, "tool": "issue_refund", "args": ARGS, "now": NOW}
    return verify(proof, **{**wanted, **terms})


def test_a_genuine_proof_tells_who_allowed_what() -> None:
    """All a service needs, without a connection to the server."""
    found = checked(signed_proof().text(), workspace="shop")

    assert (found.escalation, found.by, found.kind) == ("esc_1", "maria", "approve")
    assert found.args == {"order": "A", "amount": 480}
    assert found.nonce == "n2"
    assert found.expires_at - found.decided_at == timedelta(minutes=61)


@pytest.mark.parametrize(
    "terms",
    [
        {"tool": "close_account"},
        {"args": {**ARGS, "amount": 481.0}},
        {"args": {}},
        {"environment": "test"},
        {"workspace": "other"},
        {"public_keys": {}},
    ],
    ids=lambda each: next(iter(each)),
)
def test_a_proof_of_something_else_is_refused(terms: dict[str, Any]) -> None:
    """Allowed once is not allowed everywhere."""
    with pytest.raises(Drifted):
        checked(signed_proof(), **terms)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "reject"},
        {"kind": "answer"},
        {"decided_digest": None},
        {"decided_digest": "0" * 64},
        {"escalation": "esc_2"},
        {"expires_at": "never"},
        {"expires_at": None},
    ],
    ids=str,
)
def test_a_signed_decision_that_lets_nothing_run_is_refused(changes: dict[str, Any]) -> None:
    """A genuine no is still a no."""
    with pytest.raises(Drifted):
        checked(signed_proof(**changes))


def test_a_decision_without_an_end_is_refused() -> None:
    """Every decision expires."""
    proof = signed_proof()
    facts = {name: value for name, value in proof.signed.items() if name != "expires_at"}
    key_id, signature = SIGNER.sign(facts)

    with pytest.raises(Drifted):
        checked(Proof(facts, key_id, signature, proof.document))


def test_a_document_without_a_canonical_form_is_refused() -> None:
    """Two parties would read it differently, so nobody can have agreed to it."""
    proof = signed_proof()
    odd = Proof(proof.signed, proof.key_id, proof.signature, {**proof.document, "x": "\ud800"})

    with pytest.raises(Drifted, match="cannot be read"):
        checked(odd)


def test_an_expired_proof_is_refused() -> None:
    """A yes of an hour ago may be no longer true."""
    with pytest.raises(DecisionExpired):
        checked(signed_proof(), now=NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", b"\xff", '{"signed": {}, "x": 1}', "x" * 2_000_000]
)
def test_what_is_no_proof_is_said_so(text: str | bytes) -> None:
    """The service gets this from outside."""
    with pytest.raises(InvalidInput, match="proof"):
        checked(text)


def test_a_guarded_tool_hands_its_proof_to_the_service(stage: Stage) -> None:
    """The whole way: decided by a person, checked by the service with the pinned key."""
    house = stage.live.town.house
    keys = {house.signer.key_id: house.signer.public_key}
    stage.live.plays("maria", approves())
    found: list[Any] = []

    def issue_refund(order: str, amount: float) -> None:
        proof = current_proof()
        assert proof is not None, "a person allowed this, so there is a proof"
        args = {"order": order, "amount": amount}
        text = proof.text()
        found.append(verify(text, public_keys=keys, tool="issue_refund", args=args))

    stage.agent().guard(issue_refund, wait="20s")("A", 480.0)

    assert found[0].by == "maria"
