"""What places of asynchronous frameworks share: a loop of their own and the worker on it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from pullcord import AsyncPullcord, Decision
from pullcord.adapters.working import ResumesAsync, awork
from tests.adapters.places import Build, Outcome

T = TypeVar("T")


class AsyncPlace:
    """One loop for a place's life, as one process has."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self.cord = AsyncPullcord(patience=build.patience)
        self.results: list[Any] = []
        self._loop = asyncio.new_event_loop()

    def on(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it on the place's loop."""
        return self._loop.run_until_complete(work)

    def adapter(self) -> ResumesAsync:
        """The adapter with the agent, built anew."""
        raise AssertionError("every place has an adapter")

    def outcome(self, result: Any) -> Outcome:
        """Where a run stands."""
        raise AssertionError("every place reads its results")

    def resume(self) -> Outcome | None:
        """Work until nothing decided is left."""
        self.cord._deliveries._at.clear()
        self.results.clear()
        self.on(awork(self.cord, self.adapter(), wait="0s"))
        return self.outcome(self.results[-1]) if self.results else None

    def deliver(self, decision: Decision) -> bool:
        """Hand over one decision."""

        async def hand() -> bool:
            return await self.adapter().aresume(decision)

        return self.on(hand())

    def decisions(self) -> list[Decision]:
        """What is decided and not taken."""
        self.cord._deliveries._at.clear()

        async def listed() -> list[Decision]:
            return [each async for each in self.cord.decisions(wait="0s")]

        return self.on(listed())

    def close(self) -> None:
        """Let go of loop and connections."""
        self.on(self.cord.close())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
