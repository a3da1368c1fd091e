"""A house on the air: API and console in one web server, on one address."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn
from starlette.applications import Starlette

from pullcord.console.app import routes
from pullcord.engine.house import House
from pullcord.errors import InvalidInput
from pullcord.server.app import close_waiting, create_app

#: seconds a stopping server waits for what is in flight
STOP_SECONDS = 10
#: seconds between two looks at a server's state
LOOK_SECONDS = 0.01
LOOPBACK = "127.0.0.1"


def whole_app(house: House) -> Starlette:
    """API and console of a house."""
    return create_app(house, extra_routes=routes(house))


@asynccontextmanager
async def served(house: House, *, host: str, port: int) -> AsyncIterator[asyncio.Task[None]]:
    """Serve a house whose store is open; yields when it listens, stops gracefully at the end.

    Ctrl-C or a termination signal ends the yielded task.

    Raises:
        InvalidInput: the port is taken.
    """
    app = whole_app(house)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
        lifespan="on",
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(_serve(server))
    letting_go = asyncio.create_task(_let_go(server, app))
    try:
        while not (server.started or serving.done()):  # noqa: ASYNC110  # uvicorn has no event
            await asyncio.sleep(LOOK_SECONDS)
        if not server.started:
            await serving
            raise InvalidInput(
                "port", value=port, limit="a free port", remedy="Choose another with --port."
            )
        yield serving
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await serving
        await letting_go


async def _serve(server: uvicorn.Server) -> None:
    """Until told to stop; a port that is taken ends it, and the caller says so."""
    with suppress(SystemExit):
        await server.serve()


async def _let_go(server: uvicorn.Server, app: Starlette) -> None:
    """When it is told to stop, answer those who wait, so that nobody holds it open."""
    while not server.should_exit:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(LOOK_SECONDS * 10)
    close_waiting(app)


def free_port(asked: int = 0, *, preferred: int = 0) -> int:
    """The port to serve on: the one asked for, else the preferred one, else any that is free.

    Raises:
        InvalidInput: the one asked for is taken.
    """
    for port in (asked,) if asked else (preferred, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((LOOPBACK, port))
            found: int = probe.getsockname()[1]
            return found
    raise InvalidInput("port", value=asked, limit="a free port", remedy="Choose another.")
