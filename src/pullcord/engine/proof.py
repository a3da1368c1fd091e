"""Export and proof: a workspace as lines of JSON that anybody can check without the database.

An export begins with a header, then for each chain its links, the public fields of the row and,
where asked for, sealed contents with the key of each; it ends with counts. The check needs only
the lines and, to trust signatures, a public key known from elsewhere. One chain is in memory at
a time.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pullcord.briefing.digest import digest
from pullcord.errors import NotFound
from pullcord.path.timeline import Link, broken, commitments_of, fold, plain, public
from pullcord.seal.sealing import SealBroken, Vault, commitment, unseal_with
from pullcord.seal.signing import BadSignature, Signer, bytes_of, text_of, verify
from pullcord.store.port import WORKSPACE_CHAIN, Store

#: version of the export format
FORMAT = 1
#: links read at once; chains read at once
PAGE = 500
#: faults named one by one; beyond it they are counted
FAULTS_MAX = 100
#: what reading a line that nobody of ours wrote may end in
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)

Line = dict[str, Any]


class Exporter:
    """Writes the lines of an export."""

    def __init__(self, store: Store, vault: Vault, signer: Signer) -> None:
        self._store = store
        self._vault = vault
        self._signer = signer

    async def lines(
        self, workspace: str, now: datetime, *, only: str = "", with_contents: bool = False
    ) -> AsyncIterator[Line]:
        """All lines of a workspace, or of the one escalation `only`.

        Raises:
            NotFound: there is no such escalation.
        """
        yield {
            "type": "header",
            "v": FORMAT,
            "workspace": workspace,
            "exported_at": plain(now),
            "public_keys": {self._signer.key_id: self._signer.public_key},
        }
        chains = links = 0
        async for chain in self._chains(workspace, only):
            chains += 1
            async for line in self._chain(workspace, chain, with_contents=with_contents):
                links += line["type"] == "link"
                yield line
        yield {"type": "end", "chains": chains, "links": links}

    async def _chains(self, workspace: str, only: str) -> AsyncIterator[str]:
        if only:
            yield only
            return
        yield WORKSPACE_CHAIN
        after = ""
        while page := await self._store.chains(workspace, after=after, limit=PAGE):
            for chain in page:
                yield chain
            after = page[-1]

    async def _chain(
        self, workspace: str, chain: str, *, with_contents: bool
    ) -> AsyncIterator[Line]:
        row = None
        if chain != WORKSPACE_CHAIN:
            row = await self._store.load(workspace, chain)
            if row is None:
                raise NotFound(f"there is no escalation {chain!r} in workspace {workspace!r}.")
        after = 0
        last = row.head.seq if row else 0
        promised: set[str] = set()
        while page := await self._store.timeline(workspace, chain, after=after, limit=PAGE):
            for link in page:
                if last and link.seq > last:
                    break
                promised.update(commitments_of([link.body]))
                yield _link_line(link)
            after = page[-1].seq
        if with_contents:
            async for line in self._contents(workspace, chain, promised):
                yield line
        if row is not None:
            yield {"type": "row", "chain": chain, "public": public(row.escalation)}

    async def _contents(
        self, workspace: str, chain: str, promised: set[str]
    ) -> AsyncIterator[Line]:
        """Contents the exported links commit to; later ones belong to a later export."""
        for each in await self._store.contents(workspace, chain):
            if each.name not in promised:
                continue
            key = self._vault.key_of(workspace, chain, each.name, each.salt)
            yield {
                "type": "content",
                "chain": chain,
                "name": each.name,
                "salt": text_of(each.salt),
                "ciphertext": text_of(each.ciphertext),
                "key": text_of(key),
            }


def _link_line(link: Link) -> Line:
    return {
        "type": "link",
        "chain": link.chain,
        "body": link.body.decode(),
        "hash": link.hash,
    }


@dataclass(slots=True)
class Proof:
    """What a check found: counts, and every fault as a sentence."""

    workspace: str = ""
    chains: int = 0
    links: int = 0
    decisions: int = 0
    contents: int = 0
    faults: list[str] = field(default_factory=list)
    more_faults: int = 0
    #: SHA-256 over the last hash of every chain in order: two exports of one state agree
    heads: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.faults

    def fault(self, text: str) -> None:
        """Note what is wrong."""
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(text)
        else:
            self.more_faults += 1


class Checker:
    """Checks an export line by line; `proof()` at the end says what holds."""

    def __init__(self, *, public_keys: Mapping[str, str] | None = None) -> None:
        self._trusted = public_keys
        self._keys: Mapping[str, str] = public_keys or {}
        self._proof = Proof()
        self._heads = hashlib.sha256()
        self._chain = ""
        self._links: list[tuple[bytes, str]] = []
        self._contents: list[Line] = []
        self._row: Line | None = None
        self._has_header = False
        self._end: Line | None = None

    def take(self, line: Line) -> None:
        """Look at one line."""
        kind = line.get("type")
        if kind == "header":
            self._header(line)
        elif self._end is not None:
            self._proof.fault("lines follow the last line")
        elif kind == "end":
            self._settle("")
            self._end = line
        elif kind in ("link", "row", "content"):
            self._part(str(kind), line)
        else:
            self._proof.fault(f"a line of unknown type {kind!r}")

    def _header(self, line: Line) -> None:
        if self._has_header or self._proof.chains or self._chain:
            self._proof.fault("a header that is not the first line")
            return
        self._has_header = True
        if line.get("v") != FORMAT:
            self._proof.fault(f"export format {line.get('v')!r} is not known; this knows {FORMAT}")
        self._proof.workspace = str(line.get("workspace", ""))
        if self._trusted is None:
            self._keys = dict(line.get("public_keys", {}))

    def _part(self, kind: str, line: Line) -> None:
        chain = str(line["chain"])
        if chain != self._chain:
            self._settle(chain)
        if kind == "link":
            self._links.append((str(line["body"]).encode(), str(line["hash"])))
        elif kind == "row":
            self._row = line
        else:
            self._contents.append(line)

    def _settle(self, following: str) -> None:
        """A chain is complete: check it whole."""
        chain, self._chain = self._chain, following
        links, self._links = self._links, []
        contents, self._contents = self._contents, []
        row, self._row = self._row, None
        if not chain:
            return
        self._proof.chains += 1
        self._proof.links += len(links)
        if links:
            self._heads.update(links[-1][1].encode())
        try:
            self._check(chain, links, row, contents)
        except UNREADABLE as problem:
            self._proof.fault(f"{chain}: cannot be read: {type(problem).__name__}: {problem}")

    def _check(
        self, chain: str, links: list[tuple[bytes, str]], row: Line | None, contents: list[Line]
    ) -> None:
        faults = broken(links, workspace=self._proof.workspace, chain=chain)
        if not links and chain != WORKSPACE_CHAIN:
            faults = [f"{chain}: has no timeline at all"]
        for fault in faults:
            self._proof.fault(fault)
        if faults:
            return
        bodies = [body for body, _ in links]
        state = fold(bodies)
        if chain != WORKSPACE_CHAIN:
            self._check_row(chain, row, state)
            self._check_decision(chain, state)
        self._check_contents(chain, contents, commitments_of(bodies), state)

    def _check_row(self, chain: str, line: Line | None, state: Line) -> None:
        if (state["workspace"], state["id"]) != (self._proof.workspace, chain):
            self._proof.fault(f"{chain}: its timeline tells of {state['id']}")
        if line is None:
            self._proof.fault(f"{chain}: its row is missing from the export")
            return
        row = line["public"]
        for name in sorted({*row, *state}):
            if row.get(name) != state.get(name):
                self._proof.fault(f"{chain}: the row's {name} is not what its timeline says")

    def _check_decision(self, chain: str, state: Line) -> None:
        decision = state.get("decision")
        if decision is None:
            return
        self._proof.decisions += 1
        facts = {
            "v": 1,
            "workspace": state["workspace"],
            "escalation": state["id"],
            "kind": decision["kind"],
            "decided_digest": decision["decided_digest"],
            "option": decision["option"],
            "by": decision["by"],
            "decided_at": decision["at"],
            "expires_at": decision["expires_at"],
            "nonce": decision["nonce"],
        }
        try:
            verify(
                facts,
                key_id=decision["key_id"],
                signature=decision["signature"],
                public_keys=self._keys,
            )
        except BadSignature as problem:
            self._proof.fault(f"{chain}: {problem}")

    def _check_contents(
        self, chain: str, contents: list[Line], promised: Mapping[str, str], state: Line
    ) -> None:
        decision = state.get("decision") or {}
        for line in contents:
            name = str(line["name"])
            salt, ciphertext = bytes_of(line["salt"]), bytes_of(line["ciphertext"])
            self._proof.contents += 1
            if promised.get(name) != commitment(salt, ciphertext):
                self._proof.fault(f"{chain}: the content {name} is not what the chain commits to")
                continue
            try:
                value = json.loads(unseal_with(bytes_of(line["key"]), ciphertext))
            except SealBroken as problem:
                self._proof.fault(f"{chain}: the content {name} cannot be read: {problem}")
                continue
            if name == "shown" and digest(value["document"]) != state.get("shown_digest"):
                self._proof.fault(f"{chain}: what was shown is not what its digest says")
            document = value.get("document") if name == decision.get("content") else None
            if document and digest(document) != decision.get("decided_digest"):
                self._proof.fault(f"{chain}: what was decided is not what its digest says")

    def damaged(self, number: int, problem: Exception) -> None:
        """A line cannot be read at all."""
        self._proof.fault(f"line {number} cannot be read: {type(problem).__name__}: {problem}")

    def proof(self) -> Proof:
        """What was found, after the last line."""
        self._settle("")
        proof = self._proof
        if not self._has_header:
            proof.fault("the export has no header; it is cut at the beginning")
        if self._end is None:
            proof.fault("the export has no last line; it is cut at the end")
        elif (self._end.get("chains"), self._end.get("links")) != (proof.chains, proof.links):
            proof.fault(
                f"the export promises {self._end.get('chains')} chains and "
                f"{self._end.get('links')} links, it holds {proof.chains} and {proof.links}"
            )
        proof.heads = self._heads.hexdigest()
        return proof


def checked(lines: Iterable[str], *, public_keys: Mapping[str, str] | None = None) -> Proof:
    """Check the lines of an export file."""
    checker = Checker(public_keys=public_keys)
    for number, text in enumerate(lines, start=1):
        try:
            checker.take(json.loads(text))
        except UNREADABLE as problem:
            checker.damaged(number, problem)
    return checker.proof()
