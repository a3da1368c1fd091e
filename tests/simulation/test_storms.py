"""The great storm: the real engine on the real store, with everything going wrong at once.

`SIMULATION_SEED` and `SIMULATION_ESCALATIONS` choose another beginning and another length.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ESCALATIONS = 10_000
ESCALATIONS_OVER_HTTP = 400
#: seconds; a machine that needs longer is too slow to say anything
PATIENCE = 1_800


def storm(*options: str) -> str:
    """Run fresh worlds in a process of their own, at full speed; its last line has the figures."""
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    command = [sys.executable, "-m", "tests.simulation.storm", *options]

    done = subprocess.run(
        command, cwd=ROOT, env=quiet, capture_output=True, text=True, check=False, timeout=PATIENCE
    )

    lines = done.stdout.splitlines()
    assert done.returncode == 0, "\n".join([*lines[-30:], done.stderr])
    print(lines[-1])
    return lines[-1]


def escalations_in(line: str) -> int:
    """How many were opened, as the last line says."""
    found = re.search(r"(\d+) escalations", line)
    assert found is not None, line
    return int(found[1])


@pytest.mark.promise("storm-safe-and-live")
def test_ten_thousand_escalations_survive_fresh_storms() -> None:
    """Fresh seeds in every build; a failing one is printed with the command that repeats it."""
    count = int(os.environ.get("SIMULATION_ESCALATIONS", ESCALATIONS))

    line = storm("--escalations", str(count))

    assert escalations_in(line) >= count


@pytest.mark.promise("http-histories-hold")
def test_histories_of_http_clients_hold_in_fresh_storms() -> None:
    """The same through the real application: what one client saw, no other is told otherwise."""
    line = storm("--over-http", "--escalations", str(ESCALATIONS_OVER_HTTP))

    assert escalations_in(line) >= ESCALATIONS_OVER_HTTP
