"""Two workspaces in one database never see each other: every read is asked from both sides."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from pullcord.store.port import (
    WORKSPACE_CHAIN,
    Account,
    AgentKey,
    CallRecord,
    Copy,
    Filter,
    Head,
    Linked,
    Outcome,
    PolicyVersion,
    Sealed,
    Settled,
    Store,
)
from pullcord.store.receipts import Receipt, ReceiptState
from tests.conformance.stage import (
    NOON,
    Stage,
    accepts,
    collects,
    decides,
    takes_over,
    workspace_link,
)

#: planted in every column of workspace B that holds text
CANARY = "canary"

READS: dict[str, Callable[[Store], Awaitable[object]]] = {
    "load": lambda store: store.load("a", f"esc_{CANARY}"),
    "load_confirmed": lambda store: store.load_confirmed("a", f"esc_{CANARY}"),
    "by_key": lambda store: store.by_key("a", "k1", f"esc_{CANARY}"),
    "find": lambda store: store.find("a", Filter(candidate=CANARY)),
    "counts": lambda store: store.counts("a", Filter(run=CANARY)),
    "human_controls": lambda store: store.human_controls("a", "support", CANARY),
    "load_of_people": lambda store: store.load_of_people("a"),
    "last_asked": lambda store: store.last_asked("a"),
    "contents": lambda store: store.contents("a", f"esc_{CANARY}"),
    "load_several": lambda store: store.load_several("a", [f"esc_{CANARY}"]),
    "salts_of": lambda store: store.salts_of("a", [f"esc_{CANARY}"], "shown"),
    "contents_of": lambda store: store.contents_of("a", [f"esc_{CANARY}"], "shown"),
    "timeline": lambda store: store.timeline("a", f"esc_{CANARY}"),
    "the workspace's timeline": lambda store: store.timeline("a", WORKSPACE_CHAIN),
    "the workspace's contents": lambda store: store.contents("a", WORKSPACE_CHAIN),
    "chains": lambda store: store.chains("a"),
    "receipts": lambda store: store.receipts("a", f"esc_{CANARY}"),
    "copies": lambda store: store.copies("a", f"esc_{CANARY}"),
    "sent_to": lambda store: store.sent_to("a", CANARY, CANARY, since=NOON),
    "woken": lambda store: store.woken("a", CANARY, since=NOON),
    "hasten_outgoing": lambda store: store.hasten_outgoing("a", "m", NOON, later_than=NOON),
    "why_failed": lambda store: store.why_failed("a", CANARY, NOON),
    "tallies": lambda store: store.tallies("a", since=NOON),
    "links": lambda store: store.links("a"),
    "outcomes": lambda store: store.outcomes("a", f"esc_{CANARY}"),
    "decided_for": lambda store: store.decided_for("a", "k1", attempt=CANARY),
    "workspace_head": lambda store: store.workspace_head("a"),
    "policy": lambda store: store.policy("a"),
    "a named policy": lambda store: store.policy("a", CANARY),
    "policy_version": lambda store: store.policy_version("a"),
    "policies": lambda store: store.policies("a"),
    "people": lambda store: store.people("a"),
    "keys": lambda store: store.keys("a"),
    "accounts": lambda store: store.accounts("a"),
    "call_counts": lambda store: store.call_counts("a", since=NOON),
}

#: reads that serve all workspaces by design: the engine's claims, and secrets that are unique
GLOBAL = {
    "account",
    "beats",
    "by_status",
    "claim_copies",
    "claim_due",
    "claim_duties",
    "claim_outgoing",
    "copy_of",
    "epoch",
    "held",
    "hold",
    "key",
    "let_go",
    "linked",
    "next_wake",
    "overdue_since",
    "ping",
    "session",
    "spend_ticket",
    "unedited_since",
    "unsent_since",
    "workspaces",
}


async def plant(store: Store) -> None:
    """Workspace B holds the canary everywhere."""
    stage = Stage(store, "b")
    more: dict[str, Any] = {"run": CANARY, "end_user": CANARY, "agent_key": "k1"}
    taken = await stage.open(f"esc_{CANARY}", shown=CANARY, **more)
    await stage.act(taken, accepts("maria"), takes_over("maria"))
    decided = await stage.open(f"esc_{CANARY}_2", **more)
    await stage.act(decided, decides("maria"), collects(CANARY))
    await stage.act(await stage.open(f"esc_{CANARY}_3", **more), decides("maria"))
    await store.record(
        "b",
        workspace_link("b", Head(), kind=CANARY),
        [Sealed(WORKSPACE_CHAIN, CANARY, b"salt", b"text")],
        kept=(Linked("b", CANARY, CANARY, CANARY, CANARY, CANARY, NOON),),
    )
    await store.put_policy(PolicyVersion("b", CANARY, b"{}", CANARY, CANARY, NOON))
    await store.put_person("b", CANARY, b"{}")
    await store.put_key(AgentKey("k1", "b", "support", "test", "hash", CANARY, NOON))
    await store.put_account(Account("b", CANARY, "b@example.com", "hash", NOON))
    outcome = Outcome("b", f"esc_{CANARY}", CANARY, CANARY, CANARY, CANARY, NOON)
    await store.put_outcome("b", outcome)
    call = CallRecord("c1", NOON, "support", "k1", "test", CANARY, CANARY, "allow", "", "p")
    await store.record_calls("b", [call])
    for _, each in await store.claim_outgoing(NOON, lease_until=NOON):
        receipt = Receipt(each.id, each.message.escalation, CANARY, CANARY, ReceiptState.SEEN, NOON)
        copy = Copy(
            id=each.id,
            message=replace(each.message, to_id=CANARY),
            channel=CANARY,
            address=CANARY,
            reference=CANARY,
            version=1,
            at=NOON,
            wakes=True,
        )
        await store.settle_outgoing("b", [Settled(receipt, copy=copy)])


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
async def test_no_read_of_one_workspace_shows_another(
    read: Callable[[Store], Awaitable[object]], store: Store
) -> None:
    """A tenant's name in somebody else's inbox is the end of trust."""
    empty = await read(store)
    await plant(store)

    assert CANARY not in repr(await read(store))
    assert await read(store) == empty


async def test_every_read_of_the_port_is_asked(store: Store) -> None:
    """A new verb without a row here would be a hole nobody looks into."""
    asked = {each for read in READS.values() for each in read.__code__.co_names}
    writes = {
        name
        for name, verb in inspect.getmembers(Store, inspect.isfunction)
        if inspect.signature(verb).return_annotation is None
    }
    verbs = {
        name
        for name, _ in inspect.getmembers(Store, inspect.isfunction)
        if not name.startswith("_")
    }

    assert verbs - writes - GLOBAL - {"nudge"} <= asked


async def test_no_write_of_one_workspace_changes_another(store: Store) -> None:
    """The same ids in two workspaces are two things."""
    await plant(store)
    row = await store.load("b", f"esc_{CANARY}")
    assert row is not None
    woken = await store.next_wake()
    other = Receipt("m", f"esc_{CANARY}", "x", "x", ReceiptState.SEEN, NOON)

    await store.rest("a", f"esc_{CANARY}", version=row.escalation.version)
    await store.nudge("a", NOON)
    await store.settle_outgoing("a", [Settled(other)])
    await store.unlink("a", CANARY, CANARY)
    await store.note_receipt("a", other)
    await store.end_sessions_of("a", CANARY)
    await store.put_policy(PolicyVersion("a", "p1", b"{}", "", "dana", NOON))
    await Stage(store, "a").open(f"esc_{CANARY}")

    assert await store.load("b", f"esc_{CANARY}") == row
    assert await store.next_wake() != NOON
    assert [each.workspace for each in await store.linked(CANARY, CANARY)] == ["b"]
    assert woken is not None
    policy = await store.policy("b")
    assert policy is not None
    assert policy.version == CANARY
    mine = await store.load("a", f"esc_{CANARY}")
    assert mine is not None
    assert replace(mine.escalation, workspace="b") != row.escalation
