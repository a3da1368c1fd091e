"""The two ways to the server and the two drivers of flows: a blocking one and an async one.

No redirects, a time limit and a size limit on everything. On loopback the environment's proxies
are left alone, because a proxy cannot reach this machine's own address.
"""

import os
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from pullcord.client.address import Address
from pullcord.client.flows import Flow, Pause, Perform, Send, Step
from pullcord.client.plans import Answer, Plan
from pullcord.errors import ServerUnreachable

if TYPE_CHECKING:
    import asyncio

    import httpx2

T = TypeVar("T")

#: seconds to connect, and connections kept
CONNECT_WITHIN = 3.0
CONNECTIONS_MAX = 100
#: bytes of one answer that are read
ANSWER_BYTES_MAX = 16 * 1_048_576


def _options(address: Address) -> dict[str, Any]:
    import httpx2  # noqa: PLC0415  # a tenth of a second that only those pay who send something

    limits = httpx2.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=20)
    return {
        "headers": {
            "authorization": f"Bearer {address.key}",
            "accept": "application/json",
            "user-agent": address.user_agent,
        },
        "follow_redirects": False,
        "trust_env": not address.is_loopback,
        # certificates are loaded only where there are any to check
        "verify": address.url.startswith("https://"),
        "limits": limits,
    }


def _arguments(plan: Plan[Any], address: Address) -> dict[str, Any]:
    import httpx2  # noqa: PLC0415

    # put together here: the library would parse it four times to do the same
    query = f"?{urlencode(plan.query)}" if plan.query else ""
    headers = dict(plan.headers)
    if plan.body is not None:
        headers["content-type"] = "application/json"
    return {
        "method": plan.method,
        "url": f"{address.url}{plan.path}{query}",
        "content": plan.body,
        "headers": headers,
        "timeout": httpx2.Timeout(plan.within, connect=CONNECT_WITHIN, pool=CONNECT_WITHIN),
    }


def _answer(response: "httpx2.Response", pieces: list[bytes]) -> Answer:
    headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, b"".join(pieces))


def _take(pieces: list[bytes], piece: bytes, size: int) -> int:
    size += len(piece)
    if size > ANSWER_BYTES_MAX:
        raise ServerUnreachable(f"the server's answer is larger than {ANSWER_BYTES_MAX} bytes")
    pieces.append(piece)
    return size


def _failed(plan: Plan[Any], address: Address, error: Exception) -> ServerUnreachable:
    what = str(error) or type(error).__name__
    return ServerUnreachable(
        f"the Pullcord server at {address.url} did not answer {plan.method} {plan.path}: {what}"
    )


class Blocking:
    """Sends and waits on the calling thread; safe to share between threads and after a fork."""

    def __init__(
        self, address: Address, *, transport: "httpx2.BaseTransport | None" = None
    ) -> None:
        self._address = address
        self._transport = transport
        self._client: httpx2.Client | None = None
        self._pid = 0
        self._lock = threading.Lock()
        self.stopped = threading.Event()

    def client(self) -> "httpx2.Client":
        """The connections of this process."""
        import httpx2  # noqa: PLC0415

        with self._lock:
            if self._client is None or self._pid != os.getpid():
                # a child of a fork must never write into its parent's connections
                options = _options(self._address)
                self._client = httpx2.Client(**options, transport=self._transport)
                self._pid = os.getpid()
            return self._client

    def send(self, plan: Plan[Any]) -> Answer:
        """Send one plan.

        Raises:
            ServerUnreachable: no answer came in time.
        """
        import httpx2  # noqa: PLC0415

        pieces: list[bytes] = []
        size = 0
        try:
            with self.client().stream(**_arguments(plan, self._address)) as response:
                for piece in response.iter_bytes():
                    size = _take(pieces, piece, size)
                return _answer(response, pieces)
        except (httpx2.HTTPError, OSError, RuntimeError) as error:
            raise _failed(plan, self._address, error) from error

    def drive(self, flow: Flow[T]) -> T:
        """Do the steps of a flow until it returns or raises."""
        result: Any = None
        error: BaseException | None = None
        while True:
            try:
                step = flow.send(result) if error is None else flow.throw(error)
            except StopIteration as ended:
                value: T = ended.value
                return value
            result, error = None, None
            try:
                result = self._do(step)
            except BaseException as failed:  # noqa: BLE001  # a flow sees all that its steps raise
                error = failed

    def _do(self, step: Step) -> Any:
        match step:
            case Send(plan=plan):
                return self.send(plan)
            case Pause(seconds=seconds):
                return self.stopped.wait(seconds)
            case Perform(act=act):
                return act()

    def close(self) -> None:
        """End pauses and let go of the connections."""
        self.stopped.set()
        with self._lock:
            if self._client is not None and self._pid == os.getpid():
                self._client.close()
            self._client = None


class Awaiting:
    """Sends and waits on the running event loop; one set of connections a loop."""

    def __init__(
        self, address: Address, *, transport: "httpx2.AsyncBaseTransport | None" = None
    ) -> None:
        self._address = address
        self._transport = transport
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx2.AsyncClient] = (
            WeakKeyDictionary()
        )

    def client(self) -> "httpx2.AsyncClient":
        """The connections of this loop."""
        import asyncio  # noqa: PLC0415  # the blocking face does without

        import httpx2  # noqa: PLC0415

        loop = asyncio.get_running_loop()
        found = self._clients.get(loop)
        if found is None:
            found = httpx2.AsyncClient(**_options(self._address), transport=self._transport)
            self._clients[loop] = found
        return found

    async def send(self, plan: Plan[Any]) -> Answer:
        """Send one plan.

        Raises:
            ServerUnreachable: no answer came in time.
        """
        import httpx2  # noqa: PLC0415

        pieces: list[bytes] = []
        size = 0
        try:
            async with self.client().stream(**_arguments(plan, self._address)) as response:
                async for piece in response.aiter_bytes():
                    size = _take(pieces, piece, size)
                return _answer(response, pieces)
        except (httpx2.HTTPError, OSError, RuntimeError) as error:
            raise _failed(plan, self._address, error) from error

    async def drive(self, flow: Flow[T]) -> T:
        """Do the steps of a flow until it returns or raises."""
        result: Any = None
        error: BaseException | None = None
        while True:
            try:
                step = flow.send(result) if error is None else flow.throw(error)
            except StopIteration as ended:
                value: T = ended.value
                return value
            result, error = None, None
            try:
                result = await self._do(step)
            except BaseException as failed:  # noqa: BLE001  # a flow sees all that its steps raise
                error = failed

    async def _do(self, step: Step) -> Any:
        import asyncio  # noqa: PLC0415

        match step:
            case Send(plan=plan):
                return await self.send(plan)
            case Pause(seconds=seconds):
                return await asyncio.sleep(seconds)
            case Perform(act=act, is_blocking=True):
                return await asyncio.to_thread(act)
            case Perform(act=act):
                return await act()

    async def close(self) -> None:
        """Let go of this loop's connections."""
        import asyncio  # noqa: PLC0415

        found = self._clients.pop(asyncio.get_running_loop(), None)
        if found is not None:
            await found.aclose()


class MachineTimer:
    """Time and chance of this machine."""

    def monotonic(self) -> float:
        """Seconds of a clock that is never set back."""
        return time.monotonic()

    def jitter(self) -> float:
        """Chance between 0 and 1."""
        return int.from_bytes(os.urandom(2), "big") / 65_535
