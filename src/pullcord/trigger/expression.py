"""The rule language: a documented subset of CEL, read into a small tree.

Literals, fields (`a.b`, `a["b"]`), `has(a.b)`, comparisons, `in`, `&&`, `||`, `!`, `?:`,
arithmetic, lists, `size(x)`, and the text methods `matches`, `startsWith`, `endsWith`, `contains`.
Every limit is a constant here, so the cost of a rule is bounded before it runs.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Any, assert_never

SOURCE_LENGTH_MAX = 4_096
#: brackets inside one another; operations inside one another; parts of one expression
DEPTH_MAX = 32
HEIGHT_MAX = 40
NODES_MAX = 2_000
INTEGER_MAX = 2**63 - 1

METHODS = frozenset({"matches", "startsWith", "endsWith", "contains", "size"})
FUNCTIONS = frozenset({"has", "size", "matches"})
LATER = frozenset({"exists", "all", "exists_one", "map", "filter", "int", "double", "string"})
RESERVED = frozenset({"true", "false", "null", "in"})


class InvalidExpression(ValueError):
    """An expression cannot be read; says where and what to write instead."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"column {position + 1}: {message}")
        self.position = position
        self.message = message


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: text, number, true, false or null."""

    value: Any
    at: int


@dataclass(frozen=True, slots=True)
class Field:
    """A dotted path from a root name, such as `args.amount`."""

    path: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Item:
    """An element of a list or map, `x[y]`."""

    of: "Node"
    key: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class Pick:
    """A field of something that is no plain path, `x[0].name`."""

    of: "Node"
    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Has:
    """Whether a field is there."""

    of: "Node"
    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Many:
    """A list."""

    items: tuple["Node", ...]
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """`name(args…)`; a method's receiver is the first argument."""

    name: str
    args: tuple["Node", ...]
    at: int


@dataclass(frozen=True, slots=True)
class Unary:
    """`!x` or `-x`."""

    op: str
    of: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class Logic:
    """`a && b && …` or `a || b || …`: two or more tests."""

    op: str
    parts: tuple["Node", ...]
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    """A comparison or an arithmetic operation of two operands."""

    op: str
    left: "Node"
    right: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class Choice:
    """`test ? then : other`."""

    test: "Node"
    then: "Node"
    other: "Node"
    at: int


