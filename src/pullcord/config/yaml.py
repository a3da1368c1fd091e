"""YAML 1.2 with limits: plain values and the place of every one; duplicate keys are refused.

`10:30` and `no` stay text, as YAML 1.2 says. Anchors, aliases, tags and very deep files are
refused, and so are characters no other part of Pullcord could keep.
"""

import math
import re
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from pullcord.errors import InvalidPolicy

SOURCE_BYTES_MAX = 1_048_576
DEPTH_MAX = 32


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands, and a number or boolean as it was written there."""

    file: str
    line: int
    written: str = ""


#: place of every value by its dotted path; the whole file has the path ""
Places = dict[str, Place]

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(
    r"[-+]?(?:(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]{1,3})?|[0-9]+[eE][-+]?[0-9]{1,3})"
)
#: tags the parser itself gives to what carries none
_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("bool", "float", "int", "map", "merge", "null", "seq", "str", "timestamp", "value")
)
#: what neither JSON parties nor databases agree on: control characters and halves of characters
_UNKEEPABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_DEEP = f"Nest at most {DEPTH_MAX} levels."


def load(source: str, *, file: str) -> tuple[Any, Places]:
    """The values of a file and their places.

    Raises:
        InvalidPolicy: no YAML, a duplicate key, an anchor, alias or tag, too large or deep.
    """
    if len(source.encode(errors="replace")) > SOURCE_BYTES_MAX:
        raise InvalidPolicy(
            "file",
            value=f"{len(source)} characters",
            limit="1 MiB",
            remedy="Split it into a directory of files.",
            file=file,
            line=1,
        )
    try:
        node = YAML(typ="safe", pure=True).compose(source)
    except (YAMLError, ValueError, RecursionError) as error:
        raise _broken(error, source, file) from None
    places: Places = {"": Place(file, 1)}
    if node is None:
        return {}, places
    return _Reader(file, places).value(node, "", 0), places


def _broken(error: Exception, source: str, file: str) -> InvalidPolicy:
    """What the parser said, with its line."""
    if isinstance(error, RecursionError):
        return InvalidPolicy("file", value="nested", remedy=_DEEP, file=file, line=1)
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else 1
    problem = str(getattr(error, "problem", None) or error)
    if isinstance(error, ReaderError):
        line = source.count("\n", 0, error.position) + 1
        problem = f"the character U+{error.character:04X}"
    remedy = "Indent with spaces, not tabs." if "\\t" in problem else "Write it as YAML 1.2."
    return InvalidPolicy("file", value=problem, remedy=remedy, file=file, line=line)


class _Reader:
    """Walks the composed nodes once."""

    def __init__(self, file: str, places: Places) -> None:
        self._file = file
        self._places = places

    def _refuse(self, node: Node, path: str, value: object, remedy: str) -> InvalidPolicy:
        line = node.start_mark.line + 1
        return InvalidPolicy(path or "file", value=value, remedy=remedy, file=self._file, line=line)

    def value(self, node: Node, path: str, depth: int) -> Any:
        """The plain value of a node."""
        self._places[path] = Place(self._file, node.start_mark.line + 1)
        if depth > DEPTH_MAX:
            raise self._refuse(node, path, "nested", _DEEP)
        if node.anchor:  # without anchors there are no aliases
            raise self._refuse(node, path, f"&{node.anchor}", "Write the value out each time.")
        if str(node.tag) not in _PLAIN_TAGS:
            raise self._refuse(node, path, str(node.tag), "Remove the tag.")
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
            if not isinstance(key_node, ScalarNode):
                raise self._refuse(key_node, path, "a key that is no text", "Write a name.")
            key = self._text(key_node, path, str(key_node.value))
            inner = f"{path}.{key}" if path else key
            if key in found:
                first = self._places[inner].line
                raise self._refuse(
                    key_node, inner, key, f"It stands in line {first} already; keep one."
                )
            found[key] = self.value(value_node, inner, depth + 1)
            written = self._places[inner].written
            self._places[inner] = Place(self._file, key_node.start_mark.line + 1, written)
        return found

    def _scalar(self, node: Node, path: str) -> Any:
        assert isinstance(node, ScalarNode), f"{node.tag} is neither mapping, list nor scalar"
        text = self._text(node, path, str(node.value))
        if node.style is not None:
            return text
        value = _plain(text)
        if value is not None and not isinstance(value, str):
            self._places[path] = Place(self._file, node.start_mark.line + 1, text)
        return value

    def _text(self, node: Node, path: str, text: str) -> str:
        found = _UNKEEPABLE.search(text)
        if found is not None:
            name = f"the character U+{ord(found.group()):04X}"
            raise self._refuse(node, path, name, "Remove it.")
        return text


def _plain(text: str) -> Any:
    """What an unquoted text means (YAML 1.2, core schema; .inf, .nan, 0x and 0o stay text)."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text
