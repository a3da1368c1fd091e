"""From a Change to what the store keeps: contents sealed, entries chained, messages numbered."""

from collections.abc import Mapping

import msgspec

from pullcord.engine.clock import Ids
from pullcord.path.escalation import Change, Entry
from pullcord.path.timeline import Link, link
from pullcord.seal.sealing import Vault, commitment
from pullcord.store.port import Filed, Head, Outgoing, Row, Sealed

#: bytes of chance sealed with every content; deleting them makes it unreadable for ever
SALT_BYTES = 32


class Filer:
    """Seals and chains; everything it needs from chance comes from `ids`."""

    def __init__(self, vault: Vault, ids: Ids) -> None:
        self._vault = vault
        self._ids = ids

    def file(
        self,
        workspace: str,
        change: Change,
        heads: Mapping[str, Head],
        *,
        needs_free_run: bool = False,
    ) -> Filed:
        """Make a Change ready for the store.

        `heads` gives the end of each known timeline by escalation id; a new one starts empty.
        """
        ends = dict(heads)
        links: list[Link] = []
        sealed: list[Sealed] = []
        for entry in change.entries:
            head = ends.get(entry.escalation, Head())
            contents = self._seal(workspace, entry)
            sealed.extend(contents)
            chained = self._link(workspace, entry, head, contents)
            links.append(chained)
            ends[entry.escalation] = Head(chained.seq, chained.hash)
        return Filed(
            workspace=workspace,
            rows=tuple(Row(each, ends[each.id]) for each in change.escalations),
            links=tuple(links),
            sealed=tuple(sealed),
            outgoing=tuple(
                Outgoing(id=self._ids.new("msg"), message=each) for each in change.messages
            ),
            needs_free_run=needs_free_run,
        )

    def _seal(self, workspace: str, entry: Entry) -> list[Sealed]:
        return [
            self.seal(workspace, entry.escalation, name, value)
            for name, value in entry.sealed.items()
        ]

    def seal(self, workspace: str, chain: str, name: str, value: object) -> Sealed:
        """One content, sealed under its own salt."""
        salt = self._ids.chance(SALT_BYTES)
        ciphertext = self._vault.seal(workspace, chain, name, msgspec.json.encode(value), salt)
        return Sealed(escalation=chain, name=name, salt=salt, ciphertext=ciphertext)

    @staticmethod
    def _link(workspace: str, entry: Entry, head: Head, contents: list[Sealed]) -> Link:
        return link(
            workspace,
            entry.escalation,
            entry,
            seq=head.seq + 1,
            prev=head.hash,
            commitments={each.name: commitment(each.salt, each.ciphertext) for each in contents},
        )
