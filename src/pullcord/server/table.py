"""The whole HTTP interface as one tuple; what is not in it does not exist.

The busiest routes stand first, because the router looks from the top.
"""

from pullcord.server import agents, callbacks, changes, decisions, escalations, health, mcp, people
from pullcord.server.route import Route

ROUTES: tuple[Route, ...] = (
    *agents.ROUTES,
    *decisions.ROUTES,
    *escalations.ROUTES,
    *people.ROUTES,
    *mcp.ROUTES,
    *changes.ROUTES,
    *callbacks.ROUTES,
    *health.ROUTES,
)
