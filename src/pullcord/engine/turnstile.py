"""The turnstile of a channel: so many tries at once, the urgent first, tenants and people in turn.

A workspace with ten thousand messages waits behind itself, not in front of everybody else; and in
one workspace the team that drowns in messages does not stand before the one that got a single one.
"""

import asyncio
from collections import deque

Turn = asyncio.Future[None]
#: who waits in one lane, by whom it is for; whoever was served goes to the end
Lane = dict[str, deque[Turn]]


class Turnstile:
    """Lets a bounded number through at once."""

    def __init__(self, seats: int) -> None:
        self._free = seats
        #: who waits, by urgency and lane; a lane that was served goes to the end
        self._waiting: dict[int, dict[str, Lane]] = {}
        self._counts: dict[str, int] = {}

    def waiting(self, lane: str) -> int:
        """How many of one lane wait."""
        return self._counts.get(lane, 0)

    async def enter(self, lane: str, *, urgency: int, recipient: str = "") -> None:
        """Wait for a free seat; 0 is the most urgent."""
        if self._free:
            self._free -= 1
            return
        turn: Turn = asyncio.get_running_loop().create_future()
        own = self._waiting.setdefault(urgency, {}).setdefault(lane, {})
        own.setdefault(recipient, deque()).append(turn)
        self._counts[lane] = self.waiting(lane) + 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            raise
        finally:
            self._counts[lane] -= 1
            if not self._counts[lane]:
                del self._counts[lane]

    def leave(self) -> None:
        """Give the seat to whoever is next."""
        for urgency in sorted(self._waiting):
            turn = self._next(urgency)
            if turn is not None:
                turn.set_result(None)
                return
        self._free += 1

    def _next(self, urgency: int) -> Turn | None:
        """The first of who was served longest ago; those who gave up are passed over."""
        lanes = self._waiting[urgency]
        while lanes:
            name = next(iter(lanes))
            lane = lanes.pop(name)
            turn = _first(lane)
            if lane:
                lanes[name] = lane
            if not turn.cancelled():
                return turn
        del self._waiting[urgency]
        return None


def _first(lane: Lane) -> Turn:
    """The turn of whoever was served longest ago in one lane."""
    recipient = next(iter(lane))
    queue = lane.pop(recipient)
    turn = queue.popleft()
    if queue:
        lane[recipient] = queue
    return turn
