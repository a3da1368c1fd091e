"""The audit: what the file really holds, read from scratch, against all anybody was told."""

from collections.abc import Iterator

from pullcord.engine.house import House
from pullcord.path.escalation import ENDED, DecisionKind
from pullcord.path.timeline import Link, broken, commitments_of, fold, public
from pullcord.seal.sealing import commitment
from pullcord.store.port import WORKSPACE_CHAIN, Row
from tests.simulation.board import NAME
from tests.simulation.policy import WORKSPACE
from tests.simulation.world import World

PAGE = 500
#: kinds after which the agent may run the call
RUN = frozenset({DecisionKind.APPROVE, DecisionKind.EDIT, DecisionKind.NOBODY_DECIDED})


async def audit(world: World, house: House) -> list[str]:
    """Every fault of a world that came to rest; also gives the digests of all its chains."""
    heads: list[str] = []
    chains = list(await house.store.chains(WORKSPACE, limit=100_000))
    if set(chains) != set(world.watch.rows):
        world.violated("the file holds other escalations than were written")
    for chain in chains:
        row = await house.store.load(WORKSPACE, chain)
        assert row is not None, f"{chain} is listed and not there"
        links = await timeline(house, chain)
        for fault in _of_one(world, row, links):
            world.violated(f"{chain}: {fault}")
        for fault in await _of_contents(house, chain, links):
            world.violated(f"{chain}: {fault}")
        for fault in await _of_messages(world, house, row):
            world.violated(f"{chain}: {fault}")
        for fault in await _of_copies(world, house, row):
            world.violated(f"{chain}: {fault}")
        heads.append(row.head.hash)
    links = await timeline(house, WORKSPACE_CHAIN)
    pairs = [(each.body, each.hash) for each in links]
    for fault in broken(pairs, workspace=WORKSPACE, chain=WORKSPACE_CHAIN):
        world.violated(f"the workspace's chain: {fault}")
    for fault in _of_effects(world):
        world.violated(fault)
    for fault in _of_history(world, set(chains)):
        world.violated(fault)
    return [*heads, *(each.hash for each in links)]


async def timeline(house: House, chain: str) -> list[Link]:
    """A whole chain."""
    found: list[Link] = []
    while True:
        piece = await house.store.timeline(WORKSPACE, chain, after=len(found), limit=PAGE)
        found += piece
        if len(piece) < PAGE:
            return found


def _of_one(world: World, row: Row, links: list[Link]) -> Iterator[str]:
    found = row.escalation
    if row != world.watch.rows.get(found.id):
        yield "the file holds another state than was written"
    if fold(each.body for each in links) != public(found):
        yield "its timeline does not fold to its row"
    pairs = [(each.body, each.hash) for each in links]
    yield from broken(pairs, workspace=WORKSPACE, chain=found.id)
    if (row.head.seq, row.head.hash) != (links[-1].seq, links[-1].hash):
        yield "its row names another head than its timeline has"
    kinds = [each.kind for each in links]
    ends = kinds.count("decided") + kinds.count("withdrawn")
    if ends > 1:
        yield f"it was decided or withdrawn {ends} times"
    if found.status not in ENDED:
        yield f"it never ended: {found.status}"
    held = {(each.seq, each.hash) for each in links}
    lost = world.history.acknowledged.get(found.id, set()) - held
    if lost:
        yield f"somebody was told of entries {sorted(lost)} that are not there"


async def _of_contents(house: House, chain: str, links: list[Link]) -> list[str]:
    promised = commitments_of(each.body for each in links)
    kept = {
        each.name: commitment(each.salt, each.ciphertext)
        for each in await house.store.contents(WORKSPACE, chain)
    }
    return [] if kept == promised else ["its contents are not what its timeline commits to"]


async def _of_messages(world: World, house: House, row: Row) -> list[str]:
    """Everybody who was asked was told, or it is known why not."""
    told: dict[str, set[str]] = {}
    for each in await house.store.receipts(WORKSPACE, row.escalation.id):
        if each.detail.startswith("asked:"):
            told.setdefault(each.to, set()).add(each.outgoing.partition(".")[0])
    faults = []
    for (escalation, who), times in world.watch.asked.items():
        if escalation == row.escalation.id and len(told.get(f"person:{who}", ())) < times:
            faults.append(f"{who} was asked {times} times and told {told.get(f'person:{who}')}")
    return faults


async def _of_copies(world: World, house: House, row: Row) -> list[str]:
    """Every copy a provider holds tells how it ended, unless it refused to be changed."""
    if world.board is None:
        return []
    faults = []
    for copy in await house.store.copies(WORKSPACE, row.escalation.id):
        if not copy.is_edited or copy.channel != NAME:
            continue
        note = world.board.notes.get(copy.reference)
        if note is None:
            faults.append(f"{copy.id} is a copy of nothing")
        elif not note.is_given_up:
            told = note.letter
            if told.buttons or told.is_open or told.status != str(row.escalation.status):
                faults.append(f"{copy.reference} says {told.status}, version {told.version}")
    return faults


def _of_effects(world: World) -> Iterator[str]:
    """A guarded call runs at most once, as decided, and only when somebody or the rule says so."""
    seen: set[str] = set()
    for effect in world.history.effects:
        if effect.escalation in seen:
            yield f"{effect.escalation} ran twice"
        seen.add(effect.escalation)
        row = world.watch.rows.get(effect.escalation)
        decision = row.escalation.decision if row else None
        if decision is None or decision.kind not in RUN:
            yield f"{effect.escalation} ran without an approval"
        elif decision.decided_digest != effect.digest:
            yield f"{effect.escalation} ran with other arguments than decided"


def _of_history(world: World, chains: set[str]) -> Iterator[str]:
    for (key, name), known in sorted(world.history.opened.items()):
        if len(known) != 1:
            yield f"key {key} {name} stands for {sorted(known)}"
        if not known <= chains:
            yield f"key {key} {name} was acknowledged as {sorted(known)} and is not there"
    for escalation in sorted(set(world.history.acknowledged) - chains):
        yield f"{escalation} was shown to somebody and is not there"
