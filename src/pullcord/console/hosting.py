"""A house on the air: API, console and engine behind one address."""

import asyncio
import errno
import ipaddress
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from pullcord.console.app import routes
from pullcord.engine.house import House
from pullcord.engine.runner import Runner
from pullcord.errors import InvalidInput
from pullcord.server.app import close_waiting, create_app

#: seconds a stopping server waits for what is in flight
STOP_SECONDS = 10
#: seconds between two looks whether the server listens already
LOOK_SECONDS = 0.01
#: connections that may wait to be taken
BACKLOG = 2_048
LOOPBACK = "127.0.0.1"
#: exit code of a process that was told a second time to stop, and did so at once
LEFT_AT_ONCE = 1


def whole_app(house: House) -> Starlette:
    """API and console of a house."""
    return create_app(house, extra_routes=routes(house))


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes any that is free.

    Raises:
        InvalidInput: the port is taken, or the address is none of this machine's.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        raise InvalidInput("host", value=host, limit="an address of this machine") from None
    family, kind, protocol, _, address = found
    # with its protocol named, else replies wait 40 ms for each other (TCP_NODELAY is left off)
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as problem:
        listener.close()
        if problem.errno == errno.EADDRNOTAVAIL:
            raise InvalidInput("host", value=host, limit="an address of this machine") from None
        why = "taken" if problem.errno == errno.EADDRINUSE else problem.strerror
        remedy = f"It is {why}; choose another, or 0 for any."
        raise InvalidInput("port", value=port, limit="a free port", remedy=remedy) from None
    return listener


def url_of(listener: socket.socket) -> str:
    """The address under which this machine reaches a listener."""
    host, port = listener.getsockname()[:2]
    if listener.family == socket.AF_INET6:
        return f"http://[{'::1' if host == '::' else host}]:{port}"
    return f"http://{LOOPBACK if host == '0.0.0.0' else host}:{port}"  # noqa: S104  # read, not bound


def free_port() -> int:
    """A port of this machine that nobody listens on at this moment."""
    with listening(LOOPBACK, 0) as listener:
        port: int = listener.getsockname()[1]
    return port


def proxies_of(named: Sequence[str]) -> list[str]:
    """Addresses and networks of the proxies whose word about a client's address is believed.

    Raises:
        InvalidInput: one is neither; a name would be believed from anywhere.
    """
    for each in named:
        try:
            ipaddress.ip_network(each)
        except ValueError as problem:
            remedy = f"Name the proxy's own address ({problem})."
            limit = "an address or network such as 10.0.0.7 or 10.0.0.0/24"
            raise InvalidInput("trusted-proxy", value=each, limit=limit, remedy=remedy) from None
    return list(named)


def leave_at_once() -> None:
    """End like a crash, which loses nothing: for whoever has told this process twice."""
    os._exit(LEFT_AT_ONCE)


class Server(uvicorn.Server):
    """A web server that ends when it is told to, and leaves the process to whoever owns it.

    The one it is built on raises the signal again when it has stopped, and the process would end
    before the house is closed.
    """

    def __init__(self, app: Starlette, *, trusted: Sequence[str] = ()) -> None:
        config = uvicorn.Config(
            app,
            log_level="error",
            access_log=False,
            server_header=False,
            # whoever sends X-Forwarded-For names any address, and limits are held by address
            proxy_headers=bool(trusted),
            forwarded_allow_ips=list(trusted),
            timeout_graceful_shutdown=STOP_SECONDS,
            lifespan="off",
        )
        super().__init__(config)
        self._app = app
        self._loop = asyncio.get_running_loop()
        #: set as soon as it begins to stop
        self.leaving = asyncio.Event()

    def leave(self) -> None:
        """Stop: answer those who wait, finish what is in flight."""
        self.should_exit = True
        self._loop.call_soon_threadsafe(self._part)

    def _part(self) -> None:
        close_waiting(self._app)
        self.leaving.set()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ctrl-C or a termination signal; at the second one nobody is waited for."""
        if self.should_exit:
            leave_at_once()
        self.leave()


@asynccontextmanager
async def served(
    house: House,
    listener: socket.socket,
    *,
    app: Starlette | None = None,
    runs: bool = True,
    trusted: Sequence[str] = (),
) -> AsyncIterator[asyncio.Task[None]]:
    """Run a house whose store is open, and serve it; yields when it answers.

    Without `runs` its engine stands still and another process has one. Ctrl-C or a termination
    signal ends the yielded task: what waits is answered while the engine finishes what it holds.
    """
    await (house.runner.start() if runs else house.runner.look())
    server = Server(app or whole_app(house), trusted=trusted)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopping = asyncio.create_task(_stopped(server.leaving, house.runner))
    try:
        while not (server.started or serving.done()):  # noqa: ASYNC110  # uvicorn has no event
            await asyncio.sleep(LOOK_SECONDS)
        yield serving
    finally:
        if not serving.done():
            server.leave()
        await serving
        server.leaving.set()
        await stopping


async def _stopped(leaving: asyncio.Event, runner: Runner) -> None:
    """Take nothing new as soon as the server leaves, and finish beside it."""
    await leaving.wait()
    await runner.stop()
