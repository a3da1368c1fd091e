"""Canonical JSON and digests: every party that reads the same value gets the same bytes."""

import hashlib
import json
import struct
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from pullcord.briefing.digest import (
    BYTES_MAX,
    DEPTH_MAX,
    NotCanonical,
    Proposal,
    body_digest,
    canonical,
    digest,
    number,
    strict_loads,
    with_args,
)


def double(bits: str) -> float:
    """A double from its 64 bits in hex."""
    value: float = struct.unpack(">d", bytes.fromhex(bits))[0]
    return value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": 2}, '{"a":2,"b":1}'),
        # JCS sorts by UTF-16 units: U+1F600 (D83D …) before U+FB33
        ({"\ufb33": 1, "😀": 2}, '{"😀":2,"\ufb33":1}'),
        ({"😀": [1.5], "\ufb33": {}}, '{"😀":[1.5],"\ufb33":{}}'),
        ({"€": 1, "\r": 2, "1": 3, "ö": 4, "\x80": 5}, '{"\\r":2,"1":3,"\x80":5,"ö":4,"€":1}'),
        (1e16, "10000000000000000"),
        (1e-06, "0.000001"),
        (1e-07, "1e-7"),
        (1.0, "1"),
        (-0.0, "0"),
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (123.456, "123.456"),
        (-1.5e-10, "-1.5e-10"),
        (4.5e300, "4.5e+300"),
        (0.1, "0.1"),
        (2**53 - 1, "9007199254740991"),
        # what was written from a double may come back as an integer
        (2**53, "9007199254740992"),
        ({"a": -(10**16)}, '{"a":-10000000000000000}'),
        ([10**22], "[1e+22]"),
        (295147905179352830000, "295147905179352830000"),
        ([], "[]"),
        ([1, [2.5, {}], "x"], '[1,[2.5,{}],"x"]'),
        ((1, 2), "[1,2]"),
        ([None, True, False], "[null,true,false]"),
        ('"\\/\b\f\n\r\t\x00\x1f\x7f', '"\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f"'),
        ("ö€😀", '"ö€😀"'),
    ],
)
def test_values_are_written_as_rfc_8785_says(value: Any, text: str) -> None:
    """Where `json.dumps` and ECMAScript differ, ECMAScript holds."""
    assert canonical(value).decode() == text


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("44b52d02c7e14af7", "1.0000000000000001e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
    ],
)
def test_the_numbers_of_the_standards_appendix_are_written_as_there(bits: str, text: str) -> None:
    """RFC 8785, appendix B: the numbers on which implementations differ."""
    assert number(double(bits)) == text


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=5)
    ),
    max_leaves=20,
)


@settings(max_examples=500)
@given(JSON)
def test_any_value_is_written_as_the_reference_package_writes_it(value: Any) -> None:
    """Whoever checks a digest with another library gets the same one."""
    assert canonical(value) == rfc8785.dumps(value)


@settings(max_examples=300)
@given(JSON)
def test_what_was_written_is_read_back_and_written_the_same(value: Any) -> None:
    """A digest survives storage and transport."""
    if "\\u0000" not in canonical(value).decode():
        assert canonical(strict_loads(canonical(value))) == canonical(value)


def nested(levels: int) -> Any:
    """A list in a list in a list."""
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (float("nan"), "$: nan is no JSON number; send null or text instead"),
        ({"a": [float("inf")]}, "$.a[0]: inf is no JSON number"),
        ({"a": 2**53 + 1}, "$.a: integers beyond 2^53-1 are not exact; send text instead"),
        ([-(2**60) - 1], "$[0]: integers beyond 2^53-1"),
        (10**400, "$: integers beyond 2^53-1"),
        ("\ud800", "$: holds a lone surrogate; send valid Unicode text"),
        ({"a\udfff": 1}, "$: holds a lone surrogate"),
        ({1: 2}, "$: the key 1 is not text"),
        ({"a": {1, 2}}, "$.a: set is not JSON; send text or a number instead"),
        (b"x", "$: bytes is not JSON"),
        (nested(DEPTH_MAX + 1), "nested more than 64 levels"),
        ("x" * BYTES_MAX, f"{BYTES_MAX + 2} bytes; at most {BYTES_MAX} are accepted"),
    ],
)
def test_what_two_parties_would_read_differently_is_refused(value: Any, told: str) -> None:
    """Shown = decided = executed only holds for values everybody reads alike."""
    with pytest.raises(NotCanonical) as caught:
        canonical(value)

    assert told in str(caught.value)


