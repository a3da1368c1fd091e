"""Forms become typed acts; what cannot be read names its field."""

from typing import Any

import pytest

from pullcord.briefing.digest import digest
from pullcord.engine.filled import (
    act_of,
    answer_fields,
    answer_in,
    as_typed,
    changes_in,
    decision_of,
    is_seen,
    parsed_args,
)
from pullcord.errors import InvalidInput
from pullcord.wire import requests as wire
from tests.unit.console.views import detail, field

GUARD = {"csrf": "x", "generation": "3", "shown_digest": "0" * 64}


def test_an_act_carries_what_was_on_the_screen() -> None:
    """Without generation and digest a stale page could act."""
    act = act_of("decline", {**GUARD, "reason": "on a train"})

    assert act == wire.DeclineIn(reason="on a train", generation=3, shown_digest="0" * 64)


def test_minutes_become_seconds() -> None:
    """People think in minutes, the desk in seconds."""
    act = act_of("extend", {"minutes": " 30 ", "reason": "bank is slow"})

    assert act == wire.ExtendIn(seconds=1_800, reason="bank is slow")


@pytest.mark.parametrize("minutes", ["", "0", "-5", "1.5", "soon", "99999999"])
def test_minutes_that_are_none_name_the_field(minutes: str) -> None:
    """The page shows the sentence beside this field."""
    with pytest.raises(InvalidInput) as refused:
        act_of("snooze", {"minutes": minutes})

    assert refused.value.field == "seconds"


@pytest.mark.parametrize(
    ("verb", "form", "field_name"),
    [
        ("comment", {"text": ""}, "text"),
        ("comment", {}, "text"),
        ("ask", {"to": "boss", "text": "Which?"}, "to"),
        ("reassign", {"to": ""}, "to"),
        ("comment", {"text": "x" * 10_001}, "text"),
        ("decline", {"reason": "", "shown_digest": "no digest"}, "shown_digest"),
    ],
)
def test_what_is_missing_or_too_long_names_its_field(
    verb: str, form: dict[str, str], field_name: str
) -> None:
    """A refusal nobody can place is one nobody can mend."""
    with pytest.raises(InvalidInput) as refused:
        act_of(verb, form)

    assert refused.value.field == field_name


def test_handing_back_gathers_its_note() -> None:
    """Four dated facts, one note."""
    act = act_of("hand-back", {"decided": "refund 240", "must_not": "refund again"})

    assert act == wire.HandBackIn(
        note=wire.HandBackNoteIn(decided="refund 240", must_not="refund again")
    )


def test_changed_arguments_are_whole_and_keep_their_types() -> None:
    """480.0 stays a float, and what the form does not show stays as it was."""
    view = detail(
        args={"order": "8812", "amount": 480.0, "deep": {"n": 7}, "hidden": [1]},
        fields=[
            field("order", "text", "8812"),
            field("amount", "number", 480.0),
            field("deep.n", "integer", 7),
        ],
    )

    decision = decision_of(
        {"decision": "edit", "arg.order": "8812", "arg.amount": "240", "arg.deep.n": "8"}, view
    )

    assert decision.args == {"order": "8812", "amount": 240.0, "deep": {"n": 8}, "hidden": [1]}
    assert isinstance(decision.args["amount"], float)


def test_a_box_nobody_touched_is_not_a_change() -> None:
    """A browser sends a ticked box like any other, and an unticked one not at all."""
    view = detail(
        args={"yes": True, "no": False},
        fields=[field("yes", "boolean", True), field("no", "boolean", False)],
    )
    shown = {"arg.yes#shown": "yes", "arg.no#shown": "yes"}

    untouched = changes_in({**shown, "arg.yes": "yes"}, view)
    turned = parsed_args({**shown, "arg.no": "yes"}, view)

    assert untouched == ()
    assert turned == {"yes": False, "no": True}


