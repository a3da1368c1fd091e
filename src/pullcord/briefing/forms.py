"""Typed forms from a tool's JSON Schema or from the proposed arguments: numbers stay numbers."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

#: fields one form shows; deeper or further values are shown as JSON
FIELDS_MAX = 60
LONG_TEXT_FROM = 80


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


class FormProblem(ValueError):
    """A field of a form cannot be read; names field, value and what is allowed."""

    def __init__(self, field: str, value: str, allowed: str) -> None:
        super().__init__(f"{field}: {value!r} is not {allowed}")
        self.field = field
        self.value = value
        self.allowed = allowed


def fields(schema: Mapping[str, Any] | None, values: Mapping[str, Any]) -> tuple[Field, ...]:
    """The inputs for these values; types come from the schema, else from the values."""
    found: list[Field] = []
    for each in _walk("", schema or {}, values):
        found.append(each)
        if len(found) == FIELDS_MAX:
            break
    return tuple(found)


def _walk(prefix: str, schema: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Field]:
    properties: Mapping[str, Any] = schema.get("properties", {})
    required = set(schema.get("required", ()))
    for name in dict.fromkeys([*properties, *values]):
        path = f"{prefix}{name}"
        part = properties.get(name, {})
        value = values.get(name)
        if isinstance(value, dict) and value and len(path) < 100:
            yield from _walk(f"{path}.", part, value)
        elif name in values or name in required:
            yield _field(path, part, value, is_required=name in required)


def _field(path: str, part: Mapping[str, Any], value: Any, *, is_required: bool) -> Field:
    kind = _kind(part, value)
    choices = tuple(str(each) for each in part.get("enum", ()))
    return Field(
        path=path,
        label=str(part.get("title") or path.replace("_", " ").replace(".", " › ")),
        kind="choice" if choices else kind,
        value=json.dumps(value, ensure_ascii=False) if kind == "json" else value,
        is_required=is_required,
        choices=choices,
        minimum=part.get("minimum"),
        maximum=part.get("maximum"),
        max_length=part.get("maxLength"),
        help=str(part.get("description", "")),
    )


def _kind(part: Mapping[str, Any], value: Any) -> str:
    declared = part.get("type")
    if declared in ("integer", "number", "boolean"):
        return str(declared)
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if declared == "string" or isinstance(value, str):
        is_long = isinstance(value, str) and (len(value) > LONG_TEXT_FROM or "\n" in value)
        return "long_text" if is_long else "text"
    return "json"


def parse_form(
    schema: Mapping[str, Any] | None, flat: Mapping[str, str], base: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments as a form sent them, typed; what the form does not show stays as it was.

    Raises:
        FormProblem: a value does not fit its field's type or limits.
    """
    result: dict[str, Any] = json.loads(json.dumps(dict(base)))
    for field in fields(schema, base):
        if field.path in flat:
            _put(result, field.path, _read(field, flat[field.path]))
        elif field.kind == "boolean" and f"{field.path}#shown" in flat:
            _put(result, field.path, False)
    return result


def _put(target: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    if path in target:
        target[path] = value
        return
    for name in parents:
        target = target.setdefault(name, {})
    target[last] = value


def _read(field: Field, text: str) -> Any:
    if field.kind in ("text", "long_text"):
        return _read_text(field, text)
    if field.kind == "choice":
        if text not in field.choices:
            raise FormProblem(field.path, text, "one of " + ", ".join(field.choices))
        return text
    if field.kind == "boolean":
        return text in ("on", "true", "yes", "1")
    if field.kind == "json":
        try:
            return json.loads(text)
        except ValueError:
            raise FormProblem(field.path, text, "JSON") from None
    return _read_number(field, text)


def _read_text(field: Field, text: str) -> Any:
    if field.value is None and not text:
        return None
    if field.max_length is not None and len(text) > field.max_length:
        raise FormProblem(field.path, text, f"at most {field.max_length} characters")
    return text.replace("\r\n", "\n")


def _read_number(field: Field, text: str) -> int | float | None:
    compact = text.strip()
    if not compact and field.value is None:
        return None
    try:
        value: int | float = int(compact)
    except ValueError:
        try:
            value = float(compact)
        except ValueError:
            raise FormProblem(field.path, text, "a number such as 240 or 240.50") from None
        if field.kind == "integer" or not math.isfinite(value):
            raise FormProblem(field.path, text, "a whole number") from None
    if isinstance(field.value, float) and isinstance(value, int):
        value = float(value)
    low = field.minimum is not None and value < field.minimum
    high = field.maximum is not None and value > field.maximum
    if low or high:
        raise FormProblem(field.path, text, f"between {field.minimum} and {field.maximum}")
    return value
