"""Limits of everything that crosses a process: every size, count and span has one."""

from typing import Annotated

import msgspec

#: largest request body, in bytes; one full briefing fits with room to spare
BODY_BYTES_MAX = 1_048_576
#: deepest nesting of any JSON that comes in
DEPTH_MAX = 64
#: transcript messages kept per opening; older ones are cut and counted
MESSAGES_MAX = 200
#: guarded calls in one batch
CALLS_MAX = 1_000
#: tool calls one turn of a model is believed to have
TURN_CALLS_MAX = 10_000
#: capabilities an agent can declare
CAPABILITIES_MAX = 6
#: longest wait of a poll, in seconds
WAIT_SECONDS_MAX = 55

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
MaybeName = Annotated[str, msgspec.Meta(max_length=200)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)]
MaybeText = Annotated[str, msgspec.Meta(max_length=10_000)]
Question = Annotated[str, msgspec.Meta(max_length=500)]
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Seconds = Annotated[int, msgspec.Meta(ge=1, le=31 * 86_400)]
