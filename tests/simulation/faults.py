"""The weather: which faults come how often, drawn from the seed, until it turns calm."""

import json
import random
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pullcord.channels.port import Abilities, Letter, Outcome, Sent
from pullcord.errors import CommitUnknown, StoreBusy
from pullcord.store.codec import message_of
from pullcord.store.filing_sqlite import file
from pullcord.store.lane import Connect, Job
from pullcord.store.port import Filed, Settled
from pullcord.store.receipts import ReceiptState
from pullcord.store.sqlite import SqliteStore
from tests.simulation.loop import elapse
from tests.simulation.watch import Watch

Result = TypeVar("Result")

#: what became of everything somebody was asked by, oldest first; edits are another matter
RECEIPTS = """select outgoing, state from receipts where escalation = ? and recipient = ?
  and state not in ('edited', 'stale') and outgoing not like '%/edit'
  and (detail like 'asked:%' or detail like 'reminded:%') order by ord"""
WAITING = "select id from outbox where escalation = ?"

#: seconds a stalled worker stands still: longer than any lease
STALL = (25.0, 90.0)


@dataclass(slots=True)
class Weather:
    """Rates of faults in this world; each draw asks the same generator in the same order."""

    rng: random.Random
    crash: float
    lost: float
    unknown: float
    stall: float
    reply: float
    twice: float
    channel: float
    agent: float
    is_calm: bool = False
    counts: dict[str, int] = field(default_factory=dict)

    @classmethod
    def drawn(cls, rng: random.Random) -> "Weather":
        """Rates for one seed: some worlds are rough, some nearly quiet."""
        rough = rng.choice((0.3, 1.0, 1.0, 2.5))
        return cls(
            rng=rng,
            crash=0.0004 * rough,
            lost=0.006 * rough,
            unknown=0.006 * rough,
            stall=0.0008 * rough,
            reply=0.01 * rough,
            twice=0.02 * rough,
            channel=0.06 * rough,
            agent=0.03 * rough,
        )

    def strikes(self, fault: str, rate: float) -> bool:
        """Whether this fault happens here and now."""
        if self.is_calm or self.rng.random() >= rate:
            return False
        self.note(fault)
        return True

    def note(self, fault: str) -> None:
        """Count a fault."""
        self.counts[fault] = self.counts.get(fault, 0) + 1


class Machine(Protocol):
    """What the faults need to know of the process they strike."""

    weather: Weather
    path: Path
    connections: list[sqlite3.Connection]

    async def may_crash(self) -> None:
        """Perhaps the last await of this process."""


class StormyLane:
    """A lane without a thread whose jobs run a little later, in the order they came."""

    def __init__(self, connect: Connect, process: Machine) -> None:
        self._connection: sqlite3.Connection = connect()
        self._process = process
        process.connections.append(self._connection)

    async def run(self, job: Job[Result]) -> Result:
        """Let others go first, then run the job whole."""
        weather = self._process.weather
        await elapse(weather.rng.choice((0.0, 0.0, 0.001, 0.02)))
        if weather.strikes("stall", weather.stall):
            await elapse(weather.rng.uniform(*STALL))
        return job(self._connection)

    async def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class StormyStore(SqliteStore):
    """The real store on a real file; the weather stands between it and its callers."""

    def __init__(self, process: Machine, watch: Watch) -> None:

        def lane(connect: Connect) -> StormyLane:
            return StormyLane(connect, process)

        super().__init__(process.path, lane=lane, near=lane, sync="OFF")
        self._process = process
        self._watch = watch

    async def commit(self, filed: Filed) -> None:
        """Write it; the watcher sees exactly what the database took."""

        def job(connection: sqlite3.Connection) -> None:
            file(connection, filed)
            self._watch.note(filed)
            self._watch_ways(connection, filed)

        await self.write(job)

    def _watch_ways(self, connection: sqlite3.Connection, filed: Filed) -> None:
        """Nobody counts as not reached while one of their ways may still arrive, or did."""
        for link in filed.links:
            if link.kind == "not_reached":
                who = json.loads(link.body)["facts"]["person"]
                receipts = connection.execute(RECEIPTS, (link.chain, f"person:{who}")).fetchall()
                waiting = connection.execute(WAITING, (link.chain,)).fetchall()
                self._watch.given_up(
                    link.chain,
                    who,
                    receipts=[(str(name), str(state)) for name, state in receipts],
                    waiting=[str(name) for (name,) in waiting],
                )

    async def write(self, job: Callable[[sqlite3.Connection], Result]) -> Result:
        """A write that may be lost, may be done and not answered, or may be the last."""
        weather = self._process.weather
        await self._process.may_crash()
        if weather.strikes("lost before commit", weather.lost):
            raise StoreBusy("the connection was lost before the commit")
        result = await super().write(job)
        if weather.strikes("commit unknown", weather.unknown):
            raise CommitUnknown("the connection was lost during the commit")
        await self._process.may_crash()
        return result

    async def settle_outgoing(self, workspace: str, settled: Sequence[Settled]) -> None:
        """A message is only dropped as stale when it is."""
        for each in settled:
            if each.receipt.state is ReceiptState.STALE:
                named = each.receipt.outgoing
                rows = await self.read("select message from outbox where id = ?", named)
                for (message,) in rows:
                    self._watch.dropped(message_of(message))
        await super().settle_outgoing(workspace, settled)

    async def look(self, statement: str, *values: Any) -> list[Any]:
        """Every read takes its time and may be lost."""
        return await self.read(statement, *values)

    async def _ask(self, job: Callable[[sqlite3.Connection], Result]) -> Result:
        weather = self._process.weather
        if weather.strikes("lost read", weather.lost / 4):
            raise StoreBusy("the connection was lost")
        return await super()._ask(job)


class StormyChannel:
    """A way outward that fails, lies, is slow, and for a while is dead."""

    name = "webhook"
    can = Abilities()

    def __init__(self, process: Machine, told: Callable[[Letter], None]) -> None:
        self._process = process
        self._told = told
        self.is_dead: Callable[[], bool] = lambda: False

    async def send(self, letter: Letter) -> Sent:
        """One try; only an honest delivery reaches the person."""
        await self._process.may_crash()
        weather = self._process.weather
        rng = weather.rng
        if weather.strikes("slow channel", weather.channel / 2):
            await elapse(rng.uniform(5, 45))
        if self.is_dead() and not weather.is_calm:
            weather.note("dead channel")
            return Sent(Outcome.RETRY, "no answer")
        if weather.strikes("failed channel", weather.channel):
            return rng.choice((Sent(Outcome.RETRY, "busy"), Sent(Outcome.FAILED, "gone")))
        if not weather.strikes("lying channel", weather.channel):
            self._told(letter)
        return Sent(rng.choice((Outcome.ACCEPTED, Outcome.DELIVERED)), "ok")

    async def close(self) -> None:
        """Nothing to let go of."""
