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


def main() -> None:
    """Stop, park, resume, for ever."""
    folder, life = Path(sys.argv[1]), sys.argv[2]
    cord = Pullcord()
    intents, parked, effects = (Journal(folder / name) for name in ("intents", "parked", "effects"))

    @cord.guard(wait="0s")
    def refund(order: str, amount: float) -> str:
        effects.write(order, amount, os.getpid())
        return f"refunded {amount}"

    def stop_once(order: str) -> None:
        with cord.run(f"run-{order}"), cord.call(order):
            try:
                refund(order=order, amount=480.0)
            except Parked as stopped:
                parked.write(order, stopped.escalation)
            except Unreachable:
                return
            except NotDone as known:
                if known.escalation:
                    parked.write(order, known.escalation)

    def stops() -> None:
        for order in unfinished(folder):
            try:
                stop_once(order)
            except PullcordError:
                continue
        count = 0
        while not pause.wait(PACE):
            count += 1
            order = f"o{life}-{count}"
            intents.write(order)
            try:
                stop_once(order)
            except PullcordError:
                continue

    pause = threading.Event()
    threading.Thread(target=stops, daemon=True).start()
    while not pause.wait(0.01):
        try:
            for decision in cord.decisions():
                cord.resume(decision)
        except PullcordError as problem:
            print(f"again: {problem}", file=sys.stderr)


if __name__ == "__main__":
    main()
