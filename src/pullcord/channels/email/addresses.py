"""Addresses: whose letters they are, and addresses that only we could have made.

A letter is answered at an address of its own: the mailbox's, with the letter's id and a signature
behind a plus. Mail programs change case, so all of it is lower case; RFC 5321 gives 64 characters
to what stands before the @.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from email.utils import parseaddr

#: characters of a signature: 80 bits, base 32
SIGNATURE_LENGTH = 16
#: characters before the @, RFC 5321
LOCAL_MAX = 64
ADDRESS_MAX = 254

_LOCAL = r"[a-zA-Z0-9!#$%&'*/=?^_`{|}~+-]+(?:\.[a-zA-Z0-9!#$%&'*/=?^_`{|}~+-]+)*"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_ADDRESS = re.compile(rf"({_LOCAL})@({_LABEL}(?:\.{_LABEL})*)")
#: ids of the letters that are answered: the courier's, one a copy
_LETTER = re.compile(r"msg_(?P<short>[a-z0-9]{1,32})\.email(?P<more>-\d{1,3})?")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with the name people read in front of it."""

    name: str
    local: str
    domain: str

    @property
    def address(self) -> str:
        """The bare address."""
        return f"{self.local}@{self.domain}"


def mailbox_of(text: str) -> Mailbox | None:
    """ "Example Shop <pullcord@example.com>" or a bare address; None when it is neither."""
    name, address = parseaddr(" ".join(text.split()))
    found = plain(address)
    if not found:
        return None
    local, _, domain = found.rpartition("@")
    return Mailbox(name, local, domain)


def plain(address: str) -> str:
    """An address as servers take it, its domain in ASCII; empty when no server would take it.

    What is not ASCII before the @ needs servers that few have, so it is none here.
    """
    local, _, domain = address.strip().rpartition("@")
    try:
        domain = domain.encode("idna").decode() if not domain.isascii() else domain
    except UnicodeError:
        return ""
    found = f"{local}@{domain}"
    fits = len(local) <= LOCAL_MAX and len(found) <= ADDRESS_MAX
    return found if fits and _ADDRESS.fullmatch(found) else ""


class ReplyAddresses:
    """Makes the address that answers one letter, and reads the letter out of it again."""

    def __init__(self, base: Mailbox, key: bytes) -> None:
        self.base = base
        self._key = key

    def of(self, letter: str) -> str:
        """Where a letter is answered; empty where its id leaves no room."""
        found = _LETTER.fullmatch(letter)
        if found is None:
            return ""
        short = found["short"] + (found["more"] or "")
        local = f"{self.base.local}+{short}.{self.signature(letter)}"
        return f"{local}@{self.base.domain}" if len(local) <= LOCAL_MAX else ""

    def letter(self, address: str) -> str:
        """The id of the letter that is answered there; empty when we never made this address."""
        start, domain = f"{self.base.local}+".lower(), f"@{self.base.domain}".lower()
        lower = address.strip().lower()
        if not (lower.startswith(start) and lower.endswith(domain)):
            return ""
        short, _, signature = lower[len(start) : -len(domain)].rpartition(".")
        name, more, number = short.partition("-")
        letter = f"msg_{name}.email{more}{number}"
        return letter if self.is_signed(letter, signature) else ""

    def signature(self, letter: str) -> str:
        """Proof that this letter is ours."""
        digest = hmac.digest(self._key, f"letter/{letter}".encode(), hashlib.sha256)
        return base64.b32encode(digest)[:SIGNATURE_LENGTH].decode().lower()

    def is_signed(self, letter: str, signature: str) -> bool:
        """Whether it is the proof, in constant time."""
        wanted, given = self.signature(letter), signature.encode("utf-8", "replace")
        return hmac.compare_digest(wanted.encode(), given)
