"""Text of agents and end users: what hides in it is shown, nothing is rewritten."""

import pytest

from pullcord.briefing.plain import MARKS_MAX, Mark, cut, marks, safe_line, safe_text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a\u202eb", "bidi"),
        ("a\u2066b", "bidi"),
        ("a\u061cb", "bidi"),
        ("a\u200bb", "zero width"),
        ("a\ufeffb", "zero width"),
        ("a\U000e0041b", "invisible tag"),
        ("a\U000e0100b", "invisible tag"),
        ("a\x00b", "control"),
        ("a\x1bb", "control"),
        ("a\x85b", "control"),
        ("a\u2028b", "control"),
        ("a\ud800b", "control"),
        ("a\rb", "control"),
    ],
)
def test_hidden_characters_are_marked_and_shown(text: str, kind: str) -> None:
    """A reversed amount or an invisible instruction must be seen by whoever approves it."""
    assert marks(text) == (Mark(kind, 1),)
    assert safe_text(text, 100) == f"a⟦U+{ord(text[1]):04X}⟧b"


@pytest.mark.parametrize("text", ["plain", "two\nlines\tand tabs", "Ünïcode 漢字 😀", "a\r\nb"])
def test_ordinary_text_is_left_alone(text: str) -> None:
    """Marks that are everywhere are seen nowhere."""
    assert marks(text) == ()
    assert safe_text(text, 100) == text


def test_only_the_first_marks_are_reported() -> None:
    """A megabyte of bidi marks is one finding, not a million."""
    assert len(marks("\u202e" * 1_000)) == MARKS_MAX


def test_text_is_cut_at_a_word() -> None:
    """People see that something was cut."""
    assert cut("one two three", 100) == "one two three"
    assert cut("one two three", 8) == "one two…"
    assert cut("one two three", 10) == "one two…"
    assert cut("onetwothree", 5) == "onet…"
    assert cut("a " + "b" * 50, 20) == "a " + "b" * 17 + "…"
    assert len(safe_text("\u202e" * 1_000, 50)) <= 50


def test_a_line_is_one_line() -> None:
    """Names and titles cannot break out of their place."""
    assert safe_line("  one\n\n two\t three ", 100) == "one two three"
    assert safe_line("one\r\ntwo", 100) == "one two"
    assert safe_line("word " * 50, 20) == "word word word word…"
