"""Writes of one moment go as one; the one that cannot be written delays and fails no other."""

import asyncio
from collections.abc import Sequence

import pytest

from pullcord.engine import together
from pullcord.engine.together import Together
from pullcord.errors import StoreBusy


class Book:
    """Keeps what was written, a whole batch at a time; `poison` is refused."""

    def __init__(self, poison: str = "") -> None:
        self.poison = poison
        self.written: list[tuple[str, list[str]]] = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def write(self, workspace: str, items: Sequence[str]) -> None:
        """Write it, or nothing of it."""
        await self.may_go_on.wait()
        if self.poison in items:
            raise StoreBusy("it does not fit.")
        self.written.append((workspace, list(items)))


async def test_what_comes_while_a_write_is_under_way_shares_the_next_one() -> None:
    """The busier the outbox, the fewer its writes; workspaces never share one."""
    book = Book()
    tray = Together(book.write)

    await asyncio.gather(
        *(tray.put("shop", each) for each in "abc"), tray.put("bank", "d"), tray.put("shop", "e")
    )
    await tray.put("shop", "f")

    assert book.written == [("shop", ["a", "b", "c", "e"]), ("bank", ["d"]), ("shop", ["f"])]


async def test_a_write_takes_so_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """One statement stays of a size that every database takes."""
    monkeypatch.setattr(together, "BATCH_MAX", 2)
    book = Book()
    tray = Together(book.write)

    await asyncio.gather(*(tray.put("shop", each) for each in "abcde"))

    assert [items for _, items in book.written] == [["a", "b"], ["c", "d"], ["e"]]


async def test_the_one_that_cannot_be_written_fails_alone() -> None:
    """Whoever caused it is told; its neighbours are written as if it had not been there."""
    book = Book(poison="b")
    tray = Together(book.write)

    told = await asyncio.gather(*(tray.put("shop", each) for each in "abc"), return_exceptions=True)

    assert [type(each) for each in told] == [type(None), StoreBusy, type(None)]
    assert book.written == [("shop", ["a"]), ("shop", ["c"])]


async def test_whoever_gave_up_is_written_all_the_same() -> None:
    """A letter that went out leaves its receipt, also when its courier is being stopped."""
    book = Book(poison="b")
    tray = Together(book.write)
    book.may_go_on.clear()
    tasks = [asyncio.create_task(tray.put("shop", each)) for each in "abc"]
    await asyncio.sleep(0)
    tasks[0].cancel()
    tasks[1].cancel()

    book.may_go_on.set()
    told = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(each) for each in told] == [asyncio.CancelledError] * 2 + [type(None)]
    assert book.written == [("shop", ["a"]), ("shop", ["c"])]


async def test_nobody_waits_for_a_writer_that_was_cancelled() -> None:
    """A process that is torn down leaves no task that hangs."""
    book = Book()
    tray = Together(book.write)
    book.may_go_on.clear()
    before = asyncio.all_tasks()
    waiting = asyncio.create_task(tray.put("shop", "a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    (writer,) = asyncio.all_tasks() - before - {waiting}

    writer.cancel()
    told = await asyncio.gather(waiting, writer, return_exceptions=True)

    assert [type(each) for each in told] == [asyncio.CancelledError] * 2
