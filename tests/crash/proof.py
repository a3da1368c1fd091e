"""After the killing: what the database holds against all that was acknowledged or happened."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from pullcord.engine.house import House
from pullcord.path.escalation import DecisionKind
from pullcord.path.timeline import broken, commitments_of, fold, plain, public
from pullcord.seal.sealing import commitment
from pullcord.store.port import Row
from tests.crash.town import WORKSPACE, Town, house_of

#: decisions after which the effect may happen
RUN = frozenset({DecisionKind.APPROVE, DecisionKind.EDIT})


@dataclass
class Findings:
    """Faults, and what was there to be counted."""

    faults: list[str] = field(default_factory=list)
    escalations: int = 0
    decided: int = 0
    effects: int = 0
    acknowledged: int = 0


def lines(path: Path) -> list[list[str]]:
    """The words of every whole line."""
    if not path.exists():
        return []
    return [each.split() for each in path.read_text().splitlines()]


async def findings(town: Town) -> Findings:
    """Read the database once more and hold everybody's memory against it."""
    house = house_of(town.kept)
    await house.store.start()
    found = Findings()
    rows: dict[str, Row] = {}
    for chain in await house.store.chains(WORKSPACE, limit=100_000):
        row = await house.store.load(WORKSPACE, chain)
        assert row is not None, f"{chain} is listed and not there"
        rows[chain] = row
        found.faults += await _of_chain(house, row)
    _of_told(town, rows, found)
    _of_parked(town, rows, found)
    await _of_effects(town, house, rows, found)
    found.escalations = len(rows)
    found.decided = sum(row.escalation.decision is not None for row in rows.values())
    await house.store.close()
    return found


async def _of_chain(house: House, row: Row) -> list[str]:
    name = row.escalation.id
    links = await house.store.timeline(WORKSPACE, name)
    bodies = [each.body for each in links]
    pairs = [(each.body, each.hash) for each in links]
    faults = broken(pairs, workspace=WORKSPACE, chain=name)
    if fold(bodies) != public(row.escalation):
        faults.append(f"{name}: its timeline does not fold to its row")
    if [json.loads(each)["kind"] for each in bodies].count("decided") > 1:
        faults.append(f"{name}: it was decided twice")
    kept = {
        each.name: commitment(each.salt, each.ciphertext)
        for each in await house.store.contents(WORKSPACE, name)
    }
    if kept != commitments_of(bodies):
        faults.append(f"{name}: its contents are not what its timeline commits to")
    return faults


def _of_told(town: Town, rows: dict[str, Row], found: Findings) -> None:
    """Every decision somebody was told of stands, unchanged."""
    found.acknowledged = len(town.told)
    for told in town.told:
        row = rows.get(told.escalation)
        if row is None or row.escalation.version < told.version:
            found.faults.append(f"{told} was acknowledged and is not there")
            continue
        decision = row.escalation.decision
        if told.decision is not None and decision is not None:
            stands = (str(decision.kind), decision.by, plain(decision.at))
            was = (*told.decision[:2], told.decision[2])
            if stands[:2] != was[:2] or stands[2][:19] != was[2][:19]:
                found.faults.append(f"{told.escalation}: {was} was told, {stands} stands")


def _of_parked(town: Town, rows: dict[str, Row], found: Findings) -> None:
    """Every stop an agent was told of is there, one for each order."""
    by_call = Counter(row.escalation.call for row in rows.values())
    doubled = [call for call, count in by_call.items() if count > 1]
    if doubled:
        found.faults.append(f"opened twice: {doubled}")
    for order, escalation in lines(town.folder / "parked"):
        found.acknowledged += 1
        if escalation not in rows:
            found.faults.append(f"{order} was parked as {escalation}, which is not there")
        elif rows[escalation].escalation.call != order:
            found.faults.append(f"{order} was parked as {escalation}, which is another's")


async def _of_effects(town: Town, house: House, rows: dict[str, Row], found: Findings) -> None:
    """Every effect happened once, after an approval, with exactly the decided arguments."""
    effects = lines(town.folder / "effects")
    found.effects = len(effects)
    for order, count in Counter(order for order, _, _ in effects).items():
        if count > 1:
            found.faults.append(f"{order} was refunded {count} times")
    by_call = {row.escalation.call: row for row in rows.values()}
    for order, amount, _ in effects:
        row = by_call.get(order)
        decision = row.escalation.decision if row is not None else None
        if row is None or decision is None or decision.kind not in RUN:
            found.faults.append(f"{order} was refunded without an approval")
            continue
        if not row.escalation.attempt:
            found.faults.append(f"{order} was refunded and its decision never collected")
        content = await house.contents.one(WORKSPACE, row.escalation.id, decision.content)
        if float(amount) != content["args"]["amount"]:
            found.faults.append(f"{order}: {amount} was refunded, {content['args']} was decided")
