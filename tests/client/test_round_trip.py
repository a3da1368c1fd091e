"""Arguments go to people as JSON and come back as what they were."""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, TypedDict
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullcord import InvalidInput
from pullcord.briefing.digest import canonical
from pullcord.client.round_trip import from_json, same, survives, to_json


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


@dataclass
class Money:
    amount: Decimal
    currency: str


class Line(msgspec.Struct):
    item: str
    price: Decimal


class Point(NamedTuple):
    x: int
    y: int


class Address(TypedDict):
    city: str


class Model:
    """What models of a widespread library look like."""

    def __init__(self, name: str) -> None:
        self.name = name

    def model_dump(self, *, mode: str) -> dict[str, str]:
        assert mode == "json"
        return {"name": self.name}

    @classmethod
    def model_validate(cls, value: dict[str, str]) -> "Model":
        return cls(value["name"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and other.name == self.name

    __hash__ = None  # type: ignore[assignment]  # equal by value, and never a key


CASES: list[tuple[Any, Any, Any]] = [
    ("text", str, "text"),
    (True, bool, True),
    (None, str | None, None),
    (7, int, 7),
    (2**60, int, str(2**60)),
    (480.5, float, 480.5),
    (Decimal(480), Decimal, 480),
    (Decimal("480.50"), Decimal, 480.5),
    (Decimal("0.1"), Decimal, 0.1),
    (Decimal("0.12345678901234567890123"), Decimal, "0.12345678901234567890123"),
    (Decimal(10) ** 400, Decimal, str(Decimal(10) ** 400)),
    (datetime(2027, 1, 5, 12, tzinfo=UTC), datetime, "2027-01-05T12:00:00Z"),
    (date(2027, 1, 5), date, "2027-01-05"),
    (time(12, 30), time, "12:30:00"),
    (timedelta(minutes=5), timedelta, "PT300S"),
    (UUID(int=7), UUID, str(UUID(int=7))),
    (Colour.RED, Colour, "red"),
    (Level.HIGH, Level, 3),
    (Money(Decimal("1.5"), "EUR"), Money, {"amount": 1.5, "currency": "EUR"}),
    (Line("cup", Decimal(2)), Line, {"item": "cup", "price": 2}),
    (Point(1, 2), Point, [1, 2]),
    ({"city": "Bonn"}, Address, {"city": "Bonn"}),
    ((1, "a"), tuple[int, str], [1, "a"]),
    ({3}, set[int], [3]),
    (frozenset({"a"}), frozenset[str], ["a"]),
    ([Decimal("2.5")], list[Decimal], [2.5]),
    ({"a": date(2027, 1, 5)}, dict[str, date], {"a": "2027-01-05"}),
    (Model("Anna"), Model, {"name": "Anna"}),
    ([Model("Anna")], list[Model], [{"name": "Anna"}]),
    (Path("a/b"), Path, "a/b"),
    (PurePosixPath("a"), PurePosixPath | None, "a"),
]


@pytest.mark.parametrize(("value", "kind", "sent"), CASES, ids=lambda each: repr(each)[:40])
def test_a_value_is_sent_as_json_and_comes_back_as_it_was(value: Any, kind: Any, sent: Any) -> None:
    """What was shown is what is executed, with the type the function expects."""
    found = to_json("x", value)
    back = from_json("x", found, kind)

    assert found == sent
    assert back == value
    assert type(back) is type(value)
    assert survives(value, back)
    assert canonical(found)


class Opaque:
    """Something only this process knows."""


@pytest.mark.parametrize(
    "value",
    [
        b"bytes",
        bytearray(b"x"),
        memoryview(b"x"),
        [b"x"],
        {"a": {"b": b"x"}},
        Opaque(),
        [Opaque()],
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        {1: "no text"},
        {"x": {(1, 2): 3}},
        print,
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_is_not_json_is_refused_with_a_remedy(value: Any) -> None:
    """Nothing is sent half, and nothing is pickled; `exclude=` is the way out."""
    with pytest.raises(InvalidInput, match="exclude="):
        to_json("attachment", value)


def test_endless_nesting_is_refused() -> None:
    """A value that contains itself must not end the process."""
    value: list[Any] = []
    value.append(value)

    with pytest.raises(InvalidInput):
        to_json("x", value)


def test_nesting_has_a_limit() -> None:
    """The server refuses deeper values too; it is better to hear it from the guard."""
    value: Any = Decimal(1)
    for _ in range(70):
        value = [value]

    with pytest.raises(InvalidInput, match="64 levels"):
        to_json("x", value)


@pytest.mark.parametrize(
    ("value", "kind"),
    [("x", int), ({"name": 1}, Money), ("2027-13-01", date), ("x", str | date), ("x", Opaque)],
)
def test_a_value_that_does_not_fit_is_refused(value: Any, kind: Any) -> None:
    """An edit that the function cannot take is never squeezed in."""
    with pytest.raises(InvalidInput, match="argument amount"):
        from_json("amount", value, kind)


def test_without_annotation_a_value_stays_json() -> None:
    """There is nothing to rebuild it to, and guessing would be worse."""
    assert from_json("x", {"a": 1}, Any) == {"a": 1}


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        (480.0, 480, True),
        ([1], [1, 2], False),
        (float("nan"), float("nan"), False),
    ],
)
def test_documents_are_compared_by_their_canonical_form(
    one: Any, other: Any, is_same: bool
) -> None:
    """The same comparison as the digests; what has no canonical form equals nothing."""
    assert same(one, other) is is_same


@pytest.mark.parametrize(
    ("original", "rebuilt"),
    [
        (Decimal(1), 1.0),
        ([Decimal(1)], [1.0]),
        ({"a": Decimal(1)}, {"a": 1}),
        ({"a": Decimal(1)}, {}),
        ([Decimal(1)], []),
        ((1, 2), [1, 2]),
    ],
)
def test_a_value_that_would_come_back_as_something_else_is_noticed(
    original: Any, rebuilt: Any
) -> None:
    """Equal numbers of another kind are another value to a tool that computes with money."""
    assert not survives(original, rebuilt)


JSON: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(max_size=20)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_every_json_value_is_its_own_form(value: Any) -> None:
    """What is JSON already must pass untouched."""
    assert to_json("x", value) == value


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_every_decimal_comes_back_equal(value: Decimal) -> None:
    """Money must not change by a rounding nobody sees."""
    back = from_json("x", to_json("x", value), Decimal)

    assert back == value


KINDS: list[tuple[Any, Callable[[], Any]]] = [
    (datetime, lambda: st.datetimes(timezones=st.just(UTC))),
    (date, st.dates),
    (UUID, st.uuids),
]


@pytest.mark.parametrize(("kind", "values"), KINDS, ids=lambda each: getattr(each, "__name__", ""))
def test_every_date_and_id_comes_back_equal(kind: Any, values: Callable[[], Any]) -> None:
    """Dates and ids are what tools are given most after numbers and texts."""

    @given(values())
    def check(value: Any) -> None:
        assert from_json("x", to_json("x", value), kind) == value

    check()
