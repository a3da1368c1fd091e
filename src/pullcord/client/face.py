"""What both faces of the SDK have: the core, the terms of a guard, and every flow by its name."""

import atexit
import functools
import inspect
import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal

from pullcord.client import escalating
from pullcord.client.address import address_of
from pullcord.client.background import Background
from pullcord.client.carrying_out import tell
from pullcord.client.core import Core, Executions
from pullcord.client.decisions import Decision, Told, announced
from pullcord.client.delivering import Deliveries
from pullcord.client.escalating import Option, Question
from pullcord.client.flows import Flow
from pullcord.client.guarding import cleared, guarded_call, resumed
from pullcord.client.policy import PolicyKeeper
from pullcord.client.runs import Claims, EndUser, InRun, ReplyTo, Run, current, named_call
from pullcord.client.spans import Span, seconds_of
from pullcord.client.texts import taken_elsewhere
from pullcord.client.tools import Guarded
from pullcord.client.transport import Awaiting, Blocking
from pullcord.errors import InvalidInput, NotDone, Parked, Unreachable
from pullcord.wire.replies import VerdictOut
from pullcord.wire.requests import ReportIn

#: attribute under which a guarded function carries its tool name
TOOL = "__pullcord_tool__"
OnStop = Literal["raise", "tell_model"]
Kind = Literal["approve", "answer", "choose", "take_over"]


