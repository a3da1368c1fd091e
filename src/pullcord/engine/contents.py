"""Sealed content, readable again: the one place where the engine opens what the store keeps."""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from pullcord.errors import NotFound
from pullcord.path.escalation import Json
from pullcord.seal.sealing import Vault
from pullcord.store.port import Sealed, Store

Part = TypeVar("Part")
#: one reader for each kind of part that is asked for
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


class Contents:
    """Reads sealed contents of an escalation."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    async def named(
        self, workspace: str, escalation: str, names: Sequence[str] = ()
    ) -> dict[str, Json]:
        """Contents by name, all or the named ones; erased ones are missing."""
        found = await self._store.contents(workspace, escalation, names)
        return {each.name: self.opened(workspace, each) for each in found}

    async def one(self, workspace: str, escalation: str, name: str) -> dict[str, Any]:
        """One content.

        Raises:
            NotFound: it was erased, or never written.
        """
        found = await self.named(workspace, escalation, (name,))
        if name not in found:
            raise NotFound(f"the content {name!r} of {escalation} is not there any more.")
        content: dict[str, Any] = found[name]
        return content

    async def of_many(
        self, workspace: str, escalations: Sequence[str], name: str, *, part: type[Part]
    ) -> dict[str, Part]:
        """One content of many escalations in one read, by escalation; erased ones are missing.

        `part` names the fields that are wanted; a whole transcript is read over in passing.
        """
        found = await self._store.contents_of(workspace, escalations, name)
        decode = _decoder(part).decode
        return {each: decode(self._plain(workspace, sealed)) for each, sealed in found.items()}

    def opened(self, workspace: str, sealed: Sealed) -> Json:
        """The value of one sealed content."""
        return msgspec.json.decode(self._plain(workspace, sealed))

    def _plain(self, workspace: str, sealed: Sealed) -> bytes:
        return self._vault.unseal(
            workspace, sealed.escalation, sealed.name, sealed.ciphertext, sealed.salt
        )


def _decoder(part: type[Part]) -> msgspec.json.Decoder[Part]:
    if part not in _decoders:
        _decoders[part] = msgspec.json.Decoder(part)
    return _decoders[part]
