"""Every command explains itself, and wrong use is told apart from a failed check."""

import pytest
import typer

from pullcord.cli import app
from tests.unit.cli.terminal import Desk, typed, well


def commands() -> list[list[str]]:
    """The words of every command."""
    found: list[list[str]] = []
    for name, command in getattr(typer.main.get_command(app), "commands", {}).items():
        inner = getattr(command, "commands", None)
        found += [[name, each] for each in inner] if inner else [[name]]
    return found


def test_the_commands_are_found() -> None:
    """A test of every command that found none would be green."""
    assert ["keys", "mint"] in commands()
    assert ["serve"] in commands()


@pytest.mark.parametrize("words", [[], *commands()], ids=" ".join)
def test_every_command_explains_itself(words: list[str]) -> None:
    """Nobody should need a web search at three in the morning."""
    found = well(*words, "--help")

    assert "Usage: pullcord" in found.out
    assert "--help" in found.out


def test_the_version_is_told() -> None:
    """The first line of every report of a bug."""
    assert well("--version").out.startswith("pullcord 0.")


@pytest.mark.parametrize(
    "words",
    [
        ["bogus"],
        ["check", "--bogus"],
        ["check"],
        ["check", "pullcord.yaml", "--days", "0"],
        ["apply"],
        ["apply", "pullcord.yaml", "--roll-back", "p_1"],
        ["explain", "pullcord.yaml"],
        ["keys", "mint"],
        ["verify", "nowhere.jsonl"],
        ["replay", "nowhere.jsonl", "--policy", "pullcord.yaml"],
        ["serve", "--port", "70000"],
    ],
    ids=" ".join,
)
def test_wrong_use_leaves_with_two_and_a_word(desk: Desk, words: list[str]) -> None:
    """A script can tell "you typed it wrong" from "the check failed"."""
    found = typed(*words)

    assert found.code == 2
    assert found.err
    assert "Traceback" not in found.err
    assert not list(desk.folder.iterdir())
