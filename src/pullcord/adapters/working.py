"""A worker that resumes parked runs as decisions come, in any process, on any day."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from pullcord.client.cord import AsyncPullcord, Pullcord
from pullcord.client.decisions import Decision
from pullcord.client.face import Face, inside
from pullcord.client.spans import Span

log = logging.getLogger("pullcord")

#: called with the conversation and what the framework returned, each time a run went on
OnResult = Callable[[str, Any], Any]


class Resumes(Protocol):
    """An adapter that resumes its runs on this thread."""

    def resume(self, decision: Decision) -> bool:
        """Go on with the run that waits for this; False when none of this adapter's does."""


class ResumesAsync(Protocol):
    """An adapter that resumes its runs on the event loop."""

    def aresume(self, decision: Decision) -> Awaitable[bool]:
        """Go on with the run that waits for this; False when none of this adapter's does."""


def work(cord: Pullcord, *adapters: Resumes, wait: Span | None = None) -> int:
    """Resume what is decided until `wait` passes without a decision; None goes on for ever.

    One run that fails stops no other: its decision is delivered again. A decision that no adapter
    waits for goes to `cord.resume` where its function is guarded in this process. Returns how
    many runs went on.
    """
    count = 0
    for decision in cord.decisions(wait=wait):
        try:
            if any(each.resume(decision) for each in adapters):
                count += 1
            elif decision.tool in inside(cord).core.tools:
                cord.resume(decision)
                count += 1
            else:
                _leave(cord, decision)
        except Exception:  # the outermost loop: the next run must not wait for this one's bug
            log.exception("the run %s could not go on with %s", decision.run, decision.escalation)
    return count


async def awork(cord: AsyncPullcord, *adapters: ResumesAsync, wait: Span | None = None) -> int:
    """The same on the event loop."""
    count = 0
    async for decision in cord.decisions(wait=wait):
        try:
            if await _any(decision, adapters):
                count += 1
            elif decision.tool in inside(cord).core.tools:
                await cord.resume(decision)
                count += 1
            else:
                _leave(cord, decision)
        except Exception:  # the outermost loop, as above
            log.exception("the run %s could not go on with %s", decision.run, decision.escalation)
    return count


async def _any(decision: Decision, adapters: tuple[ResumesAsync, ...]) -> bool:
    for each in adapters:
        if await each.aresume(decision):
            return True
    return False


def _leave(cord: Face, decision: Decision) -> None:
    if inside(cord).core.executions.has_begun(decision.escalation):
        return
    log.warning(
        "%s is decided and nothing in this process waits for it; it is delivered again, and ends "
        "as uncollected when nobody takes it in time",
        decision.escalation,
    )
