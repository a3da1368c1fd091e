"""Hints over NOTIFY, off the write path: a NOTIFY inside a write makes all commits wait in line.

One connection a process listens and tells. It tells at most every few milliseconds, everything
that came meanwhile at once, and waits for no disk.
"""

import asyncio
import json
import secrets
from collections.abc import Iterable, Iterator

import structlog

from pullcord.errors import StoreBusy
from pullcord.store import queries_postgres as sql
from pullcord.store.connector import Connection, Connector
from pullcord.store.mishaps_postgres import FAILURES
from pullcord.store.sharing import Heard, Hint, Lost

#: one channel for every Pullcord of a database
CHANNEL = "pullcord"
#: seconds between two tellings; bytes of one payload (PostgreSQL takes 7,999); hints that wait
PAUSE_SECONDS = 0.005
PAYLOAD_MAX = 7_000
WAITING_MAX = 10_000
#: seconds of silence after which the wire is tried, an answer may take, and between connections
QUIET_SECONDS = 5.0
ANSWER_SECONDS = 3.0
AGAIN_SECONDS = 1.0

log = structlog.get_logger("pullcord.store")


def _told(hint: Hint) -> str:
    fields = (hint.workspace, hint.topic, hint.id, hint.version, hint.agent_key, hint.is_decided)
    return json.dumps(fields, separators=(",", ":"))


class PostgresHints:
    """See `pullcord.store.sharing.Hints`."""

    def __init__(self, connector: Connector, *, quiet_seconds: float = QUIET_SECONDS) -> None:
        self._connector = connector
        self._quiet_seconds = quiet_seconds
        #: names this process, so that it does not hear itself
        self._self = secrets.token_hex(8)
        self._waiting: dict[tuple[str, str, str], Hint] = {}
        self._is_waiting = asyncio.Event()
        self._is_listening = asyncio.Event()
        self._is_closing = False
        self._work: asyncio.Task[None] | None = None

    async def start(self, heard: Heard, lost: Lost) -> None:
        """Begin to listen and tell; does not wait for a database that is away."""
        self._heard, self._lost = heard, lost
        self._work = asyncio.get_running_loop().create_task(self._run(), name="pullcord-hints")
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._is_listening.wait()
        except TimeoutError:
            log.info("hints_not_yet")

    def tell(self, hint: Hint) -> None:
        """Let the others know; the newest of each thing is enough."""
        if len(self._waiting) < WAITING_MAX:
            self._waiting[(hint.workspace, hint.topic, hint.id)] = hint
            self._is_waiting.set()

    async def close(self) -> None:
        """Tell what is left and stop, within a limit."""
        work, self._work = self._work, None
        if work is None:
            return
        self._is_closing = True
        self._is_waiting.set()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await asyncio.shield(work)
        except TimeoutError:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def _run(self) -> None:
        is_again = False
        while not self._is_closing:
            try:
                await self._serve(is_again)
            except (StoreBusy, *FAILURES) as problem:
                log.info("hints_lost", problem=str(problem))
                await self._pause(AGAIN_SECONDS)
            is_again = True

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(0 if self._is_closing else seconds)

    async def _serve(self, is_again: bool) -> None:
        """Listen and tell on one connection until it ends."""
        line = await self._connector.connect()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await line.connection.execute(sql.HINTS_HURRY)
                await line.connection.add_listener(CHANNEL, self._notified)
            self._is_listening.set()
            if is_again:
                self._lost()
            while not self._is_closing or self._waiting:
                await self._tell(line.connection)
                await self._pause(PAUSE_SECONDS)
        finally:
            line.connection.terminate()

    async def _tell(self, connection: Connection) -> None:
        """Wait for something to tell, and tell all of it; after a silence, try the wire."""
        try:
            async with asyncio.timeout(self._quiet_seconds):
                await self._is_waiting.wait()
        except TimeoutError:
            pass
        self._is_waiting.clear()
        waiting, self._waiting = self._waiting, {}
        async with asyncio.timeout(ANSWER_SECONDS):
            await connection.execute(sql.TELL, CHANNEL, list(self._payloads(waiting.values())))

    def _payloads(self, hints: Iterable[Hint]) -> Iterator[str]:
        """The hints in as few payloads as they fit in; one that fits in none is left out."""
        size, piece = PAYLOAD_MAX, [self._self]
        for hint in hints:
            told = _told(hint)
            if size + len(told) > PAYLOAD_MAX and len(piece) > 1:
                yield "\n".join(piece)
                piece = [self._self]
            if len(piece) == 1:
                size = len(self._self)
            if size + len(told) <= PAYLOAD_MAX:
                piece.append(told)
                size += len(told) + 1
        if len(piece) > 1:
            yield "\n".join(piece)

    def _notified(self, _connection: object, _process: int, _channel: str, payload: str) -> None:
        """Hear the others; what is none of ours is nothing to us."""
        sender, *told = payload.split("\n")
        if sender == self._self:
            return
        try:
            self._heard([Hint(*json.loads(each)) for each in told])
        except (ValueError, TypeError):
            log.info("hint_not_understood", payload=payload[:100])
