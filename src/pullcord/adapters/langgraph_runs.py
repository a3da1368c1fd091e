"""Runs of LangGraph graphs: stock interrupts go before people, decided ones go on.

graphs = Graphs(cord, graph)
graphs.invoke({"messages": [...]}, thread="t-1")     # pauses where a person is needed
work(cord, graphs)                                   # any process, any day
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from inspect import isawaitable
from typing import Any

from langchain_core.messages import AIMessage, ToolMessage

from pullcord.adapters.extras import needs

needs("langgraph", extra="langgraph")

from langgraph.types import Command, Interrupt

from pullcord.adapters.calls import ToolCall
from pullcord.adapters.contract import gate_of, is_living
from pullcord.adapters.langgraph import LANGGRAPH, Answered
from pullcord.adapters.stock_interrupts import Asked, Stock, native, stock_of
from pullcord.adapters.working import OnResult
from pullcord.client.carrying_out import lets_run
from pullcord.client.decisions import Decision
from pullcord.client.face import Face
from pullcord.client.flows import Flow, Perform
from pullcord.client.round_trip import same
from pullcord.client.verifying import proof_of
from pullcord.wire.replies import CollectedOut, EscalationOut
from pullcord.wire.requests import AskIn

#: messages of a thread in which the result of a decided call is looked for
RESULTS_MAX = 200


@dataclass(frozen=True, slots=True)
class _Going:
    """A decision on its way into the graph: what it is resumed with, and what to report then."""

    interrupt: Interrupt
    value: Any
    #: decisions that are reported once the graph keeps them, with the call each is about
    given: tuple[tuple[Asked | None, CollectedOut], ...] = ()


class Graphs:
    """Runs of one compiled graph; several threads and processes may have one each.

    `on_result(thread, result)` is told what the graph returned each time it went on. `config` is
    merged into every call's configuration.
    """

    def __init__(
        self,
        cord: Face,
        graph: Any,
        *,
        on_result: OnResult | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self._gate = gate_of(cord, LANGGRAPH)
        self._graph = graph
        self._on_result = on_result
        self._config = dict(config or {})

    # --- begin ----------------------------------------------------------------------------------
    def invoke(self, value: Any, *, thread: str) -> Any:
        """Run the graph until it ends or pauses; stock interrupts are put before people."""
        result = self._graph.invoke(value, self._for(thread))
        self._gate.do(self._put(thread, self._state(thread)))
        return result

    async def ainvoke(self, value: Any, *, thread: str) -> Any:
        """The same on the event loop."""
        result = await self._graph.ainvoke(value, self._for(thread))
        await self._gate.ado(self._put(thread, self._astate(thread)))
        return result

    # --- resume ---------------------------------------------------------------------------------
    def resume(self, decision: Decision) -> bool:
        """Go on with the thread that waits for this decision; False when it does not wait."""
        flow = self._resumed(decision, self._state(decision.run), self._go)
        went, result = self._gate.do(flow)
        if went and self._on_result is not None:
            self._on_result(decision.run, result)
        return went or result is WAITS

    async def aresume(self, decision: Decision) -> bool:
        """The same on the event loop."""
        flow = self._resumed(decision, self._astate(decision.run), self._ago)
        went, result = await self._gate.ado(flow)
        if went and self._on_result is not None:
            told = self._on_result(decision.run, result)
            if isawaitable(told):
                await told
        return went or result is WAITS

    def _resumed(
        self, decision: Decision, state: Perform, go: Callable[[str, Any], Perform]
    ) -> Flow[tuple[bool, Any]]:
        """Whether the graph went on, and with what result."""
        if not decision.run:
            return False, None
        found = yield state
        for each in found.interrupts:
            going = yield from self._going(decision, each)
            if going is None:
                continue
            if going is WAITS:
                return False, WAITS
            try:
                result = yield go(decision.run, Command(resume={each.id: going.value}))
            except BaseException:
                yield from self._after_failure(going, state)
                raise
            yield from self._told(going, result)
            yield from self._put(decision.run, state)
            return True, result
        return False, None

    def _going(self, decision: Decision, paused: Interrupt) -> Flow[Any]:
        """What a decision means for one interrupt; None when it is about another."""
        value = paused.value
        if isinstance(value, Mapping) and value.get("pullcord") == decision.escalation:
            if value.get("asks") == "call":
                woken = {"pullcord": decision.escalation, "parked": value.get("parked")}
                return _Going(paused, woken)
            found = yield from self._gate.given(decision.escalation, decision.tool)
            return _Going(paused, asdict(_answered(found)), ((None, found),))
        stock = stock_of(value, getattr(paused, "response_schema", None))
        if stock is None or decision.call.partition("/")[0] != paused.id:
            return None
        return (yield from self._stock_going(decision.run, paused, stock))

    def _stock_going(self, thread: str, paused: Interrupt, stock: Stock) -> Flow[Any]:
        """All decisions of a batch in the graph's own words, or that one is still waited for."""
        standing = yield from self._standing(thread, paused, stock)
        if any(is_living(each) for each in standing):
            return WAITS
        given: list[tuple[Asked | None, CollectedOut]] = []
        words = []
        for asked, each in zip(stock.asked, standing, strict=True):
            found = yield from self._gate.given(each.id, asked.tool)
            words.append(native(asked, found, self._gate.refused(found).for_model))
            given.append((asked, found))
        return _Going(paused, stock.answer(words), tuple(given))

    # --- stock interrupts -------------------------------------------------------------------------
    def _put(self, thread: str, state: Perform) -> Flow[None]:
        """Put every stock interrupt of a thread before people; once, however often it is seen."""
        found = yield state
        for each in found.interrupts:
            stock = stock_of(each.value, getattr(each, "response_schema", None))
            if stock is not None:
                yield from self._standing(thread, each, stock)

    def _standing(self, thread: str, paused: Interrupt, stock: Stock) -> Flow[list[EscalationOut]]:
        found = []
        for number, asked in enumerate(stock.asked):
            call = ToolCall(
                tool=asked.tool,
                args=asked.args,
                id=f"{paused.id}/{number}",
                thread=thread,
                turn=paused.id,
                turn_size=len(stock.asked),
                capabilities=asked.capabilities,
            )
            ask = AskIn(kind="answer" if asked.is_question else "approve")
            standing = yield from self._gate.stop(call, ask=ask)
            assert standing is not None, "an ask of its own always stands or raises"
            found.append(standing)
        return found

    # --- afterwards -------------------------------------------------------------------------------
    def _told(self, going: _Going, result: Any) -> Flow[None]:
        """Report what the graph did with its decisions."""
        for asked, found in going.given:
            yield from self._gate.noted(found)
            if asked is not None and lets_run(found):
                args = found.args if found.args is not None else dict(asked.args)
                text, is_failed = _came_of(asked, args, result)
                yield from self._gate.report(
                    found.escalation, args, result=text, is_failed=is_failed
                )

    def _after_failure(self, going: _Going, state: Perform) -> Flow[None]:
        """The graph failed: what it has taken in is spent, the rest is delivered again."""
        found = yield state
        if any(each.id == going.interrupt.id for each in found.interrupts):
            return
        for asked, given in going.given:
            yield from self._gate.noted(given)
            if asked is not None and lets_run(given):
                args = given.args if given.args is not None else dict(asked.args)
                why = "the graph failed after it took the decision"
                yield from self._gate.report(given.escalation, args, result=why, is_failed=True)

    # --- the graph --------------------------------------------------------------------------------
    def _for(self, thread: str) -> dict[str, Any]:
        configurable = {**self._config.get("configurable", {}), "thread_id": thread}
        return {**self._config, "configurable": configurable}

    def _state(self, thread: str) -> Perform:
        return Perform(partial(self._graph.get_state, self._for(thread)), is_blocking=True)

    def _astate(self, thread: str) -> Perform:
        return Perform(partial(self._graph.aget_state, self._for(thread)))

    def _go(self, thread: str, command: Any) -> Perform:
        act = partial(self._graph.invoke, command, self._for(thread))
        return Perform(act, is_blocking=True)

    def _ago(self, thread: str, command: Any) -> Perform:
        return Perform(partial(self._graph.ainvoke, command, self._for(thread)))


