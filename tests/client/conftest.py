"""The fixtures of the client's tests: one server for all, one clean stage a test, both faces."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.types import ASGIApp

from pullcord import AsyncPullcord, Pullcord
from pullcord.testing import Live, live_server
from tests.client.stage import POLICY, Faults, Stage, on_stage


@pytest.fixture(scope="session")
def server() -> Iterator[tuple[Live, Faults]]:
    """A real server behind a wall of faults."""
    walls: list[Faults] = []

    def wrap(app: ASGIApp) -> ASGIApp:
        walls.append(Faults(app))
        return walls[-1]

    with live_server(POLICY, wrap=wrap) as live:
        yield live, walls[0]


@pytest.fixture(params=[Pullcord, AsyncPullcord], ids=["blocking", "awaiting"])
def stage(server: tuple[Live, Faults], request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A clean stage, once for each face of the SDK."""
    face: Any = request.param
    with on_stage(*server, face) as found:
        yield found


@pytest.fixture
def blocking(server: tuple[Live, Faults]) -> Iterator[Stage]:
    """A clean stage for what both faces share."""
    with on_stage(*server, Pullcord) as found:
        yield found
