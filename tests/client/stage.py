"""What the client's tests stand on: a real server with switchable faults, and both faces as one."""

import asyncio
import contextvars
import json
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from inspect import isasyncgen, isawaitable
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pullcord import AsyncPullcord, Decision, Parked, Pullcord
from pullcord.testing import Live

POLICY = """
workspace: shop
timezone: Europe/Berlin
people:
  maria: {name: Maria Lopez, shown_as: Maria from Billing, email: maria@example.com, capacity: 1000}
  tom: {name: Tom Ode, email: tom@example.com, capacity: 1000}
  dana: {name: Dana Weiss, email: dana@example.com, role: lead}
ladders:
  billing:
    rungs:
      - {ask: person/maria, accept_within: 10m}
      - {ask: person/tom, accept_within: 10m}
    catch_all: person/dana
agents:
  support: {ladder: billing, contact: tom}
tools:
  issue_refund: {reversible: no, money: args.amount}
  close_account: {reversible: no}
rules:
  - {id: far-too-much, mode: deny, tool: issue_refund, when: args.amount > 10000}
  - id: refund-over-limit
    tool: issue_refund
    when: args.amount > 250
    ask: "Refund EUR {args.amount}?"
  - {id: closing, mode: veto, tool: close_account}
  - {id: watched, mode: observe, tool: look_up}
  - {id: sampled, mode: sample, tool: send_letter}
  - {id: pings, tool: ping, fallback: approve, decide_within: 20m}
  - id: wants-a-person
    tool: chat
    ask_kind: take_over
    fallback: keep_waiting
"""

Change = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass
class Fault:
    """What goes wrong with requests whose path ends so, how often, before or after the effect."""

    path: str
    how: str
    times: int = 1
    method: str = ""
    #: the application did its work, and only the answer is lost
    after: bool = False
    change: Change | None = None
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


@dataclass
class Problem(Fault):
    """A refusal with a problem document of the server's own kind."""

    def answer(self) -> bytes:
        """The document."""
        kind = f"urn:pullcord:problem:{self.how}"
        said = {"type": kind, "title": self.how, "status": 423, "detail": f"{self.how}, it says."}
        return json.dumps(said).encode()


@dataclass
class Faults:
    """An application with faults in front; counts the requests that came in."""

    app: ASGIApp
    planned: list[Fault] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.seen.append(f"{scope['method']} {scope['path']}")
        fault = self._next(scope)
        if fault is None:
            await self.app(scope, receive, send)
        elif fault.change is not None:
            await self._changed(scope, receive, send, fault.change)
        else:
            if fault.after:
                await self.app(scope, receive, _swallow)
            await _refuse(send, fault)

    def _next(self, scope: Scope) -> Fault | None:
        for fault in self.planned:
            fits = fnmatchcase(scope["path"], f"*{fault.path}")
            if fits and fault.method in ("", scope["method"]) and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    async def _changed(self, scope: Scope, receive: Receive, send: Send, change: Change) -> None:
        """The honest answer, altered on its way."""
        messages: list[MutableMapping[str, Any]] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self.app(scope, receive, keep)
        body = b"".join(each.get("body", b"") for each in messages)
        altered = json.dumps(change(json.loads(body))).encode()
        own = (b"content-length", b"etag")
        headers = [each for each in messages[0]["headers"] if each[0] not in own]
        await send({**messages[0], "headers": headers})
        await send({"type": "http.response.body", "body": altered})

    def count(self, path: str) -> int:
        """How many requests ended in this path."""
        return sum(1 for each in self.seen if each.endswith(path))


async def _swallow(_: Message) -> None:
    """An answer that never arrives."""


async def _refuse(send: Send, fault: Fault) -> None:
    if isinstance(fault, Problem):
        headers = [(b"content-type", b"application/problem+json"), *fault.headers]
        await send({"type": "http.response.start", "status": 423, "headers": headers})
        await send({"type": "http.response.body", "body": fault.answer()})
        return
    statuses = {"busy": 503, "garbage": 200, "cut": 200, "elsewhere": 307, "page": 502, "no": 403}
    headers = [(b"content-type", b"text/html"), *fault.headers]
    if fault.how == "cut":
        headers.append((b"content-length", b"1000"))
    if fault.how == "elsewhere":
        headers.append((b"location", b"http://elsewhere.example/"))
    await send({"type": "http.response.start", "status": statuses[fault.how], "headers": headers})
    body = b"{}" if fault.how != "garbage" else b"<html>hello</html>"
    await send({"type": "http.response.body", "body": body})


