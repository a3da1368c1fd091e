"""Calls that people let run and whose server asks the host for more before it goes on.

In the stateless protocol a server answers such a call with `input_required`, and the host makes
the same call again with what its user said and the state it was given. That is the call people
decided on, so it goes on with the arguments they decided, and nobody is asked a second time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pullcord.adapters.calls import Lasting
from pullcord.gateway import messages as rpc
from pullcord.gateway.messages import Message

#: calls of one host that may wait for what its user says
ROUNDS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Round:
    """One call that is not over: the arguments it runs with, and what its model is told."""

    args: Mapping[str, Any]
    notice: str


class Rounds:
    """The calls that are not over."""

    def __init__(self) -> None:
        self._open: Lasting[Round] = Lasting(ROUNDS_MAX)

    def keep(self, kind: str, answer: Message, found: Round) -> None:
        """Remember a call whose server asks for more; one that is over is not kept."""
        result = answer.get("result")
        if rpc.asks_for_more(answer) and isinstance(result, dict):
            self._open.keep(_name(kind, result.get("requestState")), found)

    def take(self, kind: str, message: Message) -> Round | None:
        """The call that this message goes on with, once; None when it begins one."""
        params = rpc.params_of(message)
        if "requestState" not in params and "inputResponses" not in params:
            return None
        return self._open.pop(_name(kind, params.get("requestState")), None)


def _name(kind: str, state: Any) -> str:
    return f"{kind}/{rpc.named(state)}"
