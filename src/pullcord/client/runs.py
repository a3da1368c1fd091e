"""The run a call belongs to: end user, transcript, signals, and which tool call of the model it is.

The run is carried by a context variable, so guarded functions need no argument for it, in threads
and tasks alike.
"""

import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import Any

from pullcord.client.decisions import Decision
from pullcord.client.fitting import fitted
from pullcord.client.round_trip import same
from pullcord.client.transcript import calls_of_last_turn, proposed_calls
from pullcord.trigger.signals import asks_for_person, run_signals
from pullcord.wire.requests import ClaimsIn, EndUserIn, ReplyToIn

#: calls of one run whose ids are remembered
CALLS_MAX = 10_000
#: decisions one run keeps at hand
DECISIONS_MAX = 100


@dataclass(frozen=True, slots=True)
class EndUser:
    """The person the agent serves; only `id` is needed."""

    id: str
    name: str = ""
    email: str = ""
    locale: str = ""
    tier: str = ""
    asks_for_person: bool = False

    def wire(self) -> EndUserIn:
        """As it is sent."""
        return EndUserIn(
            id=self.id,
            name=self.name,
            email=self.email,
            locale=self.locale,
            tier=self.tier,
            asks_for_person=self.asks_for_person,
        )


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """Where whoever asked hears "being asked", "has it" and "decided".

    A channel of the server and an address on it: a Slack thread ("T1/C123/1699.2"), the e-mail
    address of a person of the workspace, an address of a webhook that the server's operator named.
    """

    channel: str
    address: str

    def wire(self) -> ReplyToIn:
        """As it is sent."""
        return ReplyToIn(channel=self.channel, address=self.address)


