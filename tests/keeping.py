"""The two databases a real server is tested on: a file, and a PostgreSQL that others share.

`keeps` in conftest.py gives every test that starts a server one of each.
"""

import base64
import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pullcord.cli.places import MASTER_VARIABLE, master_of
from pullcord.store.port import Store
from pullcord.store.postgres import PostgresStore
from pullcord.store.sqlite import SqliteStore
from tests.postgres.databases import APP, Databases, apart

KINDS = ("sqlite", "postgres")
MASTER = bytes(range(32))
#: the machine of the tests may be slow; how long is too long is tried elsewhere
PATIENCE = {"connect_seconds": 20.0, "write_seconds": 20.0, "read_seconds": 20.0}


@dataclass(frozen=True, slots=True)
class Kept:
    """Where one server keeps its things."""

    #: what `--db` is given
    db: str
    #: environment variables: the secret, where no file beside the database holds it
    environ: Mapping[str, str] = field(default_factory=dict)
    #: names of the files that stay beside it when all servers have stopped
    leaves: tuple[str, ...] = ()

    @property
    def is_shared(self) -> bool:
        """Whether it is a database that several processes serve from."""
        return bool(self.environ)

    @property
    def master(self) -> bytes:
        """The secret that seals and signs."""
        return MASTER if self.is_shared else master_of(self.db)

    def store(self) -> Store:
        """A store on it, not yet started."""
        return PostgresStore(self.db, **PATIENCE) if self.is_shared else SqliteStore(Path(self.db))


Keeps = Callable[..., Kept]


def in_file(folder: Path, name: str = "pullcord") -> Kept:
    """A file of SQLite, not yet made."""
    file = f"{name}.db"
    return Kept(str(folder / file), leaves=(file, f"{file}.key"))


@contextmanager
def kept_on(kind: str, folder: Path, servers: Callable[[], Databases]) -> Iterator[Keeps]:
    """Makes empty databases of this kind, named or not, until the block ends."""
    made: list[str] = []

    def on_server(_: str = "") -> Kept:
        made.append(servers().name())
        apart(servers().make_ready(made[-1]))
        secret = base64.urlsafe_b64encode(MASTER).decode()
        return Kept(servers().of(made[-1], user=APP), {MASTER_VARIABLE: secret})

    yield functools.partial(in_file, folder) if kind == "sqlite" else on_server
    for each in made:
        apart(servers().drop(each))
