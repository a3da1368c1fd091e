"""The fixtures of the HTTP tests."""

from collections.abc import AsyncIterator

import pytest

from tests.server.place import Place, place_of


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    """The shop of the example, behind HTTP."""
    async with place_of() as made:
        yield made
