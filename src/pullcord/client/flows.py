"""Flows: what the client does, written once for both faces.

A flow is a generator. It yields steps (send this, pause that long, run the guarded function) and
is given what came of them; a driver of either colour does the steps. So the order of things, and
every branch that fails closed, stands in one place.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from pullcord.client.answers import read, retry_after_of
from pullcord.client.plans import Answer, Plan
from pullcord.errors import CommitUnknown, OutsideFailed, ServerUnreachable, TooMuch

T = TypeVar("T")

#: seconds of the first pause and of the longest between two tries
FIRST_PAUSE, PAUSE_MAX = 0.1, 2.0
#: tries of one request, however much time there is
TRIES_MAX = 50


@dataclass(frozen=True, slots=True)
class Send:
    """Send this plan; gives an `Answer`, or raises `ServerUnreachable`."""

    plan: Plan[Any]


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait that many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Perform:
    """Run the guarded function; gives what it returns, or raises what it raises."""

    act: Callable[[], Any]
    #: an async driver runs it on a thread, so that it does not hold up the loop
    is_blocking: bool = False


Step = Send | Pause | Perform
Flow = Generator[Step, Any, T]


class Timer(Protocol):
    """What a flow needs of time and chance."""

    def monotonic(self) -> float:
        """Seconds of a clock that is never set back."""

    def jitter(self) -> float:
        """Chance between 0 and 1."""


def ask(plan: Plan[T], timer: Timer, *, patience: float) -> Flow[T]:
    """The value of a good answer; see `exchange`."""
    value, _ = yield from exchange(plan, timer, patience=patience)
    return value


def exchange(plan: Plan[T], timer: Timer, *, patience: float) -> Flow[tuple[T, Answer]]:
    """Send a plan, and again with growing pauses for `patience` seconds while the outside fails.

    A plan that is not repeatable is repeated only when it is certain that nothing happened.

    Raises:
        NotModified, PullcordError: what the server said, or the last thing that failed.
    """
    give_up_at = timer.monotonic() + patience
    for tries in range(TRIES_MAX):
        asked = None
        try:
            answer: Answer = yield Send(plan)
            asked = retry_after_of(answer.headers)
            return read(plan, answer), answer
        except (OutsideFailed, TooMuch) as failed:
            if not _may_repeat(plan, failed):
                raise
            seconds = pause_before(tries, asked=asked, jitter=timer.jitter())
            if timer.monotonic() + seconds >= give_up_at:
                raise
        yield Pause(seconds)
    raise ServerUnreachable(f"{plan.method} {plan.path} failed {TRIES_MAX} times")


def pause_before(tries: int, *, asked: float | None, jitter: float) -> float:
    """Seconds before the next try: doubling, bounded, spread, and never less than was asked."""
    grown = min(FIRST_PAUSE * 2.0 ** min(tries, 10), PAUSE_MAX)
    return max(asked or 0.0, grown * (0.5 + jitter / 2))


def _may_repeat(plan: Plan[Any], failed: OutsideFailed | TooMuch) -> bool:
    if isinstance(failed, TooMuch):
        return failed.retry_after is not None
    return plan.is_repeatable or not isinstance(failed, CommitUnknown | ServerUnreachable)
