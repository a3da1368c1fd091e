"""Reaching a PostgreSQL that may have failed over: a bounded number of lines to its primary.

One host at a time, each with a short limit, the last good one first. A line that did not answer
is dropped, never asked to cancel: PostgreSQL answers a cancelled wait for the standby with success.
A server that is behind what this process has seen, by epoch or by timeline, is refused: it is an
old primary that came back.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import asyncpg
import structlog

from pullcord.errors import InvalidInput, StoreBusy
from pullcord.store import queries_postgres as sql
from pullcord.store.mishaps_postgres import FAILURES

#: seconds one host gets to greet, and a caller waits for a free line
CONNECT_SECONDS = 2.0
FREE_LINE_SECONDS = 5.0
#: lines of one process
LINES_MAX = 16
PORT_DEFAULT = 5432
#: statements a line keeps prepared: all of ours, and listings by their filters
STATEMENTS_MAX = 300

#: A plan made while a table was small must do when it is large, and one statement writes a whole
#: Change: it is planned once, through its indexes, and never compiled. A process that stands still
#: in the middle of a transaction loses it after milliseconds, or its rows would be locked for all.
SESSION = {
    "application_name": "pullcord",
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "jit": "off",
    "idle_in_transaction_session_timeout": "10000",
    "timezone": "UTC",
}

Host = tuple[str, int]

log = structlog.get_logger("pullcord.store")


class Connection(Protocol):
    """What we use of the driver's connection."""

    async def fetch(self, statement: str, *values: Any) -> list[Any]:
        """All rows."""

    async def fetchrow(self, statement: str, *values: Any) -> Any:
        """The first row, or None."""

    async def fetchval(self, statement: str, *values: Any) -> Any:
        """The first column of the first row."""

    async def execute(self, statement: str, *values: Any) -> str:
        """What the database says was done, such as `UPDATE 2`."""

    async def executemany(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """The statement once a row."""

    async def close(self) -> None:
        """Leave in good order."""

    def terminate(self) -> None:
        """Leave at once, asking for nothing."""

    def is_closed(self) -> bool:
        """Whether it ended."""

    def is_in_transaction(self) -> bool:
        """Whether a transaction is open."""

    def add_log_listener(self, listener: Callable[..., None]) -> None:
        """Hear notices and warnings."""

    async def add_listener(self, channel: str, listener: Callable[..., None]) -> None:
        """Hear notifications."""


@dataclass(frozen=True, slots=True, order=True)
class Era:
    """What tells an old primary from the one after it: the epoch, then the timeline."""

    epoch: int = 0
    timeline: int = 0


@dataclass(slots=True)
class Line:
    """One connection to the primary, in the era in which it greeted."""

    connection: Connection
    era: Era
    #: lines of an earlier round are not used again
    round: int = 0
    #: severity and text of a warning that came while it worked
    warning: str = ""

    def heard(self, _: object, message: object) -> None:
        """Note a warning; the text follows the server's language, the severity does not."""
        if getattr(message, "severity_en", None) == "WARNING":
            self.warning = str(message)


def hosts_of(dsn: str) -> list[Host]:
    """The hosts a database address names, in its order.

    Raises:
        InvalidInput: it is no address of a PostgreSQL database.
    """
    parts = urlsplit(dsn)
    query = parse_qs(parts.query)
    named = parts.netloc.rpartition("@")[2] or ",".join(query.get("host", []))
    ports = ",".join(query.get("port", [])).split(",")
    found: list[Host] = []
    try:
        for at, each in enumerate(named.split(",")):
            host, port = _host_of(each)
            other = ports[min(at, len(ports) - 1)]
            found.append((host, int(port or other or PORT_DEFAULT)))
    except ValueError:
        raise _no_address(dsn) from None
    if parts.scheme not in ("postgresql", "postgres") or not all(host for host, _ in found):
        raise _no_address(dsn)
    return found


def _host_of(named: str) -> tuple[str, str]:
    """Host and port of one part; an address of IPv6 stands in brackets."""
    if named.startswith("["):
        host, _, rest = named[1:].partition("]")
        return host, rest.removeprefix(":")
    host, _, port = named.partition(":")
    return host, port


def _no_address(dsn: str) -> InvalidInput:
    return InvalidInput(
        "db",
        value=shown(dsn),
        limit="postgresql://user@host:5432/database, several hosts with commas between them",
        remedy="Name at least one host.",
    )


def shown(dsn: str) -> str:
    """A database address without its password."""
    parts = urlsplit(dsn)
    account, at, place = parts.netloc.rpartition("@")
    user = account.partition(":")[0]
    return urlunsplit((parts.scheme, f"{user}{at}{place}", parts.path, "", ""))


def _without_hosts(dsn: str) -> str:
    """The address with user, database and options, for a host that is named apart."""
    parts = urlsplit(dsn)
    account, at, _ = parts.netloc.rpartition("@")
    query = {
        name: values[-1]
        for name, values in parse_qs(parts.query).items()
        if name not in ("host", "port", "target_session_attrs")
    }
    return urlunsplit((parts.scheme, account + at, parts.path, urlencode(query), ""))


class Connector:
    """Opens lines to whichever host is the primary."""

    def __init__(self, dsn: str, *, connect_seconds: float = CONNECT_SECONDS) -> None:
        self._hosts = hosts_of(dsn)
        self._dsn = _without_hosts(dsn)
        self._connect_seconds = connect_seconds
        self._era = Era()

    @property
    def era(self) -> Era:
        """The newest era seen."""
        return self._era

    async def connect(self) -> Line:
        """A line to the primary.

        Raises:
            StoreBusy: no host is one now; says what each answered.
        """
        problems: list[str] = []
        for host in list(self._hosts):
            try:
                line = await self._greeted(host)
            except (*FAILURES, _Unfit) as error:
                problems.append(f"{host[0]}:{host[1]}: {type(error).__name__} {error}".strip())
                continue
            self._hosts.remove(host)
            self._hosts.insert(0, host)
            return line
        raise StoreBusy(f"no database takes writes now ({'; '.join(problems)})")

    async def _greeted(self, host: Host) -> Line:
        connection: Connection = await asyncpg.connect(
            self._dsn,
            host=host[0],
            port=host[1],
            timeout=self._connect_seconds,
            server_settings=SESSION,
            statement_cache_size=STATEMENTS_MAX,
        )
        try:
            async with asyncio.timeout(self._connect_seconds):
                era = await _era_of(connection)
            if era < self._era:
                raise _Unfit(f"is of {era}, and {self._era} was seen")
        except BaseException:
            connection.terminate()
            raise
        if era > self._era:
            if self._era.epoch:
                log.warning("database_era", host=host[0], port=host[1], epoch=era.epoch)
            self._era = era
        line = Line(connection, era)
        connection.add_log_listener(line.heard)
        return line


class _Unfit(Exception):
    """A host that answers and is not the primary."""


async def _era_of(connection: Connection) -> Era:
    is_standby, wal, is_made = await connection.fetchrow(sql.GREETING) or (True, "", False)
    if is_standby:
        raise _Unfit("is a standby or read-only")
    epoch = await connection.fetchval(sql.EPOCH) if is_made else 0
    return Era(epoch, int(wal[:8], 16))


class Lines:
    """The lines of one process: few, shared, handed over in the order of asking."""

    def __init__(self, connector: Connector, *, most: int = LINES_MAX) -> None:
        self._connector = connector
        self._most = most
        self._idle: list[Line] = []
        self._count = 0
        self._round = 0
        self._waiting: deque[asyncio.Future[Line | None]] = deque()
        self._is_closed = False

    async def take(self, within: float = FREE_LINE_SECONDS) -> Line:
        """A line for the caller alone, to be given back or dropped.

        Raises:
            StoreBusy: none is free within the limit, or no database takes writes.
        """
        try:
            async with asyncio.timeout(within):
                return await self._taken()
        except TimeoutError:
            raise StoreBusy(
                f"all {self._most} lines to the database are busy; nothing was written"
            ) from None

    async def _taken(self) -> Line:
        while not self._is_closed:
            line = self._free()
            if line is not None:
                return line
            if self._count < self._most:
                return await self._opened()
            handed = await self._turn()
            if handed is not None:
                return handed
        raise StoreBusy("the store is not open; nothing was written")

    def _free(self) -> Line | None:
        while self._idle:
            line = self._idle.pop()
            if not line.connection.is_closed():
                return line
            self._count -= 1
        return None

    async def _opened(self) -> Line:
        self._count += 1
        began_in = self._round
        try:
            line = await self._connector.connect()
        except BaseException:
            self._count -= 1
            self._hand(None)
            raise
        line.round = began_in
        return line

    async def _turn(self) -> Line | None:
        turn: asyncio.Future[Line | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                handed = turn.result()
                if handed is None:
                    self._hand(None)
                else:
                    self.give(handed)
            raise

    def _hand(self, line: Line | None) -> bool:
        """Give the next in the queue a line, or word that one may be opened."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(line)
                return True
        return False

    def give(self, line: Line) -> None:
        """The line is free again."""
        if self._is_closed or line.round != self._round or line.connection.is_closed():
            self.drop(line)
        elif not self._hand(line):
            self._idle.append(line)

    def drop(self, line: Line) -> None:
        """The line is not to be used again; nobody asks the server to cancel anything."""
        line.connection.terminate()
        self._count -= 1
        self._hand(None)

    def distrust(self, line: Line) -> None:
        """The primary may be another one now: no line as old as this one is used again."""
        if line.round == self._round:
            self.renew()

    def renew(self) -> None:
        """No line that is open now is used again."""
        self._round += 1
        idle, self._idle = self._idle, []
        for each in idle:
            self.drop(each)

    async def close(self) -> None:
        """Let go of every line; those in use end when they are given back."""
        self._is_closed = True
        idle, self._idle = self._idle, []
        for line in idle:
            await _farewell(line.connection)
            self.drop(line)
        while self._hand(None):
            pass


async def _farewell(connection: Connection) -> None:
    """Close in the server's good order, or let it find out."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await connection.close()
    except FAILURES:
        log.info("farewell_failed")
