"""A stream read piece by piece: the in-process client waits for the end, which never comes."""

import asyncio
from collections.abc import AsyncIterator, Mapping, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp


class Stream:
    """One open connection: `head` and then `next()` pieces, until `hang_up()`."""

    def __init__(self, app: ASGIApp, path: str, headers: Mapping[str, str]) -> None:
        self._pieces: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._asked = False
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8710),
            "scheme": "http",
            "http_version": "1.1",
            "root_path": "",
        }
        self.task = asyncio.ensure_future(app(scope, self._receive, self._pieces.put))

    async def _receive(self) -> MutableMapping[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def head(self) -> MutableMapping[str, Any]:
        """The status and headers."""
        return await self._pieces.get()

    async def next(self) -> str:
        """The next piece of the body; empty at the end."""
        body: bytes = (await self._pieces.get()).get("body", b"")
        return body.decode()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing more was sent yet."""
        return self._pieces.empty()

    def hang_up(self) -> None:
        """The client goes away."""
        self._gone.set()


@asynccontextmanager
async def stream_of(app: ASGIApp, path: str, **headers: str) -> AsyncIterator[Stream]:
    """An open connection that is hung up at the end, and awaited."""
    stream = Stream(app, path, headers)
    try:
        yield stream
    finally:
        stream.hang_up()
        await stream.task


async def turns(count: int = 20) -> None:
    """Let everybody else go on."""
    for _ in range(count):
        await asyncio.sleep(0)
