"""Arguments to JSON and back: what a person was shown is rebuilt to exactly what is executed.

Numbers, texts, lists and objects go as they are. Decimals go as numbers when nothing is lost and
as text otherwise; dates, times, UUIDs, enums, dataclasses and models go as their JSON form and
come back as the annotated type. What has no JSON form is refused with its name and a remedy.
Nothing is ever pickled.
"""

import math
from collections.abc import Mapping
from decimal import Decimal
from pathlib import PurePath
from typing import Any

import msgspec

from pullcord.briefing.digest import DEPTH_MAX, INTEGER_MAX, NotCanonical, canonical
from pullcord.errors import InvalidInput

_ATOMS = frozenset({str, bool, type(None)})
_PLAIN = frozenset({str, bool, type(None), int, float})
_BYTES = (bytes, bytearray, memoryview)
#: kept as they are by the first step, because this module has its own way with them
_OWN = (Decimal, bytes, bytearray, memoryview)


class _NotJson(Exception):
    """What stands there has no JSON form; carries the kind."""


def to_json(name: str, value: Any) -> Any:
    """The JSON form of one argument.

    Raises:
        InvalidInput: it has none; names the argument and the remedy.
    """
    kind = type(value)
    if kind in _ATOMS or (kind is int and -INTEGER_MAX <= value <= INTEGER_MAX):
        return value
    try:
        return _plain(msgspec.to_builtins(value, builtin_types=_OWN, enc_hook=_model), 0)
    except (_NotJson, TypeError, ValueError, RecursionError) as error:
        what = str(error) if isinstance(error, _NotJson) else f"a {kind.__name__}"
        raise InvalidInput(
            f"argument {name}",
            value=what,
            limit="JSON, Decimal, date, time, UUID, Enum, dataclasses and models",
            remedy=f"Name it in @guard(exclude=[{name!r}]), or pass something that is JSON.",
        ) from None


def _model(value: Any) -> Any:
    """The JSON form of a model, by the verbs models have; paths as text."""
    if isinstance(value, PurePath):
        return str(value)
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return dump(mode="json")
    raise _NotJson(f"a {type(value).__name__}")


def _plain(value: Any, depth: int) -> Any:
    """Every value inside in its JSON form."""
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is int:
        return value if -INTEGER_MAX <= value <= INTEGER_MAX else str(value)
    if kind is float:
        if not math.isfinite(value):
            raise _NotJson(f"{value}, which is no JSON number")
        return value
    if kind is Decimal:
        return _decimal(value)
    if depth >= DEPTH_MAX:
        raise _NotJson(f"something nested more than {DEPTH_MAX} levels")
    if isinstance(value, Mapping):
        return {_key(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, depth + 1) for item in value]
    raise _NotJson("bytes" if isinstance(value, _BYTES) else f"a {kind.__name__}")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise _NotJson(f"an object with the key {key!r}, which is no text")
    return key


def _decimal(value: Decimal) -> int | float | str:
    """A number when it says exactly the same, so that rules can compare it; text otherwise."""
    if not value.is_finite():
        raise _NotJson(f"{value}, which is no JSON number")
    if value == value.to_integral_value() and abs(value) <= INTEGER_MAX:
        return int(value)
    near = float(value)
    return near if math.isfinite(near) and Decimal(repr(near)) == value else str(value)


def from_json(name: str, value: Any, kind: Any) -> Any:
    """The argument again, as the type it is annotated with; without annotation it stays JSON.

    Raises:
        InvalidInput: the value does not fit the annotation.
    """
    if kind is Any:
        return value
    try:
        return _converted(value, kind)
    except (msgspec.ValidationError, TypeError, ValueError, ArithmeticError) as error:
        raise InvalidInput(
            f"argument {name}",
            value=value,
            limit=f"what {_name_of(kind)} can be made from",
            remedy=f"{error}. Annotate it with one plain type, or name it in exclude=.",
        ) from None


def _converted(value: Any, kind: Any) -> Any:
    """Strictly first; leniently only for texts that stand for something else, such as big ids."""
    try:
        return msgspec.convert(value, kind, dec_hook=_made)
    except msgspec.ValidationError:
        return msgspec.convert(value, kind, strict=False, dec_hook=_made)


def _made(kind: type[Any], value: Any) -> Any:
    """A model or path from its JSON form."""
    validate = getattr(kind, "model_validate", None)
    if callable(validate):
        return validate(value)
    if issubclass(kind, PurePath) and isinstance(value, str):
        return kind(value)
    raise TypeError(f"{_name_of(kind)} cannot be made from JSON")


def _name_of(kind: Any) -> str:
    return getattr(kind, "__name__", None) or str(kind)


def survives(original: Any, rebuilt: Any) -> bool:
    """Whether a value came back as the kind of thing it was; JSON's own kinds may differ."""
    if type(original) in _PLAIN:
        return True
    if type(original) is not type(rebuilt):
        return False
    if isinstance(original, Mapping):
        return all(key in rebuilt and survives(original[key], rebuilt[key]) for key in original)
    if isinstance(original, list | tuple):
        return len(original) == len(rebuilt) and all(
            survives(one, other) for one, other in zip(original, rebuilt, strict=True)
        )
    return True


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same document."""
    try:
        return canonical(one) == canonical(other)
    except NotCanonical:
        return False
