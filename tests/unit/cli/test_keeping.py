"""`pullcord backup` and `restore`: proved copies, clear refusals, nothing half made."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pullcord.cli import keeping
from pullcord.cli.keeping import Words
from pullcord.errors import InvalidInput
from pullcord.store import backup_sqlite
from tests.unit.cli.terminal import CLEAN, Desk, typed, well

BY = ("--by", "Dana")


@pytest.fixture
def kept(desk: Desk) -> Path:
    """A backup of a database with one escalation in it."""
    desk.apply()
    well("drill", "billing", "--by", "dana", "--db", desk.db)
    well("backup", "kept.db", "--db", desk.db)
    return desk.folder / "kept.db"


def lost(desk: Desk) -> None:
    """The database is gone; its key was kept elsewhere."""
    for each in desk.folder.glob("pullcord.db*"):
        if each.suffix != ".key":
            each.unlink()


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as link:
        link.execute(statement)
        link.commit()


@pytest.mark.promise("backup-restores-whole")
def test_what_is_restored_is_what_was_backed_up_and_begins_held(desk: Desk, kept: Path) -> None:
    """The heads of all timelines are the same, proved by `verify`; nothing goes out yet."""
    told = well("backup", "again.db", "--db", desk.db, "--json").json
    proved = well("verify", "--db", desk.db, "--json").json
    lost(desk)

    restored = well("restore", kept, *BY, "--db", desk.db)
    after = well("verify", "--db", desk.db, "--json").json
    drill = typed("drill", "billing", "--by", "dana", "--db", desk.db)
    well("release", *BY, "--db", desk.db)
    again = well("drill", "billing", "--by", "dana", "--db", desk.db)

    assert told["facts"]["heads"] == {"shop": proved["heads"]}
    assert "made in epoch 1" in restored.out, "it begins in another; this one is the backup's"
    assert "release" in restored.err
    assert after["holds"] is True
    assert after["chains"] == proved["chains"]
    assert drill.code == 1
    assert "restored from kept.db" in drill.err
    assert "asks" in again.out


def test_a_restored_file_is_private_and_alone(desk: Desk, kept: Path) -> None:
    """No log beside it that belongs to the lost one, nothing half made, for its owner only."""
    lost(desk)

    found = well("restore", kept, *BY, "--db", desk.db, "--json").json

    names = sorted(each.name for each in desk.folder.iterdir())
    assert found["held"] is True
    assert found["facts"]["epoch"] == 1
    assert names == ["kept.db", "pullcord.db", "pullcord.db.key", "pullcord.yaml"]
    assert [path.stat().st_mode & 0o077 for path in (desk.db, kept)] == [0, 0]


def test_a_backup_holds_no_key(desk: Desk, kept: Path) -> None:
    """Whoever finds the backup reads nothing that is sealed."""
    key = Path(f"{desk.db}.key").read_bytes().strip()

    assert key not in kept.read_bytes()


def refused(desk: Desk, *words: str | Path, says: str, code: int = 2) -> None:
    """The command refuses, says why, and leaves everything as it was."""
    before = sorted((each.name, each.stat().st_size) for each in desk.folder.iterdir())

    found = typed(*words)

    after = sorted((each.name, each.stat().st_size) for each in desk.folder.iterdir())
    assert found.code == code, found.err
    assert says in found.err
    assert before == after


def test_a_backup_replaces_nothing(desk: Desk, kept: Path) -> None:
    """Last night's backup must not become tonight's half one."""
    refused(desk, "backup", kept, "--db", desk.db, says="Nothing is ever replaced")
    refused(desk, "backup", "no/where.db", "--db", desk.db, says="a directory that is there")
    refused(desk, "backup", "x.db", "--db", "nowhere.db", says="there is no database")
    refused(desk, "backup", "x.db", "--db", "postgresql://a/b", says="pg_basebackup")


def test_a_restore_replaces_nothing(desk: Desk, kept: Path) -> None:
    """The database may be the better one; and a log that is left would be read into the copy."""
    refused(desk, "restore", kept, *BY, "--db", desk.db, says="move it away")
    lost(desk)
    log = desk.folder / "pullcord.db-wal"
    log.write_bytes(b"what the lost one had not written yet")
    refused(desk, "restore", kept, *BY, "--db", desk.db, says="pullcord.db-wal")
    refused(desk, "restore", kept, *BY, "--db", "postgresql://a/b", says="pullcord hold")

    assert log.read_bytes() == b"what the lost one had not written yet"


def test_only_a_backup_is_restored(desk: Desk, kept: Path) -> None:
    """A plain copy of a database works too, and another command makes it safe."""
    (desk.folder / "odd.db").write_bytes(b"no database at all")
    refused(desk, "restore", "nowhere.db", *BY, "--db", "n.db", says="there is no backup")
    refused(desk, "restore", "odd.db", *BY, "--db", "n.db", says="`pullcord backup` made")
    refused(desk, "restore", desk.db, *BY, "--db", "n.db", says="`pullcord hold`")

    assert not (desk.folder / "n.db").exists()


def test_the_key_that_belongs_to_a_backup_is_asked_for(desk: Desk, kept: Path) -> None:
    """Under another key nothing sealed could be read, and a new one would hide that."""
    well("db", "key", "other.key")
    words = ("restore", kept, *BY, "--db", "n.db")

    refused(desk, *words, says="name it with --key-file")
    refused(desk, *words, "--key-file", "other.key", says="with which this backup was made")
    refused(desk, "backup", "x.db", "--db", desk.db, "--key-file", "other.key", says="was made")
    found = well(*words, "--key-file", f"{desk.db}.key")

    assert "give --key-file to every command" in found.err
    assert not (desk.folder / "n.db.key").exists()


DAMAGES = {
    "a newer format": (
        """update backup set manifest = replace(manifest, '"format":1', '"format":9')""",
        "newer",
        2,
    ),
    "a newer schema": ("insert into schema_version values (99, 1)", "install the version", 1),
    "a lost row": (
        "insert into candidates (workspace, person, escalation) "
        "values ('shop', 'maria', 'esc_that_is_gone')",
        "the database is damaged",
        1,
    ),
    "another timeline": (
        "update escalations set head_hash = 'x'",
        "does not hold what its manifest says",
        1,
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_backup_that_cannot_serve_is_refused(desk: Desk, kept: Path, name: str) -> None:
    """Found out now, and not when somebody decides on it."""
    statement, says, code = DAMAGES[name]
    change(kept, statement)
    key = f"{desk.db}.key"

    refused(desk, "restore", kept, *BY, "--db", "n.db", "--key-file", key, says=says, code=code)

    assert not (desk.folder / "n.db").exists()


def test_a_damaged_page_is_found(desk: Desk, kept: Path) -> None:
    """Every page is read before the copy gets its name."""
    whole = bytearray(kept.read_bytes())
    half = len(whole) // 2
    whole[half : half + 9_000] = b"\xff" * 9_000
    kept.write_bytes(whole)
    key = f"{desk.db}.key"

    found = typed("restore", kept, *BY, "--db", "n.db", "--key-file", key)

    assert found.code in (1, 2)
    assert "Traceback" not in found.err
    assert not (desk.folder / "n.db").exists()


LIMITED = """
import resource, sys
from pullcord.cli import main
most = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
main()
"""


def on_a_full_disk(desk: Desk, *words: str, most: int) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, which may write no file larger than that."""
    # without what measures coverage: it would write files of its own
    left_out = {*CLEAN, *(name for name in os.environ if name.startswith("COV"))}
    own = {name: value for name, value in os.environ.items() if name not in left_out}
    return subprocess.run(
        [sys.executable, "-c", LIMITED, str(most), *words],
        capture_output=True,
        text=True,
        env=own,
        cwd=desk.folder,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("what", ["backup", "restore"])
def test_a_full_disk_leaves_no_half_file(desk: Desk, kept: Path, what: str) -> None:
    """A file that bears the name is whole; what failed is gone, and the space with it."""
    before = sorted(each.name for each in desk.folder.iterdir())
    words = {
        "backup": ("backup", "full.db", "--db", str(desk.db)),
        "restore": (
            *("restore", str(kept), *BY, "--db", "full.db"),
            *("--key-file", f"{desk.db}.key"),
        ),
    }[what]

    done = on_a_full_disk(desk, *words, most=kept.stat().st_size // 2)

    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(each.name for each in desk.folder.iterdir()) == before


def test_of_two_who_restore_at_once_one_is_refused(desk: Desk, kept: Path) -> None:
    """Neither gets half of the other's database."""
    target = desk.folder / "n.db"

    def somebody_is_faster(_: Path) -> None:
        target.write_bytes(b"theirs")

    with pytest.raises(InvalidInput, match="Nothing is ever replaced"):
        backup_sqlite.restore(
            kept, target, finish=somebody_is_faster, told=lambda done, total: None
        )

    assert target.read_bytes() == b"theirs"


def test_a_database_in_which_nothing_is_sealed_yet_is_backed_up(desk: Desk) -> None:
    """There is nothing to try the key on, and nothing that it would have to open."""
    desk.apply()

    made = well("backup", "first.db", "--db", desk.db, "--json").json

    assert made["facts"]["escalations"] == 0


def test_a_copy_that_is_told_to_stop_leaves_nothing(
    desk: Desk, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C during a long backup is not a mess to clean up."""
    monkeypatch.setattr(backup_sqlite, "PAGES_AT_ONCE", 1)

    def say(self: Words, done: int, total: int) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        signal.sigtimedwait([], 0.05)

    monkeypatch.setattr(Words, "say", say)
    refused(desk, "backup", "x.db", "--db", desk.db, says="it was stopped", code=1)

    assert not (desk.folder / "x.db").exists()


def test_a_long_copy_says_how_far_it_is(
    desk: Desk, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten minutes without a word look like a hang."""
    monkeypatch.setattr(keeping, "WORD_SECONDS", 0.0)

    found = well("backup", "x.db", "--db", desk.db)

    assert "100 %" in found.err


def test_a_plain_copy_is_made_safe_by_a_hold(desk: Desk, kept: Path) -> None:
    """A snapshot of the whole machine is a backup too: put it there, hold it, look at it."""
    shutil.copy(desk.db, desk.folder / "snapshot.db")
    key = ("--key-file", f"{desk.db}.key")

    held = well("hold", *BY, "--why", "a snapshot", "--db", "snapshot.db", *key, "--json")

    assert held.json["epoch"] == 2
