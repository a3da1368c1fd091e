"""Guarded functions: how a call becomes what people see, and a decision a call again."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from pullcord import InvalidInput
from pullcord.client.tools import TOOLS_MAX, Guarded, Registry

if TYPE_CHECKING:
    from decimal import Decimal as Unresolvable


def plain(order: str, amount: float = 1.0) -> None:
    """One plain tool."""


def keywords(order: str, *, amount: Decimal, **more: int) -> None:
    """One with keywords."""


def positions(first: str, /, *rest: Decimal) -> None:
    """One with positions."""


class Shop:
    def pay(self, amount: float) -> None:
        """A method."""


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "shown"),
    [
        (plain, ("A",), {}, {"order": "A", "amount": 1.0}),
        (plain, ("A", 2.0), {}, {"order": "A", "amount": 2.0}),
        (plain, (), {"amount": 3.0, "order": "B"}, {"order": "B", "amount": 3.0}),
        (keywords, ("A",), {"amount": Decimal(2), "x": 5}, {"order": "A", "amount": 2, "x": 5}),
        (positions, ("A", Decimal(1), Decimal(2)), {}, {"first": "A", "rest": [1, 2]}),
        (positions, ("A",), {}, {"first": "A", "rest": []}),
    ],
)
def test_a_call_and_its_decision_are_the_same_call(
    function: Callable[..., None],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    shown: dict[str, Any],
) -> None:
    """However it was called, people see every argument by name, and all of it comes back."""
    guarded = Guarded(tool="t", function=function)

    prepared = guarded.prepare(args, kwargs)
    guarded.check(prepared)
    again_args, again_kwargs = guarded.rebuilt(prepared.shown, {})
    again = guarded.prepare(again_args, again_kwargs)

    assert prepared.shown == shown
    assert again.shown == shown


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((), {}), (("A", 1, 2), {}), (("A",), {"order": "B"}), (("A",), {"unknown": 1})],
)
def test_a_wrong_call_fails_as_it_would_without_a_guard(
    args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """A guard that hides a mistake in the call would make it harder to find."""
    with pytest.raises(TypeError):
        Guarded(tool="t", function=plain).prepare(args, kwargs)


def test_self_is_left_out_by_itself() -> None:
    """Nobody decides about an object in the memory of a process."""
    shop = Shop()
    guarded = Guarded(tool="t", function=Shop.pay)

    prepared = guarded.prepare((shop, 1.0), {})

    assert prepared.shown == {"amount": 1.0}
    assert prepared.kept == {"self": shop}


def test_an_argument_that_would_come_back_as_something_else_is_refused() -> None:
    """Without annotation a Decimal would return as a float: say so before anybody is asked."""

    def loose(amount) -> None:  # type: ignore[no-untyped-def]
        pass

    guarded = Guarded(tool="t", function=loose)

    with pytest.raises(InvalidInput, match="Annotate amount"):
        guarded.check(guarded.prepare((Decimal("1.5"),), {}))
    guarded.check(guarded.prepare((1.5,), {}))


def test_an_annotation_that_cannot_be_resolved_counts_as_none() -> None:
    """Types imported for checkers only are common; plain values still come back."""

    def odd(amount: "Unresolvable") -> None:
        pass

    guarded = Guarded(tool="t", function=odd)

    assert guarded.kinds == {"amount": Any}


@dataclass
class Multiplier:
    """An object that is called."""

    factor: int

    def __call__(self, amount: float) -> float:
        return amount * self.factor


def test_an_object_that_is_called_can_be_guarded() -> None:
    """Tools are not always functions."""
    guarded = Guarded(tool="t", function=Multiplier(2))

    assert guarded.prepare((1.0,), {}).shown == {"amount": 1.0}
    assert not guarded.is_async


@pytest.mark.parametrize(
    "terms", [{"exclude": frozenset({"nothing"})}, {"call_id_from": "nothing"}]
)
def test_a_parameter_that_does_not_exist_is_named(terms: dict[str, Any]) -> None:
    """A typing mistake in exclude= would send what should stay here."""
    with pytest.raises(InvalidInput, match="order, amount"):
        Guarded(tool="t", function=plain, **terms)


@pytest.mark.parametrize(
    ("args", "message"),
    [({"order": "A"}, "amount"), ({"order": "A", "amount": 1.0, "more": 2}, "more")],
)
def test_decided_arguments_that_do_not_fit_are_refused(args: dict[str, Any], message: str) -> None:
    """The function changed, or an edit invented a parameter: nothing is dropped silently."""
    with pytest.raises(InvalidInput, match=message):
        Guarded(tool="t", function=plain).rebuilt(args, {})


def test_one_name_stands_for_one_function() -> None:
    """Or a decision could be carried out by another function than the one that was stopped."""
    registry = Registry()
    registry.add(Guarded(tool="pay", function=plain))
    registry.add(Guarded(tool="pay", function=plain))

    with pytest.raises(InvalidInput, match="name of its own"):
        registry.add(Guarded(tool="pay", function=keywords))

    assert "pay" in registry
    assert registry.find("pay").function is plain
    with pytest.raises(InvalidInput, match="pay"):
        registry.find("other")


def test_the_number_of_tools_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guarding inside a loop is a mistake that should be heard before the memory is gone."""
    monkeypatch.setattr("pullcord.client.tools.TOOLS_MAX", 1)
    registry = Registry()
    registry.add(Guarded(tool="one", function=plain))

    with pytest.raises(InvalidInput):
        registry.add(Guarded(tool="two", function=plain))

    assert TOOLS_MAX > 1
