"""Logs: one JSON object a line, with request, trace and escalation; no key or link token in any.

Every line written while a request is served carries its `request_id`, and its `trace_id` where
the caller sent a W3C traceparent. Successful reads are logged at level debug.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import msgspec
import structlog

#: what a key, a one-time link, a status link or a cookie looks like, wherever it turns up
_SECRETS = re.compile(
    r"(pk_(?:live|test)[0-9a-f]{0,12}_?|/(?:status|setup|welcome)/|pullcord_session=)"
    r"[A-Za-z0-9_\-]{8,}"
)
_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$")
_NO_TRACE = "0" * 32

_ENCODER = msgspec.json.Encoder(enc_hook=repr)


def scrubbed(text: str) -> str:
    """A text without the secret part of keys, links and cookies."""
    return _SECRETS.sub(r"\1…", text)


def scrub(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take secrets out of every text of a log line, as a structlog processor."""
    for field, value in event.items():
        if isinstance(value, str) and _SECRETS.search(value):
            event[field] = scrubbed(value)
    return event


def trace_of(traceparent: str) -> str:
    """The trace id of a W3C traceparent header; empty when it is none."""
    found = _TRACEPARENT.match(traceparent)
    return found.group(1) if found and found.group(1) != _NO_TRACE else ""


def written(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> str:
    """A log line as JSON; values that are not JSON as their repr."""
    return _ENCODER.encode(dict(event)).decode()


def configure(level: str = "info", *, stream: TextIO | None = None) -> None:
    """Make this process log JSON from the given level on; called once, where a process starts."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            scrub,
            written,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    # the web server's own lines name raw addresses, with the tokens of links in them
    logging.getLogger("uvicorn.access").disabled = True
