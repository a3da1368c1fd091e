"""The HTTP application: the route table and extra pages around one house."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.routing import Route as Served

from pullcord.briefing.digest import NotCanonical
from pullcord.engine.house import House, opened
from pullcord.errors import PullcordError
from pullcord.server import openapi
from pullcord.server.callers import Callers
from pullcord.server.endpoint import Endpoint
from pullcord.server.hub import Hub
from pullcord.server.limits import Rates
from pullcord.server.metrics import Metrics
from pullcord.server.parts import Parts
from pullcord.server.passage import Passage
from pullcord.server.problems import answer_to, bare, invalid, refused, told, written
from pullcord.server.route import Route
from pullcord.server.sessions import is_secure
from pullcord.server.table import ROUTES

log = structlog.get_logger("pullcord.server")


def create_app(
    house: House,
    *,
    extra_routes: Sequence[BaseRoute] = (),
    table: Sequence[Route] = ROUTES,
    rates: Rates | None = None,
    runs: bool = True,
) -> Starlette:
    """The application of one process; its lifespan opens the house and, if `runs`, its engine.

    `table` is the whole interface unless less of it is wanted, such as the health of an engine.
    `extra_routes` are pages such as the console; `app.state.house` and `app.state.parts` are what
    they may use.
    """
    parts = Parts(
        callers=Callers(house, rates or Rates()),
        hub=Hub(house.bus, house.clock),
        metrics=Metrics(house),
        openapi=msgspec.json.encode(openapi.document(table)),
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with opened(house, runs=runs):
            yield
            parts.hub.close()

    app = Starlette(
        routes=[*(_served(each, house, parts) for each in table), *extra_routes],
        middleware=[
            Middleware(Passage, ids=house.ids, metrics=parts.metrics, is_secure=is_secure(house))
        ],
        exception_handlers={
            PullcordError: told,
            NotCanonical: _not_canonical,
            HTTPException: refused,
            Exception: _broken,
        },
        lifespan=lifespan,
    )
    # a slash more is another address: following it would send a body twice
    app.router.redirect_slashes = False
    app.state.house = house
    app.state.parts = parts
    return app


def _served(route: Route, house: House, parts: Parts) -> Served:
    endpoint = Endpoint(route, house, parts)
    return Served(route.path, endpoint, methods=[route.method], name=route.name)


def close_waiting(app: Starlette) -> None:
    """End held polls and open streams, so that a web server that drains need not wait for them.

    Whoever starts the web server calls it when it is told to stop; agents and pages come again.
    """
    parts: Parts = app.state.parts
    parts.hub.close()


async def _not_canonical(request: Request, error: Exception) -> Response:
    """A value inside the request has no canonical form."""
    assert isinstance(error, NotCanonical), f"{error!r} is no refusal of canonical JSON"
    return answer_to(invalid(error))


async def _broken(request: Request, error: Exception) -> Response:
    """A bug: the caller learns an id to name, the log learns everything else."""
    request_id = request.scope.get("pullcord.request_id", "")
    log.error("broke", request_id=request_id, exc_info=error)
    problem = bare(500, f"a fault of this server, noted under request {request_id}.")
    return written(problem, {"x-request-id": request_id, "cache-control": "no-store"})
