"""PostgreSQL servers of the tests' own, started as an ordinary user and thrown away afterwards.

Each server is a direct child, so that it can be killed and waited for. Where the tests run as
root, which PostgreSQL refuses, the servers run as another user of the machine.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.postgres.programs import as_whom, ordinary

#: seconds a server may need to start, stop or answer
WITHIN = 40.0
SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "wal_keep_size": "256MB",
    "wal_receiver_status_interval": "1s",
    "wal_receiver_timeout": "5s",
    "wal_sender_timeout": "5s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "2",
}


def until(fact: Callable[[], bool], what: str, *, within: float = WITHIN) -> None:
    """Look until it is so."""
    pause = threading.Event()
    for _ in range(int(within / 0.02)):
        if fact():
            return
        pause.wait(0.02)
    raise AssertionError(f"{what} did not come within {within} seconds")


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """One server in one folder."""

    folder: Path
    bin: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.folder / f"data-{self.port}"

    def dsn(self, database: str = "postgres", *, user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def run(self, program: str, *arguments: str) -> str:
        """Run one of the server's programs to its end."""
        command = [*as_whom(), str(self.bin / program), *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=WITHIN, cwd="/", check=False
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"
        return done.stdout

    def make(self, more: dict[str, str] | None = None) -> None:
        """A new cluster of databases."""
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"]
        self.run("initdb", "-D", str(self.data), *options, "--data-checksums")
        settings = {**SETTINGS, "unix_socket_directories": f"'{self.folder}'", **(more or {})}
        self.set(settings)

    def set(self, settings: dict[str, str]) -> None:
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())

    def start(self) -> None:
        """Start it and wait until it answers."""
        log = (self.folder / f"log-{self.port}.txt").open("ab")
        command = [*as_whom(), str(self.bin / "postgres"), "-D", str(self.data)]
        command += ["-p", str(self.port)]
        self.process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd="/", start_new_session=True
        )
        log.close()
        until(self.answers, f"the server on {self.port}")

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        command = [str(self.bin / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port), "-t", "2"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def log(self) -> str:
        """The end of its log."""
        return (self.folder / f"log-{self.port}.txt").read_text()[-4000:]

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What a statement answers, as text."""
        place = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database]
        command = [str(self.bin / "psql"), "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", *place]
        environment = {**os.environ, "PGCONNECT_TIMEOUT": "5"}
        done = subprocess.run(
            [*command, "-f", "-"],
            input=statement,
            capture_output=True,
            text=True,
            timeout=WITHIN,
            env=environment,
            check=False,
        )
        assert done.returncode == 0, f"{statement}: {done.stderr}"
        return done.stdout.strip()

    # --- what may happen to it ----------------------------------------------------------------
    def send(self, number: int) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)

    def family(self) -> list[int]:
        """The server's process and all it started."""
        assert self.process is not None
        found = [self.process.pid]
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                parts = path.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(parts[1]) == self.process.pid:
                found.append(int(path.parent.name))
        return found

    def freeze(self) -> None:
        """It takes connections and answers nothing, and no more reaches its standby or primary."""
        for each in self.family():
            _kill(each, signal.SIGSTOP)

    def thaw(self) -> None:
        for each in reversed(self.family()):
            _kill(each, signal.SIGCONT)

    def stop(self, number: int = signal.SIGQUIT) -> None:
        """End it: SIGINT is fast and clean, SIGQUIT a crash, SIGKILL a crash without a word."""
        if self.process is None:
            return
        family = self.family()
        self.send(number)
        if number == signal.SIGKILL:
            for each in family[1:]:
                _kill(each, signal.SIGKILL)
        self.process.wait(WITHIN)
        self.process = None

    def restart(self) -> None:
        """What an impatient operator does."""
        self.stop()
        self.start()

    def promote(self) -> None:
        """The standby becomes the primary, and waits for nobody."""
        self.run("pg_ctl", "-D", str(self.data), "-w", "-t", "30", "promote")
        self.sql("alter system set synchronous_standby_names = ''; select pg_reload_conf();")
        until(lambda: self.sql("show synchronous_standby_names") == "", "the new setting")

    def standby_of(self, primary: "Server") -> None:
        """Make this the standby of a running primary and start it; the primary waits for it."""
        name = f"n{self.port}"
        source = f"host=127.0.0.1 port={primary.port} user=postgres application_name={name}"
        self.run(
            "pg_basebackup", "-D", str(self.data), "-d", source, "-X", "stream", "-c", "fast", "-R",
            "-C", "-S", name,
        )  # fmt: skip
        self.set({"primary_conninfo": f"'{source}'"})
        (self.data / "postgresql.auto.conf").write_text(f"primary_slot_name = '{name}'\n")
        self.start()
        primary.sql(f"alter system set synchronous_standby_names = 'FIRST 1 ({name})';")
        primary.sql("select pg_reload_conf();")
        wanted = f"select sync_state from pg_stat_replication where application_name = '{name}'"
        until(lambda: primary.sql(wanted) == "sync", "the standby in step")


def _kill(process: int, number: int) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return


def new_folder(*, in_memory: bool = False) -> Path:
    """A folder the servers' user may enter; `in_memory` where nothing has to last."""
    place = "/dev/shm" if in_memory and os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="pullcord-pg-", dir=place))
    if os.getuid() == 0:
        os.chown(folder, ordinary().pw_uid, ordinary().pw_gid)
    return folder


def new_server(folder: Path, bin: Path, *, settings: dict[str, str] | None = None) -> Server:
    """A server that runs."""
    server = Server(folder, bin)
    server.make(settings)
    server.start()
    return server


def throw_away(folder: Path, servers: Sequence[Server]) -> None:
    """End whatever still runs there, and remove it."""
    for each in servers:
        if each.process is not None:
            each.thaw()
            each.stop(signal.SIGQUIT)
    shutil.rmtree(folder, ignore_errors=True)
