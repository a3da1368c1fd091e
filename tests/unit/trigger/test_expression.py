"""Reading rules: every mistake has a column and a remedy, and no text can cost much."""

import pytest

from pullcord.trigger.expression import (
    HEIGHT_MAX,
    Binary,
    Field,
    InvalidExpression,
    Literal,
    Logic,
    parse,
    parts_of,
)


def refusal(source: str) -> str:
    """What somebody who wrote this is told."""
    with pytest.raises(InvalidExpression) as caught:
        parse(source)
    return str(caught.value)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("", "column 1: expected a value before 'the end'"),
        ("args.amount >", "column 14: expected a value before 'the end'"),
        ("args.amount > 5 and tool", "column 17: unexpected 'and'; write && instead of and"),
        ("a or b", "write || instead of or"),
        ("not a", "column 5: unexpected 'a'; write ! instead of not"),
        ("args.amount = 5", "column 13: unexpected '='; write == instead"),
        ("a & b", "write && instead"),
        ("a | b", "write || instead"),
        ("a b", "column 3: unexpected 'b'; write && or || between two tests"),
        ("a 5", "write && or || between two tests"),
        ("a)", "column 2: unexpected ')'; remove it"),
        ("(a", "column 3: expected ')' before 'the end'"),
        ("(a b)", "column 4: expected ')' before 'b'"),
        ("[1, 2", "column 6: expected ',' before 'the end'"),
        ("args[0", "expected ']' before 'the end'"),
        ("a ? b", "expected ':' before 'the end'"),
        ("in [1]", "column 1: expected a value before 'in'"),
        ("args.", "column 6: expected a name after '.'"),
        ("args.5", "expected a name after '.'"),
        ('tool == "open', "column 9: this text has no end; close it with the same quote"),
        ("tool == 'open", "this text has no end"),
        ("tool == 'a\nb'", "this text has no end"),
        ("args.preis_€ > 5", "column 12: '€' is not part of the rule language; remove it"),
        ("args.n > ٣", "'٣' is not part of the rule language"),
        (r'tool == "\d"', "unknown escape; write \\\\ for a backslash"),
        (r'tool == "\ud800"', "half a character; write the whole one"),
        ("args.n > 9223372036854775808", "is larger than a 64-bit integer"),
        ("args.n > 1e999", "is larger than any number"),
        ("has(args)", "has() takes one field, such as has(args.amount)"),
        ("has(args.a, args.b)", "has() takes one field"),
        ("has(1)", "has() takes one field"),
        ("lower(tool)", "there is no function lower(); use one of contains, endsWith"),
        ("tool.lower()", "there is no function lower()"),
        ("args.rows.exists(r, r > 1)", "exists() is not supported in this version"),
    ],
)
def test_a_mistake_is_told_with_its_column_and_a_remedy(source: str, told: str) -> None:
    """People write rules in a text file; the message is their only guide."""
    assert told in refusal(source)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("(" * 20_000 + "1" + ")" * 20_000, "40001 characters; at most 4096"),
        (" || ".join(["args.a > 1"] * 5_000), "at most 4096, split the rule"),
        ("(" * 40 + "true" + ")" * 40, "nested more than 32 levels"),
        ("[" * 40 + "]" * 40, "nested more than 32 levels"),
        ("!" * 40 + "true", "more than 32 signs in a row"),
        ("1" + "+1" * 60, "more than 40 operations inside one another"),
        ("args" + "[0]" * 60, "more than 40 operations inside one another"),
        ("tool" + ".size()" * 60, "more than 40 operations inside one another"),
        ("args" + ".a" * 60, "a field more than 40 levels down"),
        ("[" + ",".join("1" * 1_500) + "]", "more than 2000 parts"),
        ("a?b:" * 40 + "c", "nested more than 32 levels"),
    ],
)
def test_hostile_sizes_are_refused_at_once(source: str, told: str) -> None:
    """Whoever may write rules must not be able to stop the server with one."""
    assert told in refusal(source)


def test_hundreds_of_alternatives_are_one_flat_test() -> None:
    """A long list of `||` is clumsy, not dangerous: it nests no deeper than two."""
    node = parse("||".join(["a"] * 600))

    assert isinstance(node, Logic)
    assert len(node.parts) == 600


def test_the_highest_expression_that_is_read_is_exactly_at_the_limit() -> None:
    """The limit is what the message says, neither more nor less."""
    parse("1" + "+1" * (HEIGHT_MAX - 1))

    assert "more than 40 operations" in refusal("1" + "+1" * HEIGHT_MAX)


def test_operators_bind_as_in_cel() -> None:
    """`a || b && c` is `a || (b && c)`, as in every language people know."""
    node = parse("a || b && 1 + 2 * 3 > 4")

    assert isinstance(node, Logic)
    assert node.op == "||"
    both = node.parts[1]
    assert isinstance(both, Logic)
    assert both.op == "&&"
    comparison = both.parts[1]
    assert isinstance(comparison, Binary)
    assert comparison.op == ">"
    assert isinstance(comparison.left, Binary)
    assert comparison.left.op == "+"


def test_a_path_may_be_written_with_dots_or_quotes() -> None:
    """Argument names with dots or spaces can be reached too."""
    assert parse('args["order id"].name') == Field(("args", "order id", "name"), 0)
    assert parse("args['a']['b']") == parse('args["a"].b')


def test_texts_take_both_quotes_escapes_and_tabs() -> None:
    """What CEL reads as text, we read as the same text."""
    sources = ('"a\\"b"', "'a\\'b'", "'a\"b'", '"a\\n"', '"\\u20ac"', '"a\tb"')

    texts = [node.value for each in sources if isinstance(node := parse(each), Literal)]

    assert texts == ['a"b', "a'b", 'a"b', "a\n", "€", "a\tb"]


def test_a_negative_number_is_a_constant() -> None:
    """Hits show the limit of a comparison; `-3` must be one."""
    assert parse("-3") == Literal(-3, 0)
    assert parse("-(2.5)") == Literal(-2.5, 0)


def test_the_parts_of_every_kind_of_expression_are_known() -> None:
    """Limits hold everywhere only if every expression tells what it is made of."""
    sources = (
        "a[b]",
        "a[0].c",
        "has(a.b)",
        "[a, b]",
        "size(a)",
        "!a",
        "a && b",
        "a ? b : c",
        "a + b",
    )

    counts = [len(parts_of(parse(each))) for each in sources]

    assert counts == [2, 1, 1, 2, 1, 1, 2, 3, 2]
