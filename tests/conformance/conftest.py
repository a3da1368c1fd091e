"""A started store on every database of `places`, and a stage on it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pullcord.store.port import Store
from tests.conformance.places import PLACES, Place, PostgresPlace, SqlitePlace
from tests.conformance.stage import Stage
from tests.postgres.databases import Databases


@pytest.fixture(params=PLACES)
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    if request.param == "sqlite":
        yield SqlitePlace(tmp_path)
        return
    databases: Databases = request.getfixturevalue("pg")
    found = PostgresPlace(databases)
    await databases.make_ready(found.name)
    yield found
    await databases.drop(found.name)


@pytest.fixture
async def store(place: Place) -> AsyncIterator[Store]:
    started = place.store()
    await started.start()
    yield started
    await started.close()


@pytest.fixture
def stage(store: Store) -> Stage:
    return Stage(store)
