"""The lists of the workspace: who is on call, who is there, what keys and policies exist."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pullcord.errors import NotFound
from pullcord.owner.roster import Absence
from pullcord.wire import requests as wire
from tests.unit.engine.shop import NOON, POLICY, SHOP, Shop, open_shop


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as found:
        yield found


async def test_the_viewer_reads_what_they_are_on_call_for(shop: Shop) -> None:
    """The first thing an operator wants to know is whether it is their turn."""
    maria = await shop.house.views.viewer(SHOP, "maria")
    tom = await shop.house.views.viewer(SHOP, "tom")

    assert (maria.name, maria.shown_as, maria.role) == (
        "Maria Lopez",
        "Maria from Billing",
        "operator",
    )
    assert maria.duty == "Maria Lopez is on call for billing until Mon 30 Nov 09:00"
    assert tom.duty == ""


async def test_a_viewer_whom_nobody_knows_is_not_found(shop: Shop) -> None:
    """A session that outlived its person opens nothing."""
    with pytest.raises(NotFound, match="'nobody'"):
        await shop.house.views.viewer(SHOP, "nobody")


async def test_on_call_says_who_answers_each_ladder_and_who_comes_after(shop: Shop) -> None:
    """Coverage is seen before it is needed, by the resolver that will be used."""
    billing, finance = await shop.house.views.on_call(SHOP)

    assert (billing.ladder, billing.person.id) == ("billing", "maria")
    assert billing.reason == "Maria Lopez is on call for billing until Mon 30 Nov 09:00"
    assert billing.until is not None
    assert billing.then == ["Tom Ode after 10 minutes", "Dana Weiss (catch-all) after 20 minutes"]
    assert billing.gaps == []
    assert (finance.person.id, finance.until) == ("dana", None)


async def test_on_call_names_the_gap_when_somebody_is_away(shop: Shop) -> None:
    """An empty rung is visible before it swallows ten minutes of an emergency."""
    people = await shop.house.office.people(SHOP)
    for who in ("maria", "tom"):
        away = Absence(NOON, NOON + timedelta(hours=3))
        await shop.house.office.put_person(SHOP, replace(people[who], absences=(away,)), by="dana")

    billing = (await shop.house.views.on_call(SHOP))[0]

    assert (billing.person.id, billing.until, billing.then) == ("dana", None, [])
    assert billing.gaps == [
        "schedule/billing: Maria Lopez is away until 17:00",
        "person/tom: Tom Ode is away until 17:00",
    ]


async def test_on_call_names_an_empty_rung_by_its_target(shop: Shop) -> None:
    """A shift without anybody is shown as what it is called, not as an empty line."""
    empty = """
  night:
    people: [tom]
    overrides: [{from: 2026-11-01T00:00Z, until: 2026-12-01T00:00Z, remove: tom}]
"""
    policy = POLICY.replace("person/tom, accept_within: 10m, wake: true", "schedule/night")
    await shop.house.office.apply(policy.replace("\nteams:", f"{empty}teams:"), by="dana")

    billing = (await shop.house.views.on_call(SHOP))[0]

    assert billing.then[0] == "schedule/night after 10 minutes"


async def test_people_are_listed_with_what_they_hold_and_whether_they_are_there(
    shop: Shop,
) -> None:
    """Whoever reassigns sees who is free."""
    escalation = await shop.opened()
    await shop.does("maria", escalation, wire.AcceptIn())
    token = await shop.house.office.invite(SHOP, "tom")
    await shop.house.office.redeem(token, "correct horse battery")
    people = await shop.house.office.people(SHOP)
    away = Absence(NOON, NOON + timedelta(days=2))
    changed = [
        replace(people["maria"], capacity=1),
        replace(people["dana"], absences=(away,)),
        replace(people["audrey"], is_active=False),
        replace(people["tom"], id="ghost", name="Ghost", email="", phone="", can_sign_in=False),
    ]
    for someone in changed:
        await shop.house.office.put_person(SHOP, someone, by="dana")

    lines = await shop.house.views.people(SHOP)

    assert [(line.name, line.holds, line.availability) for line in lines] == [
        ("Audrey Ling", 0, "no longer active"),
        ("Dana Weiss", 0, "absent until Wed 25 Nov 14:00"),
        ("Ghost", 0, "no contact"),
        ("Maria Lopez", 1, "holds 1, as many as they can"),
        ("Tom Ode", 0, "available"),
    ]
    assert [line.name for line in lines if line.has_account] == ["Tom Ode"]


async def test_keys_are_listed_without_any_secret(shop: Shop) -> None:
    """A key is shown once; afterwards only that it exists, whose it is and whether it holds."""
    await shop.house.office.revoke_key(SHOP, shop.key.id, by="dana")

    (line,) = await shop.house.views.keys(SHOP)

    assert (line.id, line.agent, line.environment) == (shop.key.id, "support", "production")
    assert line.creator == "Dana Weiss"
    assert line.revoked_at == NOON
    assert shop.key.secret_hash not in repr(line)


async def test_policies_are_listed_with_the_one_in_force(shop: Shop) -> None:
    """Rolling back begins with seeing what there was, and who applied it."""
    first = (await shop.house.policies.current(SHOP)).version
    await shop.house.office.apply(POLICY.replace("> 250", "> 300"), by="tom")

    newest, oldest = await shop.house.views.policies(SHOP)
    source = await shop.house.views.policy_source(SHOP)

    assert (newest.by, newest.is_current, newest.rules) == ("Tom Ode", True, 4)
    assert (oldest.version, oldest.by, oldest.is_current) == (first, "Dana Weiss", False)
    assert "args.amount > 300" in source


async def test_a_workspace_without_a_policy_has_no_text_to_show(shop: Shop) -> None:
    """Before the first policy the page says what to do instead of showing nothing."""
    with pytest.raises(NotFound, match="apply one first"):
        await shop.house.views.policy_source("elsewhere")


async def test_the_timeline_is_given_as_it_stands_in_the_chain(shop: Shop) -> None:
    """Whoever verifies a chain needs its facts and hashes, not our sentences."""
    escalation = await shop.opened()
    await shop.does("maria", escalation, wire.AcceptIn())

    entries = await shop.house.views.timeline(SHOP, escalation)
    later = await shop.house.views.timeline(SHOP, escalation, after=2)

    assert [(each.seq, each.kind, each.by) for each in entries] == [
        (1, "opened", "agent:support"),
        (2, "asked", "engine"),
        (3, "accepted", "person:maria"),
    ]
    assert entries[0].facts["rule"] == "refund-over-limit"
    assert [each.hash for each in later] == [entries[2].hash]


async def test_a_timeline_of_nothing_is_not_found(shop: Shop) -> None:
    """An empty list would say that it exists and nothing happened."""
    with pytest.raises(NotFound):
        await shop.house.views.timeline(SHOP, "esc_none")
    with pytest.raises(NotFound):
        await shop.house.views.detail(SHOP, "maria", "esc_none")
