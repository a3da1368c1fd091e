"""The hook is put into a host's settings and taken out again; nothing else there changes."""

import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pullcord.cli import app
from pullcord.errors import InvalidInput
from pullcord.hook.install import KEPT, installed, path_for, settings_of, uninstalled

OTHERS: dict[str, Any] = {
    "model": "opus",
    "hooks": {
        "PreToolUse": [
            {"matcher": "Bash", "hooks": [{"type": "command", "command": "lint.sh"}]},
        ],
        "Stop": [{"hooks": [{"type": "command", "command": "say done"}]}],
    },
}


def typed(*words: str) -> Any:
    """What the command line answers."""
    return CliRunner().invoke(app, ["hook", *words])


@pytest.mark.promise("hook-install")
def test_installing_keeps_what_is_there_and_is_undone_whole(tmp_path: Path) -> None:
    """Settings are somebody's own: another hook stays, and taking ours out leaves no trace."""
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(OTHERS))

    first = typed("install", "claude-code", "--settings", str(path))
    with_hook = json.loads(path.read_text())
    second = typed("install", "claude-code", "--settings", str(path))
    third = typed("uninstall", "claude-code", "--settings", str(path))
    again = typed("uninstall", "claude-code", "--settings", str(path))

    assert [each.exit_code for each in (first, second, third, again)] == [0, 0, 0, 0]
    assert "has the hook already" in second.output
    assert "has no hook" in again.output
    assert with_hook["hooks"]["Stop"] == OTHERS["hooks"]["Stop"]
    assert with_hook["hooks"]["PreToolUse"][0] == OTHERS["hooks"]["PreToolUse"][0]
    assert len(with_hook["hooks"]["PreToolUse"]) == 2
    assert json.loads(path.read_text()) == OTHERS


def test_what_was_there_is_kept_beside_the_file(tmp_path: Path) -> None:
    """Whoever finds the new settings strange has the old ones."""
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(OTHERS))
    path.chmod(0o640)

    typed("install", "claude-code", "--settings", str(path))

    assert json.loads(path.with_name(path.name + KEPT).read_text()) == OTHERS
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(each.name for each in tmp_path.iterdir()) == [path.name, path.name + KEPT]


def test_the_command_denies_by_itself_whatever_code_python_ends_with(tmp_path: Path) -> None:
    """The host lets a tool run after every other code than 2."""
    path = tmp_path / "settings.json"
    typed("install", "claude-code", "--settings", str(path), "--wait", "30s")
    (group,) = json.loads(path.read_text())["hooks"]["PreToolUse"]
    (hook,) = group["hooks"]

    ran = subprocess.run(["sh", "-c", hook["command"]], input=b"", capture_output=True, check=False)

    assert hook["command"].endswith("--wait 30s || exit 2")
    assert hook["timeout"] == 70
    assert hook["onFailure"] == "block"
    assert ran.returncode == 2


def test_installing_anew_changes_the_wait_and_adds_no_second_hook() -> None:
    """Two hooks would ask the same people twice."""
    once = installed(OTHERS, matcher="", wait="5s")

    twice = installed(once, matcher="Bash|Write", wait="40s")

    assert "--wait 40s" in str(twice)
    assert "--wait 5s" not in str(twice)
    assert len(twice["hooks"]["PreToolUse"]) == 2
    assert uninstalled(twice) == OTHERS


def test_a_group_that_others_share_keeps_their_hooks() -> None:
    """Somebody may have moved our line into a group of their own."""
    ours = installed({}, matcher="", wait="5s")["hooks"]["PreToolUse"][0]["hooks"][0]
    theirs = {"type": "command", "command": "lint.sh"}
    mixed = {"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [theirs, ours]}, "odd"]}}

    found = uninstalled(mixed)

    assert found == {"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [theirs]}, "odd"]}}


@pytest.mark.parametrize("text", ["{", "[]", '{"hooks": []}', '{"hooks": {"Stop": 1}}'])
def test_settings_that_cannot_be_read_are_not_touched(tmp_path: Path, text: str) -> None:
    """Half a file is still somebody's file."""
    path = tmp_path / "settings.json"
    path.write_text(text)

    refused = typed("install", "claude-code", "--settings", str(path))

    assert refused.exit_code == 2
    assert path.read_text() == text
    with pytest.raises(InvalidInput, match="not touched"):
        settings_of(path)


def test_print_shows_and_changes_nothing(tmp_path: Path) -> None:
    """Settings that are managed elsewhere are written by whoever manages them."""
    path = tmp_path / "settings.json"

    shown = typed("install", "claude-code", "--settings", str(path), "--print")
    gone = typed("uninstall", "claude-code", "--settings", str(path), "--print")

    assert "PreToolUse" in json.loads(shown.output)["hooks"]
    assert json.loads(gone.output) == {}
    assert not path.exists()


def test_settings_are_the_users_or_the_projects(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guard for one project or for everything somebody does."""
    monkeypatch.setenv("HOME", "/home/someone")
    found = [path_for("claude-code", settings=None, project=each) for each in (False, True)]

    assert found == [
        Path("/home/someone/.claude/settings.json"),
        Path.cwd() / ".claude/settings.json",
    ]
    with pytest.raises(InvalidInput, match="claude-code"):
        path_for("other", settings=None, project=False)


def test_installing_says_when_everything_would_be_denied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a server and a key the guard is a wall: say so before somebody wonders."""
    monkeypatch.delenv("PULLCORD_URL", raising=False)

    told = typed("install", "claude-code", "--settings", str(tmp_path / "settings.json"))

    assert "without them all is denied" in told.output
