"""Sealed storage: content is kept encrypted, each piece under a key of its own.

The key is derived from the master key and a random salt, so deleting salt and ciphertext makes
the content unreadable for ever, in copies of the master key's owner too. The chain holds only the
commitment SHA-256(salt ‖ ciphertext) and never breaks.
"""

import hashlib
import hmac
import zlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

try:
    # the same format, in a third of the time; it is made for most machines, not for all
    from isal.isal_zlib import compress
except ImportError:
    from zlib import compress

#: content above this many bytes is compressed before it is sealed
COMPRESSED_FROM = 1024
#: most bytes a sealed content may unfold to
UNSEALED_BYTES_MAX = 16 * 1_048_576
#: The nonce may be fixed: salt is random, 256 bits, and used for one content only, so every key
#: encrypts exactly one message.
_NONCE = bytes(12)
_PLAIN, _COMPRESSED = b"\x00", b"\x01"


class SealBroken(ValueError):
    """The content was altered, or sealed with another master key."""


def item_key(master: bytes, workspace: str, chain: str, name: str, salt: bytes) -> bytes:
    """The key of one content; an export may carry it so that an auditor can read that content."""
    info = f"pullcord sealed v1\0{workspace}\0{chain}\0{name}".encode()
    # HKDF (RFC 5869) with SHA-256: 32 bytes are its first block
    extracted = hmac.digest(salt, master, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


class Vault:
    """Seals and unseals with one master key of 32 bytes."""

    def __init__(self, master: bytes) -> None:
        if len(master) != 32:
            raise ValueError(f"the master key has {len(master)} bytes; it must have 32")
        self._master = master

    def seal(self, workspace: str, chain: str, name: str, plaintext: bytes, salt: bytes) -> bytes:
        """The ciphertext of one content; the salt must be new and random, 32 bytes.

        Raises:
            ValueError: more than `unseal` would give back.
        """
        assert len(salt) == 32, f"a salt of {len(salt)} bytes"
        if len(plaintext) > UNSEALED_BYTES_MAX:
            raise ValueError(f"{name}: {len(plaintext)} bytes; at most {UNSEALED_BYTES_MAX}")
        body = _PLAIN + plaintext
        if len(plaintext) > COMPRESSED_FROM:
            body = _COMPRESSED + compress(plaintext, 1)
        key = item_key(self._master, workspace, chain, name, salt)
        return AESGCM(key).encrypt(_NONCE, body, None)

    def key_of(self, workspace: str, chain: str, name: str, salt: bytes) -> bytes:
        """The key of one content alone, for an export that lets an auditor read it."""
        return item_key(self._master, workspace, chain, name, salt)

    def unseal(
        self, workspace: str, chain: str, name: str, ciphertext: bytes, salt: bytes
    ) -> bytes:
        """The content.

        Raises:
            SealBroken: altered, or another master key.
        """
        return unseal_with(item_key(self._master, workspace, chain, name, salt), ciphertext)


def unseal_with(key: bytes, ciphertext: bytes) -> bytes:
    """The content, by the key of that one content."""
    try:
        body = AESGCM(key).decrypt(_NONCE, ciphertext, None)
    except (InvalidTag, ValueError):
        raise SealBroken("the content was altered, or sealed with another master key") from None
    if body[:1] != _COMPRESSED:
        return body[1:]
    unfolder = zlib.decompressobj()
    content = unfolder.decompress(body[1:], UNSEALED_BYTES_MAX + 1)
    if len(content) > UNSEALED_BYTES_MAX:
        raise SealBroken(f"the content unfolds to more than {UNSEALED_BYTES_MAX} bytes")
    return content


def commitment(salt: bytes, ciphertext: bytes) -> str:
    """SHA-256(salt ‖ ciphertext), lower-case hex: what the chain holds of a content."""
    return hashlib.sha256(salt + ciphertext).hexdigest()
