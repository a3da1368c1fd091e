"""The passage every request goes through: its id, its headers, its figures, its log line."""

import itertools
import time
from collections.abc import Mapping
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pullcord.engine.clock import Ids
from pullcord.server.logs import trace_of
from pullcord.server.metrics import Metrics
from pullcord.server.route import NOTED

#: routes whose requests are held on purpose: their time says nothing
HELD = frozenset({"/v1/decisions", "/v1/changes"})
#: what a request is called that met no route: the raw path may hold anything
UNKNOWN = "(none)"

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

#: headers of every answer that does not set them itself
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")

log = structlog.get_logger("pullcord.http")


class Passage:
    """ASGI middleware; outermost but for the handler of bugs."""

    def __init__(self, app: ASGIApp, *, ids: Ids, metrics: Metrics, is_secure: bool) -> None:
        self._app = app
        # unique is enough for an id that only names a log line: chance costs a system call
        self._process = ids.chance(4).hex()
        self._numbers = itertools.count(1)
        self._metrics = metrics
        self._headers = (*HEADERS, STRICT_TRANSPORT) if is_secure else HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = f"{self._process}-{next(self._numbers):x}"
        scope["pullcord.request_id"] = request_id
        context = _context(scope, request_id)
        status = 500
        extra = (*self._headers, (b"x-request-id", request_id.encode()))

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                sent = message.setdefault("headers", [])
                names = {name for name, _ in sent}
                sent.extend(header for header in extra if header[0] not in names)
            await send(message)

        began = time.perf_counter()
        bound = structlog.contextvars.bind_contextvars(**context)
        try:
            await self._app(scope, receive, sending)
        finally:
            self._done(scope, status, time.perf_counter() - began)
            structlog.contextvars.reset_contextvars(**bound)

    def _done(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", UNKNOWN)
        # a method may be any word too, and neither may become an endless set of labels
        method = scope["method"] if scope["method"] in METHODS else UNKNOWN
        self._metrics.requested(method, route, status, None if route in HELD else seconds)
        is_quiet = scope["method"] in ("GET", "HEAD") and status < 500
        note = log.debug if is_quiet else log.info
        note(
            "request",
            method=scope["method"],
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 2),
            **_about(scope),
        )


def _context(scope: Scope, request_id: str) -> dict[str, str]:
    context = {"request_id": request_id}
    for name, value in scope["headers"]:
        if name == b"traceparent":
            trace = trace_of(value.decode("latin-1"))
            if trace:
                context["trace_id"] = trace
    return context


def _about(scope: Scope) -> Mapping[str, Any]:
    """The escalation a request was about: from its address, or noted by its handler."""
    noted = scope.get(NOTED) or scope.get("path_params", {}).get("id", "")
    return {"escalation": noted} if noted else {}