def test_the_deepest_value_is_exactly_at_the_limit() -> None:
    """The limit is what the message says."""
    assert canonical(nested(DEPTH_MAX)) == b"[" * 64 + b"]" * 64


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a": 1, "b": 2, "a": 3}', "the key 'a' stands twice in one object; send it once"),
        ("NaN", "NaN is no JSON number; send null or text instead"),
        ("[-Infinity]", "-Infinity is no JSON number"),
        ("1e999", "$: inf is no JSON number"),
        ("9" * 5_000, "integers beyond 2^53-1"),
        ("9007199254740993", "integers beyond 2^53-1"),
        ('"\\ud800"', "holds a lone surrogate"),
        ('"a\\u0000b"', "$: holds a NUL character; remove it"),
        ('{"a": ["\\u0000"]}', "$.a[0]: holds a NUL character"),
        ('{"\\u0000": 1}', "$: holds a NUL character"),
        ("[" * 100_000, "nested more than 64 levels"),
        ("[" * 100 + "]" * 100, "nested more than 64 levels"),
        ("", "not JSON: Expecting value"),
        ('{"a": }', "not JSON: Expecting value"),
        (b"\xff\xfe1\x00", "not JSON: 'utf-8' codec can't decode"),
        (b'"\xed\xa0\x80"', "not JSON: 'utf-8' codec can't decode"),
        (b"\xef\xbb\xbf1", "not JSON: Unexpected UTF-8 BOM"),
    ],
)
def test_text_that_parties_would_read_differently_is_refused(text: str | bytes, told: str) -> None:
    """Everything from outside is read this way, once, at the door."""
    with pytest.raises(NotCanonical) as caught:
        strict_loads(text)

    assert told in str(caught.value)


def test_a_hundred_thousand_keys_with_a_duplicate_are_refused_at_once() -> None:
    """Naming the duplicate must not cost more than finding it."""
    pairs = ",".join(f'"k{at}":0' for at in range(100_000))

    with pytest.raises(NotCanonical, match="the key 'k99999' stands twice"):
        strict_loads(f'{{{pairs},"k99999":1}}')


def test_good_text_is_read() -> None:
    """Bytes and text alike; minus zero is zero."""
    assert strict_loads(b'{"a": [1.5, -0, "\xc3\xb6"]}') == {"a": [1.5, 0, "ö"]}
    assert strict_loads('"x"') == "x"


def test_a_backslash_before_u0000_is_no_nul() -> None:
    """Documentation and code may talk of it."""
    assert strict_loads(r'{"a": ["\\u0000", 1], "b": {}}') == {"a": ["\\u0000", 1], "b": {}}


def test_a_large_integer_is_read_as_the_double_it_is() -> None:
    """JavaScript does the same; as a Python integer it would be taken for exact further on."""
    value = strict_loads("[163401872574611423232, 9007199254740991]")

    assert value == [1.6340187257461142e20, 2**53 - 1]
    assert [type(each) for each in value] == [float, int]


# --- what digests are over ------------------------------------------------------------------------

PROPOSAL = Proposal(
    workspace="shop",
    environment="production",
    agent="support",
    tool="refund",
    tool_version="2",
    args={"amount": 480.0, "order": "A-1"},
    policy_version="p_1",
    escalation="esc_1",
    nonce="00",
)


def test_a_digest_is_sha_256_of_the_canonical_text() -> None:
    """Anybody can check it with two standard tools."""
    expected = hashlib.sha256(b'{"a":1}').hexdigest()

    assert digest({"a": 1.0}) == expected


def test_the_document_of_a_proposal_holds_everything_that_binds_it() -> None:
    """Another tool version, policy or escalation is another decision."""
    document = PROPOSAL.document()

    assert document == {
        "workspace": "shop",
        "environment": "production",
        "agent": "support",
        "tool": "refund",
        "tool_version": "2",
        "args": {"amount": 480.0, "order": "A-1"},
        "policy_version": "p_1",
        "escalation": "esc_1",
        "nonce": "00",
    }
    assert json.loads(canonical(document))["args"]["amount"] == 480


def test_an_edit_changes_the_digest_and_nothing_but_the_arguments() -> None:
    """What a person changed is what is executed."""
    document = PROPOSAL.document()

    edited = with_args(document, {"amount": 240})

    assert digest(edited) != digest(document)
    assert {**edited, "args": document["args"]} == document
    assert digest(with_args(document, {"order": "A-1", "amount": 480})) == digest(document)


def test_the_identity_of_an_opening_is_its_action_and_question() -> None:
    """The same key with another amount is a conflict; context plays no part."""
    same = body_digest("refund", {"amount": 480}, None)

    assert body_digest("refund", {"amount": 480.0}, {}) == same
    assert body_digest("refund", {"amount": 481}, None) != same
    assert body_digest("credit", {"amount": 480}, None) != same
    assert body_digest("refund", {"amount": 480}, {"question": "Now?"}) != same
