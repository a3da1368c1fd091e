"""Is this decision genuine, still valid, and about exactly this? For the client and for services.

A tool service that wants proof before it acts takes the `Proof` the agent sends along and calls
`verify` with the keys it pinned itself; it needs no connection to the Pullcord server. It keeps
the nonce of what it has carried out, because a proof can be sent twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from pullcord.briefing.digest import NotCanonical, digest
from pullcord.client.round_trip import same
from pullcord.errors import DecisionExpired, Drifted, InvalidInput
from pullcord.wire.replies import CollectedOut

#: decisions that let something run
YES = frozenset({"approve", "edit", "nobody_decided"})
PROOF_BYTES_MAX = 1_048_576


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a tool service checks: signed facts, signature, and the document they are about."""

    signed: dict[str, Any]
    key_id: str
    signature: str
    document: dict[str, Any]

    def text(self) -> str:
        """As JSON text, for a header or field of the request to the service."""
        return msgspec.json.encode(self).decode()


@dataclass(frozen=True, slots=True)
class Verified:
    """A decision that holds: what may run, who decided it, and the nonce to remember."""

    escalation: str
    kind: str
    by: str
    tool: str
    args: Mapping[str, Any]
    decided_at: datetime
    expires_at: datetime
    nonce: str


def proof_of(collected: CollectedOut) -> Proof:
    """The proof in a collected decision."""
    document = collected.document or {}
    return Proof(collected.signed, collected.key_id, collected.signature, document)


def verify(
    proof: Proof | str | bytes,
    *,
    public_keys: Mapping[str, str],
    tool: str,
    args: Mapping[str, Any],
    environment: str = "production",
    workspace: str = "",
    now: datetime | None = None,
) -> Verified:
    """Check that people allowed exactly this: this tool, these arguments, in this environment.

    `public_keys` are keys by id as `GET /v1/policy` gives them, pinned by the service itself.

    Raises:
        Drifted: not genuine, or about something else than is asked here.
        DecisionExpired: genuine, and its time is over.
        InvalidInput: this is no proof.
    """
    given = read_proof(proof)
    verified = check(given, public_keys=public_keys, now=now or datetime.now(UTC))
    expected = {"tool": tool, "environment": environment}
    if workspace:
        expected["workspace"] = workspace
    for name, value in expected.items():
        if given.document.get(name) != value:
            found = given.document.get(name)
            raise Drifted(f"the decision is about {name} {found!r}, and this is {value!r}")
    if not same(given.document.get("args"), dict(args)):
        raise Drifted(f"the arguments are not those decided on {verified.escalation}")
    return verified


def check(proof: Proof, *, public_keys: Mapping[str, str], now: datetime) -> Verified:
    """Check a proof in itself: signature, time, and that the document is the signed one.

    Raises:
        Drifted, DecisionExpired: it does not hold.
    """
    # only those who check a decision pay for loading the cryptography
    from pullcord.seal.signing import BadSignature, ExpiredSignature, verify_decision  # noqa: PLC0415

    signed = proof.signed
    try:
        verify_decision(
            signed,
            key_id=proof.key_id,
            signature=proof.signature,
            public_keys=public_keys,
            now=now,
        )
        document_digest = digest(proof.document)
    except BadSignature as error:
        raise Drifted(f"the decision is not genuine: {error}") from error
    except ExpiredSignature as error:
        raise DecisionExpired(f"{error}; do not execute it") from error
    except (NotCanonical, KeyError, TypeError, ValueError) as error:
        raise Drifted(f"the decision cannot be read: {error}") from error
    if signed.get("kind") not in YES:
        raise Drifted(f"the decision is {signed.get('kind')!r}, which lets nothing run")
    if signed.get("decided_digest") != document_digest:
        raise Drifted("the arguments are not those the signature is about")
    if signed.get("escalation") != proof.document.get("escalation"):
        raise Drifted("the decision belongs to another escalation")
    return Verified(
        escalation=str(signed["escalation"]),
        kind=str(signed["kind"]),
        by=str(signed.get("by", "")),
        tool=str(proof.document.get("tool", "")),
        args=dict(proof.document.get("args") or {}),
        decided_at=datetime.fromisoformat(str(signed["decided_at"])),
        expires_at=datetime.fromisoformat(str(signed["expires_at"])),
        nonce=str(signed.get("nonce", "")),
    )


def read_proof(proof: Proof | str | bytes) -> Proof:
    """A proof from its text.

    Raises:
        InvalidInput: it is none.
    """
    if isinstance(proof, Proof):
        return proof
    if len(proof) > PROOF_BYTES_MAX:
        raise InvalidInput("proof", value=f"{len(proof)} characters", limit=str(PROOF_BYTES_MAX))
    try:
        return msgspec.json.decode(proof, type=Proof)
    except msgspec.DecodeError as error:
        raise InvalidInput(
            "proof", value=str(error), remedy="Send Proof.text() as the agent has it."
        ) from None
