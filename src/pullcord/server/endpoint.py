"""One route as an ASGI application: admit the caller, read what came, hand it to its handler."""

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from pullcord.engine.house import House
from pullcord.server import bodies
from pullcord.server.parts import Parts
from pullcord.server.route import Route, Visit


class Endpoint:
    """Serves one row of the route table. Errors leave it as they are; the app answers them."""

    def __init__(self, route: Route, house: House, parts: Parts) -> None:
        self._route = route
        self._house = house
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        route = self._route
        request = Request(scope, receive, send)
        caller = await self._parts.callers.admit(route, request)
        query = bodies.query(request, route.query) if route.query else None
        body = None
        if route.takes is str:
            body = await bodies.text(request)
        elif route.takes is not None:
            body = await bodies.model(request, route.takes)
        visit = Visit(
            request=request,
            house=self._house,
            parts=self._parts,
            key=caller.key,
            session=caller.session,
            body=body,
            query=query,
        )
        response = await route.handle(visit)
        await response(scope, receive, send)
