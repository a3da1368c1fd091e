"""Recorded runs, read one at a time: JSON lines in the common chat shape, plain or gzipped."""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from pullcord.errors import InvalidInput

#: bytes of one line; a run with a longer transcript is refused by name
LINE_BYTES_MAX = 16 * 1_048_576
#: messages before a call that travel with it; the server keeps the last ones anyway
CONTEXT_MAX = 60


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One tool call as it was made: `context` is the transcript up to and with it."""

    id: str
    tool: str
    args: Mapping[str, Any]
    context: Sequence[Mapping[str, Any]]
    result: str


@dataclass(frozen=True, slots=True)
class Recording:
    """One run: `end_user` and `agent` as far as the file names them."""

    id: str
    agent: str
    end_user: str
    messages: Sequence[Mapping[str, Any]]

    def calls(self) -> Iterator[RecordedCall]:
        """Every tool call in order, with what was said before and what came back."""
        results = {
            str(each.get("tool_call_id")): str(each.get("content") or "")
            for each in self.messages
            if each.get("role") == "tool"
        }
        for at, message in enumerate(self.messages):
            proposed = message.get("tool_calls")
            for number, call in enumerate(proposed if isinstance(proposed, list) else []):
                tool, args = _called(call)
                if tool:
                    call_id = f"{at}.{number}"
                    context = self.messages[max(0, at + 1 - CONTEXT_MAX) : at + 1]
                    result = results.get(str(call.get("id")), "")
                    yield RecordedCall(call_id, tool, args, context, result)


def _called(call: Any) -> tuple[str, Mapping[str, Any]]:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return "", {}
    arguments = function.get("arguments")
    try:
        args = json.loads(arguments) if isinstance(arguments, str) else arguments
    except (ValueError, RecursionError):
        args = {"unreadable": str(arguments)[:2_000]}
    return str(function.get("name") or ""), args if isinstance(args, dict) else {"value": args}


class Recordings:
    """A file of recorded runs; iterate once. `position` and `size` are for a progress bar."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise InvalidInput(
                "runs", value=str(path), limit="a file of JSON lines", remedy="Check the path."
            )
        self._path = path
        self.size = path.stat().st_size
        self.position = 0

    def __iter__(self) -> Iterator[Recording]:
        with self._path.open("rb") as raw:
            packed = self._path.suffix == ".gz"
            lines: BufferedIOBase = gzip.GzipFile(fileobj=raw) if packed else raw
            number = 0
            while line := self._line(lines):
                number += 1
                self.position = raw.tell()
                if line.strip():
                    yield _read(line, number)
            self.position = self.size

    def _line(self, lines: BufferedIOBase) -> bytes:
        try:
            return lines.readline(LINE_BYTES_MAX + 1)
        except (EOFError, gzip.BadGzipFile, zlib.error) as problem:
            raise InvalidInput(
                "runs", value=str(self._path), limit="a whole gzip file", remedy=f"It {problem}."
            ) from None


def _read(line: bytes, number: int) -> Recording:
    where = f"line {number}"
    if len(line) > LINE_BYTES_MAX:
        raise InvalidInput(where, value=f"{len(line)} bytes", limit=f"{LINE_BYTES_MAX} bytes")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as problem:
        raise InvalidInput(where, value=str(problem), limit="one JSON object a line") from None
    messages = value.get("messages") if isinstance(value, dict) else None
    if not isinstance(messages, list) or not all(isinstance(each, dict) for each in messages):
        raise InvalidInput(
            f"{where}: messages", value=type(messages).__name__, limit="a list of chat messages"
        )
    name = str(value.get("run_id") or value.get("id") or f"line-{number}")
    return Recording(
        id=name[:150],
        agent=str(value.get("domain") or value.get("agent") or ""),
        end_user=str(value.get("group") or value.get("user") or name)[:150],
        messages=messages,
    )
