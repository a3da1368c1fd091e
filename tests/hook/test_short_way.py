"""The short way for a call that may run concludes one thing only, from one kind of answer only."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import msgspec
import pytest

from pullcord.client.address import Address
from pullcord.hook import quick
from pullcord.hook.given import opening_of, read
from pullcord.hook.quick import lets_run
from pullcord.wire.requests import CallsIn, OpenIn
from tests.client.stage import Fault
from tests.hook.host import Host
from tests.mcp.office import Office

pytestmark = pytest.mark.promise("hook-never-open")

GIVEN = {
    "session_id": "s/1",
    "tool_name": "Bash",
    "tool_input": {"command": "ls", "n": 0.5, "emoji": "😀"},
    "cwd": "/home/a",
    "permission_mode": "plan",
}
OPENING = opening_of(read(json.dumps(GIVEN).encode()))
ALLOWED = b'{"verdict":"allow","rule":"","reason":"","escalation":null}'


def good(body: bytes, *lines: bytes, status: bytes = b"200 OK") -> bytes:
    """A whole answer, as the server writes it."""
    length = b"content-length: %d" % len(body)
    head = [b"HTTP/1.1 " + status, *(lines or (length,)), b"", b""]
    return b"\r\n".join(head) + body


@dataclass(slots=True)
class Scripted:
    """Somebody who answers each request of one connection with exactly these bytes."""

    url: str
    asked: list[bytes] = field(default_factory=list)

    @property
    def address(self) -> Address:
        """Where it is, for an agent."""
        return Address(self.url, "pk_x", is_loopback=True)

    def serve(self, listener: socket.socket, answers: tuple[bytes, ...]) -> None:
        """Take one connection."""
        with suppress(OSError):
            line, _ = listener.accept()
            with line:
                for answer in answers:
                    self.asked.append(_request(line))
                    line.sendall(answer)


def _more(line: socket.socket) -> bytes:
    """What comes next; whoever hung up is not waited for."""
    came = line.recv(65_536)
    if not came:
        raise ConnectionResetError("the other end hung up")
    return came


def _request(line: socket.socket) -> bytes:
    came = b""
    while b"\r\n\r\n" not in came:
        came += _more(line)
    head, _, body = came.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
    while len(body) < length:
        body += _more(line)
    return body


@contextmanager
def answering(*answers: bytes, path: str = "") -> Iterator[Scripted]:
    """The scripted server while it listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = Scripted(f"http://127.0.0.1:{listener.getsockname()[1]}{path}")
        thread = threading.Thread(target=found.serve, args=(listener, answers), daemon=True)
        thread.start()
        yield found
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_a_call_that_may_run_is_asked_about_and_recorded_as_the_models_have_it() -> None:
    """The short way writes its requests by itself: they are the same ones all the same."""
    with answering(good(ALLOWED), good(b'{"recorded":1}', status=b"202 Accepted")) as server:
        may_run = lets_run(server.address, OPENING)

    opened, recorded = server.asked
    assert may_run
    assert msgspec.json.decode(opened, type=OpenIn) == OpenIn(**OPENING)
    (call,) = msgspec.json.decode(recorded, type=CallsIn).calls
    assert (call.tool, call.verdict, call.run) == ("Bash", "allow", "s/1")


@pytest.mark.parametrize("verdict", ["allow", "observe", "sample", "granted"])
def test_a_record_that_is_lost_stops_nothing(verdict: str) -> None:
    """The call was let run; what is lost is one of a count."""
    body = json.dumps({"verdict": verdict}).encode()
    with answering(good(body), b"") as server:
        may_run = lets_run(server.address, OPENING)

    assert may_run


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        good(ALLOWED)[:-1],
        good(ALLOWED) + b" ",
        good(ALLOWED, b"content-type: application/json"),
        good(ALLOWED, b"content-length: 59", b"content-length: 59"),
        good(ALLOWED, b"content-length: +59"),
        good(ALLOWED, b"content-length: 99999999"),
        good(b"3b\r\n" + ALLOWED + b"\r\n0\r\n\r\n", b"transfer-encoding: chunked"),
        good(ALLOWED, b"content-length: 59", b"content-encoding: gzip"),
        good(ALLOWED, status=b"307 Temporary Redirect"),
        good(ALLOWED, status=b"403 Forbidden"),
        good(ALLOWED, status=b"503 Busy"),
        good(ALLOWED).replace(b"HTTP/1.1", b"ICY/1.10"),
        b"x" * 20_000,
        good(b"<html>hello</html>"),
        good(b"[]"),
        good(b"{}"),
        good(b"[" * 50_000),
        good(b'{"verdict":"allow","rule":7}'),
        good(b'{"verdict":["allow"]}'),
        good(b'{"verdict":true}'),
        good(b'{"verdict":"deny"}'),
        good(b'{"verdict":"gate"}'),
        good(b'{"verdict":"allow","escalation":{"id":"esc_1"}}'),
        good(b'{"verdict":"allow","escalation":false}'),
    ],
)
def test_every_other_answer_lets_nothing_run(answer: bytes) -> None:
    """What is cut, unusual or no clear yes is left to the ordinary way, which denies or asks."""
    with answering(answer) as server:
        may_run = lets_run(server.address, OPENING)

    assert not may_run


def test_a_server_that_is_silent_lets_nothing_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait without end would end in the host's own patience."""
    monkeypatch.setattr(quick, "WITHIN", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = Address(f"http://127.0.0.1:{listener.getsockname()[1]}", "pk_x")
        may_run = lets_run(address, OPENING)

    assert not may_run


def test_a_call_too_large_to_be_sent_is_left_to_the_ordinary_way() -> None:
    """There it is refused with its size and the limit."""
    opening = {**OPENING, "args": {"text": "x" * 2_000_000}}
    with answering(good(ALLOWED)) as server:
        may_run = lets_run(server.address, opening)

    assert not may_run
    assert server.asked == []


def test_a_server_that_cannot_prove_who_it_is_lets_nothing_run() -> None:
    """With https the certificate is checked, as everywhere."""
    with answering(good(ALLOWED)) as server:
        address = Address(server.url.replace("http://", "https://"), "pk_x", is_loopback=True)
        may_run = lets_run(address, OPENING)

    assert not may_run
    assert ssl.create_default_context().verify_mode == ssl.CERT_REQUIRED


def test_behind_a_proxy_the_ordinary_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the SDK's own client knows proxies."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")

    may_run = lets_run(Address("https://pullcord.example", "pk_x"), OPENING)

    assert not may_run


def test_a_server_under_a_path_is_asked_there() -> None:
    """A server may share its host with others."""
    with answering(good(ALLOWED), good(b"{}"), path="/pullcord") as server:
        may_run = lets_run(server.address, OPENING)

    assert may_run


def test_the_ordinary_way_lets_run_what_the_short_way_could_not(office: Office, host: Host) -> None:
    """A proxy that answers in pieces must not take a harmless call away, nor its record."""
    # an answer that is altered on its way comes in pieces, without a length
    office.faults.planned.append(Fault("/v1/escalations", "", times=10, change=lambda a: a))
    before = office.faults.count("/v1/calls")
    code, out, err = host.hook(
        "PreToolUse", {"tool_name": "Bash", "tool_input": {"command": "ls"}, "tool_use_id": "t1"}
    )

    assert (code, out, err) == (0, b"", b"")
    assert office.faults.count("/v1/calls") == before + 1
