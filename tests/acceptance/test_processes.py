"""Serving and engine in processes of their own; stopped, restarted, and told twice."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from pullcord.console.hosting import free_port
from tests.acceptance.served import (
    COMMAND,
    Browser,
    Place,
    Process,
    invited,
    key_of,
    running,
    signed_in,
)
from tests.acceptance.test_one_stop import POLICY, parked
from tests.keeping import Kept

LOOK = threading.Event()


@contextmanager
def engine(place: Place, *more: str) -> Iterator[Process]:
    """`pullcord engine` on the database of this place."""
    words = ("engine", "--db", place.kept.db, *more)
    with running(*COMMAND, *words, **place.kept.environ) as process:
        process.line(r"The engine runs")
        yield process


@contextmanager
def server(place: Place, port: int, *more: str) -> Iterator[Process]:
    """`pullcord serve` on a port that is known before, so that another takes its place."""
    words = ("serve", "--port", str(port), "--db", place.kept.db, *more)
    with running(*COMMAND, *words, **place.kept.environ) as process:
        process.line(r"Pullcord serves")
        yield process


def until(is_so: Any, *, within: float = 30.0) -> Any:
    """Look until something is so."""
    for _ in range(int(within / 0.1)):
        found = is_so()
        if found:
            return found
        LOOK.wait(0.1)
    raise AssertionError(f"it did not come to be so within {within} seconds")


def readiness(url: str) -> tuple[int, str]:
    """What `/readyz` says."""
    answer = httpx2.get(f"{url}/readyz", timeout=10, trust_env=False)
    told = answer.json()
    return answer.status_code, str(told.get("detail") or told)


def waiting(tom: Browser) -> str:
    """The escalation that waits, once there is one."""
    found = tom.http.get("/v1/escalations").json()["escalations"]
    return str(found[0]["id"]) if found else ""


@pytest.fixture
def place(tmp_path: Path, kept: Kept) -> Place:
    """A directory with a policy file, and a database."""
    (tmp_path / "pullcord.yaml").write_text(POLICY, encoding="utf-8")
    return Place(tmp_path, kept)


@pytest.mark.promise("engine-apart")
def test_a_server_and_an_engine_apart_work_as_one(place: Place) -> None:
    """The ladder advances in one process, people decide in another, and each says how it is."""
    port, url = free_port(), ""
    config = ("--config", str(place.folder / "pullcord.yaml"))
    with server(place, port, "--no-engine", *config):
        url = f"http://127.0.0.1:{port}"
        alone = readiness(url)
        key = key_of(place)
        with engine(place, "--health", f"127.0.0.1:{free_port()}") as other:
            health = other.line(r"how it is at (http://\S+)/readyz")[1]
            until(lambda: "'status': 'ready'" in readiness(url)[1])
            name = parked(place, url, key)
            with signed_in(url, invited(place, "tom", url)) as tom:
                until(lambda: tom.read(name)["owner"]["id"] == "tom")
                decided = tom.act(name, "decide", kind="approve")
            told = readiness(health)
            figures = httpx2.get(f"{health}/metrics", trust_env=False).text
            hidden = httpx2.get(f"{health}/v1/escalations", trust_env=False).status_code
            code = other.end()

    assert "'status': 'degraded'" in alone[1]
    assert "start `pullcord engine`" in alone[1]
    assert decided["status"] == "decided"
    assert told[0] == 200
    assert "pullcord_engines 1.0" in figures
    assert hidden == 404
    assert code == 0


@pytest.mark.promise("restart-loses-no-wait")
def test_an_agent_that_waits_over_a_restart_gets_its_decision(place: Place) -> None:
    """A deployment costs nobody a wait: the poll is answered, and goes on at the next server."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with server(place, port, "--config", str(place.folder / "pullcord.yaml")) as first:
        key = key_of(place)
        with (
            place.agent("wait", url=url, key=key) as agent,
            signed_in(url, invited(place, "tom", url)) as tom,
        ):
            name = until(lambda: waiting(tom))
            code = first.end()
            with server(place, port) as second:
                until(lambda: tom.read(name)["owner"]["id"] == "tom")
                tom.act(name, "decide", kind="approve")
                said = agent.line(r"went on: (.*)")[1]
                until(lambda: tom.read(name)["status"] == "closed")
                again = second.end()

    assert (code, again) == (0, 0)
    assert said == "refunded 480.00 for A-17"
    assert place.payments() == ["A-17 480.00"]


@pytest.mark.promise("restart-loses-no-wait")
def test_a_second_signal_ends_a_server_that_still_waits(place: Place) -> None:
    """Somebody presses Ctrl-C twice: a slow client must not hold the machine."""
    port = free_port()
    with server(place, port, "--config", str(place.folder / "pullcord.yaml")) as process:
        headers = {"authorization": f"Bearer {key_of(place)}", "content-type": "application/json"}
        with httpx2.Client(trust_env=False, timeout=30, headers=headers) as client:
            slow = Slow()
            uploading = threading.Thread(target=slow.upload, args=(client, port), daemon=True)
            uploading.start()
            slow.sending.wait(30)
            process.popen.send_signal(signal.SIGTERM)
            still = process.popen.poll()
            LOOK.wait(0.5)
            process.popen.send_signal(signal.SIGTERM)
            code = process.popen.wait(5)
            slow.done.set()
        uploading.join(30)

    assert still is None
    assert code == 1


class Slow:
    """A request whose body never ends by itself."""

    def __init__(self) -> None:
        self.sending, self.done = threading.Event(), threading.Event()

    def upload(self, client: httpx2.Client, port: int) -> None:
        """Send it, until it is told to be done."""
        try:
            client.post(f"http://127.0.0.1:{port}/v1/escalations", content=self._body())
        except httpx2.HTTPError:
            return

    def _body(self) -> Iterator[bytes]:
        yield b'{"key": '
        self.sending.set()
        self.done.wait(30)


@pytest.mark.promise("limits-hold-by-address")
@pytest.mark.parametrize("trusted", ["", "127.0.0.1"])
def test_addresses_behind_a_proxy_are_believed_only_from_the_proxy(
    place: Place, trusted: str
) -> None:
    """Whoever guesses passwords is slowed down by their own address, and cannot invent others."""
    port = free_port()
    words = ("--trusted-proxy", trusted) if trusted else ()
    config = ("--config", str(place.folder / "pullcord.yaml"))
    with server(place, port, *config, *words):
        url = f"http://127.0.0.1:{port}"
        with httpx2.Client(trust_env=False, headers={"authorization": "Bearer pk_x"}) as client:
            guesses = [
                client.get(f"{url}/v1/decisions", headers={"x-forwarded-for": f"203.0.113.{n}"})
                for n in range(40)
            ]
            last = {each.status_code for each in guesses[-5:]}

    assert last == ({401} if trusted else {429})
