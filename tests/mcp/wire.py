"""The gateway as a process, spoken to line by line, as no well-behaved client would."""

import json
import queue
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.mcp.office import COMMAND, PLAIN, Office

#: seconds any one thing may take
WITHIN = 60.0
SCRIPTED = Path(__file__).with_name("scripted.py")
HELLO = {
    "jsonrpc": "2.0",
    "id": "hello",
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t"}},
}


@dataclass(slots=True)
class Wire:
    """One gateway before the scripted server."""

    process: subprocess.Popen[bytes]
    folder: Path
    heard: list[dict[str, Any]] = field(default_factory=list)
    _news: "queue.Queue[dict[str, Any] | None]" = field(default_factory=queue.Queue)

    def listen(self) -> None:
        """Take in every line as it comes."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._news.put(json.loads(line))
        self._news.put(None)

    def say(self, message: Any) -> None:
        """One line, as it stands when it is bytes."""
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def until(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first message that is the one, waiting for it if need be."""
        for message in self.heard:
            if is_it(message):
                return message
        while True:
            news = self._news.get(timeout=WITHIN)
            assert news is not None, f"the gateway ended; it had said {self.heard}"
            self.heard.append(news)
            if is_it(news):
                return news

    def answer(self, id: Any) -> dict[str, Any]:
        """The answer to a request."""
        return self.until(lambda message: message.get("id") == id and "method" not in message)

    def ask(self, id: Any, method: str, **params: Any) -> dict[str, Any]:
        """A request and its answer."""
        self.say({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
        return self.answer(id)

    def spend(self, id: Any, amount: float, what: str = "tea", **meta: Any) -> None:
        """Ask for the tool to be called."""
        params: dict[str, Any] = {"name": "spend", "arguments": {"amount": amount, "what": what}}
        if meta:
            params["_meta"] = meta
        self.say({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})

    def spent(self, id: Any, amount: float, what: str = "tea") -> str:
        """What the model reads after asking for it."""
        self.spend(id, amount, what)
        return said(self.answer(id))

    def until_begun(self) -> None:
        """Until the tool has been called and says so."""
        self.until(lambda message: message.get("method") == "notifications/message")

    @property
    def effects(self) -> list[dict[str, Any]]:
        """What the tool was really called with."""
        return _lines(self.folder / "effects.jsonl")

    @property
    def server_heard(self) -> list[dict[str, Any]]:
        """Every message that reached the server."""
        return _lines(self.folder / "heard.jsonl")


def said(answer: dict[str, Any]) -> str:
    """The text of an answer, whether it is a result or an error."""
    if "error" in answer:
        return str(answer["error"]["message"])
    return "\n".join(each["text"] for each in answer["result"]["content"])


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


@contextmanager
def wired(office: Office, *words: str, wait: str = "0s", server: bool = True) -> Iterator[Wire]:
    """A gateway before the scripted server, its host already known to it."""
    behind = ("--", *PLAIN, str(SCRIPTED), str(office.folder)) if server else ()
    process = subprocess.Popen(
        [*COMMAND, "mcp-proxy", "--wait", wait, *words, *behind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=office.folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(office.folder), **office.environ},
    )
    wire = Wire(process, office.folder)
    listener = threading.Thread(target=wire.listen, daemon=True)
    listener.start()
    try:
        if server:
            wire.say(HELLO)
            wire.answer("hello")
        yield wire
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(WITHIN)
        finally:
            process.kill()
            process.wait()
            listener.join(WITHIN)
            assert process.stdout is not None
            process.stdout.close()
