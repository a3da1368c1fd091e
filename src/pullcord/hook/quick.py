"""The short way for a call that may run: one connection, and nothing loaded that is not needed.

It draws one conclusion only: that the server let the call run. Whatever else comes (a stop, a
refusal, an answer that is cut, unusual or late) is no answer here, and the call is judged again,
under the same key, in the ordinary way, which knows how to repeat, to refuse and to explain.
"""

import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from pullcord.client.address import Address
from pullcord.wire.limits import BODY_BYTES_MAX

#: verdicts under which the host goes on by itself
RUNS = frozenset({"allow", "observe", "sample", "granted"})
#: seconds one step may take; what is slower is left to the ordinary way, within the same deadline
WITHIN = 4.0
#: bytes of an answer that lets a call run: such an answer is small
HEAD_MAX, ANSWER_MAX = 16_384, 65_536
PROXIES = ("https_proxy", "http_proxy", "all_proxy")


class NoAnswer(Exception):
    """Nothing that can be concluded from; the ordinary way is taken."""


def is_proxied(address: Address) -> bool:
    """Whether a proxy stands between here and the server."""
    is_set = any(os.environ.get(each) or os.environ.get(each.upper()) for each in PROXIES)
    return is_set and not address.is_loopback


def lets_run(address: Address, opening: Mapping[str, Any]) -> bool:
    """Whether the server says that the call may run; False says nothing at all."""
    if is_proxied(address):
        return False
    with suppress(NoAnswer, OSError, ValueError, RecursionError), _connected(address) as line:
        found = _posted(line, address, "/v1/escalations", opening)
        verdict, rule = found.get("verdict"), found.get("rule", "")
        if not isinstance(verdict, str) or not isinstance(rule, str):
            return False
        if verdict not in RUNS or found.get("escalation") is not None:
            return False
        # a record that is lost stops nothing
        with suppress(NoAnswer, OSError, ValueError, RecursionError):
            _posted(line, address, "/v1/calls", {"calls": [_made(opening, verdict, rule)]})
        return True
    return False


def _made(opening: Mapping[str, Any], verdict: str, rule: str) -> dict[str, Any]:
    """The record of a call that needed no person: the fields of a `CallIn`."""
    from datetime import UTC, datetime  # noqa: PLC0415  # a stopped call is not recorded here

    return {
        "id": f"hook-{os.urandom(12).hex()}",
        "at": datetime.now(UTC).isoformat(),
        "tool": opening["tool"],
        "verdict": verdict,
        "rule": rule,
        "run": opening["run"],
    }


# --- one request --------------------------------------------------------------------------------
def _connected(address: Address) -> socket.socket:
    parts = urlsplit(address.url)
    host = parts.hostname or ""
    is_tls = parts.scheme == "https"
    line = socket.create_connection((host, parts.port or (443 if is_tls else 80)), WITHIN)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not is_tls:
        return line
    import ssl  # noqa: PLC0415  # a server on this machine needs none

    return ssl.create_default_context().wrap_socket(line, server_hostname=host)


def _posted(
    line: socket.socket, address: Address, path: str, value: Mapping[str, Any]
) -> dict[str, Any]:
    """The object that answers a request well.

    Raises:
        NoAnswer: it is answered in any other way.
    """
    body = json.dumps(value).encode()
    if len(body) > BODY_BYTES_MAX:
        raise NoAnswer
    parts = urlsplit(address.url)
    head = (
        f"POST {parts.path}{path} HTTP/1.1\r\nhost: {parts.netloc.rpartition('@')[2]}\r\n"
        f"authorization: Bearer {address.key}\r\nuser-agent: {address.user_agent}\r\n"
        f"accept: application/json\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    line.sendall(head.encode("ascii") + body)
    found = json.loads(_answer(line))
    if not isinstance(found, dict):
        raise NoAnswer
    return found


def _answer(line: socket.socket) -> bytes:
    """The body of a good answer of a stated length; bytes beyond it are refused."""
    came = b""
    while b"\r\n\r\n" not in came:
        if len(came) > HEAD_MAX:
            raise NoAnswer
        came += _more(line)
    head, _, body = came.partition(b"\r\n\r\n")
    length = _length(head)
    while len(body) < length:
        body += _more(line)
    if len(body) != length:
        raise NoAnswer
    return body


def _more(line: socket.socket) -> bytes:
    piece = line.recv(65_536)
    if not piece:
        raise NoAnswer
    return piece


def _length(head: bytes) -> int:
    """The length that an answer states once, and nothing that would make it another one."""
    status, *lines = head.decode("latin-1").split("\r\n")
    fields = [line.partition(":") for line in lines]
    lengths = [value.strip() for name, _, value in fields if name.lower() == "content-length"]
    names = {name.lower() for name, _, _ in fields}
    is_plain = not names & {"transfer-encoding", "content-encoding"}
    is_good = status[:9] == "HTTP/1.1 " and status[9:13] in ("200 ", "201 ", "202 ")
    if not is_good or not is_plain or len(lengths) != 1 or not lengths[0].isdecimal():
        raise NoAnswer
    length = int(lengths[0])
    if length > ANSWER_MAX:
        raise NoAnswer
    return length