@pytest.mark.parametrize(
    ("kind", "value", "sent"),
    [
        ("long_text", "one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("text", "one\rtwo", "onetwo"),
        ("number", 480.0, "480"),
        ("number", 1e300, "1e+300"),
        ("json", '{"a": [1, 2]}', '{"a": [1, 2]}'),
        ("text", None, ""),
    ],
)
def test_what_a_browser_sends_for_an_untouched_field_is_no_change(
    kind: str, value: Any, sent: str
) -> None:
    """Line ends and spellings of numbers must not read as an edit of the operator."""
    raw = {"a": [1, 2]} if kind == "json" else value
    view = detail(args={"x": raw}, fields=[field("x", kind, value)])

    assert changes_in({"arg.x": sent}, view) == ()


def test_a_field_that_may_not_be_changed_is_not_changed() -> None:
    """A form can be forged; the page's word counts."""
    view = detail(fields=[field("amount", "number", 480.0, is_editable=False)])

    assert parsed_args({"arg.amount": "1"}, view) == view.args


@pytest.mark.parametrize(
    ("form", "named"),
    [
        ({"decision": "edit", "arg.amount": "24o"}, "args.amount"),
        ({"decision": "edit", "arg.amount": "480"}, "decision"),
        ({"decision": "approve", "arg.amount": "240"}, "decision"),
        ({"decision": "reject", "note": "ok"}, "note"),
        ({"decision": "reject", "note": "   .  "}, "note"),
        ({"decision": "answer", "answer": "  "}, "answer"),
        ({"decision": "dance"}, "decision"),
        ({}, "decision"),
    ],
)
def test_a_decision_that_contradicts_itself_is_refused_beside_its_field(
    form: dict[str, str], named: str
) -> None:
    """Above all: pressing "approve" beside a changed amount must not approve the old one."""
    with pytest.raises(InvalidInput) as refused:
        decision_of(form, detail())

    assert refused.value.field == named


def test_options_and_notes_arrive() -> None:
    """What was pressed is what is decided."""
    chosen = decision_of({"decision": "choose:b:2", "note": " her address "}, detail())

    assert (chosen.kind, chosen.option, chosen.note) == ("choose", "b:2", "her address")


def test_only_the_very_difference_that_was_shown_counts_as_seen() -> None:
    """Without script the changes are shown once more, and a further change again."""
    args = {"amount": 240.0}

    assert is_seen({"reviewed": digest(args)}, args)
    assert is_seen({"reviewed": "live"}, args)
    assert not is_seen({"reviewed": digest({"amount": 240.5})}, args)
    assert not is_seen({}, args)


SCHEMA = {
    "properties": {
        "covered": {"type": "boolean"},
        "share": {"type": "number", "minimum": 0, "maximum": 100},
        "clause": {"enum": ["7", "8"]},
        "note": {"type": "string"},
    },
    "required": ["share"],
}


def test_a_typed_answer_has_a_field_for_each_property_and_comes_back_typed() -> None:
    """The agent asked for a number and gets one."""
    sent = {"ans.covered#shown": "yes", "ans.covered": "yes", "ans.share": "80", "ans.note": ""}

    shown = [(each.path, each.kind) for each in answer_fields(SCHEMA)]

    assert shown == [
        ("covered", "boolean"),
        ("share", "number"),
        ("clause", "choice"),
        ("note", "text"),
    ]
    assert answer_in(sent, SCHEMA) == {"covered": True, "share": 80}


def test_an_answer_of_one_value_is_that_value() -> None:
    """A schema need not be an object."""
    assert answer_in({"ans.answer": "12"}, {"type": "integer"}) == 12
    assert answer_in({"answer": "free\r\ntext "}, None) == "free\ntext"
    assert answer_fields(None) == []


@pytest.mark.parametrize("sent", [{}, {"ans.share": ""}, {"ans.share": "much"}])
def test_a_typed_answer_that_does_not_fit_names_its_field(sent: dict[str, str]) -> None:
    """Beside the field, not above the page."""
    with pytest.raises(InvalidInput) as refused:
        answer_in(sent, SCHEMA)

    assert refused.value.field == "ans.share"


@pytest.mark.parametrize(
    ("value", "typed"),
    [(480.0, "480"), (480.5, "480.5"), (True, "yes"), (None, ""), ([1], "[1]"), ("a", "a")],
)
def test_values_are_shown_as_a_person_would_type_them(value: Any, typed: str) -> None:
    """Nobody types 480.0."""
    assert as_typed(value) == typed
