"""`pullcord hold` and `release` on a file, the key of every command, and where log lines go."""

import shutil
from pathlib import Path

import pytest
import structlog

from tests.unit.cli.terminal import Desk, typed, well

BY = ("--by", "Dana")


def test_what_is_held_is_let_go_once(desk: Desk) -> None:
    """Held in a new epoch, told who and why; let go by somebody with a name."""
    desk.apply()
    held = well("hold", *BY, "--why", "moved to another disk", "--db", desk.db, "--json")
    again = well("hold", *BY, "--why", "moved once more", "--db", desk.db)
    released = well("release", *BY, "--db", desk.db, "--json")
    nobody = well("release", *BY, "--db", desk.db)

    assert held.json == {"held": True, "epoch": 2}
    assert "in epoch 3" in again.out
    assert "pullcord release" in again.err
    assert released.json == {"held": False, "was_held": True}
    assert "nobody held it" in nobody.out


def test_a_held_file_takes_no_drill(desk: Desk) -> None:
    """A command line is no way around a hold."""
    desk.apply()
    well("hold", *BY, "--why", "a look at it first", "--db", desk.db)

    refused = typed("drill", "billing", "--by", "dana", "--db", desk.db)

    assert refused.code == 1
    assert "a look at it first" in refused.err


COMMANDS: dict[str, tuple[str, ...]] = {
    "keys mint": ("--agent", "support", "--creator", "dana"),
    "keys list": (),
    "invite": ("maria",),
    "drill": ("billing", "--by", "dana"),
    "export": (),
    "verify": (),
    "hold": (*BY, "--why", "x"),
    "release": BY,
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_on_a_database_takes_the_key_from_where_it_is(
    desk: Desk, command: str, tmp_path: Path
) -> None:
    """The key stands where the backups do not; every command finds it there."""
    desk.apply()
    elsewhere = tmp_path / "elsewhere.key"
    shutil.move(f"{desk.db}.key", elsewhere)
    words = [*command.split(), *COMMANDS[command], "--db", str(desk.db)]

    without = typed(*words)
    found = well(*words, "--key-file", elsewhere)

    assert without.code == 2
    assert "key" in without.err
    assert found.code == 0


def test_log_lines_of_a_command_go_to_standard_error(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a script reads from standard output is the result and nothing else."""
    desk.apply()
    from pullcord.engine.office import Office

    mint = Office.mint_key

    async def noisy(self: Office, *values: object, **named: object) -> object:
        structlog.get_logger("pullcord.test").warning("something_odd")
        structlog.get_logger("pullcord.test").info("chatter")
        return await mint(self, *values, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Office, "mint_key", noisy)
    minted = well("keys", "mint", "--agent", "support", "--creator", "dana", "--db", desk.db)
    structlog.reset_defaults()

    assert minted.out.startswith("pk_")
    assert len(minted.out.splitlines()) == 1
    assert "something_odd" in minted.err
    assert "chatter" not in minted.err
