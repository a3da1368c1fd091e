"""What an expression means: CEL's operations on JSON values, with errors as a third outcome.

`&&` and `||` absorb an error when the other side already decides; an error is never true. This
walk over the tree is the reference; compiled rules take it only after an exception.
"""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, assert_never

import re2

from pullcord.trigger.expression import (
    INTEGER_MAX,
    Binary,
    Call,
    Choice,
    Field,
    Has,
    Item,
    Literal,
    Logic,
    Many,
    Node,
    Pick,
    Unary,
)


class Undecided(Exception):
    """Evaluation has no answer: a missing field, types that do not compare, a division by zero."""


def select(of: Any, name: str) -> Any:
    """A field of a map."""
    if type(of) is not dict:
        raise Undecided(f"{name!r} was asked of something that has no fields")
    try:
        return of[name]
    except KeyError:
        raise Undecided(f"there is no {name!r}") from None


def item(of: Any, key: Any) -> Any:
    """An element of a list or map."""
    if type(of) is dict and type(key) is str:
        return select(of, key)
    if type(key) is float and key.is_integer():
        key = int(key)
    if type(of) in (list, tuple) and type(key) is int and 0 <= key < len(of):
        return of[key]
    raise Undecided(f"there is no element {key!r}")


def equal(left: Any, right: Any) -> bool:
    """Numbers compare across kinds; different types are not equal; never an error."""
    if type(left) is bool or type(right) is bool:
        return left is right
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(equal, left, right))
    if type(left) is dict and type(right) is dict:
        return left.keys() == right.keys() and all(equal(left[each], right[each]) for each in left)
    return bool(left == right)


def _ordered(left: Any, right: Any) -> None:
    numbers = type(left) in (int, float) and type(right) in (int, float)
    if not numbers and not (type(left) is str and type(right) is str):
        raise Undecided(f"{_kind(left)} and {_kind(right)} have no order")


def less(left: Any, right: Any) -> bool:
    """`<` of two numbers or two texts."""
    _ordered(left, right)
    return bool(left < right)


def at_most(left: Any, right: Any) -> bool:
    """`<=` of two numbers or two texts."""
    _ordered(left, right)
    return bool(left <= right)


def more(left: Any, right: Any) -> bool:
    """`>` of two numbers or two texts."""
    _ordered(left, right)
    return bool(left > right)


def at_least(left: Any, right: Any) -> bool:
    """`>=` of two numbers or two texts."""
    _ordered(left, right)
    return bool(left >= right)


def within(left: Any, right: Any) -> bool:
    """`in`: an element of a list, or a key of a map."""
    if type(right) is dict:
        if left is None or isinstance(left, list | tuple | dict):
            raise Undecided(f"{_kind(left)} can be no key of a map")
        return left in right if type(left) is str else False
    if isinstance(right, list | tuple):
        return any(equal(left, each) for each in right)
    raise Undecided(f"'in' was asked of {_kind(right)}, which holds nothing")


def truth(value: Any) -> bool:
    """A test's outcome; anything but true and false is an error."""
    if value is True or value is False:
        return bool(value)
    raise Undecided(f"{_kind(value)} is neither true nor false")


def is_there(of: Any, name: str) -> bool:
    """`has()`."""
    if type(of) is not dict:
        raise Undecided(f"{name!r} was asked of something that has no fields")
    return name in of


def negative(value: Any) -> int | float:
    """`-x`."""
    if type(value) not in (int, float):
        raise Undecided(f"{_kind(value)} has no sign")
    return _whole(-value)


def arithmetic(op: str, left: Any, right: Any) -> Any:
    """`+ - * / %` of two whole or two fractional numbers; `+` of two texts or two lists."""
    if op == "+" and type(left) is str and type(right) is str:
        return left + right
    if op == "+" and isinstance(left, list) and isinstance(right, list):
        return left + right
    if type(left) not in (int, float) or type(right) not in (int, float):
        raise Undecided(f"{op!r} of {_kind(left)} and {_kind(right)}")
    if type(left) is not type(right):
        left, right = _fraction(left), _fraction(right)
    if op == "+":
        return _whole(left + right)
    if op == "-":
        return _whole(left - right)
    if op == "*":
        return _whole(left * right)
    return _divided(op, left, right)


