"""The gateway: every message passes, but a tool is called only when the rules or a person let it.

It stands between a host and an MCP server and changes neither. What is allowed passes as it came.
What is stopped is put to people; the host waits a bounded time and is then told "asked Tom, call
it again with exactly the same arguments". The repeated call finds the decision, and the server is
called with exactly the decided arguments, once, and the result is reported.

Whatever fails on the way (the Pullcord server, the network, the server behind, this process), the
tool is not called. Resources and prompts are not tools: they pass.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pullcord.adapters.calls import Done, Framework, Result, ToolCall, ToolFailed
from pullcord.adapters.contract import Gate, gate_of, is_living
from pullcord.client.cord import AsyncPullcord
from pullcord.client.keys import kind_of
from pullcord.client.round_trip import same, to_json
from pullcord.errors import InvalidInput, NotDone, Parked, PullcordError
from pullcord.gateway import messages as rpc
from pullcord.gateway.lines import ServerGone
from pullcord.gateway.messages import Message
from pullcord.gateway.pins import Pins
from pullcord.gateway.repeats import Repeats
from pullcord.gateway.rounds import Round, Rounds
from pullcord.gateway.standing import Now, asked, utc_now
from pullcord.wire.replies import EscalationOut
from pullcord.wire.requests import AskIn

#: an agent behind a gateway: its host repeats a call, so it goes on in any process
GATEWAY = Framework(
    "MCP gateway",
    "pullcord",
    ("edit_args", "partial_resume", "reason_on_reject", "note_on_approve", "durable"),
)
#: requests of a host, and calls of tools, that are under way at once
OPEN_MAX, CALLS_MAX = 10_000, 1_000
#: pages of one list of tools, and seconds all of them may take
PAGES_MAX, LIST_WITHIN = 100, 30.0
#: how long a list of tools is believed; a server need not say that it changes them
LISTED_FOR = timedelta(minutes=1)
#: seconds a call that its host gave up may still answer before its effect counts as unknown
GRACE = 5.0

AGAIN = (
    "Do other work meanwhile or end your turn. Call it again with exactly the same arguments to "
    "get the decision."
)

log = logging.getLogger("pullcord.gateway")
Send = Callable[[Message], Awaitable[None]]


@dataclass(slots=True)
class _Call:
    """One tool call of the host."""

    task: "asyncio.Task[None]"
    #: the server has it
    is_running: bool = False
    given_up: asyncio.Event = field(default_factory=asyncio.Event)


class Gateway:
    """Between one host and one server; `session` names the conversation calls belong to."""

    def __init__(
        self,
        cord: AsyncPullcord,
        *,
        session: str,
        wait: float,
        to_host: Send,
        to_server: Send,
        pins: Pins | None = None,
        prefix: str = "",
        now: Now = utc_now,
    ) -> None:
        self._cord = cord
        self._gate: Gate = gate_of(cord, GATEWAY)
        self._repeats = Repeats(self._gate, now=now)
        self._session = session
        self._wait = wait
        self._to_host = to_host
        self._to_server = to_server
        self._pins = pins or Pins(None)
        self._rounds = Rounds()
        self._prefix = prefix
        self._now = now
        self._calls: dict[str, _Call] = {}
        #: requests of the host that the server answers by itself: method by id
        self._open: dict[str, Message] = {}
        #: our own requests, and calls that people let run
        self._awaited: dict[str, asyncio.Future[Message]] = {}
        self._listed_at: datetime | None = None
        self._listing = asyncio.Lock()
        self._number = 0
        self._gone = ""

    # --- from the host ----------------------------------------------------------------------------
    async def from_host(self, line: bytes) -> None:
        """One message of the host: passed on, or judged when it calls a tool."""
        try:
            message = rpc.strict(line)
        except rpc.NotRpc as error:
            await self._to_host(rpc.failed(None, rpc.INVALID_REQUEST, f"pullcord: {error}"))
            return
        if message.get("method") == "tools/call":
            await self._begin(message)
        elif message.get("method") == "notifications/cancelled":
            await self._cancelled(message)
        elif rpc.is_request(message):
            await self._pass(message)
        else:
            with suppress(ServerGone):
                await self._to_server(message)

    async def _begin(self, message: Message) -> None:
        if not rpc.is_request(message):
            log.warning("a tool call that nobody waits for was dropped")
            return
        name = rpc.named(message["id"])
        if name in self._calls or name in self._open:
            why = "pullcord: a request with this id is under way"
            await self._to_host(rpc.failed(message["id"], rpc.INVALID_REQUEST, why))
        elif len(self._calls) >= CALLS_MAX:
            await self._to_host(rpc.told(message, f"Not called: {CALLS_MAX} calls are under way."))
        else:
            task = asyncio.create_task(self._answered(name, message))
            self._calls[name] = _Call(task)
            # a call that is given up before it took its first step never comes to its own end
            task.add_done_callback(lambda _: self._over(name, task))

    def _over(self, name: str, task: "asyncio.Task[None]") -> None:
        call = self._calls.get(name)
        if call is not None and call.task is task:
            del self._calls[name]

    async def _pass(self, message: Message) -> None:
        """A request that calls no tool."""
        name = rpc.named(message["id"])
        if name in self._open or name in self._calls or len(self._open) >= OPEN_MAX:
            why = "pullcord: too many requests are under way, or one with this id"
            await self._to_host(rpc.failed(message["id"], rpc.INVALID_REQUEST, why))
            return
        self._open[name] = message
        try:
            if self._gone:
                raise ServerGone(self._gone)
            await self._to_server(message)
        except ServerGone as gone:
            self._open.pop(name, None)
            await self._to_host(rpc.failed(message["id"], rpc.GONE, f"the server is gone: {gone}"))

    async def _cancelled(self, message: Message) -> None:
        """The host gave a request up: what has not begun never will."""
        name = rpc.named(rpc.params_of(message).get("requestId"))
        call = self._calls.get(name)
        if call is not None and not call.is_running:
            call.task.cancel()
            return
        if call is not None:
            call.given_up.set()
        self._open.pop(name, None)
        with suppress(ServerGone):
            await self._to_server(message)

    # --- from the server --------------------------------------------------------------------------
    async def from_server(self, message: Message) -> None:
        """One message of the server: what answers the host or speaks to it is passed on."""
        if not rpc.is_answer(message):
            if message.get("method") == "notifications/tools/list_changed":
                self._listed_at = None
            await self._to_host(message)
            return
        name = rpc.named(message["id"])
        waiting = self._awaited.pop(name, None)
        if waiting is not None:
            if not waiting.done():
                waiting.set_result(message)
            return
        request = self._open.pop(name, None)
        if request is None:
            log.warning("the server answered what nobody asked: %s", name[:80])
            return
        if request.get("method") == "tools/list":
            self._see(message)
        await self._to_host(message)

    async def server_gone(self, why: str) -> None:
        """It ended or broke: whoever waits for it is told, and nothing is sent to it any more."""
        self._gone = why
        for waiting in self._awaited.values():
            if not waiting.done():
                waiting.set_exception(ServerGone(why))
        for request in list(self._open.values()):
            gone = rpc.failed(request["id"], rpc.GONE, f"the server is gone: {why}")
            await self._to_host(gone)
        self._open.clear()

    async def close(self) -> None:
        """Give up what has not begun; what runs is left, and reported as far as it came."""
        tasks = [call.task for call in self._calls.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def idle(self) -> None:
        """Until no call is under way."""
        while self._calls:
            tasks = [call.task for call in self._calls.values()]
            await asyncio.gather(*tasks, return_exceptions=True)

    # --- a tool call ------------------------------------------------------------------------------
    async def _answered(self, name: str, message: Message) -> None:
        """Judge a call and answer it; whatever goes wrong, the host hears that it did not run."""
        try:
            reply = await self._judged(name, message)
        except NotDone as no:
            reply = rpc.told(message, no.for_model)
        except ServerGone as gone:
            reply = rpc.failed(message["id"], rpc.GONE, f"the server is gone: {gone}")
        except PullcordError as error:
            reply = rpc.told(message, f"It was not run: {error}")
        except Exception as error:  # a fault here must never look like a yes
            log.exception("a call could not be judged")
            reply = rpc.told(message, f"It was not run: the gateway failed ({error}).")
        finally:
            self._calls.pop(name, None)
        await self._to_host(reply)

    async def _judged(self, name: str, message: Message) -> Message:
        tool, args = _called(message)
        shown = {each: to_json(each, value) for each, value in args.items()}
        change = await self._change(tool, message)
        kind = kind_of(tool, shown, change)
        going_on = self._rounds.take(kind, message)
        if going_on is not None:
            return await self._went_on(name, message, kind, going_on)
        wanted = ToolCall(f"{self._prefix}{tool}", args=shown, id=kind, thread=self._session)
        call, standing = await self._gate.ado(self._repeats.standing(wanted, ask=_ask(change)))
        if standing is None:
            return await self._sent(name, message)
        if is_living(standing) and self._wait:
            await self._progress(message, standing)
            with suppress(Parked):
                standing = await self._gate.ado(self._gate.waited(call, standing, wait=self._wait))
        if is_living(standing):
            return rpc.told(message, asked(standing, call.tool, AGAIN))

        used: dict[str, Any] = {}

        async def act(**decided: Any) -> Any:
            used.update(_exact(args, shown, decided))
            return await self._carried_out(name, message, used)

        done = await self._gate.ado(self._gate.finish(call, standing, act))
        if change and not done.is_failed:
            self._pins.accept(tool)
        reply = _reply(message, done)
        self._rounds.keep(kind, reply, Round(used, done.notice))
        return reply

    async def _went_on(self, name: str, message: Message, kind: str, found: Round) -> Message:
        """Go on with a call that people let run, as they decided it."""
        answer = await self._sent(name, _with_args(message, found.args))
        self._rounds.keep(kind, answer, found)
        return rpc.with_text(answer, found.notice)

    async def _carried_out(self, name: str, message: Message, args: Mapping[str, Any]) -> Result:
        """Call the server with exactly what was decided."""
        try:
            answer = await self._sent(name, _with_args(message, args))
        except ServerGone as gone:
            why = f"the server went away while it ran, so its effect is unknown ({gone})"
            raise ToolFailed(rpc.told(message, f"It was called; {why}."), why) from None
        if rpc.is_failure(answer):
            raise ToolFailed(answer, rpc.text_of(answer))
        return Result(rpc.text_of(answer), answer)

    async def _sent(self, name: str, message: Message) -> Message:
        """What the server answers to a call; one that is given up may still say how it went."""
        call = self._calls[name]
        call.is_running = True
        answer = asyncio.ensure_future(self._asked(message))
        given_up = asyncio.ensure_future(call.given_up.wait())
        try:
            await asyncio.wait({answer, given_up}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                await asyncio.wait({answer}, timeout=GRACE)
            if not answer.done():
                raise ServerGone("its host gave the call up and it did not say how it ended")
            return answer.result()
        finally:
            given_up.cancel()
            answer.cancel()

    async def _asked(self, message: Message) -> Message:
        """Send a request of ours, or of the host's, and wait for its answer."""
        if self._gone:
            raise ServerGone(self._gone)
        name = rpc.named(message["id"])
        waiting: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._awaited[name] = waiting
        try:
            await self._to_server(message)
            return await waiting
        finally:
            self._awaited.pop(name, None)

    async def _progress(self, message: Message, standing: EscalationOut) -> None:
        """Let a host that wants to know learn who is being asked while it waits."""
        token = rpc.meta_of(message).get("progressToken")
        if token is not None:
            said = asked(standing, str(rpc.params_of(message).get("name")), "")
            params = {"progressToken": token, "progress": 0, "message": said.strip()}
            await self._to_host(
                {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}
            )

    # --- what tools are ---------------------------------------------------------------------------
    async def _change(self, tool: str, message: Message) -> str:
        """How a tool has changed since it was pinned; the server is asked when it has not told.

        Raises:
            NotDone: what the tool is cannot be learned, so nobody can say that it is the same.
        """
        async with self._listing:
            if self._listed_at is None or self._now() - self._listed_at >= LISTED_FOR:
                try:
                    async with asyncio.timeout(LIST_WITHIN):
                        await self._list(message)
                except (TimeoutError, rpc.NotRpc) as error:
                    raise NotDone(
                        f"{tool} was not run: its server does not tell what its tools are "
                        f"({str(error) or 'no answer in time'}). Nobody was asked."
                    ) from None
        return self._pins.change_of(tool)

    async def _list(self, message: Message) -> None:
        meta = {k: v for k, v in rpc.meta_of(message).items() if k != "progressToken"}
        params: dict[str, Any] = {"_meta": meta} if meta else {}
        for _ in range(PAGES_MAX):
            self._number += 1
            own = f"pullcord-{id(self):x}-{self._number}"
            request = {"jsonrpc": "2.0", "id": own, "method": "tools/list", "params": params}
            answer = await self._asked(request)
            if "error" in answer:
                raise rpc.NotRpc(str(answer["error"])[:200])
            self._see(answer)
            cursor = (answer.get("result") or {}).get("nextCursor")
            if not cursor:
                break
            params = {**params, "cursor": cursor}
        self._listed_at = self._now()

    def _see(self, answer: Message) -> None:
        result = answer.get("result")
        if isinstance(result, dict):
            self._pins.see(result.get("tools"), self._now())


