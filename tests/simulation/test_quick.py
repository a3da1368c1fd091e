"""A small storm before every commit; the great one is in test_storms.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.storm import run_world

ROOT = Path(__file__).resolve().parents[2]
#: worlds that once found something, or show something worth keeping; each is run again
KEPT_SEEDS = (3, 7)
#: worlds in which people are also reached by a provider that calls back
SEEDS_WITH_A_BOARD = (0, 24)


@pytest.mark.promise("storm-safe-and-live")
@pytest.mark.parametrize("seed", KEPT_SEEDS)
def test_a_small_storm_breaks_no_invariant_and_everything_ends(seed: int) -> None:
    """What a support lead relies on when servers crash, clocks jump and everybody is away."""
    report = run_world(seed, escalations=30)

    assert not report.violations, str(report)
    assert report.opened > 15
    assert sum(report.faults.values()) > 50


@pytest.mark.promise(
    "storm-safe-and-live", "every-copy-tells-the-truth", "tried-is-reached-or-failed"
)
@pytest.mark.parametrize("seed", SEEDS_WITH_A_BOARD)
def test_channels_that_fail_lie_delay_and_repeat_themselves_break_nothing(seed: int) -> None:
    """Late receipts, doubled callbacks, buttons pressed hours late: one decision, true copies."""
    report = run_world(seed, escalations=30)

    assert not report.violations, str(report)
    assert report.presses > 10
    assert report.faults["callback twice"] > 10
    assert report.faults["dropped by the board"] > 0


@pytest.mark.promise("storm-repeats")
def test_the_same_seed_gives_the_same_entries_in_another_process() -> None:
    """A failure that cannot be repeated cannot be mended."""
    here = run_world(14, escalations=15)
    program = (
        "from tests.simulation.storm import run_world as r; print(r(14, escalations=15).digest)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}

    there = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    assert here.digest
    assert there.stdout.strip() == here.digest


@pytest.mark.promise("http-histories-hold")
def test_a_small_storm_over_http_keeps_its_word() -> None:
    """Clients that see only HTTP are never told two things of one version, nor an older one."""
    report = run_world(2, escalations=12, over_http=True)

    assert not report.violations, str(report)
    assert report.replies > 100
    assert set(report.codes) <= {200, 201, 401, 403, 409, 410, 422, 503}
