"""What every test may rely on."""

import pytest
from hypothesis import HealthCheck, settings

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
