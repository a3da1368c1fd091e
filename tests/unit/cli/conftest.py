"""What every test of the command line gets."""

from pathlib import Path

import pytest

from tests.unit.cli.terminal import Desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """An empty directory to work in, which is also the current one."""
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path)
