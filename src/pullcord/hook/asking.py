"""A call that the short way could not let run: judged in full, and put to people where it stops."""

import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pullcord.client import plans
from pullcord.client.address import Address
from pullcord.client.flows import ask
from pullcord.client.plans import Plan
from pullcord.errors import PullcordError
from pullcord.hook.answers import NOTHING, Answer, denied
from pullcord.hook.given import Said, messages_of
from pullcord.hook.line import driven, sender_of
from pullcord.hook.quick import RUNS
from pullcord.wire.replies import OpenOut
from pullcord.wire.requests import CallIn, CallsIn, OpenIn

Sender = Callable[[Plan[Any]], plans.Answer]

#: seconds a request is repeated while the server does not answer
PATIENCE = 5.0


class Timer:
    """Time and chance of this machine, for flows."""

    def monotonic(self) -> float:
        """Seconds of a clock that is never set back."""
        return time.monotonic()

    def jitter(self) -> float:
        """Chance between 0 and 1."""
        return os.urandom(1)[0] / 255


def judged(said: Said, opening: Mapping[str, Any], address: Address, *, wait: float) -> Answer:
    """Whether the host may run it.

    Raises:
        NotDone, PullcordError: it must not, and why.
    """
    send = sender_of(address)
    plan = plans.open_escalation(OpenIn(**opening))
    verdict = driven(ask(plan, Timer(), patience=PATIENCE), send)
    if verdict.verdict in RUNS and verdict.escalation is None:
        _note(said, verdict, send)
        return NOTHING
    if verdict.escalation is None:
        return denied(verdict.for_model or f"{said['tool_name']} was refused: {verdict.reason}")
    from pullcord.hook.stopped import stopped  # noqa: PLC0415  # only a stop pays for the SDK

    return stopped(said, messages=messages_of(said), wait=wait)


def _note(said: Said, verdict: OpenOut, send: Sender) -> None:
    """Record a call that needed no person; a record that is lost stops nothing."""
    made = CallIn(
        id=f"hook-{os.urandom(12).hex()}",
        at=datetime.now(UTC).isoformat(),
        tool=said["tool_name"],
        verdict=verdict.verdict,  # type: ignore[arg-type]  # one of RUNS
        rule=verdict.rule,
        run=said["session_id"],
    )
    try:
        driven(ask(plans.record_calls(CallsIn(calls=[made])), Timer(), patience=0.0), send)
    except PullcordError:
        return
