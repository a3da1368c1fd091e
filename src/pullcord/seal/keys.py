"""API keys, passwords and one-time tokens: shown once, kept only as hashes."""

import hashlib
import hmac
from collections.abc import Callable
from contextlib import suppress
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pullcord.seal.signing import text_of

PASSWORD_LENGTH_MIN = 12
PASSWORD_LENGTH_MAX = 1024
Chance = Callable[[int], bytes]

_HASHER = PasswordHasher()


def derived(master: bytes, purpose: str) -> bytes:
    """The key of one purpose, 32 bytes, from the master secret (HKDF-SHA256, RFC 5869)."""
    if len(master) != 32:
        raise ValueError(f"the master key has {len(master)} bytes; it must have 32")
    info = f"pullcord {purpose} v1".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(master)


def mint(environment: str, chance: Chance) -> tuple[str, str, str]:
    """A new API key: (the key, shown once; its public id; the hash that is kept).

    A plain SHA-256 is enough because the secret is 256 random bits: there is nothing to guess,
    and the check stands on the hot path of every request.
    """
    key_id = chance(6).hex()
    secret = text_of(chance(32))
    label = "live" if environment == "production" else "test"
    return f"pk_{label}{key_id}_{secret}", key_id, digest_of(secret)


def parse_key(shown: str) -> tuple[str, str] | None:
    """(public id, secret) of a key as a client sends it; None when it is none."""
    kind, _, rest = shown.partition("_")
    label, _, secret = rest.partition("_")
    if kind != "pk" or label[:4] not in ("live", "test") or not label[4:] or not secret:
        return None
    return label[4:], secret


def matches(secret: str, kept: str) -> bool:
    """Whether a secret has this hash, in constant time."""
    return hmac.compare_digest(digest_of(secret), kept)


def token(chance: Chance) -> tuple[str, str]:
    """A new token of 192 bits for a link or session: (the token, the hash that is kept)."""
    shown = text_of(chance(24))
    return shown, digest_of(shown)


def digest_of(secret: str) -> str:
    """SHA-256 of a secret, lower-case hex."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def hash_password(password: str) -> str:
    """The argon2id hash of a password.

    Raises:
        ValueError: it is shorter than 12 or longer than 1024 characters, or no valid Unicode.
    """
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise ValueError(
            f"a password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters; "
            f"this one has {len(password)}"
        )
    return _HASHER.hash(password)


def check_password(password: str, kept: str) -> bool:
    """Whether a password has this hash; takes as long for an unusable hash, such as an empty one.

    So the time of an answer does not tell which accounts there are.
    """
    try:
        _HASHER.verify(kept, password[:PASSWORD_LENGTH_MAX])
    except (VerifyMismatchError, UnicodeEncodeError):
        return False
    except (VerificationError, InvalidHashError):
        with suppress(VerificationError, UnicodeEncodeError):
            _HASHER.verify(_nobodys_hash(), password[:PASSWORD_LENGTH_MAX])
        return False
    return len(password) <= PASSWORD_LENGTH_MAX


@cache
def _nobodys_hash() -> str:
    return f"{_HASHER.hash(bytes(16))[:-4]}AAAA"
