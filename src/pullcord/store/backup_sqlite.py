"""Backups of the SQLite store: made while it serves, proved before they have their name.

A backup is one SQLite file that holds what the database held at one instant, and a manifest about
it. It is whole on the disk before it gets its name, so that what bears the name is a backup; the
same holds for a database that is restored. Neither ever replaces a file.
"""

import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from pullcord.errors import InvalidInput, NotFound, StoreBusy
from pullcord.store import queries_sqlite as sql
from pullcord.store.migrating_sqlite import refuse_unknown
from pullcord.store.port import WORKSPACE_CHAIN, Sealed

#: version of the manifest
FORMAT = 1
#: pages copied between two words about progress; bytes copied at once
PAGES_AT_ONCE, BYTES_AT_ONCE = 1_000, 1_048_576
#: seconds a copy waits for somebody else's lock
BUSY_SECONDS = 10.0
#: faults of a damaged file that are named
FAULTS_MAX = 5

#: called with what is done and what there is to do; it may raise to end the copying
Progress = Callable[[int, int], None]


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a database holds, so that another can be compared with it."""

    schema: int
    epoch: int
    escalations: int
    #: workspace to the digest of the ends of all its timelines, as `pullcord verify` prints it
    heads: Mapping[str, str]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself; the key is named by its fingerprint and never in it."""

    format: int = FORMAT
    made_at: datetime
    #: version of Pullcord that made it
    made_by: str
    #: id of the signing key that belongs to it, as `pullcord verify` knows it
    key: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Sample:
    """One sealed content, by which a key is tried."""

    workspace: str
    content: Sealed


def back_up(
    source: Path,
    target: Path,
    *,
    manifest: Callable[[Facts, Sample | None], Manifest],
    told: Progress,
) -> Manifest:
    """Copy a database that may be in use into a new file, and prove the copy.

    Raises:
        InvalidInput: the target is there already, or its directory is not.
        StoreBusy: it cannot be copied or is damaged; nothing is left behind.
    """
    with _new(target) as draft:
        _copy(source, draft, told)
        with _opened(draft) as link:
            _prove(link)
            found = manifest(facts_of(link), sample_of(link))
            link.execute(sql.BACKUP_TABLE)
            link.execute(sql.BACKUP_NOTE, (msgspec.json.encode(found).decode(),))
    return found


def manifest_of(backup: Path) -> Manifest:
    """What a backup says of itself.

    Raises:
        NotFound: there is no such file.
        InvalidInput: it is no backup, or one of a newer Pullcord.
    """
    if not backup.is_file():
        raise NotFound(f"there is no backup {str(backup)!r}.")
    try:
        with closing(sqlite3.connect(f"{backup.resolve().as_uri()}?immutable=1", uri=True)) as link:
            (text,) = link.execute(sql.BACKUP_TOLD).fetchone()
        found = msgspec.json.decode(text, type=Manifest)
    except (sqlite3.Error, TypeError, msgspec.MsgspecError):
        raise InvalidInput(
            "backup",
            value=str(backup),
            limit="a file that `pullcord backup` made",
            remedy="A plain copy of a database is put where it shall serve, then "
            "`pullcord hold` before anything starts on it.",
        ) from None
    if found.format > FORMAT:
        raise InvalidInput(
            "backup",
            value=f"format {found.format}",
            limit=f"format {FORMAT} and older",
            remedy=f"Install Pullcord {found.made_by} or newer.",
        )
    return found


def restore(
    backup: Path, target: Path, *, finish: Callable[[Path], None], told: Progress
) -> Manifest:
    """Copy a backup to where it shall serve, prove it, finish it, then give it its name.

    `finish` is given the copy under a name for the time being.

    Raises:
        NotFound, InvalidInput: see `manifest_of`, and where something is at the target already.
        StoreBusy: the backup is damaged, newer, or cannot be copied; nothing is left behind.
    """
    manifest = manifest_of(backup)
    for each in ("-wal", "-shm", "-journal"):
        _refuse_existing(target.with_name(target.name + each))
    with _new(target) as draft:
        _copy_file(backup, draft, told)
        with _opened(draft) as link:
            _prove(link)
            if facts_of(link) != manifest.facts:
                raise StoreBusy(f"{backup} does not hold what its manifest says; take another.")
            link.execute(sql.BACKUP_DROP)
        finish(draft)
        left = draft.with_name(f"{draft.name}-wal")
        assert not left.exists(), f"{left} holds what is not in {draft}"
    return manifest


