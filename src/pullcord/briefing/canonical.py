"""Canonical JSON (RFC 8785), strict reading, and the digest of a value.

Sorting keys by `json.dumps` is not enough: RFC 8785 orders them by UTF-16 units and writes
numbers as ECMAScript does. Values that no JSON party reads the same way are refused. This module
loads next to nothing: a hook that runs before every tool call pays for it each time.
"""

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from json.encoder import JSONEncoder, encode_basestring
from types import NoneType
from typing import Any

#: deepest nesting; bytes of one canonical document; largest exact integer of ECMAScript
DEPTH_MAX = 64
BYTES_MAX = 4 * 1_048_576
INTEGER_MAX = 2**53 - 1
DOUBLE_MAX = int(1.7976931348623157e308)
INTEGER_DIGITS_MAX = 310

#: who writes the canonical form: `json.dumps`, the same after `_settled`, or `_pieces`
_PLAIN, _WHOLE, _OWN = 0, 1, 2
#: kinds that need no look at their value: a lone surrogate is found where the text is encoded
_HARMLESS = frozenset({NoneType, bool, str})
_ENCODER = JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), sort_keys=True, check_circular=False
)
#: the way to a value inside a document: what holds it, and its key or index
Path = tuple[Any, str | int] | tuple[()]
_ROOT: Path = ()

_SURROGATE = re.compile("[\ud800-\udfff]")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


class NotCanonical(ValueError):
    """A value has no canonical form; the message names the path and what to send instead."""


def canonical(value: Any) -> bytes:
    """The canonical JSON of a value, UTF-8.

    Raises:
        NotCanonical: NaN, infinity, integers that are no doubles, lone surrogates, keys that are no
            text, more than 64 levels, or more than 4 MiB.
    """
    form = _form(value, _ROOT, 0)
    try:
        if form == _OWN:
            encoded = "".join(_pieces(value)).encode()
        else:
            encoded = _ENCODER.encode(_settled(value) if form == _WHOLE else value).encode()
    except UnicodeEncodeError:
        raise _unwritable(next(_surrogates(value, _ROOT))) from None
    if len(encoded) > BYTES_MAX:
        raise NotCanonical(f"{len(encoded)} bytes; at most {BYTES_MAX} are accepted")
    return encoded