def _called(message: Message) -> tuple[str, dict[str, Any]]:
    """The tool and the arguments of a call.

    Raises:
        InvalidInput: they are no name and no object.
    """
    params = rpc.params_of(message)
    tool, args = params.get("name"), params.get("arguments")
    if not isinstance(tool, str) or not 0 < len(tool) <= 150:
        raise InvalidInput("name", value=tool, limit="1 to 150 characters", remedy="Name a tool.")
    if args is not None and not isinstance(args, dict):
        raise InvalidInput("arguments", value=type(args).__name__, limit="an object")
    return tool, args or {}


def _exact(
    args: Mapping[str, Any], shown: Mapping[str, Any], decided: Mapping[str, Any]
) -> dict[str, Any]:
    """The decided arguments as the server gets them: its own numbers where nothing was changed.

    Raises:
        ToolFailed: something was changed, and what was shown as text cannot be made a number.
    """
    if same(decided, dict(shown)):
        return dict(args)
    if same(dict(args), dict(shown)):
        return dict(decided)
    raise ToolFailed(None, "the arguments hold numbers that were shown as text; not called")


def _with_args(message: Message, args: Mapping[str, Any]) -> Message:
    return {**message, "params": {**rpc.params_of(message), "arguments": dict(args)}}


def _ask(change: str) -> AskIn | None:
    """A call of a tool that has changed is put to people, whatever the rules say."""
    return AskIn(kind="approve", question=f"{change} Let this call run?") if change else None


def _reply(message: Message, done: Done) -> Message:
    """The server's answer under the host's id, with what the model must be told before it."""
    answer = done.value
    if not isinstance(answer, dict):
        return rpc.told(message, "It was not run: what was decided could not be sent as decided.")
    return rpc.with_text({**answer, "id": message["id"]}, done.notice)
