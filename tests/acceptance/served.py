"""Real commands as processes of their own, and people and agents who meet them over HTTP."""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.keeping import Kept

#: seconds any one thing of these tests may take
WITHIN = 30.0
AGENT = Path(__file__).with_name("agent.py")
COMMAND = (sys.executable, "-m", "pullcord")


def environ(**more: str) -> dict[str, str]:
    """The machine's environment without anybody's own Pullcord in it."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PULLCORD_")}
    return {**own, "PYTHONUNBUFFERED": "1", "COLUMNS": "200", **more}


def pullcord(
    *words: str | Path, code: int = 0, kept: Kept | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, on a database where it needs one; it must leave with this code."""
    command = [*COMMAND, *(str(each) for each in words)]
    if kept is not None:
        command += ["--db", kept.db]
    env = environ(**(kept.environ if kept is not None else {}))
    done = subprocess.run(
        command, capture_output=True, text=True, env=env, timeout=4 * WITHIN, check=False
    )
    assert done.returncode == code, done.stderr + done.stdout
    return done


@dataclass(slots=True)
class Process:
    """A running command and the lines it has told so far."""

    popen: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    _news: "queue.Queue[str]" = field(default_factory=queue.Queue)

    def listen(self) -> None:
        """Take in every line as it comes."""
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            self._news.put(line.rstrip("\n"))
        self._news.put("")

    def line(self, pattern: str) -> re.Match[str]:
        """The first line that matches, waiting for it if need be."""
        for line in self.lines:
            if found := re.search(pattern, line):
                return found
        deadline = time.monotonic() + WITHIN
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self._news.get(timeout=left)
            except queue.Empty:
                break
            self.lines.append(line)
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"no line matched {pattern!r}:\n" + "\n".join(self.lines))

    def end(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to stop; the code it leaves with."""
        self.popen.send_signal(sign)
        return self.popen.wait(WITHIN)


@contextmanager
def running(*command: str | Path, **env: str) -> Iterator[Process]:
    """A command that runs until the block ends; what it prints is read line by line."""
    popen = subprocess.Popen(
        [str(each) for each in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environ(**env),
    )
    process = Process(popen)
    listener = threading.Thread(target=process.listen, daemon=True)
    listener.start()
    try:
        yield process
    finally:
        popen.kill()
        popen.wait()
        listener.join(WITHIN)
        assert popen.stdout is not None
        popen.stdout.close()


@dataclass(frozen=True, slots=True)
class Place:
    """A directory, a database, and the server on it."""

    folder: Path
    kept: Kept

    @contextmanager
    def serving(self, *, policy: str = "") -> Iterator[tuple[Process, str]]:
        """`pullcord serve` on a free port: (the process, its address)."""
        words: list[str | Path] = ["serve", "--port", "0", "--db", self.kept.db]
        if policy:
            config = self.folder / "pullcord.yaml"
            config.write_text(policy, encoding="utf-8")
            words += ["--config", config]
        with running(*COMMAND, *words, **self.kept.environ) as server:
            yield server, server.line(r"Pullcord serves (http://\S+)")[1]

    @contextmanager
    def agent(self, what: str, *, url: str, key: str) -> Iterator[Process]:
        """An agent of its own process: `park` or `resume`."""
        env = {"PULLCORD_URL": url, "PULLCORD_KEY": key}
        with running(sys.executable, AGENT, what, self.folder / "bank.txt", **env) as process:
            yield process

    def payments(self) -> list[str]:
        """What the agents' bank really did."""
        bank = self.folder / "bank.txt"
        return bank.read_text(encoding="utf-8").splitlines() if bank.exists() else []


class Browser:
    """Somebody at the console, signed in by a one-time link."""

    def __init__(self, url: str) -> None:
        self.http = httpx2.Client(
            base_url=url, headers={"origin": url}, timeout=WITHIN, trust_env=False
        )

    def spend(self, link: str, **form: str) -> httpx2.Response:
        """Press the button of a one-time link's page."""
        answer = self.http.post(link, data=form)
        if answer.is_redirect:
            found = re.search(r'name="csrf" value="([^"]+)"', self.http.get("/").text)
            assert found, "the inbox has no form to act with"
            self.http.headers["x-csrf-token"] = found[1]
        return answer

    def read(self, escalation: str) -> dict[str, Any]:
        """An escalation as the API tells it."""
        answer = self.http.get(f"/v1/escalations/{escalation}")
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def act(self, escalation: str, verb: str, **body: Any) -> dict[str, Any]:
        """Any verb of a person."""
        answer = self.http.post(f"/v1/escalations/{escalation}/{verb}", json=body)
        assert answer.is_success, f"{verb}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    def kinds(self, escalation: str) -> list[str]:
        """What happened to an escalation, in order."""
        found = self.http.get(f"/v1/escalations/{escalation}/timeline").json()
        return [each["kind"] for each in found["entries"]]

    def until(self, is_so: Callable[[], Any]) -> Any:
        """Look again at every change the server tells of, until something is so."""
        deadline = time.monotonic() + WITHIN
        with self.http.stream("GET", "/v1/changes") as changes:
            for line in changes.iter_lines():
                if line.startswith("event:") and (found := is_so()):
                    return found
                if time.monotonic() > deadline:
                    break
        raise AssertionError(f"it did not come to be so within {WITHIN} seconds")

    def close(self) -> None:
        """Close the browser."""
        self.http.close()


PASSWORD = "a sentence nobody guesses"


@contextmanager
def signed_in(url: str, link: str) -> Iterator[Browser]:
    """A browser of whoever spends this set-up link."""
    browser = Browser(url)
    try:
        answer = browser.spend(link, password=PASSWORD, again=PASSWORD)
        assert answer.is_redirect, answer.text
        yield browser
    finally:
        browser.close()


def invited(place: Place, who: str, url: str) -> str:
    """A one-time link for a person, as `pullcord invite` prints it."""
    return pullcord("invite", who, "--url", url, kept=place.kept).stdout.strip()


def key_of(place: Place) -> str:
    """An API key of the support agent."""
    words = ("keys", "mint", "--agent", "support", "--creator", "dana")
    return pullcord(*words, kept=place.kept).stdout.strip()
