"""The fixtures of the hook's tests: the office of the MCP tests, and a coding agent's host."""

import pytest

from tests.hook.host import Host, host_of
from tests.mcp.conftest import office, town
from tests.mcp.office import Office

__all__ = ["office", "town"]


@pytest.fixture
def host(office: Office) -> Host:
    """A host in which a stopped call does not wait."""
    return host_of(office)
