"""An agent that lives dangerously: it is killed at any instant and started again.

    python agent.py FOLDER LIFE

What must survive it writes with O_APPEND and fsync: `intents` before a call is made, `parked`
once the server has acknowledged the stop, `effects` when the guarded effect really happens.
"""

import os
import sys
import threading
from pathlib import Path

from pullcord import NotDone, Parked, Pullcord
from pullcord.errors import PullcordError, Unreachable

#: seconds between two new calls
PACE = 0.05


class Journal:
    """Lines that are on the disk when `write` returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, *words: object) -> None:
        """One line, whole or not at all."""
        os.write(self._file, (" ".join(map(str, words)) + "\n").encode())
        os.fsync(self._file)


def unfinished(folder: Path) -> list[str]:
    """Orders an earlier life meant to refund and never heard of."""
    path = folder / "intents"
    if not path.exists():
        return []
    intents = path.read_text().split()
    parked = folder / "parked"
    known = {line.split()[0] for line in parked.read_text().splitlines()} if parked.exists() else ()
    return [each for each in intents if each not in known]


class Agent:
    """Stops for refunds in one thread and resumes what was decided in another."""

    def __init__(self, folder: Path, life: str) -> None:
        self._folder = folder
        self._life = life
        self._cord = Pullcord()
        self._intents = Journal(folder / "intents")
        self._parked = Journal(folder / "parked")
        self._effects = Journal(folder / "effects")
        self._refund = self._cord.guard(wait="0s")(self.refund)
        self._pause = threading.Event()

    def refund(self, order: str, amount: float) -> str:
        """The guarded effect."""
        self._effects.write(order, amount, os.getpid())
        return f"refunded {amount}"

    def stops(self) -> None:
        """First what earlier lives left unfinished, then something new, for ever."""
        for order in unfinished(self._folder):
            self._stops_for(order)
        count = 0
        while not self._pause.wait(PACE):
            count += 1
            order = f"o{self._life}-{count}"
            self._intents.write(order)
            self._stops_for(order)

    def _stops_for(self, order: str) -> None:
        """One call: whatever life makes it, it has the same run and the same call."""
        try:
            with self._cord.run(f"run-{order}"), self._cord.call(order):
                self._refund(order=order, amount=480.0)
        except Parked as stopped:
            self._parked.write(order, stopped.escalation)
        except Unreachable:
            return
        except NotDone as known:
            if known.escalation:
                self._parked.write(order, known.escalation)
        except PullcordError as problem:
            print(f"stopping: {problem}", file=sys.stderr)

    def resumes(self) -> None:
        """Run what was decided, in whichever life it comes."""
        while not self._pause.wait(0.01):
            try:
                for decision in self._cord.decisions():
                    self._cord.resume(decision)
            except PullcordError as problem:
                print(f"resuming: {problem}", file=sys.stderr)


def main() -> None:
    """Live until killed."""
    agent = Agent(Path(sys.argv[1]), sys.argv[2])
    threading.Thread(target=agent.stops, daemon=True).start()
    agent.resumes()


if __name__ == "__main__":
    main()