@dataclass(frozen=True, slots=True)
class Claims:
    """What the agent says about the situation; people read it as claims, apart from facts."""

    situation: str = ""
    assessment: str = ""
    unknowns: tuple[str, ...] = ()
    #: 0 to 1
    confidence: float | None = None
    recommendation: str = ""
    counter_argument: str = ""

    def wire(self) -> ClaimsIn:
        """As it is sent."""
        return ClaimsIn(
            situation=self.situation,
            assessment=self.assessment,
            unknowns=list(self.unknowns),
            confidence=self.confidence,
            recommendation=self.recommendation,
            counter_argument=self.counter_argument,
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """The transcript as rules see it."""

    messages: list[dict[str, Any]]
    asks_for_person: bool
    counts: Mapping[str, Any]


@dataclass(slots=True)
class Run:
    """One conversation or task; `messages` is read live, `signals` and `claims` may be changed."""

    id: str = ""
    end_user: EndUser | None = None
    messages: Sequence[Any] = ()
    signals: dict[str, str | int | float | bool] = field(default_factory=dict)
    claims: Claims | None = None
    trace: str = ""
    #: where whoever asked hears how it goes on
    reply_to: ReplyTo | None = None
    #: decisions taken in this run by this process, newest last
    decisions: list[Decision] = field(default_factory=list)
    #: until when (monotonic) it is known that the agent has the conversation; 0 is unknown
    free_until: float = 0.0
    _used: dict[str, Any] = field(default_factory=dict, repr=False)
    _seen: tuple[Any, Seen] | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def seen(self, writes: frozenset[str]) -> Seen:
        """The transcript, read again only when it has grown or its last message has changed."""
        mark = (_mark(self.messages), writes)
        if self._seen is None or self._seen[0] != mark:
            messages = fitted(self.messages)
            counts = run_signals(messages, run=self.id, writes=writes)
            self._seen = (mark, Seen(messages, asks_for_person(messages), counts))
        return self._seen[1]

    def person(self, seen: Seen) -> dict[str, Any]:
        """The end user as rules see them."""
        who = self.end_user
        if who is None:
            return {"asks_for_person": seen.asks_for_person}
        return {
            "id": who.id,
            "name": who.name,
            "email": who.email,
            "locale": who.locale,
            "tier": who.tier,
            "asks_for_person": who.asks_for_person or seen.asks_for_person,
        }

    def call_id(self, tool: str, args: Mapping[str, Any]) -> str:
        """The model's id of this tool call, from the last assistant message; random when unknown.

        The same call again, such as a node that a framework runs twice, gets the same id; the
        same id never stands for other arguments.
        """
        with self._lock:
            found = _chosen(proposed_calls(self.messages, tool), args, self._used)
            if not found:
                return fresh_call_id()
            if len(self._used) < CALLS_MAX:
                self._used.setdefault(found, dict(args))
            return found

    def remember(self, decision: Decision) -> None:
        """Keep a decision that was taken in this run; a call outside any run keeps none."""
        if self is not NO_RUN:
            self.decisions.append(decision)
            del self.decisions[:-DECISIONS_MAX]

    def turn(self) -> str:
        """Which turn of the model this is: calls of one turn belong together."""
        turns = sum(1 for each in self.messages if _role(each) in ("assistant", "ai"))
        return f"turn-{turns}" if turns else ""

    def turn_size(self) -> int:
        """How many tool calls the model made in its last turn; 0 when that cannot be seen."""
        return calls_of_last_turn(self.messages)


#: a call outside any run
NO_RUN = Run()
_current: ContextVar[Run] = ContextVar("pullcord_run", default=NO_RUN)
_call: ContextVar[str] = ContextVar("pullcord_call", default="")


def current() -> Run:
    """The run the caller is in."""
    return _current.get()


def current_call() -> str:
    """The id of the model's tool call, where the caller named it."""
    return _call.get()


class InRun:
    """Enters a run, as context manager or async context manager; may be nested."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._tokens: list[Token[Run]] = []

    def __enter__(self) -> Run:
        self._tokens.append(_current.set(self._run))
        return self._run

    def __exit__(self, *_: object) -> None:
        _current.reset(self._tokens.pop())

    async def __aenter__(self) -> Run:
        return self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        self.__exit__()


@contextmanager
def named_call(call_id: str) -> Iterator[None]:
    """Guarded calls inside are this tool call of the model."""
    token = _call.set(call_id)
    try:
        yield
    finally:
        _call.reset(token)


def fresh_call_id() -> str:
    """An id for a call nobody named: it is escalated once and never found again by another."""
    return f"call-{secrets.token_hex(12)}"


def _mark(messages: Sequence[Any]) -> tuple[int, int, int]:
    """Changes when the transcript grows or its last message does."""
    if not messages:
        return (0, 0, 0)
    last = messages[-1]
    content = last.get("content") if isinstance(last, Mapping) else getattr(last, "content", None)
    return (len(messages), id(last), len(content) if isinstance(content, str | list) else 0)


def _chosen(
    proposed: list[tuple[str, Any]], args: Mapping[str, Any], used: Mapping[str, Any]
) -> str:
    """Same arguments first, an unused one before a used one; then the only one by that name."""
    alike = [each for each, arguments in proposed if _alike(arguments, args)]
    free = [each for each in alike if each not in used]
    if free:
        return free[0]
    again = [each for each in alike if same(used[each], dict(args))]
    if again:
        return again[-1]
    if len(proposed) == 1:
        (only, _) = proposed[0]
        if only not in used or same(used[only], dict(args)):
            return only
    return ""


def _alike(arguments: Any, args: Mapping[str, Any]) -> bool:
    """Whether a proposed call names the same values; defaults may be missing there."""
    if not isinstance(arguments, Mapping):
        return False
    return all(name in args and same(args[name], value) for name, value in arguments.items())


def _role(message: Any) -> str:
    if isinstance(message, Mapping):
        return str(message.get("role") or message.get("type") or "")
    return str(getattr(message, "role", None) or getattr(message, "type", "") or "")
