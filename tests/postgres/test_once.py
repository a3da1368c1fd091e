"""What a provider hands to two processes of ours on one database, kept once."""

import asyncio
from contextlib import AsyncExitStack

from pullcord.engine.house import opened
from pullcord.path.escalation import person
from pullcord.wire.requests import CommentIn
from tests.postgres.crowd import founded, house_on, request

NAMED = "0f" * 16


async def test_a_comment_that_two_processes_hear_stands_once(dsn: str) -> None:
    """Two servers read one mailbox; colleagues read one note."""
    _, key = await founded(dsn)
    async with AsyncExitStack() as stack:
        houses = [await stack.enter_async_context(opened(house_on(dsn), runs=False)) for _ in "ab"]
        stopped = await houses[0].desk.open(key, request("once"))
        assert stopped.row is not None
        name, note = stopped.row.escalation.id, CommentIn(text="Ask Tom.")

        rows = await asyncio.gather(
            *(
                house.desk.act("shop", name, person("maria"), note, via="email", once=NAMED)
                for house in houses
                for _ in range(4)
            )
        )

        links = await houses[1].store.timeline("shop", name)

    assert [each.kind for each in links].count("commented") == 1
    assert len(rows) == 8
