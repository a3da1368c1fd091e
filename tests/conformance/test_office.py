"""Policies, people, keys, sign-ins, tickets, calls and the workspace's own chain."""

import asyncio
from dataclasses import replace

import pytest

from pullcord.errors import InvalidInput
from pullcord.path.timeline import broken
from pullcord.store.port import (
    WORKSPACE_CHAIN,
    Account,
    AgentKey,
    CallRecord,
    Head,
    InvariantBroken,
    Kept,
    PersonRecord,
    PolicyVersion,
    Sealed,
    Session,
    Store,
    Ticket,
    VersionConflict,
)
from tests.conformance.stage import HOUR, MINUTE, NOON, workspace_link

POLICY = PolicyVersion("shop", "p1", b"{}", "workspace: shop", "dana", NOON)
KEY = AgentKey("k1", "shop", "support", "production", "hash", "dana", NOON, note="first")
ACCOUNT = Account("shop", "maria", "maria@example.com", "argon", NOON)
SESSION = Session("s1", "shop", "maria", "csrf", NOON, NOON + HOUR)
TICKET = Ticket("t1", "shop", "maria", "setup", NOON + HOUR)


async def test_the_workspace_chain_grows_by_one_link_at_a_time(store: Store) -> None:
    """Two admins at once: one is told to look again, and the chain verifies."""
    start = await store.workspace_head("shop")
    first = workspace_link("shop", start)
    sealed = Sealed(WORKSPACE_CHAIN, "1/reason", b"salt", b"text")

    results = await asyncio.gather(
        *(store.record("shop", first, [sealed]) for _ in range(2)), return_exceptions=True
    )
    head = await store.workspace_head("shop")
    await store.record("shop", workspace_link("shop", head))

    assert start == Head()
    assert sorted(map(type, results), key=str) == [type(None), VersionConflict]
    assert head == Head(1, first.hash)
    links = await store.timeline("shop", WORKSPACE_CHAIN)
    pairs = [(each.body, each.hash) for each in links]
    assert broken(pairs, workspace="shop", chain=WORKSPACE_CHAIN) == []
    assert [each.seq for each in links] == [1, 2]
    assert await store.contents("shop", WORKSPACE_CHAIN) == [sealed]


async def test_an_entry_and_what_it_tells_of_are_kept_together(store: Store) -> None:
    """Nothing is configured without a trace, and no trace tells of what did not happen."""
    kept: list[Kept] = [POLICY, PersonRecord("maria", b"{}"), KEY, ACCOUNT, TICKET]
    link = workspace_link("shop", Head())
    await store.record("shop", link, kept=kept)

    late = replace(KEY, id="k2")
    with pytest.raises(VersionConflict):
        await store.record("shop", link, kept=[late])

    assert await store.policy("shop") == POLICY
    assert await store.people("shop") == {"maria": b"{}"}
    assert await store.keys("shop") == [KEY]
    assert await store.account("maria@example.com") == ACCOUNT
    assert await store.spend_ticket("t1", NOON) == TICKET


async def test_only_the_workspaces_own_chain_is_recorded_on(store: Store) -> None:
    """An escalation's timeline changes with its row or not at all."""
    link = replace(workspace_link("shop", Head()), chain="esc_1")

    with pytest.raises(AssertionError, match="own chain"):
        await store.record("shop", link)

    assert await store.timeline("shop", "esc_1") == []


async def test_the_last_applied_policy_is_current_and_none_is_lost(store: Store) -> None:
    """Rolling back is applying an old version again; its first author stays."""
    second = replace(POLICY, version="p2", source="other")
    for each in (POLICY, second, replace(POLICY, by="tom")):
        await store.put_policy(each)

    assert await store.policy("shop") == POLICY
    assert await store.policy_version("shop") == "p1"
    assert await store.policy("shop", "p2") == second
    assert await store.policy("shop", "p9") is None
    assert await store.policies("shop") == [second, POLICY]
    assert await store.policies("shop", limit=1) == [second]


async def test_a_workspace_without_a_policy_has_none(store: Store) -> None:
    """The guard then refuses; it never invents one."""
    assert await store.policy("shop") is None
    assert await store.policy_version("shop") == ""
    assert await store.workspaces() == []


async def test_workspaces_are_those_with_a_policy_or_an_account(store: Store) -> None:
    """First start and duties find every one."""
    await store.put_policy(POLICY)
    await store.put_account(replace(ACCOUNT, workspace="other"))

    assert await store.workspaces() == ["other", "shop"]


async def test_a_persons_record_is_replaced(store: Store) -> None:
    """Absences and contacts live here; the last word counts."""
    await store.put_person("shop", "maria", b"1")
    await store.put_person("shop", "maria", b"2")
    await store.put_person("shop", "tom", b"3")

    assert await store.people("shop") == {"maria": b"2", "tom": b"3"}


async def test_a_key_is_found_by_id_and_listed_newest_first(store: Store) -> None:
    """The hot path of every request, and the page of keys."""
    newer = replace(KEY, id="k0", created_at=NOON + MINUTE)
    await store.put_key(KEY)
    await store.put_key(newer)

    assert await store.key("k1") == KEY
    assert await store.key("k9") is None
    assert await store.keys("shop") == [newer, KEY]