def digest(value: Any) -> str:
    """SHA-256 over the canonical JSON of a value, lower-case hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _form(value: Any, path: Path, depth: int) -> int:
    """Check a value whole; tells who writes its canonical form."""
    kind = type(value)
    if kind in _HARMLESS:
        return _PLAIN
    if kind is int:
        return _PLAIN if -INTEGER_MAX <= value <= INTEGER_MAX else _form_of_large(value, path)
    if kind is float:
        return _form_of_double(value, path)
    if depth >= DEPTH_MAX:
        raise NotCanonical(f"{_named(path)}: nested more than {DEPTH_MAX} levels")
    if kind is dict:
        return _form_of_object(value, path, depth)
    if kind is list or kind is tuple:
        return _form_of_array(value, path, depth)
    raise NotCanonical(
        f"{_named(path)}: {kind.__name__} is not JSON; send text or a number instead"
    )


def _form_of_object(value: dict[Any, Any], path: Path, depth: int) -> int:
    form = _form_of_keys(value, path)
    for key, item in value.items():
        # most values are these, and a call for each would cost more than the look
        if type(item) not in _HARMLESS:
            form = max(form, _form(item, (path, key), depth + 1))
    return form


def _form_of_keys(value: dict[Any, Any], path: Path) -> int:
    """Keys are text; of those beyond the first plane RFC 8785 has an order of its own."""
    try:
        if "".join(value).isascii():
            return _PLAIN
    except TypeError:
        key = next(each for each in value if not isinstance(each, str))
        raise NotCanonical(f"{_named(path)}: the key {key!r} is not text") from None
    return _OWN if any(_ASTRAL.search(key) for key in value) else _PLAIN


def _form_of_array(value: Sequence[Any], path: Path, depth: int) -> int:
    form = _PLAIN
    for at, item in enumerate(value):
        if type(item) not in _HARMLESS:
            form = max(form, _form(item, (path, at), depth + 1))
    return form


def _form_of_double(value: float, path: Path) -> int:
    """Python and ECMAScript write fractions alike from 0.0001 to 10^16, and 480.0 as 480."""
    if not math.isfinite(value):
        raise NotCanonical(f"{_named(path)}: {value} is no JSON number; send null or text instead")
    if value.is_integer():
        return _WHOLE if abs(value) <= INTEGER_MAX else _OWN
    return _PLAIN if 1e-4 <= abs(value) < 1e16 else _OWN


def _form_of_large(value: int, path: Path) -> int:
    """Beyond 2^53 an integer is taken only if it is a double, or a double was written as it."""
    is_double = abs(value) <= DOUBLE_MAX and (
        int(float(value)) == value or number(float(value)) == str(value)
    )
    if not is_double:
        raise NotCanonical(
            f"{_named(path)}: integers beyond 2^53-1 are not exact; send text instead"
        )
    return _OWN


def _surrogates(value: Any, path: Path) -> Iterator[Path]:
    """The ways to every text and key that no encoding can write."""
    if isinstance(value, str):
        if _SURROGATE.search(value):
            yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _surrogates(key, path)
            yield from _surrogates(item, (path, key))
    elif isinstance(value, list | tuple):
        for at, item in enumerate(value):
            yield from _surrogates(item, (path, at))


def _unwritable(path: Path) -> NotCanonical:
    problem = "holds a lone surrogate; send valid Unicode text"
    return NotCanonical(f"{_named(path)}: {problem}")


def _named(path: Path) -> str:
    """A path as people write it, such as `$.args.rows[0]`."""
    steps: list[str] = []
    while path:
        path, step = path
        steps.append(f"[{step}]" if isinstance(step, int) else f".{step}")
    return "$" + "".join(reversed(steps))


def _settled(value: Any) -> Any:
    """The same value with whole doubles as integers: 480.0 is written 480."""
    if type(value) is float and value.is_integer():
        return int(value)
    if type(value) is dict:
        return {key: _settled(item) for key, item in value.items()}
    if type(value) is list or type(value) is tuple:
        return [_settled(item) for item in value]
    return value


def _pieces(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield "{"
        for at, key in enumerate(sorted(value, key=lambda each: each.encode("utf-16-be"))):
            yield ("," if at else "") + encode_basestring(key) + ":"
            yield from _pieces(value[key])
        yield "}"
    elif isinstance(value, list | tuple):
        yield "["
        for at, item in enumerate(value):
            if at:
                yield ","
            yield from _pieces(item)
        yield "]"
    elif type(value) is str:
        yield encode_basestring(value)
    elif type(value) is float or (type(value) is int and abs(value) > INTEGER_MAX):
        yield number(float(value))
    else:
        yield json.dumps(value)


def number(value: float) -> str:
    """A finite double as ECMAScript's Number.prototype.toString writes it."""
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0)
    if whole == "0":
        point -= len(fraction) - len(fraction.lstrip("0")) + 1
    digits = digits.rstrip("0")
    return sign + _laid_out(digits, point)


def _laid_out(digits: str, point: int) -> str:
    """Digits with the decimal point after `point` of them (ECMA-262, Number::toString)."""
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    power = point - 1
    head = digits[0] + (f".{digits[1:]}" if count > 1 else "")
    return f"{head}e{'+' if power > 0 else '-'}{abs(power)}"


# --- reading strictly -------------------------------------------------------------------------


def strict_loads(text: bytes | str) -> Any:
    """Parse JSON and refuse what two parties would read differently.

    Raises:
        NotCanonical: no JSON, duplicate keys, NUL in text, or anything `canonical` refuses.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode()
        elif not text.isascii():
            text.encode()
        value = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_integer
        )
    except RecursionError:
        raise NotCanonical(f"$: nested more than {DEPTH_MAX} levels") from None
    except NotCanonical:
        raise
    except ValueError as error:  # no JSON, or no UTF-8
        raise NotCanonical(f"not JSON: {error}") from None
    _form(value, _ROOT, 0)
    # a bare NUL is no JSON and a bare surrogate no UTF-8, so only an escape can bring one in
    if "\\" in text and "\\u" in text:
        for path in _surrogates(value, _ROOT):
            raise _unwritable(path)
        _refuse_nul(value, _ROOT)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        again = next(key for key, count in counts.items() if count > 1)
        raise NotCanonical(f"the key {again!r} stands twice in one object; send it once")
    return found


def _integer(text: str) -> int | float:
    """An integer; beyond 2^53 it is what every party makes of it, a double."""
    value = int(text) if len(text) <= INTEGER_DIGITS_MAX else DOUBLE_MAX + 1
    if -INTEGER_MAX <= value <= INTEGER_MAX:
        return value
    _form_of_large(value, _ROOT)
    return float(value)


def _no_constant(name: str) -> Any:
    raise NotCanonical(f"{name} is no JSON number; send null or text instead")


def _refuse_nul(value: Any, path: Path) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise NotCanonical(f"{_named(path)}: holds a NUL character; remove it")
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_nul(key, path)
            _refuse_nul(item, (path, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            _refuse_nul(item, (path, at))