class Twin:
    """Either face of the SDK behind the same blocking words, so that one test proves both."""

    def __init__(self, cord: Pullcord | AsyncPullcord) -> None:
        self.cord: Any = cord
        self._runner = asyncio.Runner() if isinstance(cord, AsyncPullcord) else None

    @property
    def is_async(self) -> bool:
        """Whether this is the awaiting face."""
        return self._runner is not None

    def do(self, result: Any) -> Any:
        """What a call comes to, awaited where it must be."""
        if self._runner is None or not isawaitable(result):
            return result
        return self._runner.run(_awaited(result), context=contextvars.copy_context())

    def guard(self, function: Callable[..., Any], **terms: Any) -> Callable[..., Any]:
        """The function under guard, to be called as if it blocked."""
        guarded = self.cord.guard(**terms)(function)
        return lambda *args, **kwargs: self.do(guarded(*args, **kwargs))

    def resume(self, decision: Decision | str, **terms: Any) -> Any:
        """Carry a decision out."""
        return self.do(self.cord.resume(decision, **terms))

    def decisions(self, wait: str = "0s") -> list[Decision]:
        """All decisions that come within that time."""
        found = self.cord.decisions(wait=wait)
        if isasyncgen(found):
            return self.do(_listed(found))  # type: ignore[no-any-return]
        return list(found)

    def escalate(self, question: str, **terms: Any) -> Decision:
        """Ask people."""
        return self.do(self.cord.escalate(question, **terms))  # type: ignore[no-any-return]

    def close(self) -> None:
        """Let go of everything."""
        self.do(self.cord.close())
        if self._runner is not None:
            self._runner.close()


async def _awaited(result: Awaitable[Any]) -> Any:
    return await result


async def _listed(found: Any) -> list[Decision]:
    return [each async for each in found]


@dataclass
class Stage:
    """A running server, what can go wrong with it, and how agents are made."""

    live: Live
    faults: Faults
    face: type[Pullcord] | type[AsyncPullcord]
    key: str
    twins: list[Twin] = field(default_factory=list)

    @property
    def thread(self) -> str:
        """A conversation no other test has."""
        return f"thread-{self.key.split('_')[1]}"

    def agent(self, **terms: Any) -> Twin:
        """One more process of the agent: it shares nothing with the others but the key."""
        settings = {"patience": "400ms", "key": self.key, "url": self.live.url, **terms}
        twin = Twin(self.face(**settings))
        self.twins.append(twin)
        return twin

    def break_once(self, path: str, how: str, **more: Any) -> Fault:
        """Let the next request to this path fail."""
        fault = Fault(path, how, **more)
        self.faults.planned.append(fault)
        return fault

    def row(self, escalation: str) -> Any:
        """An escalation as the server has it."""
        return self.live.call(self.live.town.row(escalation)).escalation

    def newest(self) -> Any:
        """The escalation of this key that was opened last."""
        key_id = self.key.split("_")[1][4:]
        rows = self.live.call(self.live.town.escalations(agent_key=key_id))
        return max((each.escalation for each in rows), key=lambda each: each.id)

    def act(self, who: str, verb: str, escalation: str, *args: Any, **more: Any) -> Any:
        """Let a person do something at the desk."""
        someone = self.live.town.person(who)
        return self.live.call(getattr(someone, verb)(escalation, *args, **more))


def refund(made: list[Any]) -> Any:
    """A tool that leaves a mark each time it really runs."""

    def issue_refund(order: str, amount: float = 1.0) -> str:
        made.append((order, amount))
        return f"refunded {amount:.2f} for {order}"

    return issue_refund


def parked(agent: Twin, tool: Any, *args: Any, **terms: Any) -> str:
    """The escalation of a call that parked."""
    with pytest.raises(Parked) as stopped:
        agent.guard(tool, **terms)(*args)
    escalation: str = stopped.value.escalation
    return escalation


class Later:
    """The same timer, a minute on."""

    def __init__(self, timer: Any) -> None:
        self._timer = timer

    def monotonic(self) -> float:
        """A minute later."""
        return float(self._timer.monotonic()) + 60

    def jitter(self) -> float:
        """No chance at all."""
        return 0.0


@contextmanager
def on_stage(live: Live, faults: Faults, face: Any) -> Iterator[Stage]:
    """A clean stage on a server that goes on running."""
    faults.planned.clear()
    faults.seen.clear()
    live.town.scripts.clear()
    stage = Stage(live, faults, face, live.new_key(agent="support"))
    try:
        yield stage
    finally:
        faults.planned.clear()
        live.town.scripts.clear()
        for twin in stage.twins:
            twin.close()
