"""The keeper: holds the whole database and lets it go, both recorded in every workspace.

Letting go is a person's act. Who has the right does it in the console where the database serves
one workspace; where it serves several, nobody of one of them lets go for the others, and it takes
the command line of the machine.
"""

from collections.abc import Sequence

from pullcord.engine.bus import Bus
from pullcord.engine.clock import Clock
from pullcord.engine.holding import RIGHT, Holding
from pullcord.engine.office import Office
from pullcord.errors import InvalidInput, NotAllowed
from pullcord.path.escalation import Actor, person
from pullcord.store.keeping import Hold
from pullcord.store.port import Store

#: characters of a name and of a reason
BY_MAX, WHY_MAX = 100, 500


class Keeper:
    """Every act on the database as a whole."""

    def __init__(
        self, store: Store, clock: Clock, *, office: Office, holding: Holding, bus: Bus
    ) -> None:
        self._store = store
        self._clock = clock
        self._office = office
        self._holding = holding
        self._bus = bus

    async def hold(self, *, by: str, why: str, actor: Actor) -> int:
        """Hold everything in a new epoch; which it is.

        Raises:
            NotAllowed: this role of the database may not.
        """
        hold = Hold(self._clock.now(), _text("by", by, BY_MAX), _text("why", why, WHY_MAX))
        epoch = await self._store.hold(hold)
        facts = {"by": hold.by, "why": hold.why, "epoch": epoch}
        for workspace in await self._store.workspaces():
            await self._office.record(workspace, "held", actor, facts=facts)
        self._changed(await self._store.workspaces())
        return epoch

    async def let_go(self, *, by: str, actor: Actor) -> bool:
        """Let everything go on; whether it was held."""
        name = _text("by", by, BY_MAX)
        hold = await self._store.held()
        if hold is None:
            return False
        facts = {"by": name, "held_since": hold.since.isoformat(), "why": hold.why}
        workspaces = await self._store.workspaces()
        for workspace in workspaces:
            await self._office.record(workspace, "let_go", actor, facts=facts)
        was_held = await self._store.let_go()
        self._changed(workspaces)
        return was_held

    async def let_go_as(self, workspace: str, who: str) -> bool:
        """A person lets go in the console.

        Raises:
            NotAllowed: they may not, or the database serves other workspaces too.
        """
        someone = await self._office.allow(workspace, who, RIGHT)
        if not await self.is_alone(workspace):
            raise NotAllowed(
                "this database serves several workspaces; whoever runs it lets it go with "
                "`pullcord release`."
            )
        return await self.let_go(by=someone.name, actor=person(who))

    async def is_alone(self, workspace: str) -> bool:
        """Whether the database serves this workspace and no other."""
        return list(await self._store.workspaces()) == [workspace]

    def _changed(self, workspaces: Sequence[str]) -> None:
        self._holding.forget()
        for workspace in workspaces:
            self._bus.publish(workspace, "hold")
        self._bus.hint()


def _text(field: str, value: str, most: int) -> str:
    found = value.strip()
    if not found or len(found) > most or not found.isprintable():
        raise InvalidInput(
            field, value=value, limit=f"1 to {most} characters", remedy="It goes on record."
        )
    return found
