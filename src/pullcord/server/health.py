"""Is it alive, is it ready, how is it: for load balancers, Prometheus and whoever integrates."""

from starlette.responses import Response

from pullcord.engine.holding import told
from pullcord.errors import StoreBusy
from pullcord.server.metrics import CONTENT_TYPE
from pullcord.server.problems import bare, written
from pullcord.server.route import Route, Visit, answer
from pullcord.wire.listings import HealthOut

#: how a held database is let go
LETS_GO = "let it go with `pullcord release`"


async def livez(visit: Visit) -> Response:
    """The process answers."""
    return answer(HealthOut(status="alive"))


async def readyz(visit: Visit) -> Response:
    """The store answers, an engine is there and nothing is late; otherwise it says why not.

    A channel that delivers nothing is a warning: taking this process away would mend nothing. A
    held database is served too, so that people can look, and says that it is held.
    """
    house = visit.house
    why = house.watchdog.pulse.why_not_ready(house.clock.now())
    try:
        await house.store.ping()
    except StoreBusy as error:
        why = str(error)
    if why:
        return written(bare(503, f"not ready: {why}."), {"retry-after": "5"})
    alarms = await house.health.alarms()
    hold = await house.holding.now()
    if hold is None:
        return answer(HealthOut(status="ready", warnings=alarms))
    return answer(HealthOut(status="held", warnings=[f"{told(hold)}; {LETS_GO}", *alarms]))


async def metrics(visit: Visit) -> Response:
    """Figures for Prometheus."""
    page = await visit.parts.metrics.page(len(visit.parts.hub))
    return Response(page, media_type=CONTENT_TYPE)


async def openapi(visit: Visit) -> Response:
    """This interface, as OpenAPI 3.1."""
    return Response(visit.parts.openapi, media_type="application/json")


ROUTES = (
    Route("GET", "/livez", livez, "Whether the process answers", public=True, gives=HealthOut),
    Route("GET", "/readyz", readyz, "Whether it can serve", public=True, gives=HealthOut),
    Route(
        "GET",
        "/metrics",
        metrics,
        "Figures for Prometheus",
        public=True,
        media_type="text/plain",
    ),
    Route(
        "GET",
        "/openapi.json",
        openapi,
        "This interface",
        public=True,
        gives=dict,
    ),
)
