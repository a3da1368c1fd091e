"""Forms from schemas and values: numbers stay numbers, and what is not touched stays."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullcord.briefing.digest import digest
from pullcord.briefing.forms import FIELDS_MAX, Field, FormProblem, fields, parse_form

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "amount": {"type": "number", "minimum": 0, "maximum": 500, "title": "Amount in EUR"},
        "count": {"type": "integer", "description": "How many."},
        "is_urgent": {"type": "boolean"},
        "reason": {"type": "string", "maxLength": 20},
        "tier": {"enum": ["gold", "silver"]},
        "level": {"enum": [1, 2, True, None]},
        "address": {"properties": {"city": {"type": "string"}, "zip": {}}, "required": ["zip"]},
        "unused": {"type": "string"},
    },
    "required": ["amount", "note"],
}
VALUES: dict[str, Any] = {
    "amount": 480.0,
    "count": 3,
    "is_urgent": True,
    "reason": "broken",
    "tier": "gold",
    "level": 2,
    "address": {"city": "Berlin"},
    "rows": [{"sku": "a"}],
    "extra": 7,
    "nothing": None,
    "empty": {},
}


def sent(schema: dict[str, Any] | None, values: dict[str, Any]) -> dict[str, str]:
    """A form sent back as it was shown."""
    shown: dict[str, str] = {}
    for field in fields(schema, values):
        if field.kind == "boolean":
            shown[f"{field.path}#shown"] = "1"
            if field.value is True:
                shown[field.path] = "on"
        elif field.kind == "choice":
            at = field.choice_values.index(field.value) if field.value in field.choice_values else 0
            shown[field.path] = field.choices[at]
        else:
            text = "" if field.value is None else str(field.value)
            shown[field.path] = text.replace("\n", "\r\n")
    return shown


def parsed(field: str, text: str) -> Any:
    """What one changed input becomes."""
    result: Any = parse_form(SCHEMA, {field: text}, VALUES)
    for key in field.split("."):
        result = result[key]
    return result


def test_types_come_from_the_schema_and_else_from_the_value() -> None:
    """A form of a tool nobody described is still typed."""
    kinds = {each.path: each.kind for each in fields(SCHEMA, VALUES)}

    assert kinds == {
        "amount": "number",
        "count": "integer",
        "is_urgent": "boolean",
        "reason": "text",
        "tier": "choice",
        "level": "choice",
        "address.city": "text",
        "address.zip": "json",
        "rows": "json",
        "extra": "number",
        "nothing": "json",
        "empty": "json",
    }


def test_a_field_carries_what_a_page_needs() -> None:
    """Label, limits, help: nothing is made up in the page."""
    amount, count, *_ = fields(SCHEMA, VALUES)

    assert amount == Field(
        path="amount",
        label="Amount in EUR",
        kind="number",
        value=480.0,
        is_required=True,
        minimum=0,
        maximum=500,
        keys=("amount",),
    )
    assert (count.label, count.help, count.is_required) == ("count", "How many.", False)
    city = next(each for each in fields(SCHEMA, VALUES) if each.path == "address.city")
    assert city.label == "address › city"


def test_without_a_schema_the_values_are_the_form() -> None:
    """Long or broken text gets a larger input."""
    kinds = [
        each.kind
        for each in fields(None, {"a": "x", "b": "x" * 81, "c": "x\ny", "d": False, "e": 1.5})
    ]

    assert kinds == ["text", "long_text", "long_text", "boolean", "number"]


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("amount", "240", 240.0),
        ("amount", " 240.50 ", 240.5),
        ("amount", "2.4e2", 240.0),
        ("count", "4", 4),
        ("count", "4.0", 4),
        ("count", "-2", -2),
        ("extra", "8", 8),
        ("extra", "8.5", 8.5),
        ("reason", "a\r\nb", "a\nb"),
        ("tier", "silver", "silver"),
        ("level", "1", 1),
        ("level", "true", True),
        ("level", "null", None),
        ("address.city", "Bonn", "Bonn"),
        ("rows", '[{"sku": "b"}]', [{"sku": "b"}]),
        ("empty", '{"a": 1}', {"a": 1}),
    ],
)
def test_a_changed_input_keeps_its_type(field: str, text: str, value: Any) -> None:
    """A form sends text; the tool must get what its schema says."""
    result = parsed(field, text)

    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("field", "text", "told"),
    [
        ("amount", "much", "amount: 'much' is not a number such as 240 or 240.50"),
        ("amount", "", "amount: '' is not a number such as 240 or 240.50"),
        ("amount", "1,000", "is not a number such as"),
        ("amount", "1_000", "is not a number such as"),
        ("amount", "٣", "is not a number such as"),
        ("amount", "nan", "is not a number such as"),
        ("amount", "inf", "is not a number such as"),
        ("amount", "1e400", "is not a number that stays exact: at most 15 digits"),
        ("amount", "-1", "amount: '-1' is not at least 0"),
        ("amount", "501", "amount: '501' is not at most 500"),
        ("count", "2.5", "count: '2.5' is not a whole number"),
        ("count", "99999999999999999", "stays exact"),
        ("reason", "x" * 21, "is not at most 20 characters"),
        ("tier", "bronze", "tier: 'bronze' is not one of gold, silver"),
        ("rows", "[", "rows: '[' is not JSON (not JSON: "),
        ("rows", '{"a": 1, "a": 2}', "the key 'a' stands twice"),
        ("rows", "NaN", "NaN is no JSON number"),
    ],
)
def test_what_does_not_fit_is_told_with_field_value_and_limit(
    field: str, text: str, told: str
) -> None:
    """The person sees it beside the input, and nothing was decided."""
    with pytest.raises(FormProblem) as caught:
        parsed(field, text)

    assert told in str(caught.value)
    assert (caught.value.field, caught.value.value) == (field, text)


def test_an_unchecked_box_is_false_and_a_box_that_was_not_shown_stays() -> None:
    """Browsers send nothing for an unchecked box."""
    assert parse_form(SCHEMA, {"is_urgent#shown": "1"}, VALUES)["is_urgent"] is False
    assert parse_form(SCHEMA, {"is_urgent#shown": "1", "is_urgent": "on"}, VALUES) == VALUES
    assert parse_form(SCHEMA, {}, VALUES)["is_urgent"] is True


def test_an_empty_input_for_what_was_never_there_adds_nothing() -> None:
    """Otherwise every approval of an incomplete call would count as an edit."""
    schema = {
        "properties": {"a": {"type": "string"}, "b": {"type": "number"}},
        "required": ["a", "b"],
    }

    assert parse_form(schema, {"a": "", "b": ""}, {}) == {}
    assert parse_form(schema, {"a": "x", "b": "1"}, {}) == {"a": "x", "b": 1}
    assert parse_form(None, {"a": "null"}, {"a": None}) == {"a": None}


def test_parsing_leaves_the_proposal_alone() -> None:
    """What was shown must stay what was shown."""
    before = json.dumps(VALUES)

    parse_form(SCHEMA, {"address.city": "Bonn"}, VALUES)

    assert json.dumps(VALUES) == before


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        (SCHEMA, VALUES),
        (
            None,
            {"a": 240.0, "b": 1e22, "c": 10**15, "d": -0.5, "e": "x\r\ny", "f": "x\ny", "g": ""},
        ),
        ({"properties": {"n": {"type": "number"}}}, {"n": "480"}),
        ({"properties": {"n": {"type": "integer"}}}, {"n": 240.0}),
        ({"properties": {"n": {"type": ["null", "integer"]}}}, {"n": 5}),
        ({"properties": {"n": {"type": "string"}}}, {"n": [1, {"a": True}]}),
        (None, {"a.b": 1, "a": {"b": 2, "c.d": {"e": 3}}}),
        (None, {"deep": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": 1}}}}}}}}}),
    ],
)
def test_a_form_sent_back_as_shown_changes_nothing(
    schema: dict[str, Any] | None, values: dict[str, Any]
) -> None:
    """Approve and approve-with-changes must never be confused: the digest decides."""
    assert digest(parse_form(schema, sent(schema, values), values)) == digest(values)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab.", max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=300)
@given(st.dictionaries(st.text("ab.", max_size=3), JSON, max_size=5))
def test_any_arguments_sent_back_as_shown_are_the_same(values: dict[str, Any]) -> None:
    """Whatever an agent calls its arguments."""
    assert digest(parse_form(None, sent(None, values), values)) == digest(values)


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": 5},
        {"properties": {"a": 5}},
        {"properties": {"a": {"type": {}, "enum": 5, "minimum": "x", "maximum": True}}},
        {"properties": {"a": {"type": [5, None], "maxLength": "x", "title": 7}}},
        {"properties": {"a": {"enum": [{}, []]}}},
        {"required": [5, {}, "b"]},
        {"required": "ab"},
        {"properties": {"a": {"properties": [1]}}},
    ],
)
def test_a_hostile_schema_breaks_no_form(schema: dict[str, Any]) -> None:
    """An agent may send one with its question; the page must still open."""
    found = {each.path for each in fields(schema, {"a": 1})}

    assert "a" in found


def test_a_form_has_a_limit_of_inputs() -> None:
    """What is not shown stays as it was."""
    values = {f"k{at}": at for at in range(FIELDS_MAX + 20)}

    assert len(fields(None, values)) == FIELDS_MAX
    assert parse_form(None, {f"k{FIELDS_MAX + 1}": "5"}, values) == values
