"""YAML 1.2 with limits: plain values and the line of every one; duplicate keys are refused.

`10:30` and `no` stay text, as YAML 1.2 says. Aliases, tags and very deep files are refused.
"""

import re
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pullcord.errors import InvalidPolicy

SOURCE_BYTES_MAX = 1_048_576
DEPTH_MAX = 32

#: line of every value by its dotted path, beginning with 1
Lines = dict[str, int]

_VARIABLE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}$")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$")


def load(source: str, *, file: str, environ: Mapping[str, str]) -> tuple[Any, Lines]:
    """The values of a file and their lines.

    Raises:
        InvalidPolicy: no YAML, a duplicate key, an alias or tag, too large or deep, or a variable
            that is not set.
    """
    if len(source.encode(errors="replace")) > SOURCE_BYTES_MAX:
        raise InvalidPolicy(
            "file", value=f"{len(source)} characters", limit="1 MiB", remedy="Split it.", file=file
        )
    try:
        node = YAML(typ="safe", pure=True).compose(source)
    except (YAMLError, ValueError, RecursionError) as error:
        raise _broken(error, file) from None
    lines: Lines = {}
    if node is None:
        return {}, lines
    return _Reader(file, environ, lines).value(node, "", 0), lines


def _broken(error: Exception, file: str) -> InvalidPolicy:
    line = 0
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        line = error.problem_mark.line + 1
    problem = getattr(error, "problem", None) or str(error)
    return InvalidPolicy(
        "file", value=str(problem), remedy="Write it as YAML 1.2.", file=file, line=line
    )


class _Reader:
    """Walks the composed nodes once."""

    def __init__(self, file: str, environ: Mapping[str, str], lines: Lines) -> None:
        self._file = file
        self._environ = environ
        self._lines = lines
        self._seen: set[int] = set()

    def _refuse(self, node: Node, path: str, value: object, remedy: str) -> InvalidPolicy:
        line = node.start_mark.line + 1
        return InvalidPolicy(path or "file", value=value, remedy=remedy, file=self._file, line=line)

    def value(self, node: Node, path: str, depth: int) -> Any:
        """The plain value of a node."""
        self._lines[path] = node.start_mark.line + 1
        if depth > DEPTH_MAX:
            raise self._refuse(node, path, "nested", f"Nest at most {DEPTH_MAX} levels.")
        if id(node) in self._seen:
            raise self._refuse(node, path, "an alias", "Write the value out.")
        self._seen.add(id(node))
        if isinstance(node, MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, SequenceNode):
            return [
                self.value(each, f"{path}[{at}]", depth + 1) for at, each in enumerate(node.value)
            ]
        return self._scalar(node, path)

    def _mapping(self, node: MappingNode, path: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            inner = f"{path}.{key}" if path else key
            if key in found:
                first = self._lines[inner]
                raise self._refuse(
                    key_node, inner, key, f"It stands in line {first} already; keep one."
                )
            found[key] = self.value(value_node, inner, depth + 1)
            self._lines[inner] = key_node.start_mark.line + 1
        return found

    def _scalar(self, node: Node, path: str) -> Any:
        assert isinstance(node, ScalarNode), f"{node.tag} is neither mapping, list nor scalar"
        text = str(node.value)
        if node.style is not None or node.anchor:
            return self._filled(node, path, text)
        if text in ("", "~", "null", "Null", "NULL"):
            return None
        if text in ("true", "True", "TRUE"):
            return True
        if text in ("false", "False", "FALSE"):
            return False
        if _INTEGER.match(text):
            return int(text)
        if _FLOAT.match(text):
            return float(text)
        return self._filled(node, path, text)

    def _filled(self, node: Node, path: str, text: str) -> str:
        def value_of(match: re.Match[str]) -> str:
            name = match.group(1)
            if name not in self._environ:
                raise self._refuse(node, path, match.group(), f"Set the variable {name}.")
            return self._environ[name]

        return _VARIABLE.sub(value_of, text)
