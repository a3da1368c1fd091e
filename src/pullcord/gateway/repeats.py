"""Finds which escalation of its session stands for a call that is made again."""

from dataclasses import replace

from pullcord.adapters.calls import Lasting, ToolCall
from pullcord.adapters.contract import Gate
from pullcord.client.flows import Flow
from pullcord.errors import NotDone
from pullcord.gateway.standing import Now, is_spent, utc_now
from pullcord.wire.replies import EscalationOut
from pullcord.wire.requests import AskIn

#: times one session may make one call with one set of arguments
REPEATS_MAX = 200
#: calls whose number is remembered by one process
KNOWN_MAX = 10_000


class Repeats:
    """Finds the escalation of a call among those of its session."""

    def __init__(self, gate: Gate, *, now: Now = utc_now) -> None:
        self._gate = gate
        self._now = now
        #: the first number of a call that is not spent
        self._first: Lasting[int] = Lasting(KNOWN_MAX)

    def standing(
        self, call: ToolCall, *, ask: AskIn | None = None
    ) -> Flow[tuple[ToolCall, EscalationOut | None]]:
        """The call as it is numbered, and what stands for it; None when it may run.

        Raises:
            NotDone: it must not run, and why.
        """
        name = f"{call.thread}/{call.id}"
        for number in range(self._first.get(name, 1), REPEATS_MAX + 1):
            numbered = replace(call, id=f"{call.id}-{number}")
            standing = yield from self._gate.stop(numbered, ask=ask)
            if standing is None or not is_spent(standing, self._now()):
                return numbered, standing
            self._first.keep(name, number + 1)
        raise NotDone(
            f"{call.tool} was not run: it was put to people {REPEATS_MAX} times in this session "
            "with the same arguments. Do not repeat it; ask the people responsible why."
        )
