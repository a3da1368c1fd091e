"""Stock interrupts: what each shape asks, and every answer in its own words."""

from datetime import UTC, datetime
from typing import Any

import pytest

from pullcord.adapters.stock_interrupts import Asked, native, stock_of
from pullcord.wire.replies import CollectedOut, PersonOut

NOON = datetime(2027, 1, 5, 12, tzinfo=UTC)
ALL = frozenset({"approve", "edit", "reject", "respond"})
BATCH: dict[str, Any] = {
    "action_requests": [
        {"name": "issue_refund", "args": {"amount": 480}, "description": "…"},
        {"name": "ask_user", "args": {"question": "?"}},
    ],
    "review_configs": [
        {"action_name": "issue_refund", "allowed_decisions": ["approve", "reject"]},
        {"action_name": "ask_user", "allowed_decisions": ["respond"]},
    ],
}


def found(kind: str, **changes: Any) -> CollectedOut:
    """A collected decision."""
    fields: dict[str, Any] = {
        "escalation": "esc_1",
        "kind": kind,
        "tool": "issue_refund",
        "run": "t-1",
        "call": "c1",
        "args": None,
        "answer": None,
        "option": "",
        "note": "",
        "by": PersonOut(id="maria", shown_as="Maria"),
        "at": NOON,
        "expires_at": NOON,
        "document": None,
        "decided_digest": "",
        "key_id": "",
        "signature": "",
        "signed": {},
        "for_model": "",
        "for_user": "",
        "attempt": "a",
        **changes,
    }
    return CollectedOut(**fields)


def asked(*allowed: str) -> Asked:
    """One action."""
    return Asked("issue_refund", {"amount": 480}, frozenset(allowed))


def test_a_batch_asks_each_action_with_what_its_graph_can_take() -> None:
    """People are offered what the graph understands and nothing else."""
    stock = stock_of(BATCH)

    assert stock is not None
    refund, question = stock.asked
    assert refund.capabilities == ("durable", "reason_on_reject")
    assert not refund.is_question
    assert question.is_question
    assert stock.answer([{"type": "approve"}]) == {"decisions": [{"type": "approve"}]}


def test_a_single_approval_says_in_its_schema_what_it_takes() -> None:
    """Without a schema nothing but yes and no is taken for granted."""
    value = {"type": "tool_approval", "tool_call_id": "c1", "name": "t", "args": {"a": 1}}
    schema = {
        "oneOf": [
            {"$ref": "#/$defs/Approve"},
            {"properties": {"type": {"const": "edit"}}},
        ],
        "$defs": {"Approve": {"properties": {"type": {"const": "approve"}}}},
    }

    with_schema, without = stock_of(value, schema), stock_of(value)

    assert with_schema is not None
    assert without is not None
    assert with_schema.asked[0].allowed == {"approve", "edit"}
    assert without.asked[0].allowed == {"approve", "reject"}
    assert with_schema.answer([{"type": "approve"}]) == {"type": "approve"}


@pytest.mark.parametrize("value", [None, "a question", {"type": "other"}, [1, 2], {"a": 1}])
def test_other_interrupts_are_left_alone(value: Any) -> None:
    """What we cannot read we do not answer."""
    assert stock_of(value) is None


def test_every_decision_has_the_words_of_the_graph() -> None:
    """A decision in other words would be taken for something else, or fail the run."""
    every = asked(*ALL)
    edited = {"name": "issue_refund", "args": {"amount": 5}}

    assert native(every, found("approve"), "no") == {"type": "approve"}
    assert native(every, found("edit", args={"amount": 5}), "no") == {
        "type": "edit",
        "edited_action": edited,
    }
    assert native(every, found("answer", answer=7), "no") == {"type": "respond", "message": "7"}
    assert native(every, found("reject"), "no") == {"type": "reject", "message": "no"}
    assert native(asked("approve", "respond"), found("reject"), "no")["type"] == "respond"
    assert native(every, found("nobody_decided", applied="reject"), "no")["type"] == "reject"
    assert native(every, found("nobody_decided", applied="approve"), "no")["type"] == "approve"


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [("approve", ["reject"]), ("edit", ["approve"]), ("answer", ["approve"]), ("reject", [])],
)
def test_what_a_graph_has_no_word_for_is_never_said_in_another(
    kind: str, allowed: list[str]
) -> None:
    """The graph stays paused; the nearest word might be the opposite."""
    with pytest.raises(ValueError, match="graph"):
        native(asked(*allowed), found(kind), "no")


def test_the_inbox_form_is_answered_in_its_own_words() -> None:
    """One list with one answer, and an edit names its action."""
    value = [
        {
            "action_request": {"action": "send", "args": {"to": "Anna"}},
            "config": {"allow_accept": True, "allow_edit": True, "allow_ignore": True},
        }
    ]
    stock = stock_of(value)

    assert stock is not None
    assert stock.asked[0].allowed == {"approve", "edit", "reject"}
    edited = {"type": "edit", "edited_action": {"name": "send", "args": {"to": "Tom"}}}
    assert stock.answer([{"type": "approve"}]) == [{"type": "accept", "args": None}]
    assert stock.answer([edited]) == [
        {"type": "edit", "args": {"action": "send", "args": {"to": "Tom"}}}
    ]
    assert stock.answer([{"type": "reject", "message": "no"}]) == [{"type": "ignore", "args": None}]


def test_a_no_to_the_inbox_reaches_the_model_where_it_can() -> None:
    """An ignored call is one the model hears nothing of."""
    value = {
        "action_request": {"action": "send", "args": {}},
        "config": {"allow_accept": True, "allow_respond": True},
    }
    stock = stock_of(value)

    assert stock is not None
    (answer,) = stock.answer([{"type": "respond", "message": "not today"}])
    assert answer == {"type": "response", "args": "not today"}
