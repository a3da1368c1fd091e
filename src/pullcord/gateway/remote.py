"""A server that is reached over streamable HTTP, in both generations of the protocol.

Each request is a POST of its own, answered with JSON or with a stream of events. With a server of
the older generation a session is kept, and a stream is open on which it speaks by itself.
"""

import asyncio
import base64
import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

import httpx2

from pullcord.gateway import messages as rpc
from pullcord.gateway.lines import ServerGone
from pullcord.gateway.messages import MESSAGE_BYTES_MAX, Message

#: seconds to connect; an answer may take as long as its tool does
CONNECT_WITHIN = 10.0
#: messages that wait to be read
QUEUE_MAX = 1_000
#: times a stream that broke off is opened again without anything coming by it
REOPEN_MAX = 3
#: seconds between two tries
REOPEN_AFTER = 1.0

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
#: methods whose subject stands in a header of the stateless generation, and where it is
NAMES: Mapping[str, str] = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_SAFE = re.compile(r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$")

log = logging.getLogger("pullcord.gateway")


class Remote:
    """An MCP server behind an address."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._url = url
        self._client = httpx2.AsyncClient(
            headers={**headers, "accept": "application/json, text/event-stream"},
            timeout=httpx2.Timeout(None, connect=CONNECT_WITHIN),
            follow_redirects=False,
            # a proxy cannot reach this machine's own address
            trust_env=httpx2.URL(url).host not in LOOPBACK,
            transport=transport,
        )
        self._came: asyncio.Queue[Message] = asyncio.Queue(QUEUE_MAX)
        self._posts: dict[str, asyncio.Task[None]] = {}
        self._stream: asyncio.Task[None] | None = None
        self._session = ""
        self._version = ""
        self._hello = ""

    # --- the face of a server ---------------------------------------------------------------------
    async def send(self, message: Message) -> None:
        """Give it a message; what it answers comes with `messages`."""
        if rpc.is_request(message):
            name = rpc.named(message["id"])
            if message.get("method") == "initialize":
                self._hello, self._session, self._version = name, "", ""
            task = asyncio.create_task(self._post(message))
            self._posts[name] = task
            task.add_done_callback(lambda _: self._posts.pop(name, None))
            return
        if message.get("method") == "notifications/cancelled" and not self._session:
            # in the stateless generation hanging up is how a request is given up
            given_up = self._posts.get(rpc.named(rpc.params_of(message).get("requestId")))
            if given_up is not None and not self._version:
                given_up.cancel()
                return
        await self._post(message)
        if message.get("method") == "notifications/initialized":
            self._stream = asyncio.create_task(self._listened())

    async def messages(self) -> AsyncIterator[Message]:
        """What it says; it never ends by itself."""
        while True:
            yield await self._came.get()

    async def close(self) -> None:
        """Hang up, and end the session where there is one."""
        tasks = [*self._posts.values(), *([self._stream] if self._stream else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session:
            with suppress(httpx2.HTTPError):
                await self._client.delete(self._url, headers=self._headers({}), timeout=3.0)
        await self._client.aclose()

    # --- requests ---------------------------------------------------------------------------------
    async def _post(self, message: Message) -> None:
        """Send one message and take in what comes back; a request is always answered."""
        try:
            await self._exchanged(message)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ServerGone) as error:
            await self._failed(message, f"{type(error).__name__}: {error}")

    async def _exchanged(self, message: Message) -> None:
        content = rpc.written(message)
        headers = {**self._headers(message), "content-type": "application/json"}
        post = self._client.stream("POST", self._url, content=content, headers=headers)
        async with post as response:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if response.status_code >= 300 and kind != "application/json":
                await self._failed(message, f"HTTP {response.status_code}")
            elif kind == "text/event-stream":
                await self._events(message, response)
            elif rpc.is_request(message):
                await self._json(message, response)

    async def _json(self, message: Message, response: httpx2.Response) -> None:
        pieces, size = [], 0
        async for piece in response.aiter_bytes():
            size += len(piece)
            if size > MESSAGE_BYTES_MAX:
                raise ServerGone(f"an answer of more than {MESSAGE_BYTES_MAX} bytes")
            pieces.append(piece)
        answer = rpc.lenient(b"".join(pieces))
        if answer is None or not rpc.is_answer(answer):
            await self._failed(message, f"HTTP {response.status_code} without an answer")
            return
        await self._take({**answer, "id": message["id"]}, response)

    async def _events(self, message: Message, response: httpx2.Response) -> None:
        async for event in httpx2.EventSource(response, max_event_size=MESSAGE_BYTES_MAX):
            found = rpc.lenient(event.data) if event.data else None
            if found is None:
                continue
            await self._take(found, response)
            if rpc.is_answer(found) and found["id"] == message.get("id"):
                return
        await self._failed(message, "the stream ended without an answer")

    async def _take(self, message: Message, response: httpx2.Response) -> None:
        if rpc.is_answer(message) and rpc.named(message["id"]) == self._hello:
            self._session = response.headers.get("mcp-session-id", "")[:1_000]
            result = message.get("result")
            version = result.get("protocolVersion") if isinstance(result, dict) else None
            self._version = str(version or "")[:100]
            self._hello = ""
        await self._came.put(message)

    async def _failed(self, message: Message, why: str) -> None:
        if rpc.is_request(message):
            text = f"the server at {self._url} did not answer: {why}"
            await self._came.put(rpc.failed(message["id"], rpc.GONE, text))
        else:
            log.warning("%s was not taken: %s", message.get("method", "an answer"), why)

    def _headers(self, message: Message) -> dict[str, str]:
        """What the two generations want to see of a message outside it."""
        meta, found = rpc.meta_of(message), {}
        version = str(meta.get(rpc.VERSION_META, "")) or self._version
        if version:
            found["mcp-protocol-version"] = version
        if self._session:
            found["mcp-session-id"] = self._session
        if version in rpc.STATELESS_VERSIONS:
            method = str(message.get("method", ""))
            found["mcp-method"] = encoded(method)
            subject = rpc.params_of(message).get(NAMES.get(method, ""))
            if isinstance(subject, str):
                found["mcp-name"] = encoded(subject)
        return found

    # --- what it says by itself -------------------------------------------------------------------
    async def _listened(self) -> None:
        """Keep a stream open for what the server says without being asked, where it has one."""
        last, left = "", REOPEN_MAX
        while left:
            headers = self._headers({}) | ({"last-event-id": last} if last else {})
            with suppress(httpx2.HTTPError, OSError):
                async with self._client.stream("GET", self._url, headers=headers) as response:
                    if response.status_code >= 400:
                        return
                    async for event in httpx2.EventSource(response, MESSAGE_BYTES_MAX):
                        last, left = event.id or last, REOPEN_MAX
                        message = rpc.lenient(event.data) if event.data else None
                        if message is not None:
                            await self._came.put(message)
            left -= 1
            await asyncio.sleep(REOPEN_AFTER)


def encoded(value: str) -> str:
    """Text as a header carries it."""
    if _SAFE.fullmatch(value) and not value.startswith("=?"):
        return value
    return f"=?base64?{base64.b64encode(value.encode()).decode()}?="