class Face:
    """What both faces have: the core and the terms a function is guarded on."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        public_keys: Mapping[str, str] | None = None,
        patience: Span = "10s",
    ) -> None:
        address = address_of(url, key, os.environ)
        self._blocking = Blocking(address)
        self._awaiting = Awaiting(address)
        executions = Executions()
        self._notes = Blocking(address)
        background = Background(
            self._notes.send, name=secrets.token_hex(8), delivered=executions.ended
        )
        self._core = Core(
            address=address,
            background=background,
            policy=PolicyKeeper(public_keys),
            patience=seconds_of("patience", patience),
            executions=executions,
        )
        self._deliveries = Deliveries()
        atexit.register(background.close)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(url={self._core.address.url!r})"

    # --- the same in both ------------------------------------------------------------------------
    def run(
        self,
        thread_id: str = "",
        *,
        end_user: EndUser | None = None,
        messages: Sequence[Any] = (),
        signals: Mapping[str, str | int | float | bool] | None = None,
        claims: Claims | None = None,
        trace: str = "",
        reply_to: ReplyTo | None = None,
    ) -> InRun:
        """The conversation or task that guarded calls inside belong to; `with` or `async with`.

        `messages` is read when a call is judged, so pass the list the agent goes on appending to.
        `reply_to` is where whoever asked hears who is asked, who has it, and what was decided.
        """
        return InRun(
            Run(
                id=thread_id,
                end_user=end_user,
                messages=messages,
                signals=dict(signals or {}),
                claims=claims,
                trace=trace,
                reply_to=reply_to,
            )
        )

    def call(self, call_id: str) -> AbstractContextManager[None]:
        """Guarded calls inside are this tool call of the model: one escalation, however often."""
        return named_call(call_id)

    def _end(self) -> None:
        """Send what waits, for a short time, and let go of all that needs no event loop."""
        self.stop()
        atexit.unregister(self._core.background.close)
        self._core.background.close()
        self._notes.close()
        self._blocking.close()

    def stop(self) -> None:
        """End every `decisions()` of this client; safe to call from another thread or a signal."""
        self._blocking.stopped.set()

    def _guarded(
        self,
        function: Callable[..., Any],
        *,
        tool: str | None,
        wait: Span | None,
        on_stop: OnStop,
        exclude: Iterable[str],
        unreachable: Literal["refuse", "run"],
        call_id: str,
    ) -> Guarded:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise InvalidInput(
                "guard",
                value=function,
                limit="functions that do their work when they are called",
                remedy="A generator works later; guard the function that has the effect.",
            )
        name = tool or getattr(function, "__name__", "")
        if not name or len(name) > 200:
            raise InvalidInput("tool", value=name, limit="1 to 200 characters")
        _one_of("on_stop", on_stop, ("raise", "tell_model"))
        _one_of("unreachable", unreachable, ("refuse", "run"))
        guarded = Guarded(
            tool=name,
            function=function,
            wait=None if wait is None else seconds_of("wait", wait),
            tells_model=on_stop == "tell_model",
            exclude=frozenset(exclude),
            runs_unreachable=unreachable == "run",
            call_id_from=call_id,
        )
        self._core.tools.add(guarded)
        return guarded

    def _may_run(self, guarded: Guarded, args: Any, kwargs: Any) -> Flow[Any] | None:
        """None when the call may run at once; else what must be done first."""
        prepared = guarded.prepare(args, kwargs)
        if cleared(self._core, guarded, prepared, current()):
            return None
        return guarded_call(self._core, guarded, prepared)

    def _async_wrapper(self, guarded: Guarded) -> Callable[..., Any]:
        """A coroutine function in the place of the guarded one."""
        function = guarded.function
        is_blocking = not guarded.is_async

        @functools.wraps(function)
        async def guarded_function(*args: Any, **kwargs: Any) -> Any:
            flow = self._may_run(guarded, args, kwargs)
            if flow is None:
                if is_blocking:
                    return await on_thread(function, args, kwargs)
                return await function(*args, **kwargs)
            try:
                return await self._awaiting.drive(flow)
            except (Parked, NotDone) as stopped:
                if not guarded.tells_model:
                    raise
                return Told(stopped.for_model, stopped)

        setattr(guarded_function, TOOL, guarded.tool)
        return guarded_function

    def _question(
        self,
        question: str,
        *,
        kind: Kind,
        options: Sequence[Option],
        schema: Mapping[str, Any] | None,
        tool: str,
        args: Mapping[str, Any] | None,
        claims: Claims | None,
        key: str,
    ) -> Question:
        return Question(question, kind, options, schema, tool, args, claims, key)

    def _explained(self, tool: Any, args: Any, kwargs: Any) -> Flow[VerdictOut]:
        name = tool if isinstance(tool, str) else getattr(tool, TOOL, "")
        if name in self._core.tools:
            shown = self._core.tools.find(name).prepare(args, kwargs).shown
        elif args:
            raise InvalidInput(
                "tool", value=name, limit="a guarded function", remedy="Name the arguments."
            )
        else:
            shown = kwargs
        return escalating.explained(self._core, name, shown)

    def _resumed(
        self, decision: Decision | str, extra: Mapping[str, Any] | None, *, can_await: bool
    ) -> Flow[Any]:
        if isinstance(decision, str):
            found = yield from escalating.looked_at(self._core, decision)
            if found.decision is None:
                raise InvalidInput(
                    "decision",
                    value=decision,
                    limit="an escalation that is decided",
                    remedy=f"It is {found.status}; wait for it with cord.decisions().",
                )
            decision = announced(found)
        return (yield from resumed(self._core, decision, extra or {}, can_await=can_await))

    def _not_resumed(self, decision: Decision | str, error: Exception, on_stop: OnStop) -> Told:
        """What the model is told when nothing was executed here; or raise it."""
        escalation = decision if isinstance(decision, str) else decision.escalation
        if isinstance(error, Unreachable):
            self._deliveries.again(escalation)
        if on_stop == "raise":
            raise error
        if isinstance(error, NotDone):
            return Told(error.for_model, error)
        tool = "" if isinstance(decision, str) else decision.tool
        for_model, _ = taken_elsewhere(tool or "the call", escalation, self._core.now())
        return Told(for_model, error)

    def _report(
        self,
        decision: Decision,
        outcome: Literal["executed", "failed", "not_needed"],
        args: Mapping[str, Any] | None,
        result: str,
    ) -> Flow[None]:
        used = dict(args) if args is not None else decision.args
        report = ReportIn(
            attempt=self._core.executions.attempt,
            outcome=outcome,
            args=None if outcome == "not_needed" else used,
            result=result[:10_000],
        )
        return tell(self._core, decision.escalation, report)


@dataclass(frozen=True, slots=True)
class Inside:
    """What an adapter needs of a client to write flows of its own."""

    core: Core
    #: drivers of flows: on this thread, and on the running event loop
    blocking: Blocking
    awaiting: Awaiting


def inside(face: Face) -> Inside:
    """The inside of a client, for adapters: they are written against flows as guards are."""
    return Inside(face._core, face._blocking, face._awaiting)  # noqa: SLF001  # the one way in


async def on_thread(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """What a blocking function returns, without holding up the event loop."""
    import asyncio  # noqa: PLC0415  # the blocking face does without an event loop

    return await asyncio.to_thread(function, *args, **kwargs)


def id_of(end_user: EndUser | str) -> str:
    """The id of an end user."""
    return end_user if isinstance(end_user, str) else end_user.id


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InvalidInput(name, value=value, limit=", ".join(allowed))
