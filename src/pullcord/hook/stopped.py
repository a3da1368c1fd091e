"""A call that is put to people: wait for them, take what they decided, and hand it to the host."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pullcord.adapters.calls import Done, Framework, ToolCall
from pullcord.adapters.contract import Gate, gate_of, is_living
from pullcord.client.cord import Pullcord
from pullcord.client.core import Executions
from pullcord.client.decisions import collected
from pullcord.client.face import inside
from pullcord.client.keys import kind_of
from pullcord.client.runs import InRun, Run
from pullcord.errors import Parked
from pullcord.gateway.repeats import Repeats
from pullcord.gateway.standing import asked
from pullcord.hook.answers import NOTHING, Answer, allowed, denied
from pullcord.hook.asking import PATIENCE
from pullcord.hook.given import attempt_of, mark_of, signals_of

#: a coding agent behind a hook: it repeats a call, so it goes on in any process
HOOK = Framework(
    "command hook",
    "pullcord",
    ("edit_args", "partial_resume", "reason_on_reject", "note_on_approve", "durable"),
)
AGAIN = (
    "Do other work meanwhile or end your turn. Repeat exactly the same call to get the decision; "
    "do not look for another way to the same effect."
)


class OneAttempt(Executions):
    """Decisions are taken under a name that the hook after the tool knows too."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    @property
    def attempt(self) -> str:
        """The same in both processes."""
        return self._name


def stopped(said: Mapping[str, Any], *, messages: Sequence[Any], wait: float) -> Answer:
    """What the host is told about a call that a rule stopped.

    Raises:
        NotDone: it must not run, and why.
    """
    cord = Pullcord(patience=PATIENCE)
    attempt = attempt_of(said)
    inside(cord).core.executions = OneAttempt(attempt)
    run = Run(id=said["session_id"], messages=messages, signals=signals_of(said))
    try:
        with InRun(run):
            return _decided(gate_of(cord, HOOK), said, messages, attempt, wait=wait)
    finally:
        cord.close()


def _decided(
    gate: Gate, said: Mapping[str, Any], messages: Sequence[Any], attempt: str, *, wait: float
) -> Answer:
    call = ToolCall(
        tool=said["tool_name"],
        args=said["tool_input"],
        id=kind_of(said["tool_name"], said["tool_input"]),
        thread=said["session_id"],
        messages=messages,
        # the server has judged it already; its verdict stands
        is_replayed=True,
    )
    call, standing = gate.do(Repeats(gate).standing(call))
    if standing is None:
        return NOTHING
    if is_living(standing) and wait:
        with suppress(Parked):
            standing = gate.do(gate.waited(call, standing, wait=wait))
    if is_living(standing):
        return denied(asked(standing, call.tool, AGAIN))
    mark = Path(mark_of(attempt))
    mark.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark.write_text(standing.id, encoding="utf-8")
    try:
        found = gate.do(gate.take(call, standing))
    except BaseException:
        mark.unlink(missing_ok=True)
        raise
    args = found.args if found.args is not None else dict(call.args)
    return allowed(args, Done(None, collected(found)).notice)
