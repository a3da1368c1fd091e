"""`GET /v1/changes`: a stream of hints that something changed; what it is, one reads as usual.

Hints carry no content, so nothing leaks through the stream and every read is authorised anew.
Nothing is replayed: each connection begins with `resync`, which means "read everything again".
"""

from datetime import timedelta

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pullcord.engine.bus import RESYNC, Signal
from pullcord.errors import PullcordError
from pullcord.server.hub import Ear, for_agent, for_people
from pullcord.server.route import Route, Visit
from pullcord.wire.listings import ChangeOut

#: seconds between two signs of life on a quiet stream
BEAT_SECONDS = 15
#: seconds after which a stream checks that its caller may still listen
CHECK_SECONDS = 5
#: milliseconds a browser waits before it connects again
RETRY_MS = 2_000

BEAT = b": beat\n\n"
HELLO = f"retry: {RETRY_MS}\n".encode() + b"event: resync\ndata: {}\n\n"

_ENCODER = msgspec.json.Encoder()


def events(signals: list[Signal]) -> bytes:
    """Signals as server-sent events: the newest of each thing, one `resync` for all."""
    if RESYNC in signals:
        return b"event: resync\ndata: {}\n\n"
    newest = {(each.topic, each.id): each for each in signals}
    return b"".join(
        b"event: changed\ndata: "
        + _ENCODER.encode(ChangeOut(topic=each.topic, id=each.id, version=each.version))
        + b"\n\n"
        for each in newest.values()
    )


class ChangeStream(Response):
    """The response that stays open and tells what changed."""

    media_type = "text/event-stream"

    def __init__(self, visit: Visit) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._visit = visit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the client goes, its right ends, or the process stops."""
        visit = self._visit
        workspace, key = visit.workspace, visit.key
        place = for_agent(workspace, key.id) if key else for_people(workspace)
        async with visit.parts.hub.ear(Request(scope, receive), place) as ear:
            start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            await send(start)
            if scope["method"] != "HEAD":
                await self._tell(ear, send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _tell(self, ear: Ear, send: Send) -> None:
        clock = self._visit.house.clock
        told_at = checked_at = clock.now()
        piece = HELLO
        while not ear.is_over:
            if piece:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                told_at = clock.now()
            heard = await ear.listen(CHECK_SECONDS)
            now = clock.now()
            if now - checked_at >= timedelta(seconds=CHECK_SECONDS):
                checked_at = now
                if not await self._may_still_listen():
                    return
            is_quiet = now - told_at >= timedelta(seconds=BEAT_SECONDS)
            piece = events(heard) or (BEAT if is_quiet else b"")

    async def _may_still_listen(self) -> bool:
        visit = self._visit
        try:
            await visit.parts.callers.again(visit.request)
        except PullcordError:
            return False
        return True


async def changes(visit: Visit) -> Response:
    """Hints of what changed in the workspace; an agent hears of its own escalations only."""
    return ChangeStream(visit)


ROUTES = (
    Route(
        "GET",
        "/v1/changes",
        changes,
        "Server-sent hints that something changed; `resync` at every connection",
        agents=True,
        right="read",
        media_type="text/event-stream",
    ),
)
