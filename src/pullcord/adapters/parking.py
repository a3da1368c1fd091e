"""Parked runs: what an agent leaves behind while people decide, and what must still fit later.

A parked run carries the framework's own state as text, sealed with the agent's key, because
frameworks do not authenticate theirs: whoever could change it could put words in the model's
mouth. It also carries what it was made with; on resume every difference is said in words.
"""

import hashlib
import hmac
import sqlite3
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import msgspec

from pullcord.adapters.calls import Framework
from pullcord.briefing.digest import digest
from pullcord.errors import InvalidInput

#: version of the sealed form
FORM = 1
#: bytes of one parked run
PARKED_BYTES_MAX = 16 * 1_048_576
#: seconds one worker has a run to itself
CLAIM_FOR = 600.0


class AgentChanged(UserWarning):
    """A parked run is resumed by something else than what parked it."""


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """What a pause was made with."""

    framework: str
    framework_version: str
    pullcord_version: str
    #: fingerprint of the agent or tool: names, schemas, model
    agent: str
    #: the version of the framework's own state, where it has one
    state_version: str = ""


class ParkedRun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run that waits for people."""

    made_with: Stamp
    #: the conversation
    thread: str
    #: escalations that are waited for, by tool call id
    waits: dict[str, str]
    #: the framework's own state; opaque
    state: str
    #: seconds since 1970
    parked_at: float

    @property
    def id(self) -> str:
        """The same run parked again has another one."""
        return digest([self.thread, self.parked_at, sorted(self.waits.values())])[:32]

    def sealed(self, secret: str) -> str:
        """As text that nobody can change unseen."""
        body = msgspec.json.encode(self).decode()
        return f"{FORM}.{_seal(body, secret)}.{body}"


def stamp(framework: Framework, *, agent: str, state_version: str = "") -> Stamp:
    """What a pause is made with in this process."""
    return Stamp(
        framework=framework.name,
        framework_version=framework.version,
        pullcord_version=version("pullcord"),
        agent=agent,
        state_version=state_version,
    )


def parked_run(made_with: Stamp, *, thread: str, waits: Mapping[str, str], state: str) -> ParkedRun:
    """A run as it is parked now."""
    return ParkedRun(
        made_with=made_with,
        thread=thread,
        waits=dict(waits),
        state=state,
        parked_at=datetime.now(UTC).timestamp(),
    )


def unsealed(text: str, secret: str) -> ParkedRun:
    """A parked run again.

    Raises:
        InvalidInput: it was changed, or parked under another key.
    """
    form, _, rest = text.partition(".")
    seal, _, body = rest.partition(".")
    if form != str(FORM) or not hmac.compare_digest(seal, _seal(body, secret)):
        raise InvalidInput(
            "parked run",
            value=f"form {form}",
            limit=f"form {FORM}, sealed with this agent's key",
            remedy="It was changed, or parked under another PULLCORD_KEY: start the run again.",
        )
    return msgspec.json.decode(body, type=ParkedRun)


def _seal(body: str, secret: str) -> str:
    key = hashlib.sha256(b"pullcord parked run\0" + secret.encode()).digest()
    return hmac.new(key, body.encode(), hashlib.sha256).hexdigest()


def fingerprint(**parts: Any) -> str:
    """What an agent is made of, as one short name."""
    return digest(msgspec.to_builtins(parts, enc_hook=str, str_keys=True))[:16]


def differences(then: Stamp, now: Stamp, *, what: str) -> list[str]:
    """What is not as it was at the pause, in words; also warned of.

    Nothing unsafe follows from going on: decided arguments are executed by the tool as it is
    now, and a tool that cannot take them fails, which is reported.
    """
    compared = (
        (now.framework, then.framework_version, now.framework_version),
        (f"the state of {now.framework}", then.state_version, now.state_version),
        ("pullcord", then.pullcord_version, now.pullcord_version),
    )
    found = [
        f"{name} was {before or 'unknown'} when {what} paused and is {after or 'unknown'} now"
        for name, before, after in compared
        if before != after
    ]
    if then.agent != now.agent:
        found.append(f"the model, tools or schemas behind {what} have changed since it paused")
    for each in found:
        warnings.warn(each, AgentChanged, stacklevel=3)
    return found


class Shelf(Protocol):
    """Where parked runs wait; one that several processes share lets any of them resume."""

    def put(self, parked: ParkedRun, secret: str) -> None:
        """Keep a run, durably, before its process may end."""

    def claim(self, escalation: str, secret: str, *, now: float) -> ParkedRun | None:
        """The run that waits for this escalation, for this worker alone; None when none does."""

    def release(self, parked: ParkedRun) -> None:
        """Let others have it: it still waits."""

    def drop(self, parked: ParkedRun) -> None:
        """It goes on: nobody resumes it again."""


class SqliteShelf:
    """Parked runs in one SQLite file; safe between threads and processes of one machine."""

    def __init__(self, path: str | Path) -> None:
        self._path = str(path)
        self._lock = threading.Lock()
        with self._transaction() as file:
            file.execute(
                "CREATE TABLE IF NOT EXISTS parked "
                "(id TEXT PRIMARY KEY, sealed TEXT NOT NULL, claimed_until REAL NOT NULL)"
            )
            file.execute(
                "CREATE TABLE IF NOT EXISTS waits "
                "(escalation TEXT PRIMARY KEY, parked TEXT NOT NULL)"
            )
        Path(self._path).chmod(0o600)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            file = sqlite3.connect(self._path, timeout=10, isolation_level=None)
            try:
                file.execute("PRAGMA journal_mode=WAL")
                file.execute("PRAGMA synchronous=FULL")
                file.execute("BEGIN IMMEDIATE")
                yield file
                file.execute("COMMIT")
            finally:
                file.close()

    def put(self, parked: ParkedRun, secret: str) -> None:
        """Keep a run; acknowledged means on disk."""
        sealed = parked.sealed(secret)
        if len(sealed) > PARKED_BYTES_MAX:
            raise InvalidInput(
                "parked run",
                value=f"{len(sealed)} characters",
                limit=str(PARKED_BYTES_MAX),
                remedy="Shorten the transcript before the run pauses.",
            )
        with self._transaction() as file:
            file.execute("INSERT OR REPLACE INTO parked VALUES (?, ?, 0)", (parked.id, sealed))
            file.executemany(
                "INSERT OR REPLACE INTO waits VALUES (?, ?)",
                [(escalation, parked.id) for escalation in parked.waits.values()],
            )

    def claim(self, escalation: str, secret: str, *, now: float) -> ParkedRun | None:
        """The run that waits for this escalation, unless another worker has it."""
        with self._transaction() as file:
            row = file.execute(
                "SELECT id, sealed FROM parked JOIN waits ON parked = id "
                "WHERE escalation = ? AND claimed_until <= ?",
                (escalation, now),
            ).fetchone()
            if row is None:
                return None
            until = now + CLAIM_FOR
            file.execute("UPDATE parked SET claimed_until = ? WHERE id = ?", (until, row[0]))
        return unsealed(row[1], secret)

    def release(self, parked: ParkedRun) -> None:
        """Let others have it."""
        with self._transaction() as file:
            file.execute("UPDATE parked SET claimed_until = 0 WHERE id = ?", (parked.id,))

    def drop(self, parked: ParkedRun) -> None:
        """Forget it."""
        with self._transaction() as file:
            file.execute("DELETE FROM waits WHERE parked = ?", (parked.id,))
            file.execute("DELETE FROM parked WHERE id = ?", (parked.id,))

    def __len__(self) -> int:
        with self._transaction() as file:
            (count,) = file.execute("SELECT count(*) FROM parked").fetchone()
            return int(count)
