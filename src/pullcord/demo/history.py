"""What happened before the visitor came: real acts through the real desk, on an earlier clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pullcord.channels.console import ConsoleChannel
from pullcord.engine.clock import SystemIds
from pullcord.engine.house import furnish
from pullcord.store.port import AgentKey, Store
from pullcord.testing.clock import TurnableClock
from pullcord.testing.town import Town
from pullcord.wire import requests as wire

#: how far back the story begins; one rung of the demo's ladders, and a little less
BEGINNING = timedelta(hours=48)
A_RUNG = timedelta(seconds=13)
SPARE = timedelta(seconds=8)
RUNGS_MAX = 5


@dataclass(frozen=True, slots=True)
class Past:
    """One decided escalation of the day before: `ago` hours back."""

    ago: float
    agent: str
    customer: str
    tool: str
    args: dict[str, Any]
    said: str
    by: str
    kind: str = "approve"
    after: int = 95
    note: str = ""
    changed: dict[str, Any] = field(default_factory=dict)
    signals: dict[str, Any] = field(default_factory=dict)
    #: False: nobody answers and the fallback speaks
    is_answered: bool = True


DAYS: tuple[Past, ...] = (
    Past(
        26.5, "refunds", "Lea Winter", "issue_refund", {"order": "H-8420", "amount": 289.0},
        "The lamp arrived broken, twice.", "maria,tom", after=140,
    ),
    Past(
        25.2, "operations", "", "scale_service",
        {"service": "search", "now": 8, "replicas": 30},
        "Search answers after 3 s.", "ines", kind="edit", after=60,
        changed={"service": "search", "now": 8, "replicas": 16},
        note="Sixteen were enough last time.",
    ),
    Past(
        23.9, "claims", "Bo Lind", "close_claim", {"claim": "C-20417"},
        "My bike was stolen from the yard.", "sam", kind="reject", after=410,
        note="The yard was locked; that is covered.",
    ),
    Past(
        22.0, "refunds", "Kim Noor", "issue_refund", {"order": "H-8533", "amount": 74.5},
        "Wrong size again.", "maria,tom", after=35, signals={"refunds_this_month": 3},
    ),
    Past(
        20.7, "operations", "", "delete_volume", {"volume": "vol-tmp-build", "size_gb": 120},
        "Build machines are out of disk.", "kofi", after=180,
    ),
    Past(
        18.4, "refunds", "Rui Alves", "issue_refund", {"order": "H-8609", "amount": 612.0},
        "I cancelled before it was sent.", "maria,tom", after=75,
    ),
    Past(
        16.8, "claims", "Ida Falk", "pay_claim", {"claim": "C-20433", "amount": 2950.0},
        "The dishwasher flooded the kitchen.", "lena", kind="edit", after=520,
        changed={"claim": "C-20433", "amount": 2650.0}, note="Less the agreed EUR 300 excess.",
    ),
    Past(
        12.1, "refunds", "Theo Marsh", "issue_refund", {"order": "H-8688", "amount": 1190.0},
        "Sofa never came, shop is closed on Sundays?", "", is_answered=False,
    ),
    Past(
        5.3, "operations", "", "rotate_credentials", {"service": "mailer", "grace_minutes": 30},
        "Quarterly rotation is due.", "ines", after=240,
    ),
    Past(
        3.1, "claims", "Nadia Rahman", "pay_claim", {"claim": "C-20588", "amount": 3400.0},
        "Hail broke four roof tiles and the skylight.", "sam", after=300,
    ),
    Past(
        1.4, "refunds", "Ben Cole", "issue_refund", {"order": "H-8801", "amount": 265.0},
        "Two of six glasses were broken.", "maria,tom", kind="reject", after=50,
        note="Replacement glasses were already sent this morning.",
    ),
)  # fmt: skip


async def remember(store: Store, master: bytes, keys: Mapping[str, AgentKey]) -> int:
    """Live through the day before; returns how many escalations that made."""
    now = datetime.now(UTC)
    clock = TurnableClock(now - BEGINNING)
    house = furnish(
        store,
        master=master,
        clock=clock,
        ids=SystemIds(clock),
        channels={"console": ConsoleChannel()},
    )
    for each in DAYS:
        key = keys[each.agent]
        town = Town(house, clock, workspace=key.workspace)
        await town.turn(now - timedelta(hours=each.ago) - clock.now())
        await _live(town, key, each)
    return len(DAYS)


async def _live(town: Town, key: AgentKey, past: Past) -> None:
    opened = await town.house.desk.open(key, _request(past))
    assert opened.row is not None, f"{past.tool} of {past.customer} stopped nowhere"
    name = opened.row.escalation.id
    await town.settle()
    if not past.is_answered:
        # nobody answers: the ladder goes to its end and the fallback speaks
        await town.turn(opened.row.escalation.terms.decide_within)
        return
    who = await _decider(town, name, past)
    await town.person(who).accept(name)
    await town.turn(timedelta(seconds=past.after))
    await town.person(who).act(name, _decision(past))
    await town.turn(timedelta(seconds=2))
    collected = await town.house.desk.collect(key, name, wire.CollectIn(attempt="demo"))
    args = collected.content.get("args")
    outcome: Literal["executed", "not_needed"] = "executed" if args else "not_needed"
    told = wire.ReportIn(attempt="demo", outcome=outcome, args=args, result="done")
    await town.house.desk.report(key, name, told)


async def _decider(town: Town, name: str, past: Past) -> str:
    """The named colleague who is asked now; waits until the ladder reaches one of them."""
    named = past.by.split(",")
    for _ in range(RUNGS_MAX):
        offer = (await town.row(name)).escalation.offer
        asked = [each for each in (offer.candidates if offer else ()) if each in named]
        if asked and offer is not None:
            await town.turn(max(offer.until - town.clock.now() - SPARE, timedelta(0)))
            return asked[0]
        await town.turn(A_RUNG)
    raise AssertionError(f"{past.by} was never asked about {name}")


def _decision(past: Past) -> wire.DecideIn:
    if past.kind == "edit":
        return wire.DecideIn(kind="edit", args=past.changed, note=past.note)
    if past.kind == "reject":
        return wire.DecideIn(kind="reject", note=past.note)
    return wire.DecideIn(kind="approve", note=past.note)


def _request(past: Past) -> wire.OpenIn:
    messages = [{"role": "user", "content": past.said}]
    customer = past.customer
    return wire.OpenIn(
        key=f"history-{past.ago}",
        tool=past.tool,
        args=past.args,
        run=f"history-{past.ago}",
        call="call-1",
        end_user=wire.EndUserIn(id=customer.lower().replace(" ", "-"), name=customer)
        if customer
        else None,
        messages=messages,
        claims=wire.ClaimsIn(situation=past.said, recommendation="Go ahead.", confidence=0.8),
        signals=past.signals,
    )
