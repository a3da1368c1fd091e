"""`pullcord backup` and `restore`: a copy made while it serves, and a server that begins held."""

import asyncio
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer

from pullcord.cli.holding import By
from pullcord.cli.office import COMMAND_LINE
from pullcord.cli.places import DB_DEFAULT, is_postgres, key_beside, master_of, path_of
from pullcord.cli.voice import AsJson, Db, KeyFile, caution, command, err, print_json, well
from pullcord.engine.house import furnish, opened
from pullcord.errors import InvalidInput, NotFound, StoreBusy
from pullcord.seal.keys import derived
from pullcord.seal.sealing import SealBroken, Vault
from pullcord.seal.signing import Signer
from pullcord.store import backup_sqlite as backups
from pullcord.store.backup_sqlite import Facts, Manifest, Progress, Sample
from pullcord.store.sqlite import SqliteStore

Result = TypeVar("Result")

#: seconds between two words about progress
WORD_SECONDS = 2.0


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command(name="backup")(backup)
    app.command(name="restore")(restore)


@command
async def backup(
    to: Annotated[Path, typer.Argument(help="File to make; it must not be there.")],
    *,
    db: Db = DB_DEFAULT,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Copy a SQLite database into one proved file, while it serves.

    The key is not in it: keep a copy of the key file elsewhere. PostgreSQL has tools of its own.
    """
    _refuse_postgres(db, "back it up with pg_basebackup or pg_dump")
    path = path_of(db)
    if not path.is_file():
        raise NotFound(f"there is no database {str(path)!r}.")
    master = master_of(db, key_file=key_file)

    def described(facts: Facts, sample: Sample | None) -> Manifest:
        _try_key(master, sample)
        return Manifest(
            made_at=datetime.now(UTC),
            made_by=version("pullcord"),
            key=_fingerprint(master),
            facts=facts,
        )

    def copied(told: Progress) -> Manifest:
        return backups.back_up(path, to, manifest=described, told=told)

    manifest = await _on_a_thread(copied)
    if as_json:
        print_json({"file": str(to), "bytes": to.stat().st_size, **_plain(manifest)})
        return
    well(f"{to} holds {_told(manifest)}; it was read back and is whole")
    err.print(f"The key {manifest.key} is not in it; keep a copy of the key file elsewhere.")


@command
async def restore(
    backup: Annotated[Path, typer.Argument(help="File that `pullcord backup` made.")],
    *,
    by: By,
    db: Db = DB_DEFAULT,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup where a server shall serve it: in a new epoch, and held until it is let go.

    Nothing is replaced: move the old database away first. PostgreSQL has tools of its own; after
    them, `pullcord hold`.
    """
    _refuse_postgres(db, "restore it with its own tools, then run `pullcord hold`")
    target = path_of(db)
    manifest = backups.manifest_of(backup)
    master = _master_for(db, key_file, manifest)
    why = f"restored from {backup.name} of {manifest.made_at:%Y-%m-%d %H:%M} UTC"

    def put(told: Progress) -> Manifest:
        def finish(draft: Path) -> None:
            asyncio.run(_held(draft, master, by=by, why=why[:500]))

        return backups.restore(backup, target, finish=finish, told=told)

    await _on_a_thread(put)
    if as_json:
        print_json({"file": str(target), "held": True, **_plain(manifest)})
        return
    well(f"{target} holds {_told(manifest)}")
    if not key_beside(target).exists():
        caution("its key is not beside it: give --key-file to every command, as you did here")
    err.print("It is held: serve it, look at it, then let everything go on:")
    err.print(f"  pullcord release --by NAME --db {target}", markup=False, soft_wrap=True)


async def _held(draft: Path, master: bytes, *, by: str, why: str) -> None:
    """Bring the copy to this version's schema and hold it, in a new epoch, on record."""
    async with opened(furnish(SqliteStore(draft), master=master), runs=False) as house:
        await house.keeper.hold(by=by, why=why, actor=COMMAND_LINE)


def _refuse_postgres(db: str, remedy: str) -> None:
    if is_postgres(db):
        raise InvalidInput(
            "db",
            value="postgresql://…",
            limit="a SQLite file",
            remedy=f"For PostgreSQL, {remedy}; docs/how-to/operations.md tells how.",
        )


def _master_for(db: str, key_file: Path | None, manifest: Manifest) -> bytes:
    """The key that belongs to a backup; one is never made here.

    Raises:
        InvalidInput: none was given, or another one.
    """
    master = master_of(db, key_file=key_file, makes=False)
    if _fingerprint(master) != manifest.key:
        raise InvalidInput(
            "key",
            value=_fingerprint(master),
            limit=f"the key {manifest.key}, with which this backup was made",
            remedy="Without it nothing sealed in the backup can be read. Name its file with "
            "--key-file.",
        )
    return master


def _fingerprint(master: bytes) -> str:
    return Signer(derived(master, "signing")).key_id


def _try_key(master: bytes, sample: Sample | None) -> None:
    """Whether what is sealed opens with this key: a backup under a wrong one would be worthless."""
    if sample is None:
        return
    vault, content = Vault(derived(master, "sealing")), sample.content
    try:
        vault.unseal(
            sample.workspace, content.escalation, content.name, content.ciphertext, content.salt
        )
    except SealBroken:
        raise InvalidInput(
            "key",
            value=_fingerprint(master),
            limit="the key with which this database was made",
            remedy="Name its file with --key-file.",
        ) from None


async def _on_a_thread(work: Callable[[Progress], Result]) -> Result:
    """Copy without blocking signals: told to stop, it ends at the next page and leaves nothing."""
    is_over = threading.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, is_over.set)
    word = Words()

    def told(done: int, total: int) -> None:
        if is_over.is_set():
            raise StoreBusy("it was stopped; nothing is left of it.")
        word.say(done, total)

    return await asyncio.to_thread(work, told)


class Words:
    """Says how far a long copy is, now and then."""

    def __init__(self) -> None:
        self._said_at = time.monotonic()

    def say(self, done: int, total: int) -> None:
        """Said every other second; a short copy needs no word."""
        now = time.monotonic()
        if total and now - self._said_at >= WORD_SECONDS:
            self._said_at = now
            err.print(f"{100 * done // total} %")


def _told(manifest: Manifest) -> str:
    facts = manifest.facts
    named = ", ".join(facts.heads) or "no workspace"
    many = "" if facts.escalations == 1 else "s"
    made = f"made in epoch {facts.epoch}, key {manifest.key}"
    return f"{facts.escalations} escalation{many} of {named} ({made})"


def _plain(manifest: Manifest) -> dict[str, object]:
    found: dict[str, object] = msgspec.to_builtins(manifest)
    return found
