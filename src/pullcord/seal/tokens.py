"""Tokens that carry facts: opaque to everybody, altered by nobody, the same for the same facts.

AES-SIV (RFC 5297) needs no chance, so a letter that is sent again carries the token it carried.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from pullcord.seal.signing import bytes_of, text_of

#: characters of the longest token that is looked at
TOKEN_MAX = 1_000


class Tokens:
    """Writes and reads tokens with one key of 32 bytes; `purpose` keeps their kinds apart."""

    def __init__(self, key: bytes, purpose: str) -> None:
        self._cipher = AESSIV(key)
        self._bound = [purpose.encode()]

    def write(self, facts: bytes) -> str:
        """Facts as a token, base64url."""
        return text_of(self._cipher.encrypt(facts, self._bound))

    def read(self, token: str) -> bytes | None:
        """The facts of a token; None when it is none of ours."""
        if not token.isascii() or not 0 < len(token) <= TOKEN_MAX:
            return None
        try:
            return self._cipher.decrypt(bytes_of(token), self._bound)
        except (InvalidTag, ValueError):
            return None
