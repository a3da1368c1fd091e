"""The fixtures of the MCP tests: one server for all, a key of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mcp.office import Office, open_office


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One server for all."""
    with open_office(tmp_path_factory.mktemp("office")) as office:
        yield office


@pytest.fixture
def office(town: Office, tmp_path: Path) -> Iterator[Office]:
    """A clean folder and a key no other test has."""
    town.faults.planned.clear()
    yield town.with_key(tmp_path)
    town.faults.planned.clear()
