"""Where a Pullcord keeps its things: the database and the secret that seals and signs.

The secret stands beside the database in a file only its owner can read, or in the environment.
Without it sealed content is lost, so it is made once and never replaced.
"""

import base64
import os
import secrets
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
        return _decoded(kept.read_text(encoding="ascii").strip(), str(kept))
    if path.exists() and path.stat().st_size:
        raise InvalidInput(
            "master key",
            value=str(kept),
            limit="the key file made together with the database",
            remedy=f"Put it back, or set {MASTER_VARIABLE}; without it nothing sealed can be read.",
        )
    return _made(kept)


def _made(kept: Path) -> bytes:
    kept.parent.mkdir(parents=True, exist_ok=True)
    master = secrets.token_bytes(32)
    try:
        descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _decoded(kept.read_text(encoding="ascii").strip(), str(kept))
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(base64.urlsafe_b64encode(master).decode() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return master


def _decoded(text: str, where: str) -> bytes:
    try:
        master = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        master = b""
    if len(master) != 32:
        raise InvalidInput(
            "master key", value=where, limit="32 bytes in base64url", remedy="Restore the file."
        )
    return master
