"""What rules read of a call and of the conversation around it."""

from typing import Any

import pytest

from pullcord.trigger.rules import Policy, ToolTerms
from pullcord.trigger.signals import (
    MESSAGES_MAX,
    Call,
    arguments_of,
    asks_for_person,
    calls_in,
    money_of,
    run_signals,
    scope_of,
    text_of,
)

NO_POLICY = Policy("p_1", ())


def proposes(name: str, arguments: Any) -> dict[str, Any]:
    """A message in which an agent calls a tool."""
    function = {"name": name, "arguments": arguments}
    return {"role": "assistant", "tool_calls": [{"id": "c1", "function": function}]}


def test_rules_can_read_everything_they_may_name_even_when_nobody_said_it() -> None:
    """A rule about the end user must not break where there is none."""
    scope = scope_of(Call("test", "bot", "search", {"q": "x"}), NO_POLICY)

    assert scope["args"] == {"q": "x"}
    assert scope["end_user"]["asks_for_person"] is False
    assert scope["run"]["n_calls"] == 0
    assert scope["reversible"] == "no"
    assert scope["zones"] == []
    assert "money" not in scope


def test_what_the_tool_costs_comes_from_configuration() -> None:
    """An agent cannot declare its own call harmless."""
    tools = {"pay": ToolTerms("pay", reversible="yes", money="args.sum.total", zones=("money",))}

    scope = scope_of(Call("test", "bot", "pay", {"sum": {"total": 9}}), Policy("p", (), tools))

    assert (scope["money"], scope["reversible"], scope["zones"]) == (9, "yes", ["money"])


@pytest.mark.parametrize(
    ("args", "money"),
    [
        ({"amount": 4.5}, 4.5),
        ({"amount": "4.5"}, None),
        ({"amount": True}, None),
        ({}, None),
        ({"amount": {"value": 3}}, None),
    ],
)
def test_only_a_number_is_an_amount(args: dict[str, Any], money: float | None) -> None:
    """Text that looks like money makes the rule ask, not guess."""
    assert money_of(ToolTerms("pay", money="args.amount"), args) == money


def test_a_path_that_leads_through_no_map_gives_no_amount() -> None:
    """The amount of a malformed call is unknown, not zero."""
    assert money_of(ToolTerms("pay", money="args.amount.value"), {"amount": 3}) is None
    assert money_of(None, {"amount": 3}) is None
    assert money_of(ToolTerms("pay"), {"amount": 3}) is None


def test_a_run_is_counted() -> None:
    """Loops, failures and writes are what structure tells about a run."""
    messages = [
        {"role": "user", "content": "hi"},
        proposes("refund", '{"order": 1}'),
        {"role": "tool", "content": "Error: no such order"},
        proposes("refund", {"order": 1}),
        {"role": "tool", "content": "ok", "x_error": True},
        proposes("search", "not json"),
        {"role": "tool", "content": "found"},
    ]

    signals = run_signals(messages, run="run_1", writes=frozenset({"refund"}))

    assert signals == {
        "id": "run_1",
        "n_messages": 7,
        "n_calls": 3,
        "n_errors": 2,
        "n_repeats": 1,
        "n_writes": 2,
    }


def test_a_hostile_run_is_counted_and_never_breaks() -> None:
    """Arguments nobody can write as JSON are the agent's problem, not the server's."""
    circle: list[Any] = []
    circle.append(circle)
    messages = [
        proposes("a", circle),
        proposes("a", {1: "x", "y": 2}),
        proposes("a", "[" * 100_000),
        {"role": "assistant", "tool_calls": "none"},
        {"role": "assistant", "tool_calls": [None, {"function": "x"}, {}]},
        {"role": "tool", "content": None},
    ]

    signals = run_signals(messages)

    assert signals["n_calls"] == 3
    assert signals["n_errors"] == 0


def test_only_the_last_messages_are_looked_at_and_all_are_counted() -> None:
    """A run of a hundred thousand messages costs no more than one of four hundred."""
    messages = [proposes("a", {"n": at}) for at in range(MESSAGES_MAX + 100)]

    signals = run_signals(messages)

    assert signals["n_messages"] == MESSAGES_MAX + 100
    assert signals["n_calls"] == MESSAGES_MAX


def test_calls_are_read_in_the_common_shape() -> None:
    """Names and arguments as the agents' frameworks send them."""
    assert calls_in(proposes("a", '{"x": 1}')) == [("a", {"x": 1})]
    assert calls_in({"role": "user"}) == []
    assert arguments_of({"arguments": "{"}) == "{"
    assert arguments_of({}) is None


@pytest.mark.parametrize(
    "words",
    [
        "I want to talk to a human",
        "can you connect me with a manager please",
        "is there a real person here",
        "Ich möchte mit einem Menschen sprechen",
        "je veux parler à une personne",
        "quiero hablar con un agente",
    ],
)
def test_a_wish_for_a_person_is_understood(words: str) -> None:
    """Who asks for a person is a service rule, in the languages people write."""
    assert asks_for_person([{"role": "user", "content": words}])
    assert asks_for_person([{"role": "user", "content": [{"type": "text", "text": words}]}])


def test_only_the_end_users_last_words_count() -> None:
    """A wish that was met long ago does not hold up the run."""
    wish = {"role": "user", "content": "let me talk to a person"}
    agent = {"role": "assistant", "content": "talk to a person?"}

    assert asks_for_person([{"role": "user", "content": "hello"}, wish, agent])
    assert not asks_for_person([wish, {"role": "user", "content": "thanks, solved"}])
    assert not asks_for_person([agent])
    assert not asks_for_person([{"role": "user", "content": None}])


def test_the_words_of_a_message_made_of_parts_are_joined() -> None:
    """Images and other parts are passed over."""
    parts = [{"type": "text", "text": "one"}, {"type": "image"}, "x", {"text": 5}, {"text": "two"}]

    assert text_of({"content": parts}) == "one\ntwo"
    assert text_of({"content": 5}) == ""
