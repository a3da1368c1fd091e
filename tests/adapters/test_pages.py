"""The pages on adapters: every one has its programs, and the matrix is true."""

import pytest

from tests.adapters import matrix
from tests.adapters.pages import page_of
from tests.adapters.places import FRAMEWORKS


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
