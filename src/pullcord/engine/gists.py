"""What a listing shows of each escalation's content, unsealed once and not at every look.

A console looks again at every change, at much the same rows. What was shown to people never
changes, so the few words a line needs of it are remembered under the content's own salt; an
erased content has no salt any more, and nothing is told of it.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from pullcord.engine.contents import Contents
from pullcord.store.port import Store

#: gists that are remembered: some hundred bytes each
KEPT_MAX = 4_000

Part = TypeVar("Part")
Gist = TypeVar("Gist")


class Gists(Generic[Part, Gist]):
    """The gist of one named content of many escalations."""

    def __init__(
        self,
        store: Store,
        contents: Contents,
        name: str,
        *,
        part: type[Part],
        gist: Callable[[Part], Gist],
    ) -> None:
        self._store = store
        self._contents = contents
        self._name = name
        self._part = part
        self._gist = gist
        #: by workspace, escalation and salt; the longest unused first
        self._kept: OrderedDict[tuple[str, str, bytes], Gist] = OrderedDict()

    async def of(self, workspace: str, escalations: Sequence[str]) -> dict[str, Gist]:
        """By escalation; those whose content was erased, or never written, are missing."""
        if not escalations:
            return {}
        salts = await self._store.salts_of(workspace, escalations, self._name)
        found: dict[str, Gist] = {}
        unknown: list[str] = []
        for each, salt in salts.items():
            known = (workspace, each, salt)
            if known in self._kept:
                self._kept.move_to_end(known)
                found[each] = self._kept[known]
            else:
                unknown.append(each)
        if unknown:
            found |= await self._unsealed(workspace, unknown, salts)
        return found

    async def _unsealed(
        self, workspace: str, escalations: Sequence[str], salts: Mapping[str, bytes]
    ) -> dict[str, Gist]:
        parts = await self._contents.of_many(workspace, escalations, self._name, part=self._part)
        found = {each: self._gist(part) for each, part in parts.items()}
        for each, gist in found.items():
            self._kept[(workspace, each, salts[each])] = gist
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return found
