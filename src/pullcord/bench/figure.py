"""One measured figure, and how a run of figures is shown."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its unit; `ratio` is value ÷ floor, or floor ÷ value where less is better.

    So a ratio is always better when it is larger, and `reach` is the ratio or value to reach.
    """

    name: str
    value: float
    unit: str
    n: int
    floor: float | None = None
    ratio: float | None = None
    #: what the floor is: "raw group commit", "cel-expr-python 0.1.3"
    peer: str = ""
    reach: str = ""
    has_reached: bool | None = None

    def plain(self) -> dict[str, Any]:
        """As one JSON object."""
        return {
            "name": self.name,
            "value": round(self.value, 3),
            "unit": self.unit,
            "floor": None if self.floor is None else round(self.floor, 3),
            "ratio": None if self.ratio is None else round(self.ratio, 3),
            "peer": self.peer,
            "n": self.n,
            "reach": self.reach,
            "reached": self.has_reached,
        }


@dataclass(frozen=True, slots=True)
class Setting:
    """What a measurement runs with: seconds of each part, a folder on a real disk, a database.

    `rounds` parts are measured of ours and of the floor, turn about. `dsn` names a PostgreSQL whose
    role may make databases; without one a cluster is made and thrown away.
    """

    seconds: float
    folder: Path
    dsn: str = ""
    rounds: int = 3
    #: the whole million instead of a tenth of it
    is_full: bool = False


#: A measurement by name: gives its figures.
Measure = Callable[[Setting], Awaitable[list[Figure]]]


@dataclass(frozen=True, slots=True)
class Round:
    """One turn of each, one after the other: what ours did and what the floor did."""

    own: float
    floor: float
    n: int


def paired(name: str, rounds: Sequence[Round], *, unit: str, peer: str, reach: float) -> Figure:
    """The medians of turns that were taken about; the ratio is the median of those of each turn.

    A machine that slows down slows both of a turn, so the ratio holds where the values do not.
    """
    ratio = median(each.own / each.floor for each in rounds)
    return Figure(
        name=name,
        value=median(each.own for each in rounds),
        unit=unit,
        n=sum(each.n for each in rounds),
        floor=median(each.floor for each in rounds),
        ratio=ratio,
        peer=peer,
        reach=f"ratio ≥ {reach:.2f}",
        has_reached=ratio >= reach,
    )


def share(sorted_values: list[float], part: float) -> float:
    """The value that this part of a sorted list stays below."""
    if not sorted_values:
        return 0.0
    return sorted_values[min(len(sorted_values) - 1, int(part * len(sorted_values)))]
