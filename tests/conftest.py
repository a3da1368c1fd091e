"""What every test may rely on."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# pytest-xdist tells its workers a width, and consoles made from now on would keep it, those of the
# imports below too; a test that needs a width says so.
os.environ.pop("COLUMNS", None)
os.environ.pop("LINES", None)

from tests.keeping import KINDS, Keeps, Kept, kept_on
from tests.postgres.databases import Databases, databases

# The same examples on every machine: a red build is a finding, never a mood. The simulation and
# the fuzzers draw fresh seeds of their own and print them.
settings.register_profile(
    "pullcord",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("pullcord")


@pytest.fixture
def anyio_backend() -> str:
    """`async def test_…` runs on asyncio, the loop the engine is written for."""
    return "asyncio"


@pytest.fixture(scope="session")
def pg() -> Iterator[Databases]:
    """A PostgreSQL server, started by the first test that needs one; there is no test without."""
    with databases() as found:
        yield found


@pytest.fixture(params=KINDS)
def keeps(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Keeps]:
    """Makes databases for real servers; whoever asks runs once on SQLite, once on PostgreSQL."""
    with kept_on(request.param, tmp_path, lambda: request.getfixturevalue("pg")) as make:
        yield make


@pytest.fixture
def kept(keeps: Keeps) -> Kept:
    """One such database."""
    return keeps()
