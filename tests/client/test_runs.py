"""Runs and transcripts: which tool call of the model this is, and what of it is sent."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from pullcord import Claims, EndUser
from pullcord.client.fitting import BYTES_MAX, TEXT_MAX, clean, fitted, plain_message
from pullcord.client.keys import key_of
from pullcord.client.runs import NO_RUN, InRun, Run, current, current_call, named_call
from pullcord.client.transcript import proposed_calls
from pullcord.wire.bounds import MESSAGES_MAX


def called(*calls: tuple[str, str, Any]) -> dict[str, Any]:
    """An assistant message that proposes calls: (id, tool, arguments)."""
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": id_, "function": {"name": tool, "arguments": json.dumps(arguments)}}
            for id_, tool, arguments in calls
        ],
    }


PAY_1 = ("c1", "pay", {"amount": 1})
PAY_2 = ("c2", "pay", {"amount": 2})


def test_a_call_is_found_by_its_arguments() -> None:
    """Two calls of one tool in one turn are two calls."""
    run = Run("t", messages=[called(PAY_1, PAY_2)])

    assert run.call_id("pay", {"amount": 2}) == "c2"
    assert run.call_id("pay", {"amount": 1}) == "c1"


def test_the_same_call_again_has_the_same_id() -> None:
    """A framework that runs a node twice must not ask people twice."""
    run = Run("t", messages=[called(PAY_1, PAY_2)])

    assert [run.call_id("pay", {"amount": 1}) for _ in range(3)] == ["c1", "c1", "c1"]


def test_equal_calls_of_one_turn_are_told_apart_by_their_order() -> None:
    """The model really wants it twice; a new process finds the same order."""
    twice = [called(PAY_1, ("c9", "pay", {"amount": 1}))]

    found = [
        [run.call_id("pay", {"amount": 1}) for _ in range(3)]
        for run in (Run("t", messages=twice), Run("t", messages=twice))
    ]

    assert found == [["c1", "c9", "c9"]] * 2


def test_the_size_of_a_turn_counts_its_calls_answered_or_not() -> None:
    """People see whether other calls of the same turn wait as well."""
    turn = called(PAY_1, ("c9", "pay", {"amount": 1}))
    answered = {"role": "tool", "tool_call_id": "c1", "content": "paid"}

    assert Run("t", messages=[turn, answered]).turn_size() == 2
    assert Run("t", messages=[{"role": "user", "content": "hello"}]).turn_size() == 0


def test_defaults_that_the_model_left_out_do_not_hide_a_call() -> None:
    """The function fills them in; the proposal has fewer names."""
    run = Run("t", messages=[called(PAY_1, PAY_2)])

    assert run.call_id("pay", {"amount": 2, "currency": "EUR"}) == "c2"


def test_the_only_call_of_a_tool_is_found_though_its_arguments_were_converted() -> None:
    """Frameworks turn texts into numbers before they call."""
    run = Run("t", messages=[called(("c1", "pay", {"amount": "1"}))])

    assert run.call_id("pay", {"amount": 1}) == "c1"


def test_an_id_never_stands_for_two_calls() -> None:
    """Code that calls a tool twice for one proposal gets a fresh id for the second."""
    run = Run("t", messages=[called(PAY_1)])

    first, second = run.call_id("pay", {"amount": 1}), run.call_id("pay", {"amount": 5})

    assert first == "c1"
    assert second.startswith("call-")


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "user", "content": "pay"}],
        [called(("c1", "other", {}))],
        [called(("c1", "pay", ["no", "object"]), ("c2", "pay", "text"))],
        [called(PAY_1), {"role": "tool", "tool_call_id": "c1", "content": "done"}],
        [called(PAY_1), {"role": "assistant", "content": "done"}],
    ],
)
def test_a_call_nobody_proposed_gets_a_fresh_id(messages: list[Any]) -> None:
    """An id of an answered call would bring back its old decision."""
    run = Run("t", messages=messages)

    found = {run.call_id("pay", {"amount": 1}) for _ in range(2)}

    assert len(found) == 2
    assert all(each.startswith("call-") for each in found)


def test_calls_in_content_blocks_are_found_too() -> None:
    """Not every provider speaks the same shape."""
    blocks = {
        "role": "assistant",
        "content": [
            {"type": "text", "text": "I pay"},
            {"type": "tool_use", "id": "toolu_1", "name": "pay", "input": {"amount": 1}},
            {"type": "tool_use", "id": "toolu_0", "name": "pay", "input": {"amount": 0}},
        ],
    }
    answer = {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "toolu_0", "content": "done"}],
    }

    assert proposed_calls([blocks, answer], "pay") == [("toolu_1", {"amount": 1})]


@dataclass
class Message:
    """A message object of a framework."""

    type: str
    content: str
    tool_calls: list[dict[str, Any]] = field(default_factory=list)

    def model_dump(self) -> dict[str, Any]:
        return {"type": self.type, "content": self.content, "tool_calls": self.tool_calls}


class Bare:
    """A message object that cannot say itself as a dict."""

    role = "user"
    content = "hello"


def test_message_objects_are_understood() -> None:
    """People pass what their framework has, not what we would like."""
    calls = [{"id": "c1", "name": "pay", "args": {"amount": 1}}]
    messages = [Message("human", "pay"), Message("ai", "", calls)]

    run = Run("t", messages=messages)

    assert run.call_id("pay", {"amount": 1}) == "c1"
    assert run.turn() == "turn-1"
    assert plain_message(Bare()) == {"role": "user", "content": "hello"}


def test_a_run_is_carried_by_the_context_and_can_be_nested() -> None:
    """Tools need no argument for it, and a sub-agent has a run of its own."""
    outer, inner = Run("outer"), Run("inner")

    with InRun(outer):
        with InRun(inner), named_call("c1"):
            within = (current(), current_call())
        after = (current(), current_call())

    assert within == (inner, "c1")
    assert after == (outer, "")
    assert current() is NO_RUN


async def test_a_run_can_be_entered_with_async_with() -> None:
    """The same context manager serves both faces."""
    async with InRun(Run("t")) as run:
        assert current() is run


def test_keys_are_made_of_run_and_call_only() -> None:
    """Readable where they fit, unambiguous always."""
    keys = {key_of("a/b", "c"), key_of("a", "b/c"), key_of("", "a"), key_of("a", "")}

    assert len(keys) == 4
    assert key_of("thread-1", "call_1") == "thread-1/call_1"
    assert key_of("x" * 300, "c").startswith("sha256-")
    assert key_of("x" * 300, "c") != key_of("x" * 300, "d")


def test_what_rules_see_follows_the_growing_transcript() -> None:
    """The agent appends to its list; counts must be of now."""
    messages: list[Any] = [{"role": "user", "content": "hello"}]
    run = Run("t", end_user=EndUser("u", name="Anna"), messages=messages)
    first = run.seen(frozenset({"pay"}))

    messages.append(called(PAY_1))
    messages.append({"role": "user", "content": "let me talk to a human please"})
    second = run.seen(frozenset({"pay"}))

    assert first is not second
    assert run.seen(frozenset({"pay"})) is second
    assert second.counts["n_writes"] == 1
    assert run.person(second)["asks_for_person"] is True
    assert run.person(first)["name"] == "Anna"


def test_the_last_message_may_change_in_place() -> None:
    """Streaming agents extend it piece by piece."""
    messages: list[Any] = [{"role": "user", "content": "let me"}]
    run = Run("t", messages=messages)
    run.seen(frozenset())

    messages[0]["content"] = "let me talk to a human"

    assert run.seen(frozenset()).asks_for_person


def test_a_transcript_is_cut_to_its_limits() -> None:
    """A very long conversation, or one with pictures in it, must not stop a question."""
    many = [{"role": "user", "content": str(each)} for each in range(MESSAGES_MAX + 50)]
    large = [{"role": "user", "content": "x" * 50_000} for _ in range(100)]

    assert len(fitted(many)) == MESSAGES_MAX
    assert fitted(many)[-1]["content"] == str(MESSAGES_MAX + 49)
    assert len(json.dumps(fitted(large))) <= BYTES_MAX + TEXT_MAX + 100


def test_a_transcript_may_hold_what_no_json_holds() -> None:
    """It is context: hostile or odd pieces are replaced, never a reason to fail."""
    odd = {
        "role": "user",
        "content": ["\ud800\x00", float("nan"), 2**70, object(), Message("human", "x"), (1, 2)],
        7: {"deep": [[[[[[[[[[[["too deep"]]]]]]]]]]]]},
        "when": None,
        "is": True,
        "near": 1.5,
    }

    (found,) = fitted([odd])

    assert json.loads(json.dumps(found)) == found
    assert found["content"][0] == "\ufffd\ufffd"
    assert found["content"][1] == "nan"
    assert found["content"][2] == str(2**70)
    assert found["content"][4]["content"] == "x"
    assert clean("x" * (TEXT_MAX + 1)).endswith("(cut)")


def test_what_is_claimed_and_who_is_served_are_sent_as_they_are() -> None:
    """Nothing is lost between the face and the wire."""
    claims = Claims(situation="s", unknowns=("a",), confidence=0.5)
    anna = EndUser("u", name="Anna", tier="gold", asks_for_person=True)

    assert claims.wire().unknowns == ["a"]
    assert claims.wire().confidence == 0.5
    assert (anna.wire().tier, anna.wire().asks_for_person) == ("gold", True)


def test_only_so_many_decisions_are_kept_at_hand() -> None:
    """A run that lasts for weeks must not grow."""
    run = Run("t")

    for each in range(150):
        run.remember(each)  # type: ignore[arg-type]
    NO_RUN.remember(1)  # type: ignore[arg-type]

    assert len(run.decisions) == 100
    assert NO_RUN.decisions == []
