"""What an agent's key reads: its own escalations, decisions with their proof, the rules."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pullcord.errors import NotFound
from pullcord.seal.signing import verify_decision
from pullcord.store.port import Filter
from pullcord.wire import requests as wire
from tests.unit.engine.shop import SHOP, Shop, open_shop


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as found:
        yield found


# --- opening --------------------------------------------------------------------------------------


async def test_an_opening_tells_agent_and_end_user_who_is_asked_and_until_when(shop: Shop) -> None:
    """The server owns the sentence, so that no agent leaves its user in silence."""
    opened = await shop.stop()

    told = await shop.house.agent_views.opened(shop.key, opened)

    assert told.escalation is not None
    url = f"https://pull.example/status/{opened.status_token}"
    assert (told.verdict, told.rule, told.is_new) == ("gate", "refund-over-limit", True)
    assert told.for_user == f"I have asked our billing team. You will hear by 14:30: {url}"
    assert "It has NOT run." in told.for_model
    assert told.escalation.status_url == url
    assert told.escalation.question == "Refund EUR 480.00 to Anna?"
    assert told.escalation.owner.shown_as == "Maria from Billing"
    assert told.escalation.offer is not None
    assert [each.id for each in told.escalation.offer.candidates] == ["maria"]


async def test_the_same_key_again_is_answered_by_the_same_escalation(shop: Shop) -> None:
    """A retry after a lost reply learns what stands, status page included."""
    first = await shop.house.agent_views.opened(shop.key, await shop.stop())

    again = await shop.house.agent_views.opened(shop.key, await shop.stop())

    assert first.escalation is not None
    assert again.escalation is not None
    assert again.is_new is False
    assert again.escalation.id == first.escalation.id
    assert again.escalation.status_url == first.escalation.status_url


async def test_a_refused_call_says_so_and_asks_nobody(shop: Shop) -> None:
    """Deny wakes nobody, and the model must know that nothing is on its way."""
    opened = await shop.stop(tool="close_account")

    told = await shop.house.agent_views.opened(shop.key, opened)

    assert (told.verdict, told.rule, told.escalation) == ("deny", "never-close", None)
    assert "has NOT run and nobody is being asked" in told.for_model
    assert told.for_user == "I am not allowed to do that, so nothing was done."


async def test_a_call_that_may_run_gets_no_words(shop: Shop) -> None:
    """What runs needs no explanation; an empty text cannot mislead a model."""
    opened = await shop.stop(args={"amount": 20.0})

    told = await shop.house.agent_views.opened(shop.key, opened)

    assert (told.verdict, told.for_model, told.for_user) == ("allow", "", "")


# --- its own, and only its own --------------------------------------------------------------------


async def test_another_key_does_not_see_the_escalation(shop: Shop) -> None:
    """An agent reads what it opened; that another one exists is not its business."""
    escalation = await shop.opened()
    _, other = await shop.house.office.mint_key(
        SHOP, agent="support", environment="production", creator="dana"
    )

    own = await shop.house.agent_views.escalation(shop.key, escalation)

    assert own.id == escalation
    with pytest.raises(NotFound):
        await shop.house.agent_views.escalation(other, escalation)
    with pytest.raises(NotFound):
        await shop.house.agent_views.escalation(shop.key, "esc_none")


async def test_people_read_an_escalation_of_any_key_of_their_workspace(shop: Shop) -> None:
    """Operators answer for all agents of their workspace, and for no other workspace."""
    escalation = await shop.opened()

    seen = await shop.house.agent_views.of_workspace(SHOP, escalation)

    assert seen.id == escalation
    with pytest.raises(NotFound):
        await shop.house.agent_views.of_workspace("elsewhere", escalation)


async def test_an_accepted_escalation_names_who_has_it(shop: Shop) -> None:
    """Agents pass the name on: waiting for a person is easier than waiting."""
    escalation = await shop.opened()
    await shop.does("maria", escalation, wire.AcceptIn())

    seen = await shop.house.agent_views.escalation(shop.key, escalation)

    assert seen.status == "accepted"
    assert seen.offer is None
    assert seen.for_user.startswith("Maria from Billing has it. You will hear by 14:30: https://")


async def test_a_page_lists_what_is_wanted_and_goes_on_at_the_cursor(shop: Shop) -> None:
    """A backlog is read in pages, none twice and none left out."""
    opened = [await shop.opened(f"k{number}") for number in range(3)]
    views = shop.house.agent_views

    first = await views.page(SHOP, Filter(agent_key=shop.key.id), cursor="", limit=2)
    second = await views.page(SHOP, Filter(agent_key=shop.key.id), cursor=first.cursor, limit=2)
    none = await views.page(SHOP, Filter(agent="nobody"), cursor="", limit=2)

    assert sorted(each.id for each in [*first.escalations, *second.escalations]) == sorted(opened)
    assert second.cursor == ""
    assert none.escalations == []


# --- decisions ------------------------------------------------------------------------------------


async def test_the_poll_lists_what_is_decided_for_this_key(shop: Shop) -> None:
    """One poll serves any number of parked runs."""
    await shop.opened("waiting")
    escalation = await shop.decided("ready")

    found = await shop.house.agent_views.decided(shop.key, attempt="")

    assert [each.id for each in found.decided] == [escalation]
    assert found.decided[0].decision is not None
    assert found.decided[0].decision.by.shown_as == "Maria from Billing"


async def test_a_collected_edit_carries_arguments_and_a_proof_that_verifies(shop: Shop) -> None:
    """Shown, decided and executed are one thing, and anybody with the public key can check it."""
    args = {"order": "8812", "amount": 240.5}
    escalation = await shop.decided(kind="edit", args=args, note="bank check first")
    collected = await shop.house.desk.collect(shop.key, escalation, wire.CollectIn(attempt="a1"))

    told = await shop.house.agent_views.collected(collected)

    rules = await shop.house.agent_views.rules(shop.key)
    verify_decision(
        told.signed,
        key_id=told.key_id,
        signature=told.signature,
        public_keys=rules.public_keys,
        now=shop.clock.now(),
    )
    assert (told.kind, told.args, told.note) == ("edit", args, "bank check first")
    assert told.document is not None
    assert told.document["args"] == args
    assert told.signed["decided_digest"] == told.decided_digest
    assert 'Maria from Billing noted: "bank check first".' in told.for_model
    assert told.attempt == "a1"


async def test_a_collected_rejection_carries_nothing_to_execute(shop: Shop) -> None:
    """There is no argument in the reply that a careless agent could run."""
    escalation = await shop.decided(kind="reject", note="wrong customer")
    collected = await shop.house.desk.collect(shop.key, escalation, wire.CollectIn(attempt="a1"))

    told = await shop.house.agent_views.collected(collected)

    assert (told.kind, told.args, told.document, told.decided_digest) == ("reject", None, None, "")
    assert told.note == "wrong customer"


async def test_what_nobody_decided_is_by_rule_and_by_nobody(shop: Shop) -> None:
    """The SDK raises NobodyDecided; no person's name may stand beside it."""
    escalation = await shop.opened()
    await shop.passes(timedelta(minutes=30))
    collected = await shop.house.desk.collect(shop.key, escalation, wire.CollectIn(attempt="a1"))

    told = await shop.house.agent_views.collected(collected)

    assert (told.kind, told.applied, told.by.id) == ("nobody_decided", "reject", "rule")
    assert told.by.shown_as == "nobody (fallback by rule)"
    assert "not a person's decision" in told.for_model


