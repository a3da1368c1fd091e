"""A real server on a free loopback port, in a thread of its own, with people to play its part."""

import asyncio
import logging
import socket
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx2
import structlog
import uvicorn
from starlette.types import ASGIApp

from pullcord.channels.port import Channel
from pullcord.console import app as console
from pullcord.engine.house import House, furnish, opened
from pullcord.engine.settings import Settings
from pullcord.server.app import close_waiting, create_app
from pullcord.server.limits import Rates
from pullcord.store.port import Store
from pullcord.store.sqlite import SqliteStore
from pullcord.testing.clock import RunningClock, SeededIds
from pullcord.testing.people import Script
from pullcord.testing.town import MASTER, Town

T = TypeVar("T")

#: seconds a start, a stop or one call into the server may take
WITHIN = 20.0
#: seconds between two looks of scripted people
LOOK_EVERY = 0.02

Wrap = Callable[[ASGIApp], ASGIApp]
#: makes the ways outward of a server that answers at this address
Channels = Callable[[str], Mapping[str, Channel]]


class Live:
    """A server that runs: its address, keys, people and clock."""

    def __init__(
        self,
        policy: str,
        *,
        store: Callable[[], Store],
        agent: str,
        seed: int,
        settings: Settings | None,
        wrap: Wrap | None,
        rates: Rates | None,
        channels: Channels | None,
    ) -> None:
        self.clock = RunningClock(datetime.now(UTC))
        self._policy = policy
        self._store = store
        self._settings = settings or Settings()
        self._wrap = wrap
        self._rates = rates
        self._channels = channels
        self._ids = SeededIds(self.clock, seed=seed)
        self._port = 0
        self._agent = agent
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._server: uvicorn.Server | None = None
        self._town: Town | None = None
        #: an API key of the agent named, in production
        self.key = ""

    # --- life ---------------------------------------------------------------------------------
    def start(self) -> None:
        """Begin to answer, on the same port and database as before."""
        listener = _listener(self._port)
        self._port = listener.getsockname()[1]
        settings = replace(self._settings, public_url=self.url)
        house = furnish(
            self._store(),
            master=MASTER,
            clock=self.clock,
            ids=self._ids,
            settings=settings,
            channels=self._channels(self.url) if self._channels else None,
        )
        app = create_app(house, extra_routes=console.routes(house), rates=self._rates)
        served: ASGIApp = self._wrap(app) if self._wrap else app
        config = uvicorn.Config(
            served, log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=2
        )
        self._server = uvicorn.Server(config)
        self._close = lambda: close_waiting(app)
        ready: Future[None] = Future()
        work = self._serve(house, self._server, listener, ready)
        self._thread = threading.Thread(
            target=asyncio.run, args=(work,), name="pullcord-live", daemon=True
        )
        self._thread.start()
        ready.result(WITHIN)

    async def _serve(
        self, house: House, server: uvicorn.Server, listener: socket.socket, ready: Future[None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            async with opened(house):
                await self._furnish(house)
                play = asyncio.create_task(self._play())
                ready.set_result(None)
                await server.serve(sockets=[listener])
                play.cancel()
        except Exception as error:
            if ready.done():
                raise
            ready.set_exception(error)
        finally:
            listener.close()

    async def _furnish(self, house: House) -> None:
        if self._town is not None:
            scripts = self._town.scripts
            self._town = Town(house, self.clock, workspace=self._town.workspace)
            self._town.scripts.update(scripts)
            return
        configuration = await house.office.apply(self._policy, by="setup")
        self._town = Town(house, self.clock, workspace=configuration.workspace)
        self.key = await self._town.key(agent=self._agent or next(iter(configuration.agents)))

    async def _play(self) -> None:
        while True:
            if self.town.scripts:
                await self.town.play()
            await asyncio.sleep(LOOK_EVERY)

    def stop(self) -> None:
        """No longer answer; what was acknowledged stays in the database."""
        if self._thread is None or self._server is None or self._loop is None:
            return
        self._loop.call_soon_threadsafe(self._close)
        self._server.should_exit = True
        self._thread.join(WITHIN)
        assert not self._thread.is_alive(), f"the server did not stop within {WITHIN} seconds"
        self._thread = self._server = self._loop = None

    # --- what a test does with it -----------------------------------------------------------------
    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def town(self) -> Town:
        """The house behind it; its coroutines belong into `call`."""
        assert self._town is not None, "the server never started"
        return self._town

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine of the house on the server's own loop."""
        assert self._loop is not None, "the server is stopped"
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WITHIN)

    def turn(self, by: timedelta) -> datetime:
        """Move the clock forward and do everything that becomes due."""
        return self.call(self.town.turn(by))

    def plays(self, who: str, script: Script) -> None:
        """From now on this person follows the script whenever they are asked."""
        self.town.plays(who, script)

    def new_key(self, *, agent: str, environment: str = "production") -> str:
        """Another API key."""
        return self.call(self.town.key(agent=agent, environment=environment))

    def operator(self, who: str) -> "Operator":
        """A person with a signed-in browser."""
        token, session = self.call(self._signed_in(who))
        return Operator(self, who, token=token, csrf=session.csrf)

    async def _signed_in(self, who: str) -> tuple[str, Any]:
        office = self.town.house.office
        ticket = await office.invite(self.town.workspace, who, purpose="demo")
        return await office.redeem_demo(ticket)

    def environ(self) -> Mapping[str, str]:
        """Environment variables of an agent of this server."""
        return {"PULLCORD_URL": self.url, "PULLCORD_KEY": self.key}


class Operator:
    """A person who acts over HTTP, with the session and proof of origin a browser has."""

    def __init__(self, live: Live, who: str, *, token: str, csrf: str) -> None:
        self.id = who
        self._http = httpx2.Client(
            base_url=live.url,
            cookies={"pullcord_session": token},
            headers={"x-csrf-token": csrf, "origin": live.url},
            timeout=WITHIN,
            trust_env=False,
        )

    def get(self, path: str) -> httpx2.Response:
        """A page or resource."""
        return self._http.get(path)

    def act(self, escalation: str, verb: str, **body: Any) -> dict[str, Any]:
        """Any verb; refusals raise with the server's words."""
        answer = self._http.post(f"/v1/escalations/{escalation}/{verb}", json=body)
        assert answer.is_success, f"{verb} was answered with {answer.status_code}: {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    def accept(self, escalation: str) -> dict[str, Any]:
        """ "I have it"."""
        return self.act(escalation, "accept")

    def approve(self, escalation: str, note: str = "") -> dict[str, Any]:
        """Let it run as it is."""
        return self.act(escalation, "decide", kind="approve", note=note)

    def edit(self, escalation: str, args: Mapping[str, Any], note: str = "") -> dict[str, Any]:
        """Let it run with exactly these arguments."""
        return self.act(escalation, "decide", kind="edit", args=dict(args), note=note)

    def reject(self, escalation: str, note: str = "") -> dict[str, Any]:
        """Say no."""
        return self.act(escalation, "decide", kind="reject", note=note)

    def answer(self, escalation: str, answer: Any, note: str = "") -> dict[str, Any]:
        """Answer the question."""
        return self.act(escalation, "decide", kind="answer", answer=answer, note=note)

    def take_over(self, escalation: str) -> dict[str, Any]:
        """Accept and take the conversation."""
        self.accept(escalation)
        return self.act(escalation, "take-over")

    def hand_back(self, escalation: str, **note: str) -> dict[str, Any]:
        """Give the conversation back."""
        return self.act(escalation, "hand-back", note=note)

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _listener(port: int) -> socket.socket:
    # named as TCP, because the event loop sends small answers at once only on such sockets
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(256)
    return listener


@contextmanager
def live_server(
    policy: str,
    *,
    agent: str = "",
    seed: int = 7,
    settings: Settings | None = None,
    wrap: Wrap | None = None,
    rates: Rates | None = None,
    channels: Channels | None = None,
    store: Callable[[], Store] | None = None,
) -> Iterator[Live]:
    """A real server with this policy, console included, until the block ends.

    Its clock runs with the machine's and can be turned forward. `wrap` puts something between
    the network and the application, such as faults. Messages go by what `channels` makes, where
    it is given. `store` makes the store of each start where it is not to be a file that is thrown
    away.
    """
    if not structlog.is_configured():
        # a test that configured no logging wants to read its own output
        quiet = structlog.make_filtering_bound_logger(logging.WARNING)
        structlog.configure(wrapper_class=quiet)
    with tempfile.TemporaryDirectory(prefix="pullcord-") as folder:
        live = Live(
            policy,
            store=store or (lambda: SqliteStore(Path(folder) / "pullcord.db")),
            agent=agent,
            seed=seed,
            settings=settings,
            wrap=wrap,
            rates=rates,
            channels=channels,
        )
        live.start()
        try:
            yield live
        finally:
            live.stop()
