"""A double in a thread of its own, for tests that have no event loop."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

T = TypeVar("T")

#: seconds a server may take to begin and to end
WITHIN = 10.0


@contextmanager
def in_thread(opened: Callable[[], AbstractAsyncContextManager[T]]) -> Iterator[T]:
    """What `opened` gives, served until the block ends."""
    ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, T]] = Future()

    async def serve() -> None:
        over = asyncio.Event()
        async with opened() as found:
            ready.set_result((asyncio.get_running_loop(), over, found))
            await over.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    loop, over, found = ready.result(WITHIN)
    try:
        yield found
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(WITHIN)
