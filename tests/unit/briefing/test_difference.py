"""What a person changed, or what drifted, named place by place."""

from typing import Any

import pytest

from pullcord.briefing.difference import CHANGES_MAX, Changed, difference


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({"a": 1}, {"a": 1.0}, ()),
        ({"a": 480}, {"a": 240}, (Changed("a", "480", "240"),)),
        ({"a": {"b": "x"}}, {"a": {"b": "y"}}, (Changed("a.b", "x", "y"),)),
        ({"a": 1}, {}, (Changed("a", "1", "(not set)"),)),
        ({}, {"b": None}, (Changed("b", "(not set)", "null"),)),
        ({"a": [1, 2]}, {"a": [2, 1]}, (Changed("a", "[1, 2]", "[2, 1]"),)),
        ({"a": "é"}, {"a": ["é"]}, (Changed("a", "é", '["é"]'),)),
        (5, 6, (Changed("value", "5", "6"),)),
        # a boolean is never a number, at any depth
        ({"a": True}, {"a": 1}, (Changed("a", "true", "1"),)),
        ({"a": [True]}, {"a": [1]}, (Changed("a", "[true]", "[1]"),)),
        (
            {"a": [{"b": 0}]},
            {"a": [{"b": False}]},
            (Changed("a", '[{"b": 0}]', '[{"b": false}]'),),
        ),
        ({"a": [{"b": 1}]}, {"a": [{"c": 1}]}, (Changed("a", '[{"b": 1}]', '[{"c": 1}]'),)),
        ({"a": [{"b": [1.0]}]}, {"a": [{"b": [1]}]}, ()),
        ({"a": [1]}, {"a": [1, 2]}, (Changed("a", "[1]", "[1, 2]"),)),
    ],
)
def test_every_place_that_differs_is_named(
    before: Any, after: Any, changes: tuple[Changed, ...]
) -> None:
    """Drift that is not seen is executed."""
    assert difference(before, after) == changes


def test_changes_are_limited() -> None:
    """A page of ten thousand differences helps nobody."""
    before = {f"k{at}": at for at in range(CHANGES_MAX + 50)}

    assert len(difference(before, {})) == CHANGES_MAX