async def test_a_hand_back_note_reaches_the_agent_part_by_part(shop: Shop) -> None:
    """An agent that does not know what was done outside does it again."""
    escalation = await shop.opened()
    await shop.does("maria", escalation, wire.AcceptIn())
    await shop.does("maria", escalation, wire.TakeOverIn())
    note = wire.HandBackNoteIn(decided="one night refunded", must_not="offer more")
    await shop.does("maria", escalation, wire.HandBackIn(note=note))
    collected = await shop.house.desk.collect(shop.key, escalation, wire.CollectIn(attempt="a1"))

    told = await shop.house.agent_views.collected(collected)

    assert told.kind == "hand_back"
    assert told.note == "Decided: one night refunded\nShould be left undone: offer more"


# --- the rules ------------------------------------------------------------------------------------


async def test_the_rules_for_an_sdk_name_no_person(shop: Shop) -> None:
    """Every agent's process holds them: contacts and names have no place there."""
    told = await shop.house.agent_views.rules(shop.key)

    assert (told.agent, told.environment, told.stale_after) == ("support", "production", 60)
    assert told.document["rules"][0]["id"] == "refund-over-limit"
    assert "people" not in told.document
    assert list(told.public_keys) == [shop.house.signer.key_id]


async def test_explain_says_what_would_happen_and_who_would_be_asked(shop: Shop) -> None:
    """Authors of policies try them before anybody is woken."""
    request = wire.ExplainIn(tool="issue_refund", args={"amount": 480.0})

    told = await shop.house.agent_views.explain(shop.key, request)

    assert (told.verdict, told.rule) == ("gate", "refund-over-limit")
    assert told.lines[0] == "refund-over-limit: fires, gate: args.amount > 250"
    assert told.owner is not None
    assert told.owner.shown_as == "Maria from Billing"
    assert told.owner_reason == ("Maria from Billing is on call for billing until Mon 30 Nov 09:00")


async def test_explain_of_a_call_that_runs_names_nobody(shop: Shop) -> None:
    """Where nobody would be asked, nobody is claimed."""
    free = wire.ExplainIn(tool="issue_refund", args={"amount": 20.0})
    refused = wire.ExplainIn(tool="close_account")

    told = await shop.house.agent_views.explain(shop.key, free)
    denied = await shop.house.agent_views.explain(shop.key, refused)

    assert (told.verdict, told.owner) == ("allow", None)
    assert (denied.verdict, denied.owner) == ("deny", None)


async def test_explain_leaves_out_who_may_not_decide_it(shop: Shop) -> None:
    """Preview and router are one resolver: whoever made the key may not own a severe one."""
    request = wire.ExplainIn(tool="wire_money")

    told = await shop.house.agent_views.explain(shop.key, request)

    assert told.owner is not None
    assert told.owner.id == "tom"


async def test_outside_production_explain_names_the_keys_creator(tmp_path: Path) -> None:
    """A test of a policy wakes nobody but whoever tests it."""
    async with open_shop(tmp_path, environment="test") as shop:
        request = wire.ExplainIn(tool="issue_refund", args={"amount": 480.0})

        told = await shop.house.agent_views.explain(shop.key, request)

    assert told.owner is not None
    assert (told.owner.id, told.owner_reason) == ("dana", "Dana Weiss is named by the ladder")


async def test_a_catch_all_who_is_no_longer_there_is_not_named_by_their_id(shop: Shop) -> None:
    """Agents read what people are shown as, never an internal id in its place."""
    request = wire.ExplainIn(tool="issue_refund", args={"amount": 480.0})
    everybody = await shop.house.office.people(SHOP)
    for someone in everybody.values():
        gone = replace(someone, is_active=False)
        await shop.house.office.put_person(SHOP, gone, by="dana")

    told = await shop.house.agent_views.explain(shop.key, request)

    assert told.owner is not None
    assert told.owner_reason == "Dana Weiss is the catch-all, and nobody else is left"