def _divided(op: str, left: Any, right: Any) -> Any:
    if type(left) is float:
        if op == "%":
            raise Undecided("'%' takes whole numbers")
        if right == 0:
            sign = math.copysign(1, left) * math.copysign(1, right)
            return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, sign)
        return left / right
    if right == 0:
        raise Undecided("division by zero")
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    return _whole(quotient) if op == "/" else left - quotient * right


def _whole(value: int | float) -> int | float:
    if type(value) is int and not -INTEGER_MAX - 1 <= value <= INTEGER_MAX:
        raise Undecided("the number does not fit 64 bits")
    return value


def _fraction(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        raise Undecided("the number is too large to calculate with") from None


def size(value: Any) -> int:
    """How many characters or elements."""
    if isinstance(value, str | list | tuple | dict):
        return len(value)
    raise Undecided(f"{_kind(value)} has no size")


def text_test(name: str, text: Any, part: Any) -> bool:
    """`startsWith`, `endsWith`, `contains`."""
    if type(text) is not str or type(part) is not str:
        raise Undecided(f"{name} of {_kind(text)} and {_kind(part)}")
    if name == "startsWith":
        return text.startswith(part)
    return text.endswith(part) if name == "endsWith" else part in text


def matched(pattern: Any, text: Any) -> bool:
    """Whether a compiled RE2 pattern is found in a text."""
    if type(text) is not str:
        raise Undecided(f"matches of {_kind(text)}")
    try:
        return pattern.search(text) is not None
    except UnicodeEncodeError:
        raise Undecided("matches of text with half a character in it") from None


def _kind(value: Any) -> str:
    names = {bool: "true/false", int: "a number", float: "a number", str: "text", dict: "a map"}
    return "nothing" if value is None else names.get(type(value), "a list")


COMPARISONS = {
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    "<": less,
    "<=": at_most,
    ">": more,
    ">=": at_least,
    "in": within,
}


def evaluate(node: Node, scope: Mapping[str, Any]) -> Any:
    """The value of an expression.

    Raises:
        Undecided: it has none.
    """
    match node:
        case Literal(value=value):
            return value
        case Field(path=path):
            return _followed(path, scope)
        case Pick(of=of, name=name):
            return select(evaluate(of, scope), name)
        case Item(of=of, key=key):
            return item(evaluate(of, scope), evaluate(key, scope))
        case Has(of=of, name=name):
            return is_there(evaluate(of, scope), name)
        case Many(items=items):
            return [evaluate(each, scope) for each in items]
        case Unary(op=op, of=of):
            value = evaluate(of, scope)
            return not truth(value) if op == "!" else negative(value)
        case Choice(test=test, then=then, other=other):
            return evaluate(then if truth(evaluate(test, scope)) else other, scope)
        case Logic(op=op, parts=parts):
            return _absorbing(parts, scope, decides=op == "||")
        case Binary():
            return _binary(node, scope)
        case Call():
            return _call(node, scope)
        case _:
            assert_never(node)


def _followed(path: tuple[str, ...], scope: Mapping[str, Any]) -> Any:
    value: Any = scope
    for name in path:
        value = select(value, name)
    return value


def _binary(node: Binary, scope: Mapping[str, Any]) -> Any:
    left, right = evaluate(node.left, scope), evaluate(node.right, scope)
    if node.op in COMPARISONS:
        return COMPARISONS[node.op](left, right)
    return arithmetic(node.op, left, right)


def _absorbing(parts: tuple[Node, ...], scope: Mapping[str, Any], *, decides: bool) -> bool:
    """One part that decides is enough, whatever is wrong with the others."""
    problem: Undecided | None = None
    for part in parts:
        try:
            if truth(evaluate(part, scope)) is decides:
                return decides
        except Undecided as error:
            problem = problem or error
    if problem is not None:
        raise problem
    return not decides


def _call(node: Call, scope: Mapping[str, Any]) -> Any:
    values = [evaluate(each, scope) for each in node.args]
    if node.name == "size":
        return size(values[0])
    if node.name == "matches":
        return matched(pattern_of(values[1]), values[0])
    return text_test(node.name, values[0], values[1])


@lru_cache(maxsize=4096)
def pattern_of(source: str) -> Any:
    """A compiled RE2 pattern: linear in the text, whatever the pattern.

    Raises:
        ValueError: it does not compile.
    """
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        return re2.compile(source, options)
    except re2.error as error:
        raise ValueError(f"the pattern {source!r} does not compile: {error}") from None
