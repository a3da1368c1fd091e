"""Typed forms from a tool's JSON Schema or from the proposed arguments: numbers stay numbers.

A form that is sent back as it was shown changes nothing, not even 240.0 into 240. Schemas may come
from an agent, so nothing in them is believed to have the type it should have.
"""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pullcord.briefing.digest import INTEGER_MAX, NotCanonical, strict_loads

#: fields one form shows; deeper or further values are shown as JSON
FIELDS_MAX = 60
DEPTH_MAX = 8
LONG_TEXT_FROM = 80

_NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?")
_TYPES = frozenset({"integer", "number", "boolean", "string"})


@dataclass(frozen=True, slots=True)
class Field:
    """One input: `kind` is text, long_text, number, integer, boolean, choice or json."""

    path: str
    label: str
    kind: str
    value: Any
    is_required: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None
    help: str = ""
    #: the keys that lead to the value
    keys: tuple[str, ...] = ()
    #: what each of `choices` stands for, in the same order
    choice_values: tuple[Any, ...] = ()


class FormProblem(ValueError):
    """A field of a form cannot be read; names field, value and what is allowed."""

    def __init__(self, field: str, value: str, allowed: str) -> None:
        super().__init__(f"{field}: {value[:80]!r} is not {allowed}")
        self.field = field
        self.value = value
        self.allowed = allowed


def fields(schema: Mapping[str, Any] | None, values: Mapping[str, Any]) -> tuple[Field, ...]:
    """The inputs for these values; types come from the schema, else from the values.

    Where two values would have the same path, the first has the input and the other none.
    """
    found: dict[str, Field] = {}
    for each in _walk((), _mapping(schema), values):
        found.setdefault(each.path, each)
        if len(found) == FIELDS_MAX:
            break
    return tuple(found.values())


def _walk(
    above: tuple[str, ...], schema: Mapping[str, Any], values: Mapping[str, Any]
) -> Iterator[Field]:
    properties = _mapping(schema.get("properties"))
    required = [each for each in _list(schema.get("required")) if isinstance(each, str)]
    for name in dict.fromkeys([*properties, *values]):
        keys = (*above, name)
        part, value = _mapping(properties.get(name)), values.get(name)
        if isinstance(value, dict) and value and len(keys) < DEPTH_MAX:
            yield from _walk(keys, part, value)
        elif name in values or name in required:
            yield _field(keys, part, value, is_required=name in required)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _field(
    keys: tuple[str, ...], part: Mapping[str, Any], value: Any, *, is_required: bool
) -> Field:
    path = ".".join(keys)
    kind = _kind(part, value)
    known = _list(part.get("enum"))
    return Field(
        path=path,
        label=str(part.get("title") or path.replace("_", " ").replace(".", " › "))[:200],
        kind="choice" if known else kind,
        value=json.dumps(value, ensure_ascii=False) if kind == "json" and not known else value,
        is_required=is_required,
        choices=tuple(_written(each) for each in known),
        minimum=_limit(part.get("minimum")),
        maximum=_limit(part.get("maximum")),
        max_length=part["maxLength"] if type(part.get("maxLength")) is int else None,
        help=str(part.get("description", ""))[:500],
        keys=keys,
        choice_values=tuple(known),
    )


def _limit(value: Any) -> float | None:
    return value if type(value) in (int, float) else None


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _kind(part: Mapping[str, Any], value: Any) -> str:
    declared = _declared(part.get("type"))
    if isinstance(value, dict | list):
        return "json"
    if declared in ("integer", "number", "boolean"):
        return declared
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if declared == "string" or isinstance(value, str):
        is_long = isinstance(value, str) and (len(value) > LONG_TEXT_FROM or "\n" in value)
        return "long_text" if is_long else "text"
    return "json"


def _declared(kinds: Any) -> str:
    """The type a schema names; of several, such as number or null, the first that has an input."""
    named = [kinds] if isinstance(kinds, str) else _list(kinds)
    return next((each for each in named if isinstance(each, str) and each in _TYPES), "")


def parse_form(
    schema: Mapping[str, Any] | None, flat: Mapping[str, str], base: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments as a form sent them, typed; what the form does not show stays as it was.

    Raises:
        FormProblem: a value does not fit its field's type or limits.
    """
    result: dict[str, Any] = copy.deepcopy(dict(base))
    for field in fields(schema, base):
        if field.path in flat:
            _put(result, field, _read(field, flat[field.path]))
        elif field.kind == "boolean" and f"{field.path}#shown" in flat:
            _put(result, field, value=False)
    return result


def _put(result: dict[str, Any], field: Field, value: Any) -> None:
    """Set a value; an empty input for what was never there adds nothing."""
    *parents, last = field.keys
    for name in parents:
        result = result[name]
    if value is not None or last in result:
        result[last] = value


def _read(field: Field, text: str) -> Any:
    if field.kind in ("text", "long_text"):
        return _read_text(field, text)
    if field.kind == "choice":
        if text not in field.choices:
            raise FormProblem(field.path, text, "one of " + ", ".join(field.choices))
        return field.choice_values[field.choices.index(text)]
    if field.kind == "boolean":
        return text in ("on", "true", "yes", "1")
    if field.kind == "json":
        return _read_json(field, text)
    return _read_number(field, text)


def _read_json(field: Field, text: str) -> Any:
    try:
        return strict_loads(text)
    except NotCanonical as error:
        raise FormProblem(field.path, text, f"JSON ({error})") from None


def _read_text(field: Field, text: str) -> Any:
    if field.value is None and not text:
        return None
    if field.max_length is not None and len(text) > field.max_length:
        raise FormProblem(field.path, text, f"at most {field.max_length} characters")
    unix = text.replace("\r\n", "\n")
    was = str(field.value)
    return was if unix == was.replace("\r\n", "\n") and field.value is not None else unix


def _read_number(field: Field, text: str) -> int | float | None:
    compact = text.strip()
    if not compact and field.value is None:
        return None
    if compact == str(field.value):
        given: int | float = field.value
        return given
    if not _NUMBER.fullmatch(compact):
        raise FormProblem(field.path, text, "a number such as 240 or 240.50")
    value = float(compact)
    if abs(value) > INTEGER_MAX:
        raise FormProblem(field.path, text, "a number that stays exact: at most 15 digits")
    if field.kind == "integer" and not value.is_integer():
        raise FormProblem(field.path, text, "a whole number")
    if field.minimum is not None and value < field.minimum:
        raise FormProblem(field.path, text, f"at least {field.minimum}")
    if field.maximum is not None and value > field.maximum:
        raise FormProblem(field.path, text, f"at most {field.maximum}")
    is_whole = field.kind == "integer" or compact.lstrip("+-").isdigit()
    return int(value) if is_whole and not isinstance(field.value, float) else value
