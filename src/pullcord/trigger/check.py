"""Find mistakes before a rule runs: unknown fields, impossible comparisons, bad patterns."""

import difflib
from collections.abc import Mapping
from typing import assert_never

from pullcord.trigger.expression import (
    Binary,
    Call,
    Choice,
    Field,
    Has,
    InvalidExpression,
    Item,
    Literal,
    Logic,
    Many,
    Node,
    Pick,
    Unary,
)
from pullcord.trigger.meaning import pattern_of

PATTERN_LENGTH_MAX = 512

#: kinds a type may be compared with; "dyn" goes with everything
NUMBER, TEXT, BOOL, LIST, MAP, DYN = "number", "text", "true/false", "list", "map", "dyn"
ORDERED = frozenset({"<", "<=", ">", ">="})

#: Dotted names a rule may read, with their type; dyn may be followed by any field.
VOCABULARY: Mapping[str, str] = {
    "tool": TEXT,
    "args": DYN,
    "agent": TEXT,
    "environment": TEXT,
    "end_user.id": TEXT,
    "end_user.name": TEXT,
    "end_user.email": TEXT,
    "end_user.locale": TEXT,
    "end_user.tier": TEXT,
    "end_user.asks_for_person": BOOL,
    "run.id": TEXT,
    "run.n_messages": NUMBER,
    "run.n_calls": NUMBER,
    "run.n_errors": NUMBER,
    "run.n_repeats": NUMBER,
    "run.n_writes": NUMBER,
    "signals": DYN,
    "money": NUMBER,
    "reversible": TEXT,
    "zones": LIST,
}
_OPEN = frozenset(name for name, kind in VOCABULARY.items() if kind == DYN)


def check(node: Node) -> str:
    """The type of an expression.

    Raises:
        InvalidExpression: names the part that cannot work and what to write instead.
    """
    match node:
        case Literal(value=value):
            return _literal(value)
        case Field():
            return _field(node)
        case Pick(of=of) | Has(of=of):
            _require(check(of), MAP, of, f"{node.name!r}")
            return BOOL if isinstance(node, Has) else DYN
        case Item():
            return _item(node)
        case Many(items=items):
            for each in items:
                check(each)
            return LIST
        case Unary(op=op, of=of):
            _require(check(of), BOOL if op == "!" else NUMBER, of, f"'{op}'")
            return BOOL if op == "!" else NUMBER
        case Choice(test=test, then=then, other=other):
            _require(check(test), BOOL, test, "'?'")
            first, second = check(then), check(other)
            return first if first == second else DYN
        case Logic():
            return _logic(node)
        case Binary():
            return _binary(node)
        case Call():
            return _call(node)
        case _:
            assert_never(node)


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, int | float):
        return NUMBER
    return TEXT if isinstance(value, str) else DYN


def _field(node: Field) -> str:
    kind = kind_of(node.path)
    if kind is None:
        raise InvalidExpression(unknown(node.path), node.at)
    return kind


def kind_of(path: tuple[str, ...]) -> str | None:
    """The type of what a path leads to; None when there is no such thing."""
    if path[0] in _OPEN:
        return DYN
    name = ".".join(path)
    if name in VOCABULARY:
        return VOCABULARY[name]
    return MAP if any(each.startswith(f"{name}.") for each in VOCABULARY) else None


def unknown(path: tuple[str, ...]) -> str:
    """What to tell somebody who wrote a path that does not exist."""
    name = ".".join(path)
    near = difflib.get_close_matches(name, VOCABULARY, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(VOCABULARY))}"
    return f"there is no {name!r}; {hint}"


def _logic(node: Logic) -> str:
    for each in node.parts:
        _require(check(each), BOOL, each, f"'{node.op}'")
    return BOOL


def _item(node: Item) -> str:
    of, key = check(node.of), check(node.key)
    if of not in (LIST, MAP, DYN):
        raise InvalidExpression(f"'[…]' takes a list or map, this is {of}", node.of.at)
    if of != DYN:
        _require(key, NUMBER if of == LIST else TEXT, node.key, f"'[…]' of a {of}")
    return DYN


def _require(found: str, wanted: str, node: Node, what: str) -> None:
    if found not in (wanted, DYN):
        raise InvalidExpression(f"{what} takes {wanted}, this is {found}", node.at)


def _binary(node: Binary) -> str:
    left, right = check(node.left), check(node.right)
    if node.op == "in":
        if right not in (LIST, MAP, DYN):
            raise InvalidExpression(f"'in' takes a list or map, this is {right}", node.right.at)
        return BOOL
    if node.op in ("==", "!=") or node.op in ORDERED:
        if DYN not in (left, right) and left != right:
            raise InvalidExpression(f"{left} is compared with {right}", node.at)
        if node.op in ORDERED and {left, right} - {NUMBER, TEXT, DYN}:
            raise InvalidExpression(f"'{node.op}' takes numbers or text", node.at)
        return BOOL
    if node.op == "+" and left == right and left in (TEXT, LIST):
        return left
    if not (node.op == "+" and DYN in (left, right)):
        _require(left, NUMBER, node.left, f"'{node.op}'")
        _require(right, NUMBER, node.right, f"'{node.op}'")
        return NUMBER
    return DYN


def _call(node: Call) -> str:
    kinds = [check(each) for each in node.args]
    wanted = 1 if node.name == "size" else 2
    if len(kinds) != wanted:
        raise InvalidExpression(f"{node.name}() takes {wanted} values, not {len(kinds)}", node.at)
    if node.name == "size":
        if kinds[0] not in (TEXT, LIST, MAP, DYN):
            raise InvalidExpression(f"size() of {kinds[0]}", node.at)
        return NUMBER
    for kind, each in zip(kinds, node.args, strict=True):
        _require(kind, TEXT, each, f"{node.name}()")
    if node.name == "matches":
        _pattern(node.args[1])
    return BOOL


def _pattern(node: Node) -> None:
    if not isinstance(node, Literal) or not isinstance(node.value, str):
        raise InvalidExpression("matches() takes a pattern written in the rule itself", node.at)
    if len(node.value) > PATTERN_LENGTH_MAX:
        raise InvalidExpression(f"a pattern has at most {PATTERN_LENGTH_MAX} characters", node.at)
    try:
        pattern_of(node.value)
    except ValueError as error:
        raise InvalidExpression(str(error), node.at) from None
