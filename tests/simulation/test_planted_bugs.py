"""The simulation is itself tested: bugs are planted one by one, and it must find each."""

import pytest

from tests.simulation.planted import BUGS, Bug
from tests.simulation.storm import run_world

#: worlds in which a planted bug must show itself
SEEDS_MAX = 20


@pytest.mark.promise("storm-finds-planted-bugs")
@pytest.mark.parametrize("bug", BUGS, ids=[bug.__name__ for bug in BUGS])
def test_the_simulation_finds_a_planted_bug(bug: Bug) -> None:
    """A simulation that finds nothing is worth something only if it would find this."""
    found = None

    for seed in range(SEEDS_MAX):
        with bug():
            report = run_world(seed, escalations=60, checks=False)
        if report.violations:
            found = report
            break

    assert found is not None, f"{bug.__name__}: nothing seen in {SEEDS_MAX} worlds"
