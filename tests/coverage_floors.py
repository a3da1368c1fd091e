"""How much of each room the tests must reach; `make test` runs this after the suites.

A floor only rises. Below 100 stands what the reason says and nothing else.
"""

import io
import sys
from dataclasses import dataclass

from coverage import Coverage
from coverage.exceptions import NoDataError


@dataclass(frozen=True, slots=True)
class Floor:
    """Percent of lines and branches of one room that the tests reach at least."""

    room: str
    percent: int
    reason: str = ""


#: paths that only bad luck takes: a lost race, a refused connection, a turn of the scheduler
BY_CHANCE = "100 in a quiet run; some paths are taken only when two things meet in time"

FLOORS = (
    Floor("trigger", 100),
    Floor("owner", 100),
    Floor("briefing", 100),
    Floor("path", 100),
    Floor("config", 100),
    Floor("store", 98, BY_CHANCE),
    Floor("engine", 98, BY_CHANCE),
    Floor("server", 95, "the API of the last slices is held by the matrix and the fuzzer"),
    Floor("client", 95, "what only a dying process does is shown by SIGKILL, which writes no data"),
    Floor("gateway", 95, "the same, and a pipe that breaks in the middle of a line"),
    Floor("hook", 96, "the same: a hook that is late, killed or hangs never writes what it did"),
    Floor(
        "adapters", 93, "`make adapters` measures the newest frameworks, each in its environment"
    ),
)


def reached(coverage: Coverage, room: str) -> tuple[float, str]:
    """Percent reached of a room, and the report on what was missed."""
    told = io.StringIO()
    percent = coverage.report(include=[f"src/pullcord/{room}/*"], file=told)
    return percent, told.getvalue()


def main() -> int:
    """Print one line per room; 1 when one is below its floor."""
    coverage = Coverage()
    coverage.load()
    below = 0
    for floor in FLOORS:
        try:
            percent, told = reached(coverage, floor.room)
        except NoDataError:
            percent, told = 0.0, "no test imported it\n"
        print(f"{floor.room:10} {percent:6.2f} %   floor {floor.percent} %")
        if percent < floor.percent:
            below += 1
            print(told)
    if below:
        print(f"{below} rooms are below their floor: test the lines above, or delete them.")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
