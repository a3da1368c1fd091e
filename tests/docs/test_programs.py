"""Programs of the documentation run as they stand, in processes of their own, against a server."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pullcord.testing.live import Live, live_server
from tests.docs.pages import ROOT, Block, blocks, blocks_of

#: seconds a program of a page may run
WITHIN = 60


def policy_beside(block: Block) -> str:
    """The first whole policy on the same page: what the page tells a reader to use."""
    page = ROOT / block.place.rpartition(":")[0]
    return next(each.code for each in blocks_of(page) if "policy" in each.words)


@contextmanager
def started(code: str, live: Live, folder: Path) -> Iterator[Iterator[str]]:
    """A program started the way a reader starts it: the lines it prints, until it is left alone."""
    program = folder / "program.py"
    program.write_text(code, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-u", str(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **live.environ()},
    )
    assert process.stdout is not None
    limit = threading.Timer(WITHIN, process.kill)
    limit.start()
    try:
        yield iter(process.stdout)
    finally:
        limit.cancel()
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def readme() -> Block:
    """The program that opens the README."""
    return next(each for each in blocks("python", "server") if each.place.startswith("README"))


def test_the_readme_program_parks_and_resumes_in_another_process(
    readme: Block, tmp_path: Path
) -> None:
    """The first thing a stranger tries does what the page beside it says."""
    with live_server(policy_beside(readme)) as live:
        with started(readme.code, live, tmp_path) as lines:
            parked = next(lines)
        (row,) = live.call(live.town.escalations())
        with live.operator(row.escalation.owner) as operator:
            operator.edit(row.escalation.id, {"order": "A-17", "amount": 240.0})
        with started(readme.code, live, tmp_path) as lines:
            resumed = next(line for line in lines if "refunded" in line)
        ended = live.call(live.town.row(row.escalation.id)).escalation

    assert parked.startswith("I have asked our billing team. You will hear by ")
    assert resumed == "refunded 240.00 EUR for A-17\n"
    assert ended.closed_as == "executed"
