"""Signed decisions: Ed25519 over canonical JSON, checked by anybody who has the public key."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pullcord.briefing.digest import canonical


class BadSignature(ValueError):
    """The signature does not belong to these facts and that key."""


class ExpiredSignature(ValueError):
    """The decision was genuine and may no longer be executed."""


class Signer:
    """Signs facts with one private key; its id is the digest of the public key."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        #: public key, base64url
        self.public_key = text_of(raw)
        self.key_id = hashlib.sha256(raw).hexdigest()[:16]

    @classmethod
    def generate(cls, chance: Callable[[int], bytes]) -> "Signer":
        """A new key from 32 bytes of chance."""
        return cls(chance(32))

    def sign(self, facts: Mapping[str, Any]) -> tuple[str, str]:
        """(key id, signature) over the canonical JSON of these facts."""
        return self.key_id, text_of(self._key.sign(canonical(dict(facts))))


def verify(
    facts: Mapping[str, Any], *, key_id: str, signature: str, public_keys: Mapping[str, str]
) -> None:
    """Check that these facts were signed with one of the known keys.

    Raises:
        BadSignature: unknown key, altered facts or altered signature.
    """
    public_key = public_keys.get(key_id)
    if public_key is None:
        raise BadSignature(f"signed with the key {key_id!r}, which is not known here")
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes_of(public_key))
        key.verify(bytes_of(signature), canonical(dict(facts)))
    except (InvalidSignature, ValueError):
        raise BadSignature("the signature does not belong to this decision") from None


def verify_decision(
    facts: Mapping[str, Any],
    *,
    key_id: str,
    signature: str,
    public_keys: Mapping[str, str],
    now: datetime,
) -> None:
    """Check a decision's signature and that it may still be executed.

    Raises:
        BadSignature: it is not genuine.
        ExpiredSignature: it was, and its time is over.
    """
    verify(facts, key_id=key_id, signature=signature, public_keys=public_keys)
    try:
        expires_at = datetime.fromisoformat(str(facts.get("expires_at")))
    except ValueError:
        raise BadSignature("what was signed is no decision: it never expires") from None
    if now >= expires_at:
        raise ExpiredSignature(f"the decision expired at {expires_at:%Y-%m-%d %H:%M:%S} UTC")


def text_of(raw: bytes) -> str:
    """Bytes as base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    """The bytes of base64url text.

    Raises:
        ValueError: it is none, or not the one text these bytes have.
    """
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if text_of(raw) != text:
        raise ValueError("base64url with bits that mean nothing")
    return raw
