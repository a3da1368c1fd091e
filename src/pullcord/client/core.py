"""What both faces share: policy in hand, tools, and what this process has begun to execute."""

import os
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pullcord.client.address import Address
from pullcord.client.background import Background
from pullcord.client.flows import Timer
from pullcord.client.policy import PolicyKeeper
from pullcord.client.tools import Registry
from pullcord.client.transport import MachineTimer
from pullcord.errors import AlreadyCollected

#: seconds a request is repeated while the server does not answer
PATIENCE = 10.0
#: seconds for which it is believed that the agent has the conversation of a run: while something
#: of it waits for people, and while nothing does
FREE_FOR, QUIET_FOR = 2.0, 30.0
#: ended executions that are remembered, in case an old backup of the server offers them again
ENDED_MAX = 100_000
#: excluded arguments of parked calls that are kept for a resume in this process
KEPT_MAX = 1_000


class Executions:
    """What this process has begun to execute: begun is begun, whatever came of it.

    Together with one attempt name a process this is why an effect never happens twice: another
    process gets no decision that was collected, and this one starts none a second time.
    """

    def __init__(self) -> None:
        self._begun: set[str] = set()
        self._ended: dict[str, None] = {}
        self._lock = threading.Lock()
        self._secret = secrets.token_hex(8)

    @property
    def attempt(self) -> str:
        """The name under which this process collects; a forked child has its own."""
        return f"{self._secret}-{os.getpid()}"

    def begin(self, escalation: str) -> None:
        """Note that this is being executed now.

        Raises:
            AlreadyCollected: it was begun before.
        """
        with self._lock:
            if self.has_begun(escalation):
                raise AlreadyCollected(
                    f"{escalation} was begun in this process already, so it is not executed again.",
                    attempt=self.attempt,
                )
            self._begun.add(escalation)

    def has_begun(self, escalation: str) -> bool:
        """Whether it was begun here."""
        return escalation in self._begun or escalation in self._ended

    def ended(self, escalation: str) -> None:
        """The server took the report: remembered for long, but not for ever."""
        with self._lock:
            self._begun.discard(escalation)
            self._ended[escalation] = None
            while len(self._ended) > ENDED_MAX:
                self._ended.pop(next(iter(self._ended)))


class Waiting:
    """Escalations a guarded call in this process waits for; `decisions()` leaves those alone."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._lock = threading.Lock()

    def enter(self, escalation: str) -> None:
        """Somebody waits for it."""
        with self._lock:
            self._ids[escalation] = self._ids.get(escalation, 0) + 1

    def leave(self, escalation: str) -> None:
        """Nobody waits any more, at least not this one."""
        with self._lock:
            left = self._ids.pop(escalation, 0) - 1
            if left > 0:
                self._ids[escalation] = left

    def __contains__(self, escalation: str) -> bool:
        return escalation in self._ids


class Kept:
    """Excluded arguments of calls that were parked here, newest last, bounded."""

    def __init__(self) -> None:
        self._values: dict[str, Mapping[str, Any]] = {}
        self._lock = threading.Lock()

    def put(self, escalation: str, values: Mapping[str, Any]) -> None:
        """Keep them until the decision comes back."""
        if not values:
            return
        with self._lock:
            self._values.pop(escalation, None)
            self._values[escalation] = values
            while len(self._values) > KEPT_MAX:
                self._values.pop(next(iter(self._values)))

    def take(self, escalation: str) -> Mapping[str, Any]:
        """What was kept; empty when another process parked the call."""
        with self._lock:
            return self._values.pop(escalation, {})

    def look(self, escalation: str) -> Mapping[str, Any]:
        """The same, and keep it."""
        return self._values.get(escalation, {})


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Core:
    """One client's state."""

    address: Address
    background: Background
    policy: PolicyKeeper
    patience: float = PATIENCE
    tools: Registry = field(default_factory=Registry)
    executions: Executions = field(default_factory=Executions)
    waiting: Waiting = field(default_factory=Waiting)
    kept: Kept = field(default_factory=Kept)
    timer: Timer = field(default_factory=MachineTimer)
    now: Callable[[], datetime] = _utc_now

    def public_keys(self) -> Mapping[str, str]:
        """Keys that decisions must be signed with."""
        keys = self.policy.public_keys
        assert keys is not None, "a decision is carried out before any policy was in hand"
        return keys
