"""The pages on adapters: every one has its programs, and the matrix is true."""

import re
import tomllib

import pytest

from tests.adapters import matrix
from tests.adapters.pages import page_of
from tests.adapters.places import FRAMEWORKS
from tests.docs.pages import ROOT


def test_the_matrix_is_made_of_what_the_suite_showed() -> None:
    """A table that somebody wrote by hand is advertising."""
    assert matrix.PAGE.read_text() == matrix.page(), "run `python -m tests.adapters.matrix`"


def test_every_adapter_showed_every_scenario() -> None:
    """A scenario that an adapter leaves out must not look like one it keeps."""
    for each in matrix.results():
        assert list(each["shows"]) == matrix.rows()
        assert "no" not in each["shows"].values()


@pytest.mark.parametrize("adapter", FRAMEWORKS)
def test_every_adapter_has_a_page_with_an_agent_and_a_worker(adapter: str) -> None:
    """Whoever opens a page finds something to run."""
    programs = [each for each in page_of(adapter) if "adapter" in each.words]

    assert [adapter in each.words for each in programs] == [True, True]
    assert "worker" in programs[1].words


@pytest.mark.parametrize("adapter", FRAMEWORKS)
def test_the_oldest_version_is_the_one_that_an_installer_may_choose(adapter: str) -> None:
    """A lower bound that nobody runs is a guess."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = {"claude_agent": "claude-agent-sdk"}.get(adapter, adapter.replace("_", "-"))

    for each in project["optional-dependencies"][extra]:
        package, bound = re.fullmatch(r"([a-z-]+)>=([0-9.]+)", each).groups()  # type: ignore[union-attr]
        version = matrix.locked(f"{adapter}-oldest", package)
        assert version.startswith(bound), (
            f"{each}, and {version} is what `make adapters-oldest` runs"
        )
