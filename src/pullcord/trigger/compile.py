"""Rules become one Python function: fast when all is well, exact when something is wrong.

Generated code reads fields by subscript only, never by attribute. It uses plain `and`/`or`; when
anything raises, the same rule is walked again by `meaning.evaluate`, which absorbs errors as CEL
does. So an error can only ever be an error, and speed never changes an answer.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pullcord.trigger import meaning
from pullcord.trigger.expression import (
    Binary,
    Call,
    Choice,
    Field,
    Has,
    Item,
    Literal,
    Many,
    Node,
    Pick,
    Unary,
)

#: Runs every test and returns for each True, False or None (has no answer on the fast path).
Tests = Callable[[Mapping[str, Any]], list[bool | None]]

_NAMES = {
    "==": "equal",
    "<": "less",
    "<=": "at_most",
    ">": "more",
    ">=": "at_least",
    "in": "within",
}
_GIVES_BOOL = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "&&", "||"})


def compile_tests(nodes: Sequence[Node]) -> Tests:
    """One function for all of these tests, in their order."""
    writer = _Writer()
    lines = ["def tests(s):", "    r = []", "    a = r.append"]
    for node in nodes:
        code = writer.test(node)
        lines += ["    try:", f"        a({code})", "    except Exception:", "        a(None)"]
    lines.append("    return r")
    names = dict(writer.names)
    exec(compile("\n".join(lines), "<rules>", "exec"), names)  # noqa: S102  # our own text, no input reaches it but as constants
    tests: Tests = names["tests"]
    return tests


class _Writer:
    """Writes expressions as Python; constants and patterns become names."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {
            "__builtins__": {"Exception": Exception},
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
            "text_test": meaning.text_test,
            "matched": meaning.matched,
        }
        self._patterns: dict[str, str] = {}

    def test(self, node: Node) -> str:
        """Code that gives True or False, or raises."""
        code = self.write(node)
        is_bool = (isinstance(node, Binary) and node.op in _GIVES_BOOL) or isinstance(node, Has)
        return code if is_bool else f"truth({code})"

    def _constant(self, value: Any) -> str:
        if value is None or isinstance(value, bool):
            return repr(value)
        name = f"k{len(self.names)}"
        self.names[name] = value
        return name

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
                return f"is_there({self.write(of)}, {name!r})"
            case Many(items=items):
                return "[" + ", ".join(self.write(each) for each in items) + "]"
            case Unary(op=op, of=of):
                return f"(not {self.test(of)})" if op == "!" else f"negative({self.write(of)})"
            case Choice(test=test, then=then, other=other):
                return f"({self.write(then)} if {self.test(test)} else {self.write(other)})"
            case Binary():
                return self._binary(node)
            case Call():
                return self._call(node)

    def _binary(self, node: Binary) -> str:
        if node.op in ("&&", "||"):
            word = "and" if node.op == "&&" else "or"
            return f"({self.test(node.left)} {word} {self.test(node.right)})"
        left, right = self.write(node.left), self.write(node.right)
        if node.op in ("==", "!=") and (_is_text(node.left) or _is_text(node.right)):
            return f"({left} {node.op} {right})"
        if node.op == "!=":
            return f"(not equal({left}, {right}))"
        if node.op in _NAMES:
            return f"{_NAMES[node.op]}({left}, {right})"
        return f"arithmetic({node.op!r}, {left}, {right})"

    def _call(self, node: Call) -> str:
        first = self.write(node.args[0])
        if node.name == "size":
            return f"size({first})"
        second = node.args[1]
        if node.name == "matches":
            assert isinstance(second, Literal), "the checker lets only written patterns through"
            return f"matched({self._pattern(second.value)}, {first})"
        return f"text_test({node.name!r}, {first}, {self.write(second)})"

    def _pattern(self, source: str) -> str:
        if source not in self._patterns:
            name = f"p{len(self._patterns)}"
            self._patterns[source] = name
            self.names[name] = meaning.pattern_of(source)
        return self._patterns[source]


def _is_text(node: Node) -> bool:
    return isinstance(node, Literal) and isinstance(node.value, str)
