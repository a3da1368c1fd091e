"""A database for each test, with our schema, served by the role that may change no rule."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.postgres.databases import APP, OWNER, Databases
from tests.postgres.machine import throw_away
from tests.postgres.pair import Pair


@pytest.fixture
async def database(pg: Databases) -> AsyncIterator[str]:
    """The name of an empty database."""
    name = pg.name()
    await pg.make(name)
    yield name
    await pg.drop(name)


@pytest.fixture
def owner_dsn(pg: Databases, database: str) -> str:
    """The empty database, as its owner."""
    return pg.of(database, user=OWNER)


@pytest.fixture
async def dsn(pg: Databases) -> AsyncIterator[str]:
    """A database with our schema, as the serving role."""
    name = pg.name()
    await pg.make_ready(name)
    yield pg.of(name, user=APP)
    await pg.drop(name)


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A primary and its standby, both running."""
    found = Pair()
    try:
        yield found
    finally:
        throw_away(found.folder, found.servers)
