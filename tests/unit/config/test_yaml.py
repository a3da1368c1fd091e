"""YAML as version 1.2 says, with a place for every value and a limit on everything."""

import pytest

from pullcord.config.yaml import Place, load
from pullcord.errors import InvalidPolicy


def values(source: str) -> object:
    """What a text holds."""
    return load(source, file="a.yaml")[0]


def refusal(source: str) -> str:
    """What somebody who wrote this is told."""
    with pytest.raises(InvalidPolicy) as caught:
        load(source, file="a.yaml")
    return str(caught.value)


def test_words_and_times_stay_what_they_are() -> None:
    """Older readers make 630 of 10:30 and false of no: a rule then means the opposite."""
    source = "{time: 10:30, answer: no, other: yes, on: off, norway: NO, date: 2027-01-05}"

    assert values(source) == {
        "time": "10:30",
        "answer": "no",
        "other": "yes",
        "on": "off",
        "norway": "NO",
        "date": "2027-01-05",
    }
    assert values("%YAML 1.1\n---\nanswer: no\n") == {"answer": "no"}


def test_numbers_booleans_and_nothing_are_read() -> None:
    """And what is only nearly a number stays text."""
    source = "[1, -2, +3, 1.5, .5, 1e3, true, FALSE, null, ~, , 0x1f, .inf, 1e999, '5', 1_000]"

    assert values(source.replace(", ,", ",")) == [
        *(1, -2, 3, 1.5, 0.5, 1000.0, True, False, None, None),
        *("0x1f", ".inf", "1e999", "5", "1_000"),
    ]
    assert values("a:\n") == {"a": None}
    assert values("") == {}
    assert values("9" * 30) == "9" * 30


def test_every_value_has_its_place_and_numbers_their_spelling() -> None:
    """A message names the line; +49… and 1.10 are not numbers to people."""
    _, places = load("a:\n  b: 1.10\n  c:\n    - x\n    - {d: true}\n", file="a.yaml")

    assert places == {
        "": Place("a.yaml", 1),
        "a": Place("a.yaml", 1),
        "a.b": Place("a.yaml", 2, "1.10"),
        "a.c": Place("a.yaml", 3),
        "a.c[0]": Place("a.yaml", 4),
        "a.c[1]": Place("a.yaml", 5),
        "a.c[1].d": Place("a.yaml", 5, "true"),
    }


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "a: 1\nb: 2\na: 3\n",
            "a.yaml:3: a: 'a' is not accepted. It stands in line 1 already; keep one.",
        ),
        ("a:\n  b: 1\n  b: 2\n", "a.yaml:3: a.b: 'b' is not accepted. It stands in line 2"),
        ("a: &x 1\n", "a.yaml:1: a: '&x' is not accepted. Write the value out each time."),
        ("a: {b: *x}\n", 'a.yaml:1: file: "found undefined alias'),
        ("a: !secret x\n", "a.yaml:1: a: '!secret' is not accepted. Remove the tag."),
        ("a: !!python/object:os.system x\n", "Remove the tag."),
        ("? [a, b]\n: c\n", "a.yaml:1: file: 'a key that is no text' is not accepted"),
        ("a: [1\n", "a.yaml:2: file: \"expected ',' or ']'"),
        ("a:\n\t- b\n", "a.yaml:2: file: \"found character '\\\\t' that cannot start any token"),
        ("a: b: c\n", "a.yaml:1: file: 'mapping values are not allowed here'"),
        ("ok: 1\nbad: \x00\n", "a.yaml:2: file: 'the character U+0000' is not accepted"),
        ('a: "\\0"\n', "a.yaml:1: a: 'the character U+0000' is not accepted. Remove it."),
        ('a: "\\ud800"\n', "a.yaml:1: a: 'the character U+D800' is not accepted. Remove it."),
        ('a: {"\\x07": 1}\n', "a.yaml:1: a: 'the character U+0007' is not accepted. Remove it."),
        ("a: 1\n---\nb: 2\n", "a.yaml:2: file: 'but found another document' is not accepted"),
        ("[" * 2_000, "a.yaml:1: file: 'nested' is not accepted. Nest at most 32 levels."),
        ("[" * 40 + "]" * 40, "'nested' is not accepted. Nest at most 32 levels."),
        ("- " * 2_000, "'nested' is not accepted. Nest at most 32 levels."),
        ("a" * 1_048_577, "a.yaml:1: file: '1048577 characters' is not accepted. allowed: 1 MiB"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_line(source: str, message: str) -> None:
    """Each mistake has its own words: field, value and what to do."""
    assert message in refusal(source)


def test_an_alias_is_refused() -> None:
    """Aliases make small files huge."""
    assert "Write the value out each time." in refusal("a: &x [1]\nb: *x\n")


def test_tabs_get_their_own_advice() -> None:
    """The most common mistake of all deserves more than `write YAML`."""
    assert refusal("a:\n\t- b\n").endswith("Indent with spaces, not tabs.")


def test_a_text_without_a_mark_still_has_a_line() -> None:
    """Line 1 is better than no line."""
    assert "a.yaml:1:" in refusal("a: \ud800")
