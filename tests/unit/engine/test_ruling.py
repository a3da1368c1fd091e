"""What a person may decide: bound to what was shown, and never past the policy."""

from typing import Any

import pytest

from pullcord.errors import InvalidInput
from pullcord.path.escalation import DecisionKind
from pullcord.wire import requests as wire
from tests.unit.engine.counter import refund, shop, stopped

CHOOSE = wire.AskIn(
    kind="choose",
    question="Which account?",
    options=[
        wire.OptionIn(id="one", label="One"),
        wire.OptionIn(id="none", label="Neither", is_safe=True),
    ],
)


async def test_changed_arguments_that_change_nothing_are_an_approval() -> None:
    """A form that was opened and sent back as it was is not an edit."""
    async with shop() as (town, key):
        name = await stopped(town, key)

        row = await town.person("maria").edit(name, amount=480.0)

        assert row.escalation.decision is not None
        assert row.escalation.decision.kind is DecisionKind.APPROVE
        assert row.escalation.decision.decided_digest == row.escalation.shown_digest


@pytest.mark.parametrize(
    ("decision", "says"),
    [
        ({"kind": "edit"}, "whole changed arguments"),
        ({"kind": "approve", "args": {"amount": 1.0}}, "kind edit"),
        ({"kind": "edit", "args": {"order": "H-1", "amount": -5.0}}, "never-negative"),
        ({"kind": "edit", "args": {"order": "H-1", "amount": 9000.0}}, "huge-refund"),
        ({"kind": "edit", "args": {"amount": 2**60}}, "args"),
    ],
)
async def test_a_change_the_policy_would_not_let_through_is_refused(
    decision: dict[str, Any], says: str
) -> None:
    """A person changes what was asked, not who is asked and not what is forbidden."""
    async with shop() as (town, key):
        name = await stopped(town, key)

        with pytest.raises(InvalidInput, match=says):
            await town.person("maria").act(name, wire.DecideIn(**decision))

        assert (await town.row(name)).escalation.decision is None


async def test_an_agent_that_cannot_take_changes_is_sent_none() -> None:
    """Executed as proposed although a person changed it: that is what must not happen."""
    async with shop() as (town, key):
        name = await stopped(town, key, refund(capabilities=["durable"]))

        with pytest.raises(InvalidInput, match="cannot take changed arguments"):
            await town.person("maria").edit(name, amount=100.0)
        row = await town.person("maria").approve(name)

        assert row.escalation.decision is not None


async def test_a_change_into_what_another_lenient_rule_watches_is_fine() -> None:
    """Only rules that ask for more people or other people stand in the way."""
    async with shop() as (town, key):
        name = await stopped(town, key)

        row = await town.person("maria").edit(name, amount=100.0)

        assert row.escalation.decision is not None
        assert row.escalation.decision.kind is DecisionKind.EDIT


async def test_a_choice_is_one_of_the_options_that_were_shown() -> None:
    """Nobody chooses what nobody saw."""
    async with shop() as (town, key):
        name = await stopped(town, key, refund(20.0, ask=CHOOSE))
        maria = town.person("maria")

        with pytest.raises(InvalidInput, match="one, none"):
            await maria.choose(name, "three")
        row = await maria.choose(name, "one")

        assert row.escalation.decision is not None
        assert row.escalation.decision.option == "one"


async def test_an_answer_says_something() -> None:
    """An empty answer would resume the agent with nothing."""
    async with shop() as (town, key):
        ask = wire.AskIn(kind="answer", question="Is water covered?")
        name = await stopped(town, key, wire.OpenIn(key="q", ask=ask))
        maria = town.person("maria")

        with pytest.raises(InvalidInput, match="Write the answer"):
            await maria.answer(name, "")
        row = await maria.answer(name, {"covered": True})

        taken = await town.house.desk.collect(key, name, wire.CollectIn(attempt="a"))
        assert row.escalation.decision is not None
        assert taken.content["answer"] == {"covered": True}


async def test_an_ask_to_choose_needs_a_safe_option() -> None:
    """Otherwise nobody deciding would have no answer."""
    async with shop() as (town, key):
        ask = wire.AskIn(kind="choose", options=[wire.OptionIn(id="one", label="One")])

        with pytest.raises(InvalidInput, match="is_safe"):
            await town.house.desk.open(key, wire.OpenIn(key="q", ask=ask))


async def test_what_a_person_approves_for_an_agent_that_asked_by_itself_may_be_changed() -> None:
    """Without a rule there is nothing to compare with but the policy's refusals."""
    async with shop() as (town, key):
        request = refund(20.0, ask=wire.AskIn(kind="approve"))
        name = await stopped(town, key, request)

        row = await town.person("maria").edit(name, amount=10.0)

        assert row.escalation.decision is not None
        assert row.escalation.decision.kind is DecisionKind.EDIT


async def test_a_change_that_has_no_canonical_form_is_refused() -> None:
    """What cannot be hashed the same way everywhere cannot be decided."""
    async with shop() as (town, key):
        name = await stopped(town, key)
        args = {"order": "H-1", "amount": float("nan")}

        with pytest.raises(InvalidInput, match="Change that value"):
            await town.person("maria").act(name, wire.DecideIn(kind="edit", args=args))

        assert (await town.row(name)).escalation.decision is None


async def test_a_question_is_answered_and_not_approved_with_changes() -> None:
    """Each kind of ask has its own kinds of answers."""
    async with shop() as (town, key):
        ask = wire.AskIn(kind="answer", question="Is water covered?")
        name = await stopped(town, key, wire.OpenIn(key="q", ask=ask))

        with pytest.raises(InvalidInput, match="asks to answer"):
            await town.person("maria").act(name, wire.DecideIn(kind="edit", args={"a": 1}))

        assert (await town.row(name)).escalation.decision is None
