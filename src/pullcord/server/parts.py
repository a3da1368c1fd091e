"""What the routes of one process share besides the house."""

from dataclasses import dataclass

from pullcord.server.callers import Callers
from pullcord.server.hub import Hub
from pullcord.server.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Parts:
    """Made once by the app; handed to every handler."""

    callers: Callers
    hub: Hub
    metrics: Metrics
    #: the OpenAPI document, encoded once
    openapi: bytes
