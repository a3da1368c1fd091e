"""Addresses of end users at rest: sealed, so that outbox and copies hold nothing personal."""

from pullcord.engine.contents import Contents
from pullcord.engine.filing import Filer
from pullcord.seal.signing import bytes_of, text_of
from pullcord.store.port import Sealed

#: what a sealed address begins with; no address of a provider does
MARK = "~sealed."
NAME = "end_user_address"


def sealed_address(filer: Filer, workspace: str, escalation: str, address: str) -> str:
    """An address as text that only this house can read."""
    sealed = filer.seal(workspace, escalation, NAME, address)
    return f"{MARK}{text_of(sealed.salt)}.{text_of(sealed.ciphertext)}"


def opened_address(contents: Contents, workspace: str, escalation: str, text: str) -> str:
    """The address again; one that was never sealed stays as it is."""
    if not text.startswith(MARK):
        return text
    salt, _, ciphertext = text.removeprefix(MARK).partition(".")
    sealed = Sealed(escalation, NAME, bytes_of(salt), bytes_of(ciphertext))
    return str(contents.opened(workspace, sealed))
