"""Run worlds: a storm, then calm; safety all the time, liveness at the end.

python -m tests.simulation.storm --seed 7            repeat one world
python -m tests.simulation.storm --escalations 10000 fresh seeds until that many were opened
"""

import argparse
import asyncio
import hashlib
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import structlog

from pullcord.config import read as reading
from pullcord.engine import office, policies, runner
from pullcord.errors import PullcordError
from pullcord.path.escalation import ENDED
from tests.simulation.agents import Agent, EndUser
from tests.simulation.audit import audit
from tests.simulation.board import linked
from tests.simulation.loop import Endless, SkewedClock, elapse, run
from tests.simulation.over_http import begin as clients
from tests.simulation.people import Admin, Operator, holds_everything, meddles_with_clocks
from tests.simulation.policy import OPERATORS, POLICIES, WORKSPACE
from tests.simulation.world import Lost, World, born

#: escalations of one world, seconds of its storm
ESCALATIONS = 150
ESCALATIONS_OVER_HTTP = 40
STORM_SECONDS = 5_400.0
#: limits of one world: steps of the loop, seconds on the wall, seconds of calm
STEPS_MAX = 8_000_000
WALL_SECONDS_MAX = 120.0
CALM_SECONDS_MAX = 6 * 3_600.0
#: after a clock that went an hour ahead, leases may lie an hour in the future
HOUR = 3_700.0
#: how late a deadline may be acted on when nothing is wrong, and amid faults
LATE_MAX, LATE_MAX_STORM = 60.0, 900.0
#: pauses of the engine here: every hint still wakes it at once
PAUSES = {"timers": 10.0, "courier": 10.0, "duties": 30.0, "watchdog": 30.0, "policy": 10.0}