Node = Literal | Field | Item | Pick | Has | Many | Call | Unary | Logic | Binary | Choice

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<op>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]])
    """,
    re.VERBOSE | re.ASCII,
)

#: what people write who know another language, and what it is called here
_MEANT = {"and": "&&", "or": "||", "not": "!", "=": "==", "&": "&&", "|": "||"}

#: operators of two operands that bind tighter than `&&`, from loosest to tightest
_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"==", "!=", "<", "<=", ">", ">=", "in"}),
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
)


def parse(source: str) -> Node:
    """Read an expression.

    Raises:
        InvalidExpression: with the column and a remedy.
    """
    if len(source) > SOURCE_LENGTH_MAX:
        raise InvalidExpression(
            f"{len(source)} characters; at most {SOURCE_LENGTH_MAX}, split the rule", 0
        )
    node = _Parser(source).whole()
    _limit_height(node)
    return node


def parts_of(node: Node) -> tuple[Node, ...]:
    """The expressions an expression is made of, in the order of their evaluation."""
    match node:
        case Literal() | Field():
            return ()
        case Has(of=of) | Pick(of=of) | Unary(of=of):
            return (of,)
        case Item(of=of, key=key):
            return (of, key)
        case Many(items=parts) | Call(args=parts) | Logic(parts=parts):
            return parts
        case Binary(left=left, right=right):
            return (left, right)
        case Choice(test=test, then=then, other=other):
            return (test, then, other)
        case _:
            assert_never(node)


def _limit_height(node: Node) -> None:
    """Refuse what would need deep recursion later; itself without recursion."""
    level: list[Node] = [node]
    for _ in range(HEIGHT_MAX):
        long = [each for each in level if isinstance(each, Field) and len(each.path) > HEIGHT_MAX]
        if long:
            raise InvalidExpression(f"a field more than {HEIGHT_MAX} levels down", long[0].at)
        level = [part for each in level for part in parts_of(each)]
        if not level:
            return
    raise InvalidExpression(
        f"more than {HEIGHT_MAX} operations inside one another; split the rule", level[0].at
    )


class _Parser:
    """Recursive descent with a limit on depth and size."""

    def __init__(self, source: str) -> None:
        self._tokens = _tokens(source)
        self._at = 0
        self._depth = 0
        self._nodes = 0

    def whole(self) -> Node:
        node = self._choice()
        kind, text, at = self._peek()
        if kind != "end":
            raise InvalidExpression(f"unexpected {text!r}; {self._hint(kind, text)}", at)
        return node

    def _hint(self, kind: str, text: str) -> str:
        before = self._tokens[self._at - 1][1]
        for word in (text, before):
            if word in _MEANT:
                return f"write {_MEANT[word]} instead of {word}"
        return "write && or || between two tests" if kind != "op" else "remove it"

    def _peek(self) -> tuple[str, str, int]:
        return self._tokens[self._at]

    def _take(self, text: str) -> bool:
        if self._peek()[1] == text and self._peek()[0] in ("op", "name"):
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._take(text):
            _, found, at = self._peek()
            raise InvalidExpression(f"expected {text!r} before {found or 'the end'!r}", at)

    def _count(self, at: int) -> None:
        self._nodes += 1
        if self._nodes > NODES_MAX:
            raise InvalidExpression(f"more than {NODES_MAX} parts; split the rule", at)

    def _choice(self) -> Node:
        at = self._peek()[2]
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise InvalidExpression(f"nested more than {DEPTH_MAX} levels; split the rule", at)
        node = self._logic("||")
        if self._take("?"):
            then = self._choice()
            self._expect(":")
            node = Choice(node, then, self._choice(), at)
        self._depth -= 1
        return node

    def _logic(self, op: str) -> Node:
        at = self._peek()[2]
        parts = [self._logic("&&") if op == "||" else self._level(0)]
        while self._take(op):
            self._count(at)
            parts.append(self._logic("&&") if op == "||" else self._level(0))
        return parts[0] if len(parts) == 1 else Logic(op, tuple(parts), at)

    def _level(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        node = self._level(level + 1)
        while self._peek()[1] in _LEVELS[level] and self._peek()[0] in ("op", "name"):
            _, op, at = self._peek()
            self._at += 1
            self._count(at)
            node = Binary(op, node, self._level(level + 1), at)
        return node

    def _unary(self) -> Node:
        ops: list[tuple[str, int]] = []
        while self._peek()[0] == "op" and self._peek()[1] in ("!", "-"):
            _, op, at = self._peek()
            if len(ops) == DEPTH_MAX:
                raise InvalidExpression(f"more than {DEPTH_MAX} signs in a row", at)
            ops.append((op, at))
            self._at += 1
        node = self._postfix(self._primary())
        for op, at in reversed(ops):
            if op == "-" and isinstance(node, Literal) and type(node.value) in (int, float):
                node = Literal(-node.value, at)
            else:
                node = Unary(op, node, at)
        return node

    def _postfix(self, node: Node) -> Node:
        while True:
            at = self._peek()[2]
            self._count(at)
            if self._take("."):
                node = self._member(node)
            elif self._take("["):
                node = _index(node, self._choice(), at)
                self._expect("]")
            else:
                return node

    def _member(self, node: Node) -> Node:
        kind, name, at = self._peek()
        if kind != "name":
            raise InvalidExpression("expected a name after '.'", at)
        self._at += 1
        if self._take("("):
            if name not in METHODS:
                raise InvalidExpression(_unknown_function(name), at)
            return Call(name, (node, *self._args(")")), at)
        if isinstance(node, Field):
            return Field((*node.path, name), node.at)
        return Pick(node, name, at)

    def _primary(self) -> Node:
        kind, text, at = self._peek()
        self._at += 1
        self._count(at)
        if kind == "number":
            return Literal(_number(text, at), at)
        if kind == "text":
            return Literal(_text(text, at), at)
        if kind == "name":
            return self._named(text, at)
        if text == "(":
            node = self._choice()
            self._expect(")")
            return node
        if text == "[":
            return Many(self._args("]"), at)
        raise InvalidExpression(f"expected a value before {text or 'the end'!r}", at)

    def _named(self, name: str, at: int) -> Node:
        if name == "in":
            raise InvalidExpression("expected a value before 'in'", at)
        if name in RESERVED:
            return Literal({"true": True, "false": False, "null": None}[name], at)
        if not self._take("("):
            return Field((name,), at)
        if name not in FUNCTIONS:
            raise InvalidExpression(_unknown_function(name), at)
        args = self._args(")")
        return _has(args, at) if name == "has" else Call(name, args, at)

    def _args(self, close: str) -> tuple[Node, ...]:
        found: list[Node] = []
        if self._take(close):
            return ()
        while True:
            found.append(self._choice())
            if self._take(close):
                return tuple(found)
            self._expect(",")


def _index(of: Node, key: Node, at: int) -> Node:
    if isinstance(of, Field) and isinstance(key, Literal) and isinstance(key.value, str):
        return Field((*of.path, key.value), of.at)
    return Item(of, key, at)


def _has(args: tuple[Node, ...], at: int) -> Node:
    if len(args) == 1:
        (of,) = args
        if isinstance(of, Field) and len(of.path) > 1:
            return Has(Field(of.path[:-1], of.at), of.path[-1], at)
        if isinstance(of, Pick):
            return Has(of.of, of.name, at)
    raise InvalidExpression("has() takes one field, such as has(args.amount)", at)


def _unknown_function(name: str) -> str:
    if name in LATER:
        return f"{name}() is not supported in this version; compare fields directly"
    return f"there is no function {name}(); use one of {', '.join(sorted(METHODS | FUNCTIONS))}"


def _tokens(source: str) -> list[tuple[str, str, int]]:
    found: list[tuple[str, str, int]] = []
    at = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            raise InvalidExpression(_unreadable(source[at]), at)
        kind = str(match.lastgroup)
        if kind != "space":
            found.append((kind, match.group(), at))
        at = match.end()
    found.append(("end", "", len(source)))
    return found


def _unreadable(sign: str) -> str:
    if sign in _MEANT:
        return f"unexpected {sign!r}; write {_MEANT[sign]} instead"
    if sign in "\"'":
        return "this text has no end; close it with the same quote"
    return f"{sign!r} is not part of the rule language; remove it"


def _number(text: str, at: int) -> int | float:
    if text.isdigit():
        value = int(text)
        if value > INTEGER_MAX:
            raise InvalidExpression(f"{text} is larger than a 64-bit integer; write {text}.0", at)
        return value
    found = float(text)
    if found == math.inf:
        raise InvalidExpression(f"{text} is larger than any number; write a smaller one", at)
    return found


def _text(quoted: str, at: int) -> str:
    inner = quoted[1:-1]
    if quoted[0] == "'":
        inner = inner.replace("\\'", "'").replace('"', '\\"')
    try:
        text = str(json.loads(f'"{inner}"', strict=False))
        text.encode()
    except UnicodeEncodeError:
        raise InvalidExpression(f"{quoted}: half a character; write the whole one", at) from None
    except ValueError:
        raise InvalidExpression(
            f'{quoted}: unknown escape; write \\\\ for a backslash and \\" for a quote', at
        ) from None
    return text
