"""The numbers among the limits, for whoever needs no model of what crosses a process."""

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