@dataclass(slots=True)
class Report:
    """What one world came to."""

    seed: int
    opened: int = 0
    effects: int = 0
    changes: int = 0
    simulated: float = 0.0
    wall: float = 0.0
    steps: int = 0
    faults: Mapping[str, int] = field(default_factory=dict)
    statuses: Mapping[str, int] = field(default_factory=dict)
    digest: str = ""
    #: buttons of notes that were pressed, where the world has a board
    presses: int = 0
    #: over HTTP only: replies about an escalation, and how often each status came
    replies: int = 0
    codes: Mapping[int, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        head = f"seed {self.seed}: {self.opened} escalations, {sum(self.faults.values())} faults"
        if not self.violations:
            return f"{head}, no violation"
        told = "\n".join(f"  {each}" for each in self.violations)
        way = " --over-http" if self.codes else ""
        again = f"python -m tests.simulation.storm --seed {self.seed}{way}"
        return f"{head}, {len(self.violations)} violations\n{told}\nrepeat it with: {again}"


def run_world(
    seed: int, *, escalations: int = ESCALATIONS, checks: bool = True, over_http: bool = False
) -> Report:
    """Run one world to its end; `checks` False makes agents trust what they are given."""
    report = Report(seed)
    began = time.perf_counter()
    kept: list[World] = []

    async def main(clock: SkewedClock) -> None:
        world = World(seed, Path(folder), clock, escalations=escalations)
        kept.append(world)
        with noted(world.violated):
            await _story(world, report, checks=checks, over_http=over_http)

    with (
        tempfile.TemporaryDirectory(prefix="pullcord-storm-", dir=_memory()) as folder,
        patch.dict(runner.PAUSES, PAUSES),
        patch.object(office, "read", READ),
        patch.object(policies, "read_again", READ_AGAIN),
    ):
        try:
            selector = run(main, steps_max=STEPS_MAX, born=born)
            report.steps = selector.steps
            report.simulated = selector.now
        except Endless as problem:
            report.violations.append(str(problem))
    report.wall = time.perf_counter() - began
    for world in kept:
        report.violations += world.violations
        report.opened = len(world.watch.rows)
        report.effects = len(world.history.effects)
        report.changes = world.watch.changes
        report.faults = dict(world.weather.counts)
        report.presses = world.board.presses if world.board else 0
        report.statuses = _statuses(world)
    return report


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _statuses(world: World) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in world.watch.rows.values():
        name = str(row.escalation.closed_as or row.escalation.status)
        found[name] = found.get(name, 0) + 1
    return found


def _once(function: Callable[..., Any]) -> Callable[..., Any]:
    """Reading a policy is a pure function of its text, and slow: once is enough."""
    known: dict[str, Any] = {}

    def remembered(*values: Any, **named: Any) -> Any:
        name = repr((values, named))
        if name not in known:
            known[name] = function(*values, **named)
        return known[name]

    return remembered


READ, READ_AGAIN = _once(reading.read), _once(reading.read_again)


@contextmanager
def noted(violated: Callable[[str], None]) -> Iterator[None]:
    """What the engine logs as broken is a violation; the rest is weather."""

    def listen(_: Any, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
        if event.get("exc_info"):
            bug = event["exc_info"]
            violated(f"{event['event']}: {bug if bug is not True else sys.exc_info()[1]!r}")
        raise structlog.DropEvent

    structlog.configure(processors=[listen])
    try:
        yield
    finally:
        structlog.reset_defaults()


async def _story(world: World, report: Report, *, checks: bool, over_http: bool) -> None:
    rng = world.rng
    await world.begin(processes=rng.choice((1, 1, 2)))
    admin = Admin(world)
    house = world.processes[0].house
    for source in (*POLICIES[1:], POLICIES[0]):
        configuration = await house.office.apply(source, by="dana")
        world.watch.configurations[configuration.policy.version] = configuration
    histories = None
    if over_http:
        histories = await clients(world, STORM_SECONDS * 0.9)
    else:
        agents = [Agent(world, await _key(world, each), checks=checks) for each in range(3)]
        _begin(world, agents)
    if world.board is not None:
        await linked(house)
        world.acts(world.board.live())
    world.acts(admin.live())
    world.acts(meddles_with_clocks(world))
    world.acts(holds_everything(world))
    world.acts(_punctuality(world))
    world.weather.is_calm = False
    storm = asyncio.get_running_loop().time() + STORM_SECONDS
    await _until(world, lambda: asyncio.get_running_loop().time() >= storm, STORM_SECONDS * 2)
    await _calm(world, admin)
    if histories is not None:
        histories.audit()
        report.replies, report.codes = histories.replies, histories.statuses
    if not world.violations:
        report.digest = await _reckon(world)
    await world.end()


async def _key(world: World, number: int) -> Any:
    """Two agents in production, one in test, each with a key of its own."""
    agent = ("support", "infra", "support")[number]
    environment = ("production", "production", "test")[number]
    office_ = world.processes[0].house.office
    _, key = await office_.mint_key(
        WORKSPACE, agent=agent, environment=environment, creator=("dev", "tom", "ines")[number]
    )
    return key


def _begin(world: World, agents: list[Agent]) -> None:
    shares = (0.6, 0.3, 0.1)
    for agent, share in zip(agents, shares, strict=True):
        count = max(1, round(world.escalations * share * 1.35))
        world.acts(agent.work(count, STORM_SECONDS * 0.9))
        for number in range(world.rng.choice((1, 2))):
            world.acts(agent.live(number, is_mortal=world.rng.random() < 0.7))
    for who in OPERATORS:
        world.acts(Operator(world, who).live())
    world.acts(Operator(world, "dev").live())
    world.acts(EndUser(world).live())


async def _until(world: World, done: Callable[[], bool], seconds: float) -> bool:
    """Wait for something to be so; stops at a violation, or when it takes too long."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    began = time.perf_counter()
    while not world.failed.is_set() and not done():
        if loop.time() >= until:
            return False
        if time.perf_counter() - began > WALL_SECONDS_MAX:
            world.violated(f"more than {WALL_SECONDS_MAX} s on the wall")
        with suppress(TimeoutError):
            async with asyncio.timeout(20):
                await world.failed.wait()
    return True


async def _calm(world: World, admin: Admin) -> None:
    """Faults stop: everything that is open must come to its end, and nothing may be late."""
    world.weather.is_calm = True
    world.is_channel_dead = world.is_board_dead = False
    world.clock.skew *= 0
    await admin.applies(POLICIES[0])
    await admin.welcomes_all()
    ended = await _until(world, lambda: _is_over(world), CALM_SECONDS_MAX)
    if not ended and not world.violations:
        left = [row.escalation for row in world.watch.rows.values()]
        stuck = sorted(f"{e.id} {e.status} {e.due_at}" for e in left if e.status not in ENDED)
        world.violated(f"faults stopped {CALM_SECONDS_MAX} s ago and these are open: {stuck[:5]}")
    if not world.violations and not await _until_drained(world):
        world.violated("faults stopped and messages are still not sent")


def _is_over(world: World) -> bool:
    rows = world.watch.rows.values()
    return not world.busy and all(row.escalation.status in ENDED for row in rows)


async def _until_drained(world: World) -> bool:
    """The outbox empties: the longest wait between two tries is 15 minutes."""
    far = world.clock.now().replace(year=2100)
    for _ in range(100):
        with suppress(Lost, PullcordError):
            unsent = await world.call(lambda house: house.store.unsent_since(far))
            unedited = await world.call(lambda house: house.store.unedited_since(far))
            if unsent is None and unedited is None:
                return True
        await elapse(60)
    return False


async def _punctuality(world: World) -> None:
    """No deadline waits for long: bounded amid faults, and strictly once they are over."""
    calm_since = 0.0
    while True:
        await elapse(15)
        elapsed = world.clock.elapsed()
        if not world.weather.is_calm:
            calm_since = elapsed
        is_over = elapsed - calm_since > LATE_MAX_STORM
        bound = LATE_MAX if is_over else LATE_MAX_STORM
        stood_still = world.is_held or elapsed - world.let_go_at < LATE_MAX_STORM
        if elapsed - world.hour_jumped_at > HOUR and not stood_still:
            _none_late(world, bound)


def _none_late(world: World, bound: float) -> None:
    now = world.clock.now()
    for row in world.watch.rows.values():
        found = row.escalation
        if found.due_at is not None and (now - found.due_at).total_seconds() > bound:
            world.violated(f"{found.id} is {found.status} and was due at {found.due_at}")


async def _reckon(world: World) -> str:
    """Read the file from scratch and digest everything that happened."""
    process = next(each for each in world.processes if each.is_up)
    heads = await audit(world, process.house)
    told = hashlib.sha256("\n".join(heads).encode())
    told.update(repr(world.history.records).encode())
    told.update(repr(world.history.effects).encode())
    return told.hexdigest()


def seeds(first: int | None) -> Iterator[int]:
    """The given seed and those after it, or fresh ones."""
    start = random.SystemRandom().randrange(10**9) if first is None else first
    yield from range(start, start + 1_000_000)


def storms(
    escalations: int, first: int | None, say: Callable[[str], None], *, over_http: bool
) -> list[Report]:
    """Fresh worlds until that many escalations were opened; stops at the first violation."""
    reports: list[Report] = []
    size = ESCALATIONS_OVER_HTTP if over_http else ESCALATIONS
    for seed in seeds(first):
        reports.append(run_world(seed, escalations=size, over_http=over_http))
        say(f"{reports[-1]}, {reports[-1].wall:.1f} s")
        if reports[-1].violations or sum(each.opened for each in reports) >= escalations:
            return reports
    raise AssertionError("a million worlds were not enough")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=os.environ.get("SIMULATION_SEED"))
    parser.add_argument(
        "--escalations", type=int, default=int(os.environ.get("SIMULATION_ESCALATIONS", "1"))
    )
    parser.add_argument("--over-http", action="store_true")
    given = parser.parse_args()
    first = None if given.seed is None else int(given.seed)
    reports = storms(
        given.escalations,
        first,
        lambda line: print(line, flush=True),
        over_http=given.over_http,
    )
    faults = sum(sum(each.faults.values()) for each in reports)
    print(
        f"{len(reports)} worlds, {sum(each.opened for each in reports)} escalations, "
        f"{faults} faults, {sum(each.simulated for each in reports) / 3600:.0f} simulated hours, "
        f"{sum(each.changes for each in reports)} changes, "
        f"{sum(each.effects for each in reports)} effects, "
        f"{sum(each.replies for each in reports)} replies over HTTP, "
        f"{sum(each.presses for each in reports)} presses, "
        f"{sum(each.wall for each in reports):.0f} s"
    )
    return 1 if reports[-1].violations else 0


if __name__ == "__main__":
    sys.exit(main())
