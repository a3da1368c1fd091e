"""Together: what is to be written at one moment is written as one; where that fails, each alone.

While one write is under way the next one gathers, so that the busier the outbox, the fewer its
writes. Nobody is answered before theirs is durable.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

#: items one write takes
BATCH_MAX = 100

Item = TypeVar("Item")
Waiting = tuple[Item, "asyncio.Future[None]"]


class Together(Generic[Item]):
    """One kind of write of a store, gathered by workspace."""

    def __init__(self, write: Callable[[str, Sequence[Item]], Awaitable[None]]) -> None:
        self._write = write
        self._waiting: dict[str, list[Waiting[Item]]] = {}
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def put(self, workspace: str, item: Item) -> None:
        """Write it with what else is to be written; a cancelled caller does not undo it.

        Raises:
            Exception: what the store raised for this item alone; its neighbours are written.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(workspace, []).append((item, future))
        if workspace not in self._under_way:
            self._under_way[workspace] = asyncio.create_task(self._drain(workspace))
        await future

    async def _drain(self, workspace: str) -> None:
        waiting = self._waiting[workspace]
        batch: list[Waiting[Item]] = []
        try:
            while waiting:
                batch, waiting[:] = waiting[:BATCH_MAX], waiting[BATCH_MAX:]
                await self._written(workspace, batch)
        finally:
            del self._under_way[workspace], self._waiting[workspace]
            # where this task was cancelled nobody waits for ever
            for _, future in (*batch, *waiting):
                future.cancel()

    async def _written(self, workspace: str, batch: Sequence[Waiting[Item]]) -> None:
        try:
            await self._write(workspace, [item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told to whoever caused it
            if len(batch) == 1:
                _fail(batch[0][1], error)
            else:
                await asyncio.gather(*(self._written(workspace, [each]) for each in batch))
            return
        for _, future in batch:
            if not future.done():
                future.set_result(None)


def _fail(future: "asyncio.Future[None]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
