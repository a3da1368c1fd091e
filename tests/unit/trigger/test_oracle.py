"""Our subset of CEL gives what Google's implementation gives: no rule means two things.

Known departures, all towards fewer surprises: `1 + 1.5` is 2.5 and not an error (JSON has one kind
of number), and true and false have no order.
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.trigger.oracle import ERROR, Oracle, ours, reference

VALUES: dict[str, Any] = {
    "tool": "issue_refund",
    "zones": ["money", "pii"],
    "args": {
        "amount": 480,
        "rate": 2.5,
        "zero": 0,
        "none": None,
        "text": "héllo 😀",
        "number_text": "480",
        "is_new": True,
        "empty": [],
        "mixed": [1, 2.0, "a", None, True],
        "rows": [{"sku": "a", "qty": 3}, {"sku": "b"}],
        "map": {"a": 1, "b": {"c": 2}},
        "items": {"keys": "shadow"},
        "most": 2**63 - 1,
        "least": -(2**63),
        "huge": 1e308,
    },
    "signals": {"confidence": 0.42, "retries": 3},
}
ORACLE = Oracle(VALUES)

TABLE = """
args.amount > 250
args.amount > 250.5
args.amount == 480.0
480 == args.amount
args.amount == "480"
args.amount != "480"
args.number_text > 250
args.text < 5
"abc" < "abd"
"😀" < "\uffff"
args.none == null
args.none < 1
null == null
args.is_new
args.is_new == true
args.is_new == 1
args.is_new != false
!args.is_new
!args.amount
args.amount
args.missing
args.missing || true
true || args.missing
args.missing || false
args.missing && false
false && args.missing
args.missing && true
args.amount && false
args.amount || true
args.missing || args.amount > 1 || args.other
args.missing && args.amount > 1 && args.amount < 1
args.amount > 1 ? args.is_new : args.missing
args.missing ? true : true
args.text ? true : true
has(args.amount)
has(args.missing)
has(args.missing.deeper)
has(args.text.x)
has(args.rows.x)
has(args.map.b.c)
args.items.keys == "shadow"
args["items"]["keys"] == "shadow"
args.rows[0].sku == "a"
args.rows[1].qty == 3
has(args.rows[1].qty)
args.rows[2].sku == "a"
args.rows[-1].sku == "b"
args.rows[0.0].sku == "a"
args.rows[0.5].sku == "a"
args.rows["0"].sku == "a"
args.map["a"] == 1
args.map[args.text] == 1
args.map[0] == 1
args.text[0] == "h"
args.none.x == 1
tool in ["issue_refund", "cancel"]
tool in ["cancel"]
tool in []
args.rows in ["a"]
args.amount in [480.0, "x"]
true in [1]
1 in args.mixed
2 in args.mixed
null in args.mixed
"a" in args.mixed
"pii" in zones
"p" in tool
"a" in args.map
1 in args.map
null in args.map
args.map in args.map
args.empty in args.map
"a" in args.amount
args.empty == []
args.mixed == [1, 2, "a", null, true]
args.mixed == [1, 2, "a", null, 1]
args.mixed == args.mixed
[[1], [2]] == [[1.0], [2.0]]
args.map == args.map
args.rows[0] == args.rows[1]
args.amount == args.map
args.amount + 20 == 500
args.amount - 500 < 0
args.amount * 2 == 960
args.amount / 7 == 68
-args.amount / 7 == -68
-args.amount % 7 == -4
args.amount % -7 == 4
args.amount / args.zero == 1
args.amount % args.zero == 1
args.rate * 2.0 == 5.0
args.rate / 0.5 == 5.0
args.rate / 0.0 > 1e300
-args.rate / 0.0 < -1e300
args.rate / -0.0 < -1e300
0.0 / 0.0 == 0.0 / 0.0
0.0 / 0.0 / 0.0 > 1.0
0.0 / 0.0 / 0.0 < 1.0
args.rate % 2.0 == 0.5
args.huge * 10.0 > 1e308
args.most + 1 > 0
args.most * 2 > 0
args.least - 1 < 0
-args.least > 0
-args.most < 0
args.text + "!" == "héllo 😀!"
args.text + 1 == "x"
[1] + [2] == [1, 2]
args.empty + args.empty == []
args.empty + 1 == []
-args.text == 1
- -args.amount == 480
size(args.text) == 7
args.text.size() == 7
size(args.map) == 2
size(args.mixed) == 5
size(zones) > 1
size(args.amount) == 1
size(args.none) == 0
tool.startsWith("issue_")
tool.endsWith("_refund")
tool.contains("_re")
tool.startsWith(args.amount)
args.amount.startsWith("4")
args.amount.contains(tool)
tool.contains(tool)
tool.matches("^issue_(refund|credit)$")
matches(tool, "refund")
args.amount.matches("4")
args.text.matches("(a+)+$")
signals.confidence < 0.5 && signals.retries >= 3
signals.confidence < 1
signals["confidence"] > 0.42
'it\\'s "quoted"' == "it's \\"quoted\\""
"\\u00e9" == "é"
1e3 == 1000.0
true == !false
!(args.missing || true)
!(args.missing && true)
(args.missing || true) == true
"""


@pytest.mark.parametrize("expression", TABLE.strip().splitlines())
def test_the_table_gives_what_the_reference_implementation_gives(expression: str) -> None:
    """Whoever knows CEL can read our rules without a second manual."""
    expected = ORACLE.says(expression)

    assert ours(expression, VALUES) == expected
    assert reference(expression, VALUES) == expected


def test_whole_and_fractional_numbers_may_be_calculated_together() -> None:
    """JSON has one kind of number; a rule must not fail because an agent sent 480 for 480.0."""
    expressions = ("args.amount + 1.5 == 481.5", "args.rate * 2 == 5", "args.rate - args.zero > 2")

    assert [ours(each, VALUES) for each in expressions] == [True, True, True]
    assert [reference(each, VALUES) for each in expressions] == [True, True, True]
    assert [ORACLE.says(each) for each in expressions] == [ERROR, ERROR, ERROR]


# --- generated expressions ------------------------------------------------------------------------

WHOLE = ["args.amount", "args.zero", "signals.retries", "args.most", "1", "0", "7", "480", "-3"]
FRACTIONS = ["args.rate", "signals.confidence", "args.huge", "0.42", "2.5", "0.0", "-1.5", "1e3"]
TEXTS = ["tool", "args.text", "args.number_text", '"issue_refund"', '"480"', '""', '"a"']
LISTS = ["zones", "args.mixed", "args.rows", "args.empty", '["money", "a"]', "[1, 2.0]", "[]"]
OTHERS = [
    "args.none",
    "args.missing",
    "args.map",
    "args.map.b",
    "args.rows[0]",
    "args.rows[5]",
    "args.text.x",
    "null",
]
BOOLS = ["args.is_new", "true", "false", "has(args.amount)", "has(args.missing)", "args.missing"]

WITHOUT_BOOLS = st.sampled_from(WHOLE + FRACTIONS + TEXTS + LISTS + OTHERS)
ANYTHING = st.one_of(WITHOUT_BOOLS, st.sampled_from(BOOLS))


def arithmetic(operands: list[str]) -> st.SearchStrategy[str]:
    """Sums and products of operands of one kind, or of things that cannot be calculated with."""
    operand = st.sampled_from(operands + TEXTS + OTHERS)
    joined = st.builds("({} {} {})".format, operand, st.sampled_from("+-*/%"), operand)
    return st.builds(
        "({} {} {})".format, joined, st.sampled_from("+-*/%"), st.sampled_from(operands)
    )


NUMBERS = st.one_of(arithmetic(WHOLE), arithmetic(FRACTIONS))
VALUE = st.one_of(WITHOUT_BOOLS, NUMBERS)
ORDERED = st.builds("{} {} {}".format, VALUE, st.sampled_from(["<", "<=", ">", ">="]), VALUE)
EQUAL = st.builds("{} {} {}".format, ANYTHING, st.sampled_from(["==", "!="]), ANYTHING)
WITHIN = st.builds("{} in {}".format, ANYTHING, ANYTHING)
TEXT_TEST = st.builds(
    "{}.{}({})".format,
    st.sampled_from(["args.text", "tool", "args.amount", "args.missing", "args.mixed"]),
    st.sampled_from(["startsWith", "endsWith", "contains"]),
    ANYTHING,
)
MATCHES = st.builds(
    "matches({}, {})".format, ANYTHING, st.sampled_from(['"refund$"', '"^4"', '"(a+)+$"', '""'])
)
SIZES = st.builds("size({}) > 2".format, ANYTHING)
#: tests that have an answer, so that not all of the bigger ones are errors
ANSWERED = st.one_of(
    st.builds(
        "{} {} {}".format,
        st.sampled_from(WHOLE + FRACTIONS),
        st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
        st.sampled_from(WHOLE + FRACTIONS),
    ),
    st.builds("{} == {}".format, st.sampled_from(TEXTS), st.sampled_from(TEXTS)),
    st.builds("{} in {}".format, st.sampled_from(TEXTS + WHOLE), st.sampled_from(LISTS)),
)
TESTS = st.one_of(
    ANSWERED,
    ANSWERED,
    ANSWERED,
    ORDERED,
    EQUAL,
    WITHIN,
    TEXT_TEST,
    MATCHES,
    SIZES,
    st.sampled_from(BOOLS),
)


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Tests made of tests."""
    return st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("({} || {} || {} && {})".format, inner, inner, inner, inner),
        st.builds("!({})".format, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("(({}) == ({}))".format, inner, inner),
        st.builds("({} && args.amount)".format, inner),
    )


@settings(max_examples=800)
@given(st.recursive(TESTS, grown, max_leaves=8))
def test_any_expression_gives_what_the_reference_implementation_gives(expression: str) -> None:
    """The compiled function, our reference and Google's agree on values and on errors."""
    expected = ORACLE.says(expression)

    assert ours(expression, VALUES) == expected
    assert reference(expression, VALUES) == expected
