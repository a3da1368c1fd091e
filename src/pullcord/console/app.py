"""The console's routes, put beside the API's: pages for operators and for end users."""

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from pullcord.console import account, acts, assets, channels, escalation, inbox, office
from pullcord.console.refusals import Handler, not_found, paged
from pullcord.console.status import StatusPages
from pullcord.engine.house import House

#: where the API lives: a wrong address there is answered by a problem, not by a page
API = ("/v1", "/livez", "/readyz", "/metrics", "/openapi.json", "/mcp", "/callbacks")


class Elsewhere(Route):
    """The last route: people who follow a wrong link get a page that says so."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Every address a person may open, and none of the API."""
        match, child = super().matches(scope)
        is_page = scope["type"] == "http" and not scope["path"].startswith(API)
        return (match, child) if match is Match.FULL and is_page else (Match.NONE, {})


def routes(house: House) -> list[BaseRoute]:
    """Every page; `create_app(house, extra_routes=routes(house))` serves them."""
    status = StatusPages(lambda: house.clock.now().timestamp())
    return [
        *_pages(),
        Route("/status/{token}", status.show, methods=["GET"]),
        Route("/status/{token}/{what}", status.post, methods=["POST"]),
        Route("/status/{token}/confirm/{code}", status.confirm_page, methods=["GET"]),
        Route("/status/{token}/confirm/{code}", status.confirm, methods=["POST"]),
        Route("/static/{name}", assets.serve, methods=["GET"]),
        Route(f"/{assets.WORKER}", assets.serve, methods=["GET"]),
        Elsewhere("/{rest:path}", not_found, methods=["GET"]),
    ]


def _pages() -> list[BaseRoute]:
    return [
        _get("/", inbox.show),
        _get("/escalations/{id}", escalation.show),
        _post("/escalations/{id}/{verb}", escalation.act),
        _get("/sign-in", account.sign_in_page),
        _post("/sign-in", account.sign_in),
        _post("/sign-out", account.sign_out),
        _get("/setup/{token}", account.set_up_page),
        _post("/setup/{token}", account.set_up),
        _get("/welcome/{token}", account.welcome_page),
        _post("/welcome/{token}", account.welcome),
        _get("/on-call", office.on_call),
        _get("/people", office.people),
        _post("/people/{id}/invite", office.invite),
        _get("/people/{id}/reach", channels.reach),
        _post("/people/{id}/reach", channels.set_reach),
        _get("/channels", channels.channels),
        _post("/channels/{name}/test", channels.try_out),
        _post("/channels/{name}/code", channels.make_code),
        _post("/channels/{name}/devices", channels.add_device),
        _post("/channels/{name}/unlink", channels.unlink),
        _get("/acts/{token}", acts.show),
        _post("/acts/{token}", acts.act),
        _post("/hold/let-go", office.let_go),
        _get("/policy", office.policy),
        _post("/policy/roll-back", office.roll_back),
        _get("/keys", office.keys),
        _post("/keys/mint", office.mint),
        _post("/keys/{id}/revoke", office.revoke),
    ]


def _get(path: str, handler: Handler) -> Route:
    return Route(path, paged(handler), methods=["GET"], name=f"page {path}")


def _post(path: str, handler: Handler) -> Route:
    return Route(path, paged(handler), methods=["POST"], name=f"form {path}")