async def test_a_revoked_key_stays_revoked(store: Store) -> None:
    """Writing the old record again, from a slow browser tab, opens nothing."""
    await store.put_key(KEY)
    await store.put_key(replace(KEY, revoked_at=NOON))

    await store.put_key(KEY)

    assert await store.key("k1") == replace(KEY, revoked_at=NOON)


async def test_a_key_cannot_be_taken_over_by_another_workspace(store: Store) -> None:
    """Ids are chance, and still no write crosses."""
    await store.put_key(KEY)

    await store.put_key(replace(KEY, workspace="other", revoked_at=NOON))

    assert await store.key("k1") == KEY


async def test_a_sign_in_is_replaced_and_found_by_its_address(store: Store) -> None:
    """A new password or address takes the place of the old one."""
    await store.put_account(ACCOUNT)
    moved = replace(ACCOUNT, email="m@example.com", password_hash="new")

    await store.put_account(moved)

    assert await store.account("m@example.com") == moved
    assert await store.account("maria@example.com") is None
    assert await store.accounts("shop") == {"maria": "m@example.com"}


async def test_one_address_signs_in_one_person(store: Store) -> None:
    """Two people with one address could each be taken for the other."""
    await store.put_account(ACCOUNT)

    with pytest.raises(InvalidInput, match="email"):
        await store.put_account(replace(ACCOUNT, person="tom"))

    assert await store.account("maria@example.com") == ACCOUNT


async def test_a_session_ends_with_its_time_or_by_signing_out(store: Store) -> None:
    """A forgotten browser does not stay signed in."""
    await store.put_session(SESSION)
    await store.put_session(replace(SESSION, token_hash="s2"))

    assert await store.session("s1", NOON + HOUR - MINUTE) == SESSION
    assert await store.session("s1", NOON + HOUR) is None
    await store.end_session("s1")
    assert await store.session("s1", NOON) is None
    assert await store.session("s2", NOON) is not None


async def test_sessions_that_are_over_are_cleared_away(store: Store) -> None:
    """The table holds who is signed in, not everybody who ever was."""
    await store.put_session(SESSION)

    await store.put_session(
        replace(SESSION, token_hash="s2", started_at=NOON + HOUR, expires_at=NOON + 2 * HOUR)
    )

    assert await store.session("s1", NOON) is None
    assert await store.session("s2", NOON + HOUR) is not None


async def test_a_person_is_signed_out_everywhere(store: Store) -> None:
    """After a change of password or role; others stay."""
    for name, who in (("s1", "maria"), ("s2", "maria"), ("s3", "tom")):
        await store.put_session(replace(SESSION, token_hash=name, person=who))

    await store.end_sessions_of("shop", "maria")

    left = [await store.session(name, NOON) is not None for name in ("s1", "s2", "s3")]
    assert left == [False, False, True]


async def test_a_token_is_never_given_twice(store: Store) -> None:
    """A repeated hash would hand one person's session or link to another."""
    await store.put_session(SESSION)
    await store.put_ticket(TICKET)

    with pytest.raises(InvariantBroken):
        await store.put_session(replace(SESSION, person="tom"))
    with pytest.raises(InvariantBroken):
        await store.put_ticket(replace(TICKET, person="tom"))

    assert await store.session("s1", NOON) == SESSION


async def test_a_ticket_is_spent_once_by_whoever_comes_first(store: Store) -> None:
    """A link that was used, or a second click at the same instant, opens nothing."""
    await store.put_ticket(TICKET)

    spent = await asyncio.gather(*(store.spend_ticket("t1", NOON) for _ in range(3)))

    assert [each for each in spent if each is not None] == [TICKET]
    assert await store.spend_ticket("t9", NOON) is None


async def test_an_expired_ticket_opens_nothing(store: Store) -> None:
    """An old invitation in a mailbox is only paper."""
    await store.put_ticket(TICKET)

    assert await store.spend_ticket("t1", NOON + HOUR) is None


def call(id: str, *, verdict: str = "allow", count: int = 1, **more: str) -> CallRecord:
    return CallRecord(
        id=id,
        at=NOON,
        agent="support",
        agent_key=more.get("agent_key", "k1"),
        environment="production",
        run="r1",
        tool="refund",
        verdict=verdict,
        rule="",
        policy_version="p1",
        count=count,
        facts={"lost": 1},
    )


async def test_every_call_is_counted_once(store: Store) -> None:
    """A batch that is sent again after a lost reply changes no denominator."""
    batch = [call("c1", count=3), call("c2", verdict="gate")]
    await store.record_calls("shop", batch)
    await store.record_calls("shop", [*batch, call("c3"), call("c1", agent_key="k2")])

    counts = await store.call_counts("shop", since=NOON)

    assert counts == {("refund", "allow"): 5, ("refund", "gate"): 1}
    assert await store.call_counts("shop", since=NOON + MINUTE) == {}
    assert await store.call_counts("other", since=NOON) == {}
