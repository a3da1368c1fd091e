"""The commands of the how-to pages are typed as they stand, and do what the page says."""

import shlex
from pathlib import Path

import pytest

from tests.acceptance.served import pullcord
from tests.docs.pages import ROOT, Block, blocks_of
from tests.unit.cli.terminal import POLICY

REPLAY = ROOT / "docs/how-to/replay.md"
VERIFY = ROOT / "docs/how-to/verify.md"


def code_of(page: Path, language: str, word: str = "") -> str:
    """The first block of a language on a page, with `word` after it."""
    found = (each for each in blocks_of(page) if each.language == language)
    return next(each.code for each in found if not word or word in each.words)


def commands(page: Path) -> list[list[str]]:
    """The words of every command that a page types, without `pullcord` itself."""
    typed_blocks: list[Block] = [
        each for each in blocks_of(page) if each.language == "sh" and "no-run" not in each.words
    ]
    lines = [line for each in typed_blocks for line in each.code.splitlines()]
    assert all(line.startswith("pullcord ") for line in lines), lines
    return [shlex.split(line)[1:] for line in lines]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to type in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_on_replay_does_what_it_says(here: Path) -> None:
    """Whoever copies the recording, the policy and the command sees one stop."""
    (here / "runs.jsonl").write_text(code_of(REPLAY, "json", "recording"), encoding="utf-8")
    (here / "pullcord.yaml").write_text(code_of(REPLAY, "yaml", "policy"), encoding="utf-8")
    replay, verify = commands(REPLAY)

    replayed = pullcord(*replay)
    verified = pullcord(*verify)

    assert "2 runs, 2 guarded calls, 1 stops" in replayed.stdout
    assert "holds" in verified.stdout


def test_the_page_on_proof_does_what_it_says(here: Path) -> None:
    """Each command as it stands, on a database with something in it."""
    (here / "pullcord.yaml").write_text(POLICY, encoding="utf-8")
    pullcord("apply", "pullcord.yaml", "--db", "pullcord.db")
    pullcord("drill", "billing", "--by", "dana", "--db", "pullcord.db")

    found = [pullcord(*words) for words in commands(VERIFY)]
    (here / "all.jsonl").write_text((here / "all.jsonl").read_text().replace("billing", "b", 1))
    changed = pullcord(*commands(VERIFY)[-1], code=1)

    assert [each.stdout.startswith("✓ holds") for each in found] == [True, False, True]
    assert "its content does not match its hash" in changed.stderr
    assert "its content does not match its hash" in VERIFY.read_text(encoding="utf-8")