#: a batch of which somebody still decides
WAITS = object()


def _answered(found: CollectedOut) -> Answered:
    return Answered(
        pullcord=found.escalation,
        kind=found.kind,
        by=found.by.shown_as,
        at=found.at.isoformat(),
        answer=found.answer,
        option=found.option,
        note=found.note,
        applied=found.applied,
        for_model=found.for_model,
        for_user=found.for_user,
        proof=proof_of(found).text() if lets_run(found) else "",
    )


def _came_of(asked: Asked, args: Mapping[str, Any], result: Any) -> tuple[str, bool]:
    """What a tool of the graph returned, and whether it failed, as the messages say."""
    messages: Sequence[Any] = result.get("messages", ()) if isinstance(result, Mapping) else ()
    last = list(messages)[-RESULTS_MAX:]
    ids = {asked.call} if asked.call else _ids_of(asked, args, last)
    for message in reversed(last):
        if isinstance(message, ToolMessage) and message.tool_call_id in ids:
            return message.text, message.status == "error"
    return "the graph went on; no message tells what the tool returned", False


def _ids_of(asked: Asked, args: Mapping[str, Any], messages: Sequence[Any]) -> set[str]:
    """Ids of the calls that were this one, as proposed or as decided."""
    return {
        str(call["id"])
        for message in messages
        if isinstance(message, AIMessage)
        for call in message.tool_calls
        if call["name"] == asked.tool
        and (same(call["args"], dict(args)) or same(call["args"], dict(asked.args)))
    }
