"""A database for each test, with our schema, served by the role that may change no rule."""

from collections.abc import AsyncIterator

import pytest

from tests.postgres.databases import APP, OWNER, Databases


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
