"""What adapters speak of: a framework, one tool call of a model, and what came of it."""

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from pullcord.client.decisions import Decision
from pullcord.wire.bounds import MESSAGES_MAX
from pullcord.wire.requests import Capability

T = TypeVar("T")

#: conversations whose transcripts one process keeps in the common shape
THREADS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework, and what an agent built with it can do with a decision."""

    name: str
    #: the distribution whose version is kept with every parked run
    package: str
    capabilities: tuple[Capability, ...]

    @property
    def version(self) -> str:
        """The version that is installed; empty when it cannot be told."""
        # the command hook needs it only when a call is stopped, and must start in no time
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

        try:
            return version(self.package)
        except PackageNotFoundError:
            return ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool call of a model, as the framework names it."""

    tool: str
    args: Mapping[str, Any]
    id: str
    #: the framework's own name of the conversation: the same before and after a pause
    thread: str
    #: the transcript, in any shape the client can read
    messages: Sequence[Any] = ()
    turn: str = ""
    #: calls of that turn; 0 when that is not known, None when the transcript tells
    turn_size: int | None = None
    #: what can be done with a decision on this call, where it is less than the framework can
    capabilities: tuple[Capability, ...] | None = None
    #: the framework executes this again after a pause, perhaps in another process
    is_replayed: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """A call that was executed as decided, and what came of it."""

    value: Any
    decision: Decision
    is_failed: bool = False

    @property
    def notice(self) -> str:
        """What the model must be told besides the result; empty after a plain yes.

        A model that is not told that its call was changed makes it again.
        """
        decision = self.decision
        who, at = decision.by or "A person", decision.at.strftime("%Y-%m-%d %H:%M UTC")
        parts = []
        if decision.kind == "edit":
            parts.append(
                f"{who} changed this call before it ran ({at}). It ran with "
                f"{_as_text(decision.args)}, not with what you wrote. That is what was decided; "
                "do not repeat your original call."
            )
        elif decision.is_by_rule:
            parts.append(f"Nobody decided by {at}; the rule lets this call run then, so it ran.")
        if decision.note:
            parts.append(f"{who} says ({at}): {decision.note}")
        return " ".join(parts)


class Result(str):
    """What a tool returned to the framework, and the text of it for the record."""

    __slots__ = ("value",)
    value: Any

    def __new__(cls, text: str, value: Any) -> Self:
        """The text, with the framework's own value at hand."""
        found = super().__new__(cls, text)
        found.value = value
        return found


class ToolFailed(Exception):
    """The tool failed and the framework has words for it; reported as failed, handed on."""

    def __init__(self, value: Any, why: str) -> None:
        super().__init__(why)
        self.value = value


class Lasting(OrderedDict[str, T]):
    """The newest of what happened, bounded."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self._lock = threading.Lock()

    def keep(self, name: str, value: T) -> T:
        """Put it in; what is oldest goes."""
        with self._lock:
            self[name] = value
            self.move_to_end(name)
            while len(self) > self._most:
                self.popitem(last=False)
        return value


class Transcripts:
    """Transcripts of a framework made plain; what was made plain before is not made again."""

    def __init__(self, plain: Callable[[Any], Sequence[dict[str, Any]]]) -> None:
        self._plain = plain
        self._kept: Lasting[tuple[list[Any], list[Sequence[dict[str, Any]]]]] = Lasting(THREADS_MAX)

    def of(self, thread: str, messages: Sequence[Any]) -> list[dict[str, Any]]:
        """The last messages of a conversation in the common chat shape."""
        last = list(messages[-MESSAGES_MAX:])
        known, plain = self._kept.get(thread, ([], []))
        same = 0
        while same < min(len(known), len(last)) and known[same] is last[same]:
            same += 1
        plain = [*plain[:same], *(self._plain(each) for each in last[same:])]
        self._kept.keep(thread, (last, plain))
        return [message for each in plain for message in each]


def _as_text(args: Mapping[str, Any] | None) -> str:
    return json.dumps(args or {}, ensure_ascii=False)


def with_notice(notice: str, text: str) -> str:
    """A result with what the model must be told before it."""
    return f"{notice}\n\n{text}" if notice else text
