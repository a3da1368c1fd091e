"""Where a Pullcord keeps its things: the database and the secret that seals and signs.

The secret stands beside the database in a file only its owner can read, in a file that is named,
or in the environment. Without it sealed content is lost, so it is made once and never replaced. A
PostgreSQL database has no "beside": every server of it is given the same secret.
"""

import base64
import os
import secrets
import tempfile
from pathlib import Path

from pullcord.errors import InvalidInput
from pullcord.store.port import Store
from pullcord.store.sqlite import SqliteStore

#: environment variables: where the database is, the secret of 32 bytes in base64url, its file
DB_VARIABLE = "PULLCORD_DB"
MASTER_VARIABLE = "PULLCORD_MASTER_KEY"
KEY_FILE_VARIABLE = "PULLCORD_MASTER_KEY_FILE"
DB_DEFAULT = "pullcord.db"


def is_postgres(db: str) -> bool:
    """Whether this is the address of a PostgreSQL database."""
    return db.startswith(("postgresql://", "postgres://"))


def store_of(db: str) -> Store:
    """The store of a database address: a path, `sqlite:///path` or `postgresql://host/database`.

    Raises:
        InvalidInput: an address of a kind this version does not serve.
    """
    if not is_postgres(db):
        return SqliteStore(path_of(db))
    try:
        from pullcord.store.postgres import PostgresStore
    except ImportError:
        raise InvalidInput(
            "db",
            value="postgresql://…",
            limit="a path, where the driver of PostgreSQL is not installed",
            remedy="Install it: pip install 'pullcord[postgres]'.",
        ) from None
    return PostgresStore(db)


def path_of(db: str) -> Path:
    """The file behind a database address."""
    text = db.removeprefix("sqlite:///")
    if "://" in text:
        raise InvalidInput(
            "db",
            value=db,
            limit="a path, sqlite:///path or postgresql://host/database",
            remedy="Name a file to keep it in.",
        )
    return Path(text).expanduser()


def key_beside(path: Path) -> Path:
    """Where the secret of a database file is kept."""
    return path.with_name(path.name + ".key")


def master_of(db: str, *, key_file: Path | None = None, makes: bool = True) -> bytes:
    """The secret of this database; beside a file it is made at its first use.

    Raises:
        InvalidInput: it is there and is no secret of 32 bytes, it was not given, or the database
            has lost its own. With `makes` off also: there is none yet.
    """
    named = key_file or os.environ.get(KEY_FILE_VARIABLE)
    if named:
        return _named(Path(named))
    given = os.environ.get(MASTER_VARIABLE)
    if given:
        return _decoded(given, MASTER_VARIABLE)
    if is_postgres(db):
        raise InvalidInput(
            "master key",
            value=None,
            limit="the same on every server of this database",
            remedy=f"Name its file with --key-file or {KEY_FILE_VARIABLE}, or set "
            f"{MASTER_VARIABLE}. The first time, make it: pullcord db key pullcord.key",
        )
    path = path_of(db)
    kept = key_beside(path)
    if kept.exists():
        return _read(kept)
    if not makes or (path.exists() and path.stat().st_size):
        raise InvalidInput(
            "master key",
            value=str(kept),
            limit="the key file made together with the database",
            remedy=f"Put it back, name it with --key-file, or set {MASTER_VARIABLE}; without it "
            "nothing sealed can be read.",
        )
    return _made(kept)


def key_made(kept: Path) -> bytes:
    """A new secret in a file of its own.

    Raises:
        InvalidInput: the file is there already; a secret is never replaced.
    """
    if kept.exists():
        raise InvalidInput(
            "file", value=str(kept), limit="a file that is not there", remedy="Keep the key in it."
        )
    return _made(kept)


def _named(kept: Path) -> bytes:
    if not kept.is_file():
        raise InvalidInput(
            "key file",
            value=str(kept),
            limit="a file with a key",
            remedy="Make it once with `pullcord db key FILE` and copy it to every server.",
        )
    return _read(kept)


def _made(kept: Path) -> bytes:
    """A new secret, whole on the disk before it has its name; another process may be first."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    master = secrets.token_bytes(32)
    with tempfile.NamedTemporaryFile("w", dir=kept.parent, prefix=kept.name) as file:
        file.write(base64.urlsafe_b64encode(master).decode() + "\n")
        file.flush()
        os.fsync(file.fileno())
        try:
            kept.hardlink_to(file.name)
        except FileExistsError:
            return _read(kept)
    return master


def _read(kept: Path) -> bytes:
    return _decoded(kept.read_text(encoding="utf-8", errors="replace").strip(), str(kept))


def _decoded(text: str, where: str) -> bytes:
    try:
        master = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        master = b""
    if len(master) != 32:
        raise InvalidInput(
            "master key",
            value=where,
            limit="32 bytes in base64url",
            remedy="Put back the one this database was made with.",
        )
    return master
