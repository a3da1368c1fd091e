"""Rules become one Python function: fast when all is well, exact when something is wrong.

Generated code reads fields by subscript only, never by attribute. It uses plain `and`/`or`; when
anything raises, the same rule is walked again by `meaning.evaluate`, which absorbs errors as CEL
does. So an error can only ever be an error, and speed never changes an answer.

Where one side of an operation is a constant, the operation is written out for the types it is
meant for, such as `(v > k3 if type(v := s["args"]["amount"]) in numbers else more(v, k3))`; every
other type takes the exact function. `v` is read at once, so one name is enough.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, assert_never

from pullcord.trigger import meaning
from pullcord.trigger.expression import (
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

#: Runs every test; gives (its index, True) where it holds and (its index, None) where it has no
#: answer on the fast path. Tests that do not hold are left out.
Tests = Callable[[Mapping[str, Any]], list[tuple[int, bool | None]]]

#: comparison to the function that has CEL's exact meaning, and to its mirror image
_EXACT = {"<": "less", "<=": "at_most", ">": "more", ">=": "at_least"}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_TEXT_TESTS = {"startsWith": "starts", "endsWith": "ends", "contains": "contains"}

_NAMES: Mapping[str, Any] = {
    "__builtins__": {
        "Exception": Exception,
        "type": type,
        "float": float,
        "str": str,
        "dict": dict,
    },
    "numbers": frozenset({int, float}),
    "equal": meaning.equal,
    "less": meaning.less,
    "at_most": meaning.at_most,
    "more": meaning.more,
    "at_least": meaning.at_least,
    "within": meaning.within,
    "truth": meaning.truth,
    "item": meaning.item,
    "select": meaning.select,
    "is_there": meaning.is_there,
    "negative": meaning.negative,
    "arithmetic": meaning.arithmetic,
    "size": meaning.size,
    "starts": str.startswith,
    "ends": str.endswith,
    "contains": str.__contains__,
    "text_test": meaning.text_test,
    "matched": meaning.matched,
}


def compile_tests(nodes: Sequence[Node]) -> Tests:
    """One function for all of these tests, in their order."""
    writer = _Writer()
    lines = ["def tests(s):", "    found = []", "    add = found.append"]
    for at, node in enumerate(nodes):
        lines += [
            "    try:",
            f"        if {writer.test(node)}:",
            f"            add(({at}, True))",
            "    except Exception:",
            f"        add(({at}, None))",
        ]
    lines.append("    return found")
    names = dict(writer.names)
    exec(compile("\n".join(lines), "<rules>", "exec"), names)  # noqa: S102  # our own text, no input reaches it but as constants
    tests: Tests = names["tests"]
    return tests


class _Writer:
    """Writes expressions as Python; constants and patterns become names."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = dict(_NAMES)
        self._patterns: dict[str, str] = {}

    def test(self, node: Node) -> str:
        """Code that gives True or False, or raises."""
        code = self.write(node)
        if _gives_bool(node):
            return code
        return f"(v if (v := {code}) is True or v is False else truth(v))"

    def write(self, node: Node) -> str:
        """Code that gives the value of an expression, or raises."""
        match node:
            case Literal(value=value):
                return self._constant(value)
            case Field(path=path):
                return "s" + "".join(f"[{name!r}]" for name in path)
            case Pick(of=of, name=name):
                return f"select({self.write(of)}, {name!r})"
            case Item(of=of, key=key):
                return f"item({self.write(of)}, {self.write(key)})"
            case Has(of=of, name=name):
                exact = f"is_there(v, {name!r})"
                return f"({name!r} in v if type(v := {self.write(of)}) is dict else {exact})"
            case Many(items=items):
                return "[" + ", ".join(self.write(each) for each in items) + "]"
            case Unary(op=op, of=of):
                return f"(not {self.test(of)})" if op == "!" else f"negative({self.write(of)})"
            case Choice(test=test, then=then, other=other):
                return f"({self.write(then)} if {self.test(test)} else {self.write(other)})"
            case Logic(op=op, parts=parts):
                word = " and " if op == "&&" else " or "
                return "(" + word.join(self.test(each) for each in parts) + ")"
            case Binary():
                return self._binary(node)
            case Call():
                return self._call(node)
            case _:
                assert_never(node)

    def _constant(self, value: Any) -> str:
        if value is None or isinstance(value, bool):
            return repr(value)
        name = f"k{len(self.names)}"
        self.names[name] = value
        return name

    def _binary(self, node: Binary) -> str:
        if node.op in ("==", "!="):
            same = self._equal(node.left, node.right)
            return same if node.op == "==" else f"(not {same})"
        if node.op == "in":
            return self._within(node.left, node.right)
        if node.op in _EXACT:
            return self._ordered(node.op, node.left, node.right)
        left, right = self.write(node.left), self.write(node.right)
        if node.op in "+-*" and _is_number(node.right):
            sum_ = f"arithmetic({node.op!r}, v, {right})"
            return f"(v {node.op} {right} if type(v := {left}) is float else {sum_})"
        return f"arithmetic({node.op!r}, {left}, {right})"

    def _equal(self, left: Node, right: Node) -> str:
        if isinstance(left, Literal):
            left, right = right, left
        one, other = self.write(left), self.write(right)
        if not isinstance(right, Literal):
            return f"equal({one}, {other})"
        if _is_number(right):
            return f"(type(v := {one}) in numbers and v == {other})"
        return f"({one} {'==' if isinstance(right.value, str) else 'is'} {other})"

    def _ordered(self, op: str, left: Node, right: Node) -> str:
        if isinstance(left, Literal):
            op, left, right = _MIRRORED[op], right, left
        one, other = self.write(left), self.write(right)
        if not isinstance(right, Literal):
            return f"{_EXACT[op]}({one}, {other})"
        kind = "in numbers" if _is_number(right) else "is str"
        exact = f"{_EXACT[op]}(v, {other})"
        return f"(v {op} {other} if type(v := {one}) {kind} else {exact})"

    def _within(self, left: Node, right: Node) -> str:
        one, other = self.write(left), self.write(right)
        if isinstance(right, Many) and all(_is_text(each) for each in right.items):
            texts = frozenset(each.value for each in right.items if isinstance(each, Literal))
            return f"({one} in {self._constant(texts)})"
        if _is_text(left):
            return f"({one} in v if type(v := {other}) is not str else within({one}, v))"
        return f"within({one}, {other})"

    def _call(self, node: Call) -> str:
        first = self.write(node.args[0])
        if node.name == "size":
            return f"size({first})"
        second = node.args[1]
        if node.name == "matches":
            assert isinstance(second, Literal), "the checker lets only written patterns through"
            return f"matched({self._pattern(second.value)}, {first})"
        if _is_text(second):
            return f"{_TEXT_TESTS[node.name]}({first}, {self.write(second)})"
        return f"text_test({node.name!r}, {first}, {self.write(second)})"

    def _pattern(self, source: str) -> str:
        if source not in self._patterns:
            name = f"p{len(self._patterns)}"
            self._patterns[source] = name
            self.names[name] = meaning.pattern_of(source)
        return self._patterns[source]


def _gives_bool(node: Node) -> bool:
    match node:
        case Has() | Logic():
            return True
        case Unary(op=op):
            return op == "!"
        case Binary(op=op):
            return op not in "+-*/%"
        case Call(name=name):
            return name != "size"
        case Literal(value=value):
            return isinstance(value, bool)
    return False


def _is_text(node: Node) -> bool:
    return isinstance(node, Literal) and isinstance(node.value, str)


def _is_number(node: Node) -> bool:
    return isinstance(node, Literal) and type(node.value) in (int, float)
