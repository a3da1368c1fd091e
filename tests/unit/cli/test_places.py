"""Where things are kept: the secret beside the database is made once and never replaced."""

import base64
from pathlib import Path

import pytest

from pullcord.cli import places
from pullcord.cli.places import MASTER_VARIABLE, master_of, path_of
from pullcord.errors import InvalidInput
from tests.unit.cli.terminal import Desk, typed, well

OTHER = base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")


def test_the_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    """What seals everything is readable by nobody else, and the same for ever."""
    db = str(tmp_path / "new" / "a.db")

    first, again = master_of(db), master_of(db)

    kept = tmp_path / "new" / "a.db.key"
    assert first == again
    assert len(first) == 32
    assert kept.stat().st_mode & 0o077 == 0
    assert [each.name for each in kept.parent.iterdir()] == ["a.db.key"]


def test_of_two_processes_that_start_at_once_both_have_the_same_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second finds the first one's file, whole."""
    db = str(tmp_path / "a.db")
    first = master_of(db)

    # the file appears between the look and the making
    assert places._made(tmp_path / "a.db.key") == first


def test_a_database_that_lost_its_secret_is_not_given_another(desk: Desk) -> None:
    """A new key would make everything sealed unreadable and say nothing."""
    desk.apply()
    key = desk.db.with_name("pullcord.db.key")
    text = key.read_text()
    key.unlink()

    lost = typed("keys", "list")
    given = well("keys", "list", env={MASTER_VARIABLE: text.strip()})

    assert lost.code == 2
    assert "Put it back" in lost.err
    assert given.code == 0
    assert not key.exists()


@pytest.mark.parametrize("bad", ["short", "ü" * 43, "!" * 43, OTHER + "AAAA"])
def test_a_secret_that_is_none_is_refused_and_not_repeated(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    """From the environment as from the file; an error message is no place for secrets."""
    desk.apply()
    desk.db.with_name("pullcord.db.key").write_text(bad, encoding="utf-8")

    from_file = typed("keys", "list")
    from_environment = typed("keys", "list", env={MASTER_VARIABLE: bad})

    assert from_file.code == from_environment.code == 2
    assert "32 bytes in base64url" in from_file.err
    assert MASTER_VARIABLE in from_environment.err
    assert bad not in from_file.err + from_environment.err


def test_a_database_is_a_path_or_a_sqlite_address(tmp_path: Path) -> None:
    """Another kind of address is refused by name, not taken for a file."""
    assert path_of(f"sqlite:///{tmp_path}/a.db") == tmp_path / "a.db"
    assert path_of("~/a.db").is_absolute()
    with pytest.raises(InvalidInput, match="sqlite:///path"):
        path_of("mysql://host/a")


def test_what_is_no_database_is_told_in_one_line(desk: Desk) -> None:
    """Somebody pointed --db at the policy file."""
    desk.write()
    desk.file.with_name("pullcord.yaml.key").write_text(OTHER)

    found = typed("keys", "list", "--db", desk.file)

    assert found.code == 1
    assert "not a database" in found.err
    assert "Traceback" not in found.err
