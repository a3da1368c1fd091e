"""What each tool of a server was when it was first seen, and how it has changed since.

A server can change what a tool means after people have come to trust it. So the first description
and schema of each tool are pinned in a file; a call of a tool that has changed is put to people,
with what has changed, until somebody lets it run as it is now.
"""

import os
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from pullcord.briefing.digest import NotCanonical, digest
from pullcord.errors import InvalidInput

#: tools of one server that are pinned
TOOLS_MAX = 2_000
#: bytes of a file of pins
FILE_BYTES_MAX = 4 * 1_048_576
#: characters of what is said about a change; a question holds 500
SAID_MAX = 380


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """One tool as it was seen."""

    digest: str
    seen_at: datetime
    description: str
    #: digest of each parameter's schema
    parameters: dict[str, str]


class Pins:
    """The pins of one server, in a file when there is one."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._pins = _read(path) if path is not None else {}
        self._now: dict[str, Pin] = {}

    def see(self, tools: Any, now: datetime) -> None:
        """Take in what a server lists; what was never seen is pinned."""
        fresh = False
        for tool in tools if isinstance(tools, list) else []:
            if not isinstance(tool, dict) or not isinstance(tool.get("name"), str):
                continue
            name = tool["name"]
            if name not in self._now and len(self._now) >= TOOLS_MAX:
                continue
            self._now[name] = seen = _pin(tool, now)
            if name not in self._pins:
                self._pins[name] = seen
                fresh = True
        if fresh:
            self._write()

    def change_of(self, tool: str) -> str:
        """How a tool is another one than was pinned; empty when it is the same or unknown."""
        then, now = self._pins.get(tool), self._now.get(tool)
        if then is None or now is None or then.digest == now.digest:
            return ""
        parts = _differences(then, now)
        said = f"{tool} is not what it was on {then.seen_at:%Y-%m-%d}: {'; '.join(parts)}."
        return said if len(said) <= SAID_MAX else f"{said[: SAID_MAX - 1]}…"

    def accept(self, tool: str) -> None:
        """People let it run as it is now."""
        now = self._now.get(tool)
        if now is not None and self._pins.get(tool) != now:
            self._pins[tool] = now
            self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        body = msgspec.json.format(msgspec.json.encode(self._pins), indent=2)
        with tempfile.NamedTemporaryFile(
            dir=self._path.parent, prefix=self._path.name, delete=False
        ) as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(self._path)


def _read(path: Path) -> dict[str, Pin]:
    if not path.exists():
        return {}
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise ValueError(f"it has more than {FILE_BYTES_MAX} bytes")
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Pin])
    except (OSError, ValueError) as error:
        raise InvalidInput(
            "pins",
            value=str(path),
            limit="a file of pins as the gateway writes it",
            remedy=f"{error}. Put it back, or remove it to pin the tools as they are now.",
        ) from None


def _pin(tool: Mapping[str, Any], now: datetime) -> Pin:
    schema = tool.get("inputSchema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    parameters = properties if isinstance(properties, dict) else {}
    description = str(tool.get("description") or "")
    return Pin(
        digest=_digest([description, schema]),
        seen_at=now,
        description=_digest(description),
        parameters={name: _digest(each) for name, each in parameters.items()},
    )


def _digest(value: Any) -> str:
    try:
        return digest(value)
    except NotCanonical as error:
        # a schema that no two parties read alike is another one each time it is seen
        return f"unreadable: {error}"


def _differences(then: Pin, now: Pin) -> list[str]:
    before, after = then.parameters, now.parameters
    changed = [name for name in before.keys() & after.keys() if before[name] != after[name]]
    found = [
        f"{what} {', '.join(sorted(names)[:5])}"
        for what, names in (
            ("new parameters", after.keys() - before.keys()),
            ("parameters gone", before.keys() - after.keys()),
            ("parameters changed", changed),
        )
        if names
    ]
    if then.description != now.description:
        found.append("its description changed")
    return found or ["its schema changed"]
