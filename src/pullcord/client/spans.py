"""Spans of time as people write them: "30s", "10m", seconds as a number, a timedelta."""

import re
from datetime import timedelta

from pullcord.errors import InvalidInput

Span = str | int | float | timedelta
_SPAN = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*$")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
#: longest span, in seconds
SPAN_MAX = 31 * 86_400.0


def seconds_of(name: str, span: Span) -> float:
    """The seconds of a span.

    Raises:
        InvalidInput: it is none, or negative, or longer than 31 days.
    """
    found = -1.0
    if isinstance(span, timedelta):
        found = span.total_seconds()
    elif isinstance(span, str):
        match = _SPAN.match(span)
        found = float(match[1]) * _UNITS[match[2]] if match else -1.0
    elif not isinstance(span, bool):
        found = float(span)
    if not 0 <= found <= SPAN_MAX:
        raise InvalidInput(
            name,
            value=span,
            limit="0s to 31d, such as 500ms, 30s, 10m, 2h",
            remedy="Write a number with its unit.",
        )
    return found
