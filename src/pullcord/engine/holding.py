"""Whether the database is held: then it can be looked at, and nothing goes in or out.

A restored backup begins held, because nobody knows yet what happened after it was made. Time goes
on: what came due meanwhile happens once somebody lets go.
"""

from datetime import datetime, timedelta

from pullcord.engine.clock import Clock
from pullcord.errors import Held
from pullcord.store.keeping import Hold
from pullcord.store.port import Store

#: what a person needs in the workspace in order to let go
RIGHT = "hold"
#: how old the answer may be; every process follows within this
FRESH_FOR = timedelta(seconds=1)


class Holding:
    """Knows whether the database is held, from a read that is at most a second old."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._found: Hold | None = None
        self._looked_at: datetime | None = None

    async def now(self) -> Hold | None:
        """Who holds the database, or None."""
        now = self._clock.now()
        if self._looked_at is None or abs(now - self._looked_at) >= FRESH_FOR:
            self._found = await self._store.held()
            self._looked_at = now
        return self._found

    async def refuse(self) -> None:
        """Let nothing in or out of a held database.

        Raises:
            Held: says since when, why, and who lets go.
        """
        found = await self.now()
        if found is not None:
            raise Held(f"{told(found)}; nothing goes in or out until somebody lets it go.")

    def forget(self) -> None:
        """Look again at the next question."""
        self._looked_at = None


def told(hold: Hold) -> str:
    """A hold as the beginning of a sentence."""
    return f"held since {hold.since:%Y-%m-%d %H:%M:%S} UTC by {hold.by}: {hold.why}"
