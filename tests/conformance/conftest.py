"""A started store on every database of `places`, and a stage on it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pullcord.store.port import Store
from tests.conformance.places import PLACES, Place
from tests.conformance.stage import Stage


@pytest.fixture(params=sorted(PLACES))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return PLACES[request.param](tmp_path)


@pytest.fixture
async def store(place: Place) -> AsyncIterator[Store]:
    started = place.store()
    await started.start()
    yield started
    await started.close()


@pytest.fixture
def stage(store: Store) -> Stage:
    return Stage(store)