def facts_of(link: sqlite3.Connection) -> Facts:
    """What a database holds.

    Raises:
        StoreBusy: its schema is newer than this code, or half applied.
    """
    applied = link.execute(sql.SCHEMA_VERSION).fetchall()
    refuse_unknown(applied)
    named = [row[0] for row in link.execute(sql.WORKSPACES)]
    return Facts(
        schema=max(version for version, _ in applied),
        epoch=int(link.execute(sql.EPOCH).fetchone()[0]),
        escalations=int(link.execute(sql.ESCALATIONS).fetchone()[0]),
        heads={workspace: _heads(link, workspace) for workspace in sorted(named)},
    )


def sample_of(link: sqlite3.Connection) -> Sample | None:
    """The content that was sealed last; None where nothing is."""
    row = link.execute(sql.SEALED_LAST).fetchone()
    return Sample(row[0], Sealed(*row[1:])) if row else None


def _heads(link: sqlite3.Connection, workspace: str) -> str:
    """The ends of all timelines in the order of an export."""
    found = hashlib.sha256()
    for row in link.execute(sql.HEAD, (workspace, WORKSPACE_CHAIN)):
        found.update(row[1].encode())
    for row in link.execute(sql.HEADS, (workspace,)):
        found.update(row[0].encode())
    return found.hexdigest()


def _prove(link: sqlite3.Connection) -> None:
    """Every page, index and reference of the copy."""
    told = [row[0] for row in link.execute(f"pragma integrity_check({FAULTS_MAX})")]
    lost = link.execute("pragma foreign_key_check").fetchmany(FAULTS_MAX)
    if told != ["ok"] or lost:
        faults = "; ".join(str(each) for each in (*told, *lost) if each != "ok")
        raise StoreBusy(f"the database is damaged: {faults}. Restore an older backup.")


def _copy(source: Path, draft: Path, told: Progress) -> None:
    """One instant of the source, whatever is written to it meanwhile."""
    with (
        closing(sqlite3.connect(source, timeout=BUSY_SECONDS, isolation_level=None)) as reader,
        closing(sqlite3.connect(draft, isolation_level=None)) as writer,
    ):
        reader.execute("pragma query_only = on")
        # an open read keeps its instant: the copy need not begin again after every commit
        reader.execute("begin")
        reader.execute(sql.SCHEMA_VERSION).fetchall()
        reader.backup(
            writer,
            pages=PAGES_AT_ONCE,
            progress=lambda _, left, total: told(total - left, total),
            sleep=0,
        )


def _copy_file(backup: Path, draft: Path, told: Progress) -> None:
    total, done = backup.stat().st_size, 0
    with backup.open("rb") as reader, draft.open("wb") as writer:
        while piece := reader.read(BYTES_AT_ONCE):
            writer.write(piece)
            done += len(piece)
            told(done, total)


@contextmanager
def _opened(draft: Path) -> Iterator[sqlite3.Connection]:
    """The copy as one file without a log beside it."""
    with closing(sqlite3.connect(draft, isolation_level=None)) as link:
        link.execute("pragma journal_mode = delete")
        link.execute("pragma synchronous = full")
        yield link


@contextmanager
def _new(target: Path) -> Iterator[Path]:
    """A draft beside the target, private, on the disk before it takes the target's name."""
    if not target.parent.is_dir():
        raise InvalidInput("file", value=str(target), limit="a file in a directory that is there")
    _refuse_existing(target)
    with tempfile.TemporaryDirectory(prefix=f"{target.name}.part-", dir=target.parent) as folder:
        draft = Path(folder) / target.name
        draft.touch(mode=0o600)
        try:
            yield draft
            _flush(draft)
            # a link never takes a name that somebody else took meanwhile
            target.hardlink_to(draft)
        except FileExistsError:
            raise _there(target) from None
        except sqlite3.Error as error:
            raise StoreBusy(
                f"{target} could not be made: {error}; nothing is left of it."
            ) from error
    _flush(target.parent)


def _flush(path: Path) -> None:
    """On the disk, not only on its way."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise _there(path)


def _there(path: Path) -> InvalidInput:
    return InvalidInput(
        "file",
        value=str(path),
        limit=f"a file that is not there yet, as {path.name} is",
        remedy="Nothing is ever replaced; move it away, or name another.",
    )
