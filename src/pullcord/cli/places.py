"""Where a Pullcord keeps its things: the database and the secret that seals and signs.

The secret stands beside the database in a file only its owner can read, or in the environment.
Without it sealed content is lost, so it is made once and never replaced.
"""

import base64
import os
import secrets
import tempfile
from pathlib import Path

from pullcord.errors import InvalidInput
from pullcord.store.sqlite import SqliteStore

#: environment variables: where the database is, and the secret of 32 bytes in base64url
DB_VARIABLE = "PULLCORD_DB"
MASTER_VARIABLE = "PULLCORD_MASTER_KEY"
DB_DEFAULT = "pullcord.db"


def store_of(db: str) -> SqliteStore:
    """The store of a database address: a path, or `sqlite:///path`.

    Raises:
        InvalidInput: an address of a kind this version does not serve.
    """
    return SqliteStore(path_of(db))


def path_of(db: str) -> Path:
    """The file behind a database address."""
    text = db.removeprefix("sqlite:///")
    if "://" in text:
        raise InvalidInput(
            "db", value=db, limit="a path or sqlite:///path", remedy="Name a file to keep it in."
        )
    return Path(text).expanduser()


def master_of(db: str) -> bytes:
    """The secret of this database; made at its first use.

    Raises:
        InvalidInput: it is there and is no secret of 32 bytes, or the database has lost its own.
    """
    given = os.environ.get(MASTER_VARIABLE)
    if given:
        return _decoded(given, MASTER_VARIABLE)
    path = path_of(db)
    kept = path.with_name(path.name + ".key")
    if kept.exists():
        return _read(kept)
    if path.exists() and path.stat().st_size:
        raise InvalidInput(
            "master key",
            value=str(kept),
            limit="the key file made together with the database",
            remedy=f"Put it back, or set {MASTER_VARIABLE}; without it nothing sealed can be read.",
        )
    return _made(kept)


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
