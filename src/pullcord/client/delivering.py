"""Decisions as they come: each is delivered until it is resumed, without running in circles."""

import threading

from pullcord.client import plans
from pullcord.client.asking import POLL
from pullcord.client.core import Core
from pullcord.client.decisions import Decision, announced
from pullcord.client.flows import Flow, Pause, ask
from pullcord.errors import OutsideFailed, TooMuch
from pullcord.wire.replies import EscalationOut

#: seconds after which a decision that nobody resumed is delivered again
AGAIN_AFTER = 30.0
#: seconds to wait when all that is decided was delivered a moment ago
REST = 1.0
#: decisions whose delivery is remembered
DELIVERED_MAX = 10_000


class Deliveries:
    """Which decisions were delivered when; what is waited for or begun here is left alone."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}
        self._lock = threading.Lock()

    def fresh(self, core: Core, listed: list[EscalationOut]) -> list[Decision]:
        """Those of a listing that are to be delivered now."""
        now = core.timer.monotonic()
        found: list[Decision] = []
        with self._lock:
            for each in listed:
                if each.decision is None or each.id in core.waiting:
                    continue
                if core.executions.has_begun(each.id):
                    continue
                if now - self._at.get(each.id, -AGAIN_AFTER) < AGAIN_AFTER:
                    continue
                self._at.pop(each.id, None)
                self._at[each.id] = now
                found.append(announced(each))
            while len(self._at) > DELIVERED_MAX:
                self._at.pop(next(iter(self._at)))
        return found

    def again(self, escalation: str) -> None:
        """It could not be taken: deliver it with the next poll."""
        with self._lock:
            self._at.pop(escalation, None)


def polled(core: Core, deliveries: Deliveries, *, hold: float) -> Flow[list[Decision]]:
    """One poll; empty when nothing new was decided or the server did not answer.

    Raises:
        OutsideFailed: the server does not answer, and nobody wants to wait for it.
    """
    plan = plans.decided(wait=hold, attempt=core.executions.attempt)
    try:
        told = yield from ask(plan, core.timer, patience=core.patience if hold < 1 else 0.0)
    except (OutsideFailed, TooMuch):
        if hold < 1:
            raise
        yield Pause(min(REST, hold))
        return []
    found = deliveries.fresh(core, told.decided)
    if told.decided and not found and hold >= 1:
        yield Pause(min(REST, hold))
    return found


def hold_for(core: Core, until: float) -> float:
    """Seconds the next poll may be held."""
    return max(0.0, min(until - core.timer.monotonic(), POLL))
