"""Plays recorded runs: each tool call passes the guard of a real client over HTTP.

The tool itself is not run again; a guarded call that may run gives the recorded result.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

import structlog

from pullcord import AsyncPullcord, EndUser, NotDone, Parked
from pullcord.errors import PullcordError
from pullcord.replay.recordings import Recording
from pullcord.replay.tally import Tally

#: runs in flight at once, at the most
WORKERS_MAX = 64
#: how long what parked may stay undecided after the last recording before it is left alone
RESUME_WITHIN = "60s"

log = structlog.get_logger("pullcord.replay")

_result: ContextVar[str] = ContextVar("pullcord_replay_result", default="")

#: A guarded stand-in for a recorded tool.
Tool = Callable[..., Any]


class Troupe:
    """One agent of the recordings: a client with a stand-in for every tool it meets."""

    def __init__(self, cord: AsyncPullcord, *, wait: str) -> None:
        self.cord = cord
        #: escalations whose call did not wait long enough
        self.parked: set[str] = set()
        self._wait = wait
        self._tools: dict[str, Tool] = {}

    def tool(self, name: str) -> Tool:
        """The guarded stand-in of a recorded tool."""
        found = self._tools.get(name)
        if found is None:

            async def recorded(**args: Any) -> str:  # noqa: ARG001  # it is not run again
                return _result.get()

            found = self.cord.guard(tool=name, wait=self._wait)(recorded)
            self._tools[name] = found
        return found

    async def resume(self) -> int:
        """Go on with what was parked, or lost its server, once it is decided; how many went on.

        Only for a key that nobody else uses: it takes every decision that waits for the key.
        """
        resumed = 0
        for wait in (RESUME_WITHIN if self.parked else "0s", "0s"):
            async for decision in self.cord.decisions(wait=wait):
                await self.cord.resume(decision)
                self.parked.discard(decision.escalation)
                resumed += 1
                if wait != "0s" and not self.parked:
                    break
        return resumed


class Performance:
    """Plays all recordings with a bounded number of runs in flight."""

    def __init__(
        self,
        troupes: Mapping[str, Troupe],
        tally: Tally,
        *,
        workers: int,
    ) -> None:
        self._troupes = troupes
        self._tally = tally
        self._workers = min(max(workers, 1), WORKERS_MAX)

    async def play(self, recordings: Iterator[Recording]) -> None:
        """Play until the recordings end."""
        workers = [asyncio.create_task(self._work(recordings)) for _ in range(self._workers)]
        try:
            await asyncio.gather(*workers)
        finally:
            for each in workers:
                each.cancel()

    async def resume(self) -> None:
        """As agents do on any later day: nothing that is decided stays behind."""
        for troupe in self._troupes.values():
            try:
                self._tally.resumed += await troupe.resume()
            except PullcordError as problem:
                log.warning("not_resumed", problem=str(problem))

    async def _work(self, recordings: Iterator[Recording]) -> None:
        for recording in recordings:
            await self._run(recording)
            await asyncio.sleep(0)

    async def _run(self, recording: Recording) -> None:
        troupe = self._troupes.get(recording.agent) or next(iter(self._troupes.values()))
        self._tally.runs += 1
        for call in recording.calls():
            self._tally.calls += 1
            run = troupe.cord.run(
                recording.id, end_user=EndUser(recording.end_user), messages=call.context
            )
            _result.set(call.result)
            with run, troupe.cord.call(call.id):
                await self._guarded(troupe, call.tool, call.args)

    async def _guarded(self, troupe: Troupe, tool: str, args: Mapping[str, Any]) -> None:
        verdicts = self._tally.verdicts
        try:
            await troupe.tool(tool)(**args)
        except Parked as parked:
            troupe.parked.add(parked.escalation)
            verdicts["parked"] += 1
        except NotDone as no:
            verdicts[no.problem] += 1
        except PullcordError as problem:
            verdicts[f"error: {problem.problem}"] += 1
        else:
            verdicts["ran"] += 1
