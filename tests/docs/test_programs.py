"""Programs of the documentation run as they stand, in processes of their own, against a server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pullcord.testing.live import Live, live_server
from tests.docs.pages import ROOT, Block, blocks, blocks_of

#: seconds one program of a page may take
WITHIN = 60


def policy_beside(block: Block) -> str:
    """The first whole policy on the same page: what the page tells a reader to use."""
    page = ROOT / block.place.rpartition(":")[0]
    return next(each.code for each in blocks_of(page) if "policy" in each.words)


def run(code: str, live: Live, folder: Path) -> str:
    """What a program prints, started the way a reader starts it."""
    program = folder / "program.py"
    program.write_text(code, encoding="utf-8")
    environ = {**os.environ, **live.environ()}
    done = subprocess.run(
        [sys.executable, str(program)],
        check=False,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        env=environ,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def readme() -> Block:
    """The program that opens the README."""
    return next(each for each in blocks("python", "server") if each.place.startswith("README"))


def test_the_readme_program_parks_is_decided_and_resumes_once(
    readme: Block, tmp_path: Path
) -> None:
    """The first thing a stranger tries does what the page beside it says."""
    with live_server(policy_beside(readme)) as live:
        parked = run(readme.code, live, tmp_path)
        (row,) = live.call(live.town.escalations())
        with live.operator(row.escalation.owner) as operator:
            operator.edit(row.escalation.id, {"order": "A-17", "amount": 240.0})
        resumed = run(readme.code, live, tmp_path)
        again = run(readme.code, live, tmp_path)
        ended = live.call(live.town.row(row.escalation.id)).escalation

    assert "refunded" not in parked
    assert "Maria from Billing" in parked or "Tom Ode" in parked
    assert resumed.count("refunded 240.00 EUR for A-17") == 1
    assert "refunded" not in again
    assert ended.closed_as == "executed"
