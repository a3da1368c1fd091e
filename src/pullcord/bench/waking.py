"""wakeups: what telling other processes of every commit costs the commits, on a slow disk.

A NOTIFY inside the writing transaction takes a lock until after the commit, so commits stand in
line; ours are told off the write path. `commit_delay` makes a commit cost a millisecond.
"""

import itertools
from collections.abc import Awaitable, Callable, Sequence

from pullcord.bench.figure import Figure, Round, Setting, paired
from pullcord.bench.floors import rate
from pullcord.bench.floors_postgres import OPEN_AND_NOTIFY, PostgresFloor
from pullcord.bench.ground import POSTGRES, ground
from pullcord.bench.town import payload
from pullcord.store.sharing import Hint

IN_FLIGHT = 64
REACH = 0.85
SLOW_DISK = {"commit_delay": "1000"}


async def wakeups(setting: Setting) -> list[Figure]:
    """Commits a second with and without wake-ups, and with a NOTIFY inside each."""
    rounds: list[Round] = []
    inside: list[Round] = []
    async with ground(setting, POSTGRES) as place:
        floor = await PostgresFloor.begin(place.db, settings=SLOW_DISK)
        from pullcord.store.connector import Connector  # noqa: PLC0415  # needs its driver
        from pullcord.store.hints_postgres import PostgresHints  # noqa: PLC0415  # the same

        hints = PostgresHints(Connector(place.db))
        await hints.start(_heard, _lost)
        numbers, body = itertools.count(), payload()

        async def quiet(_: str) -> None:
            await floor.open(f"k{next(numbers)}", body)

        async def telling(_: str) -> None:
            name = f"k{next(numbers)}"
            await floor.open(name, body)
            hints.tell(Hint("bench", "escalation", name, 1, "key", is_decided=False))

        async def notifying(_: str) -> None:
            await floor.execute(OPEN_AND_NOTIFY, f"k{next(numbers)}", body, 0.0)

        async def measured(work: Callable[[str], Awaitable[None]]) -> tuple[float, int]:
            return await rate(work, workers=IN_FLIGHT, seconds=setting.seconds)

        for _ in range(setting.rounds):
            raw, _ = await measured(quiet)
            own, n = await measured(telling)
            trap, m = await measured(notifying)
            rounds.append(Round(own, raw, n))
            inside.append(Round(trap, raw, m))
        await hints.close()
        await floor.close()
    trap_figure = paired("wakeups_inside", inside, unit="commits/s", peer="no NOTIFY", reach=0)
    return [
        paired("wakeups", rounds, unit="commits/s", peer="the same, nobody told", reach=REACH),
        Figure(
            name=trap_figure.name,
            value=trap_figure.value,
            unit="commits/s",
            n=trap_figure.n,
            floor=trap_figure.floor,
            ratio=trap_figure.ratio,
            peer="NOTIFY inside each, for comparison",
        ),
    ]


def _heard(_: Sequence[Hint]) -> None:
    """Nobody waits."""


def _lost() -> None:
    """Nothing is missed."""
