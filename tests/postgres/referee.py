"""After a race: what the database holds against what both sides were told."""

from pullcord.engine.house import House
from tests.postgres.crowd import decider

#: who must have decided where this process' side won, and where the other one did
EXPECTED = {
    "decide/decide": ("maria", "tom"),
    "decide/fall back": ("maria", "rule"),
    "withdraw/decide": ("", "tom"),
    "collect/collect": ("maria", "maria"),
}


async def fault_of(house: House, kind: str, escalation: str, pair: tuple[str, str]) -> list[str]:
    """What does not fit to who won."""
    row = await house.store.load("shop", escalation)
    assert row is not None
    found = row.escalation
    is_here = pair[0] == "won"
    expected = EXPECTED[kind][0 if is_here else 1]
    links = await house.store.timeline("shop", escalation)
    ends = [each.kind for each in links if each.kind in ("decided", "withdrawn")]
    is_right = decider(row) == expected and len(ends) == 1
    if kind == "collect/collect":
        is_right = is_right and found.attempt == ("here" if is_here else "there")
    return [] if is_right else [f"{kind} {escalation}: {pair}, {decider(row)!r}, {ends}"]
