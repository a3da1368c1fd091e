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
    """This process can do its work: the store answers, its engine is not late; or why it cannot.

    What taking this process away would not mend is a warning: a channel that delivers nothing, and
    for a server without an engine that none beats. A held database is served, so that people can
    look, and says that it is held.
    """
    house = visit.house
    now, pulse = house.clock.now(), house.watchdog.pulse
    why = pulse.why_not_ready(now)
    try:
        await house.store.ping()
    except StoreBusy as error:
        why = str(error)
    if why:
        return written(bare(503, f"not ready: {why}."), {"retry-after": "5"})
    missing, alarms = pulse.what_is_missing(now), await house.health.alarms()
    hold = await house.holding.now()
    if hold is not None:
        missing.insert(0, f"{told(hold)}; {LETS_GO}")
    status = "held" if hold is not None else "degraded" if missing else "ready"
    return answer(HealthOut(status=status, warnings=[*missing, *alarms]))


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
