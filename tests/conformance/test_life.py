"""Starting, answering, closing; a schema this code does not know is left alone."""

import asyncio

import pytest

from pullcord.errors import StoreBusy
from pullcord.store.port import Store
from tests.conformance.places import Place
from tests.conformance.stage import Stage


async def test_a_fresh_store_answers(store: Store) -> None:
    """Readiness is one cheap read."""
    await store.ping()

    assert await store.epoch() == 1
    assert await store.next_wake() is None


async def test_a_store_can_be_started_again_and_again(stage: Stage, place: Place) -> None:
    """An upgrade or restart migrates what is needed and keeps the rest."""
    row = await stage.open("esc_1")

    for _ in range(2):
        again = place.store()
        await again.start()
        assert await again.load("shop", "esc_1") == row
        await again.close()


async def test_several_processes_may_start_at_once(place: Place) -> None:
    """One migrates, the others find it done."""
    stores = [place.store() for _ in range(4)]

    await asyncio.gather(*(each.start() for each in stores))

    assert [await each.epoch() for each in stores] == [1] * 4
    for each in stores:
        await each.close()


async def test_an_unstarted_store_says_so(place: Place) -> None:
    """A mistake in the order of starting is told, not guessed around."""
    with pytest.raises(StoreBusy, match="not open"):
        await place.store().ping()


REFUSED = {
    "insert into schema_version values (99, 1)": "install the version that wrote it",
    "update schema_version set done = 0": "restore the backup",
}


@pytest.mark.parametrize(("statement", "remedy"), REFUSED.items(), ids=["newer", "half applied"])
async def test_an_unknown_schema_is_refused_with_a_remedy(
    statement: str, remedy: str, store: Store, place: Place
) -> None:
    """Old code on a new schema would write what the new code cannot read."""
    await place.run(store, statement)

    with pytest.raises(StoreBusy, match=remedy):
        await store.ping()
    with pytest.raises(StoreBusy, match=remedy):
        await place.store().start()


async def test_a_lost_schema_is_noticed(store: Store, place: Place) -> None:
    """A database that was emptied under a running server is not ready."""
    await place.run(store, "delete from schema_version")

    with pytest.raises(StoreBusy, match="restore a backup"):
        await store.ping()
