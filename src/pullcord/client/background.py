"""What the client tells the server afterwards, on a thread of its own: it never blocks a tool.

Two things: the guarded calls that needed no person, in batches, and reports that could not be
delivered when they were due. Both queues are bounded; calls that had to be dropped are counted
and the count is sent.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pullcord.client import plans
from pullcord.client.answers import read
from pullcord.client.plans import Answer, Plan
from pullcord.errors import CallerIsWrong, OutsideFailed, TooMuch, WorldMovedOn
from pullcord.wire.bounds import CALLS_MAX
from pullcord.wire.requests import CallIn, CallsIn, ReportIn

#: calls that wait to be sent, and reports that wait to be delivered
WAITING_MAX = 20_000
REPORTS_MAX = 10_000
#: seconds between two batches; a full batch goes at once
EVERY = 1.0
#: seconds a client that is closed gives to what still waits
CLOSE_WITHIN = 3.0

log = logging.getLogger("pullcord")
Sending = Callable[[Plan[object]], Answer]


@dataclass(frozen=True, slots=True)
class Made:
    """One guarded call and its verdict, as noted by the guard."""

    at: float
    number: int
    tool: str
    verdict: str
    rule: str
    run: str
    policy_version: str

    def wire(self, prefix: str) -> CallIn:
        """As it is sent; the id is the same when it is sent again."""
        return CallIn(
            id=f"{prefix}-{self.number}",
            at=datetime.fromtimestamp(self.at, UTC).isoformat(),
            tool=self.tool[:200] or "?",
            verdict=self.verdict,  # type: ignore[arg-type]  # a `Verdict`, which has these values
            rule=self.rule,
            run=self.run[:200],
            policy_version=self.policy_version,
        )


class Background:
    """Takes notes without waiting and sends them; begins with the first note."""

    def __init__(
        self, send: Sending, *, name: str, delivered: Callable[[str], None] = lambda _: None
    ) -> None:
        self._send = send
        self._name = name
        self._delivered = delivered
        self._calls: deque[Made] = deque()
        self._reports: dict[str, ReportIn] = {}
        self._number = 0
        self.lost = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()

    # --- taking notes -------------------------------------------------------------------------
    def note(self, tool: str, verdict: str, *, rule: str, run: str, policy_version: str) -> None:
        """Remember one guarded call."""
        with self._lock:
            self._number += 1
            if len(self._calls) >= WAITING_MAX:
                self.lost += 1
                return
            made = Made(time.time(), self._number, tool, verdict, rule, run, policy_version)
            self._calls.append(made)
            is_full = len(self._calls) >= CALLS_MAX
        if is_full:
            self._wake.set()
        if self._thread is None or not self._thread.is_alive():
            self._begin()

    def report_later(self, escalation: str, report: ReportIn) -> bool:
        """Deliver this report when the server answers again; False when too many wait already."""
        with self._lock:
            if len(self._reports) >= REPORTS_MAX:
                return False
            self._reports[escalation] = report
        self._wake.set()
        self._begin()
        return True

    @property
    def waiting(self) -> int:
        """Calls and reports not yet delivered."""
        return len(self._calls) + len(self._reports)

    @property
    def is_full(self) -> bool:
        """Whether one more report could not be kept: then nothing new should be executed."""
        return len(self._reports) >= REPORTS_MAX

    # --- sending ------------------------------------------------------------------------------
    def _begin(self) -> None:
        with self._lock:
            if self._closing or (self._thread is not None and self._thread.is_alive()):
                return
            if self._pid != os.getpid():
                # the child of a fork: what waited there is the parent's to send
                self._pid = os.getpid()
                self._name = f"{self._name}-{self._pid}"
                self._calls.clear()
                self._reports.clear()
            self._thread = threading.Thread(target=self._work, name="pullcord-notes", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while not self._closing:
            self._wake.wait(EVERY)
            self._wake.clear()
            self.flush()
        self.flush()

    def flush(self) -> bool:
        """Send what waits; False when the server did not take all of it."""
        return self._flush_reports() and self._flush_calls()

    def _flush_calls(self) -> bool:
        while self._calls:
            with self._lock:
                batch = [self._calls.popleft() for _ in range(min(len(self._calls), CALLS_MAX))]
                lost, self.lost = self.lost, 0
            try:
                request = CallsIn(calls=[each.wire(self._name) for each in batch], lost=lost)
                plan = plans.record_calls(request)
                read(plan, self._send(plan))
            except (OutsideFailed, TooMuch):
                self._put_back(batch, lost)
                return False
            except CallerIsWrong as error:
                # the key may have been revoked: sending again would not help
                log.warning("%d guarded calls could not be recorded: %s", len(batch), error)
                with self._lock:
                    self.lost += lost + len(batch)
                return False
        return True

    def _put_back(self, batch: list[Made], lost: int) -> None:
        with self._lock:
            room = max(0, WAITING_MAX - len(self._calls))
            kept = batch[len(batch) - min(room, len(batch)) :]
            self.lost += lost + len(batch) - len(kept)
            self._calls.extendleft(reversed(kept))

    def _flush_reports(self) -> bool:
        for escalation, report in tuple(self._reports.items()):
            plan = plans.report(escalation, report)
            try:
                read(plan, self._send(plan))
            except (OutsideFailed, TooMuch):
                return False
            except (CallerIsWrong, WorldMovedOn) as error:
                log.warning("the report on %s was refused: %s", escalation, error)
            else:
                self._delivered(escalation)
            with self._lock:
                self._reports.pop(escalation, None)
        return True

    def close(self, *, within: float = CLOSE_WITHIN) -> None:
        """Send what waits, for a short time, and end; safe to repeat."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
            thread = self._thread if self._pid == os.getpid() else None
        self._wake.set()
        if thread is not None and thread.is_alive():
            thread.join(within)
        elif self.waiting and self._pid == os.getpid():
            self.flush()
