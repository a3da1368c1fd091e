"""Programs of the documentation run as they stand, in processes of their own, against a server."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.served import Place, invited, pullcord, signed_in
from tests.docs.pages import ROOT, Block, blocks, blocks_of
from tests.keeping import in_file

#: seconds a program of a page may run
WITHIN = 60


def policy_beside(block: Block) -> str:
    """The first whole policy on the same page: what the page tells a reader to use."""
    page = ROOT / block.place.rpartition(":")[0]
    return next(each.code for each in blocks_of(page) if "policy" in each.words)


@contextmanager
def started(code: str, env: Mapping[str, str], folder: Path) -> Iterator[Iterator[str]]:
    """A program started the way a reader starts it: the lines it prints, until it is left alone."""
    program = folder / "program.py"
    program.write_text(code, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-u", str(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **env},
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
    """The first thing a stranger tries does what the page beside it says, on `pullcord serve`."""
    place = Place(tmp_path, in_file(tmp_path))
    with place.serving(policy=policy_beside(readme)) as (_, url):
        minted = pullcord("keys", "mint", "--agent", "support", kept=place.kept)
        env = {"PULLCORD_URL": url, "PULLCORD_KEY": minted.stdout.strip()}
        with started(readme.code, env, tmp_path) as lines:
            parked = next(lines)
        with signed_in(url, invited(place, "dana", url)) as dana:
            (found,) = dana.http.get("/v1/escalations").json()["escalations"]
            dana.act(found["id"], "accept")
            args = {"order": "A-17", "amount": 240.0}
            dana.act(found["id"], "decide", kind="edit", args=args)
            with started(readme.code, env, tmp_path) as lines:
                resumed = next(line for line in lines if "refunded" in line)
            ended = dana.read(found["id"])

    assert parked.startswith("I have asked our billing team. You will hear by ")
    assert resumed == "refunded 240.00 EUR for A-17\n"
    assert ended["closed_as"] == "executed"
