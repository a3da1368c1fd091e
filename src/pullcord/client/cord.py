"""The SDK's two faces: `Pullcord` blocks, `AsyncPullcord` awaits; what they do is written once."""

import functools
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import Any, Literal, ParamSpec, Self, TypeVar, overload

from pullcord.client import escalating
from pullcord.client.decisions import Decision, Told
from pullcord.client.delivering import hold_for, polled
from pullcord.client.escalating import Option
from pullcord.client.face import TOOL, Face, Kind, OnStop, id_of, on_thread
from pullcord.client.runs import Claims, EndUser
from pullcord.client.spans import Span, seconds_of
from pullcord.client.tools import Guarded
from pullcord.errors import AlreadyCollected, NotDone, Parked
from pullcord.wire.replies import EscalationOut, VerdictOut

P = ParamSpec("P")
R = TypeVar("R")


class Pullcord(Face):
    """The blocking face: `cord = Pullcord()`, with PULLCORD_URL and PULLCORD_KEY set.

    Making one sends nothing. It is safe to share between threads and after a fork. `public_keys`
    pins the keys that decisions must be signed with; otherwise those of the first answer are
    believed. `patience` is how long a request is repeated while the server does not answer.
    """

    @overload
    def guard(self, function: Callable[P, R], /) -> Callable[P, R]: ...
    @overload
    def guard(
        self,
        function: None = None,
        /,
        *,
        tool: str | None = None,
        wait: Span | None = "0s",
        on_stop: OnStop = "raise",
        exclude: Iterable[str] = (),
        unreachable: Literal["refuse", "run"] = "refuse",
        call_id: str = "",
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
    def guard(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        tool: str | None = None,
        wait: Span | None = "0s",
        on_stop: OnStop = "raise",
        exclude: Iterable[str] = (),
        unreachable: Literal["refuse", "run"] = "refuse",
        call_id: str = "",
    ) -> Any:
        """Put a function under guard: it runs when the rules let it, or a person does.

        `wait`: how long a stopped call waits for a person before it parks; "0s" parks at once,
        None waits until decided. `on_stop`: raise `Parked` and `NotDone`, or return the text for
        the model. `exclude`: parameters that are not sent because they are no JSON.
        `unreachable="run"`: run although neither a usable policy nor the server is at hand.
        `call_id`: the parameter that carries the model's id of this tool call.

        An async function stays async.
        """

        def guarding(inner: Callable[..., Any]) -> Callable[..., Any]:
            guarded = self._guarded(
                inner,
                tool=tool,
                wait=wait,
                on_stop=on_stop,
                exclude=exclude,
                unreachable=unreachable,
                call_id=call_id,
            )
            return self._async_wrapper(guarded) if guarded.is_async else self._wrapper(guarded)

        return guarding if function is None else guarding(function)

    def _wrapper(self, guarded: Guarded) -> Callable[..., Any]:
        function = guarded.function

        @functools.wraps(function)
        def guarded_function(*args: Any, **kwargs: Any) -> Any:
            flow = self._may_run(guarded, args, kwargs)
            if flow is None:
                return function(*args, **kwargs)
            try:
                return self._blocking.drive(flow)
            except (Parked, NotDone) as stopped:
                if not guarded.tells_model:
                    raise
                return Told(stopped.for_model, stopped)

        setattr(guarded_function, TOOL, guarded.tool)
        return guarded_function

    def escalate(
        self,
        question: str,
        *,
        kind: Kind = "answer",
        options: Sequence[Option] = (),
        schema: Mapping[str, Any] | None = None,
        tool: str = "",
        args: Mapping[str, Any] | None = None,
        claims: Claims | None = None,
        key: str = "",
        wait: Span | None = "0s",
    ) -> Decision:
        """Ask people: answer a question, choose, approve something, or take the conversation over.

        `key` makes it one escalation however often it is sent. What is approved here the agent
        does itself and tells with `report`.

        Raises:
            Parked: nobody has answered within `wait`; the answer comes through `decisions()`.
            NotDone: there is no answer, and why.
        """
        asked = self._question(
            question,
            kind=kind,
            options=options,
            schema=schema,
            tool=tool,
            args=args,
            claims=claims,
            key=key,
        )
        seconds = None if wait is None else seconds_of("wait", wait)
        return self._blocking.drive(escalating.escalated(self._core, asked, wait=seconds))

    def explain(self, tool: str | Callable[..., Any], /, *args: Any, **kwargs: Any) -> VerdictOut:
        """What would happen to this call and who would be asked; nothing is done."""
        return self._blocking.drive(self._explained(tool, args, kwargs))

    def open_for(self, end_user: EndUser | str) -> list[EscalationOut]:
        """What still waits for people on behalf of this end user."""
        return self._blocking.drive(escalating.open_of(self._core, id_of(end_user)))

    def escalation(self, escalation: str) -> EscalationOut:
        """One escalation as it stands."""
        return self._blocking.drive(escalating.looked_at(self._core, escalation))

    def decisions(self, *, wait: Span | None = None) -> Iterator[Decision]:
        """Decisions of this key's escalations as they come, in any process, on any day.

        Each is delivered until it is resumed. It ends after `wait` without a new one ("0s": when
        none is left), or after `stop()`; None goes on for ever, also while the server is away.
        """
        seconds = None if wait is None else seconds_of("wait", wait)
        timer = self._core.timer
        until = float("inf") if seconds is None else timer.monotonic() + seconds
        while not self._blocking.stopped.is_set():
            hold = hold_for(self._core, until)
            found = self._blocking.drive(polled(self._core, self._deliveries, hold=hold))
            for each in found:
                if self._blocking.stopped.is_set():
                    return
                yield each
            if found and seconds is not None:
                until = timer.monotonic() + seconds
            elif not found and hold < 1:
                return

    def resume(
        self,
        decision: Decision | str,
        *,
        extra: Mapping[str, Any] | None = None,
        on_stop: OnStop = "tell_model",
    ) -> Any:
        """Execute exactly what was decided, once, report it, and return what the tool returns.

        A decision that lets nothing run, or that another process took, gives the text for the
        model (a `Told`, whose `reason` is the error), so that a loop goes on; `on_stop="raise"`
        raises it. For a question of the agent's own it returns the `Decision` with its answer.
        `extra` gives the excluded arguments when another process parked the call. What the tool
        raises is reported as failed and raised.
        """
        try:
            return self._blocking.drive(self._resumed(decision, extra, can_await=False))
        except (NotDone, AlreadyCollected) as error:
            return self._not_resumed(decision, error, on_stop)

    def report(
        self,
        decision: Decision,
        *,
        outcome: Literal["executed", "failed", "not_needed"] = "executed",
        args: Mapping[str, Any] | None = None,
        result: str = "",
    ) -> None:
        """Tell what became of something that `escalate(kind="approve")` allowed."""
        self._blocking.drive(self._report(decision, outcome, args, result))

    def withdraw(self, escalation: str, reason: str = "") -> None:
        """Take a question back; nobody needs to answer it any more."""
        self._blocking.drive(escalating.withdrawn(self._core, escalation, reason))

    def add_context(self, escalation: str, text: str) -> None:
        """Tell the people who decide something more; the action itself never changes."""
        self._blocking.drive(escalating.added(self._core, escalation, text))

    def reply(self, escalation: str, question: str, text: str) -> None:
        """Answer a question of the owner; `question` is its id."""
        self._blocking.drive(escalating.replied(self._core, escalation, question, text))

    def flush(self) -> bool:
        """Send the record of guarded calls now; False when the server did not take all of it."""
        return self._core.background.flush()

    def close(self) -> None:
        """Send what waits, for a short time, and let go of the connections."""
        self._end()

    async def aclose(self) -> None:
        """The same from a coroutine, where async functions are under guard."""
        await on_thread(self._end, (), {})
        await self._awaiting.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncPullcord(Face):
    """The awaiting face: the same verbs as `Pullcord`, each to be awaited.

    It may be used from several event loops, one after the other or in threads.
    """

    @overload
    def guard(self, function: Callable[P, Awaitable[R]], /) -> Callable[P, Awaitable[R]]: ...
    @overload
    def guard(
        self,
        function: None = None,
        /,
        *,
        tool: str | None = None,
        wait: Span | None = "0s",
        on_stop: OnStop = "raise",
        exclude: Iterable[str] = (),
        unreachable: Literal["refuse", "run"] = "refuse",
        call_id: str = "",
    ) -> Callable[[Callable[P, Any]], Callable[P, Awaitable[Any]]]: ...
    def guard(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        tool: str | None = None,
        wait: Span | None = "0s",
        on_stop: OnStop = "raise",
        exclude: Iterable[str] = (),
        unreachable: Literal["refuse", "run"] = "refuse",
        call_id: str = "",
    ) -> Any:
        """Put a function under guard; see `Pullcord.guard`.

        A plain function becomes one to be awaited and runs on a thread, so that neither it nor
        the wait for a person holds up the event loop.
        """

        def guarding(inner: Callable[..., Any]) -> Callable[..., Any]:
            guarded = self._guarded(
                inner,
                tool=tool,
                wait=wait,
                on_stop=on_stop,
                exclude=exclude,
                unreachable=unreachable,
                call_id=call_id,
            )
            return self._async_wrapper(guarded)

        return guarding if function is None else guarding(function)

    async def escalate(
        self,
        question: str,
        *,
        kind: Kind = "answer",
        options: Sequence[Option] = (),
        schema: Mapping[str, Any] | None = None,
        tool: str = "",
        args: Mapping[str, Any] | None = None,
        claims: Claims | None = None,
        key: str = "",
        wait: Span | None = "0s",
    ) -> Decision:
        """Ask people; see `Pullcord.escalate`."""
        asked = self._question(
            question,
            kind=kind,
            options=options,
            schema=schema,
            tool=tool,
            args=args,
            claims=claims,
            key=key,
        )
        seconds = None if wait is None else seconds_of("wait", wait)
        return await self._awaiting.drive(escalating.escalated(self._core, asked, wait=seconds))

    async def explain(
        self, tool: str | Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> VerdictOut:
        """What would happen to this call and who would be asked; nothing is done."""
        return await self._awaiting.drive(self._explained(tool, args, kwargs))

    async def open_for(self, end_user: EndUser | str) -> list[EscalationOut]:
        """What still waits for people on behalf of this end user."""
        return await self._awaiting.drive(escalating.open_of(self._core, id_of(end_user)))

    async def escalation(self, escalation: str) -> EscalationOut:
        """One escalation as it stands."""
        return await self._awaiting.drive(escalating.looked_at(self._core, escalation))

    async def decisions(self, *, wait: Span | None = None) -> AsyncIterator[Decision]:
        """Decisions of this key's escalations as they come; see `Pullcord.decisions`."""
        seconds = None if wait is None else seconds_of("wait", wait)
        timer = self._core.timer
        until = float("inf") if seconds is None else timer.monotonic() + seconds
        while not self._blocking.stopped.is_set():
            hold = hold_for(self._core, until)
            found = await self._awaiting.drive(polled(self._core, self._deliveries, hold=hold))
            for each in found:
                if self._blocking.stopped.is_set():
                    return
                yield each
            if found and seconds is not None:
                until = timer.monotonic() + seconds
            elif not found and hold < 1:
                return

    async def resume(
        self,
        decision: Decision | str,
        *,
        extra: Mapping[str, Any] | None = None,
        on_stop: OnStop = "tell_model",
    ) -> Any:
        """Execute exactly what was decided, once, and report it; see `Pullcord.resume`."""
        try:
            return await self._awaiting.drive(self._resumed(decision, extra, can_await=True))
        except (NotDone, AlreadyCollected) as error:
            return self._not_resumed(decision, error, on_stop)

    async def report(
        self,
        decision: Decision,
        *,
        outcome: Literal["executed", "failed", "not_needed"] = "executed",
        args: Mapping[str, Any] | None = None,
        result: str = "",
    ) -> None:
        """Tell what became of something that `escalate(kind="approve")` allowed."""
        await self._awaiting.drive(self._report(decision, outcome, args, result))

    async def withdraw(self, escalation: str, reason: str = "") -> None:
        """Take a question back; nobody needs to answer it any more."""
        await self._awaiting.drive(escalating.withdrawn(self._core, escalation, reason))

    async def add_context(self, escalation: str, text: str) -> None:
        """Tell the people who decide something more; the action itself never changes."""
        await self._awaiting.drive(escalating.added(self._core, escalation, text))

    async def reply(self, escalation: str, question: str, text: str) -> None:
        """Answer a question of the owner; `question` is its id."""
        await self._awaiting.drive(escalating.replied(self._core, escalation, question, text))

    async def flush(self) -> bool:
        """Send the record of guarded calls now; False when the server did not take all of it."""
        return bool(await on_thread(self._core.background.flush, (), {}))

    async def close(self) -> None:
        """Send what waits, for a short time, and let go of the connections."""
        await on_thread(self._end, (), {})
        await self._awaiting.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
