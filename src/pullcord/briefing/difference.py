"""What differs between two sets of arguments: a person's edits, or drift."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

#: differences reported; beyond it only the first ones are named
CHANGES_MAX = 200


class _Missing:
    """Stands for a value that is not there."""


MISSING = _Missing()


@dataclass(frozen=True, slots=True)
class Changed:
    """One place that differs; a missing side is shown as "(not set)"."""

    path: str
    before: str
    after: str


def difference(before: Any, after: Any) -> tuple[Changed, ...]:
    """Where two JSON values differ, in order, at most 200 places."""
    found: list[Changed] = []
    for each in _walk("", before, after):
        found.append(each)
        if len(found) == CHANGES_MAX:
            break
    return tuple(found)


def _walk(path: str, before: Any, after: Any) -> Iterator[Changed]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            inner = f"{path}.{key}" if path else str(key)
            yield from _walk(inner, before.get(key, MISSING), after.get(key, MISSING))
    elif _same(before, after):
        return
    else:
        yield Changed(path or "value", shown(before), shown(after))


def _same(before: Any, after: Any) -> bool:
    """JSON equality, all the way down: a boolean is never a number."""
    if isinstance(before, bool) or isinstance(after, bool):
        return before is after
    if isinstance(before, list | tuple) and isinstance(after, list | tuple):
        return len(before) == len(after) and all(map(_same, before, after))
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(
            _same(before[key], after[key]) for key in before
        )
    return bool(before == after)


def shown(value: Any) -> str:
    """A value as a person reads it."""
    if value is MISSING:
        return "(not set)"
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
