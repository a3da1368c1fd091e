"""Limits of everything that crosses a process: every size, count and span has one."""

from typing import Annotated

import msgspec

from pullcord.wire.limits import (
    BODY_BYTES_MAX,
    CALLS_MAX,
    CAPABILITIES_MAX,
    DEPTH_MAX,
    MESSAGES_MAX,
    TURN_CALLS_MAX,
    WAIT_SECONDS_MAX,
)

__all__ = [
    "BODY_BYTES_MAX",
    "CALLS_MAX",
    "CAPABILITIES_MAX",
    "DEPTH_MAX",
    "MESSAGES_MAX",
    "TURN_CALLS_MAX",
    "WAIT_SECONDS_MAX",
    "Digest",
    "MaybeName",
    "MaybeText",
    "Name",
    "Question",
    "Seconds",
    "Text",
]

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
MaybeName = Annotated[str, msgspec.Meta(max_length=200)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)]
MaybeText = Annotated[str, msgspec.Meta(max_length=10_000)]
Question = Annotated[str, msgspec.Meta(max_length=500)]
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Seconds = Annotated[int, msgspec.Meta(ge=1, le=31 * 86_400)]
