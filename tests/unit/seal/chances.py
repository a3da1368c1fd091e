"""Chance that is none: bytes counted up, so that every run of these tests is the same."""

from collections.abc import Callable
from itertools import count


def counted(start: int = 1) -> Callable[[int], bytes]:
    """A source of bytes: each call other ones, each run the same."""
    numbers = count(start)
    return lambda length: next(numbers).to_bytes(length, "big")
