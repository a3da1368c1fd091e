"""A short line to the server for one process: the standard library's client.

Where a proxy stands in between, the SDK's own client is used, which knows proxies.
"""

import http.client
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from pullcord.client.address import Address
from pullcord.client.flows import Flow, Pause, Send
from pullcord.client.plans import Answer, Plan
from pullcord.errors import ServerUnreachable
from pullcord.hook.quick import is_proxied

T = TypeVar("T")

#: bytes of one answer that are read
ANSWER_BYTES_MAX = 16 * 1_048_576


class Line:
    """One connection, kept for the requests of one hook."""

    def __init__(self, address: Address) -> None:
        parts = urlsplit(address.url)
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self._address = address
        self._base = parts.path
        self._connection = kind(parts.hostname or "", parts.port, timeout=10.0)

    def send(self, plan: Plan[Any]) -> Answer:
        """Send one plan.

        Raises:
            ServerUnreachable: no answer came in time.
        """
        query = f"?{urlencode(plan.query)}" if plan.query else ""
        headers = {
            "authorization": f"Bearer {self._address.key}",
            "accept": "application/json",
            "user-agent": self._address.user_agent,
            **plan.headers,
        }
        if plan.body is not None:
            headers["content-type"] = "application/json"
        try:
            self._connection.timeout = plan.within
            self._connection.request(
                plan.method, f"{self._base}{plan.path}{query}", plan.body, headers
            )
            response = self._connection.getresponse()
            body = response.read(ANSWER_BYTES_MAX + 1)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise ServerUnreachable(
                f"the Pullcord server at {self._address.url} did not answer {plan.method} "
                f"{plan.path}: {str(error) or type(error).__name__}. Does it run, and is "
                "PULLCORD_URL its address?"
            ) from error
        if len(body) > ANSWER_BYTES_MAX:
            raise ServerUnreachable(f"the answer has more than {ANSWER_BYTES_MAX} bytes")
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, body)


def sender_of(address: Address) -> Callable[[Plan[Any]], Answer]:
    """The way to the server: a short line, unless a proxy stands in between."""
    if is_proxied(address):
        from pullcord.client.transport import Blocking  # noqa: PLC0415  # costs a tenth of a second

        return Blocking(address).send
    return Line(address).send


def driven(flow: Flow[T], send: Callable[[Plan[Any]], Answer]) -> T:
    """Do the steps of a flow that sends and pauses until it returns or raises."""
    import time  # noqa: PLC0415  # hardly any flow pauses

    result: Any = None
    error: Exception | None = None
    while True:
        try:
            step = flow.send(result) if error is None else flow.throw(error)
        except StopIteration as ended:
            value: T = ended.value
            return value
        result, error = None, None
        match step:
            case Send(plan=plan):
                try:
                    result = send(plan)
                except ServerUnreachable as failed:
                    error = failed
            case Pause(seconds=seconds):
                time.sleep(seconds)
