"""A route as data: from these rows the router, the OpenAPI page and the role matrix are made."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from pullcord.engine.house import House
from pullcord.errors import NotFound
from pullcord.path.escalation import Actor, agent, person
from pullcord.store.port import AgentKey, Session

if TYPE_CHECKING:
    from pullcord.server.parts import Parts

#: longest id in an address; ours have under 40 characters
ID_LENGTH_MAX = 200
#: where a handler notes the escalation its request was about
NOTED = "pullcord.escalation"

_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Visit:
    """One request, who sent it, and what it carries, checked."""

    request: Request
    house: House
    parts: "Parts"
    #: the agent's key, or None
    key: AgentKey | None
    #: the signed-in person's session, or None
    session: Session | None
    #: the model the route takes, or None
    body: Any
    #: the query model of the route, or None
    query: Any

    @property
    def workspace(self) -> str:
        """The tenant of whoever sent this."""
        caller = self.key or self.session
        assert caller is not None, f"{self.request.url.path} is public and asks for a workspace"
        return caller.workspace

    @property
    def agent_key(self) -> AgentKey:
        """The key of a route that only agents may use."""
        assert self.key is not None, f"{self.request.url.path} let somebody in without a key"
        return self.key

    @property
    def person(self) -> str:
        """The id of the person of a route that only people may use."""
        assert self.session is not None, f"{self.request.url.path} let an agent in"
        return self.session.person

    @property
    def actor(self) -> Actor:
        """Who acts, as the desk names them."""
        return agent(self.key.agent) if self.key else person(self.person)

    @property
    def id(self) -> str:
        """The id in the address.

        Raises:
            NotFound: nothing of ours is called so.
        """
        found: str = self.request.path_params["id"]
        if len(found) > ID_LENGTH_MAX or not found.isprintable():
            raise NotFound("there is no escalation with such an id.")
        return found

    def note(self, escalation: str) -> None:
        """Remember which escalation this request was about, for its log line."""
        self.request.scope[NOTED] = escalation


Handler = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one address: who may use it, what it takes and what it gives."""

    method: str
    path: str
    handle: Handler
    #: what it does, as the reference says it
    summary: str
    #: whether an agent's key may use it
    agents: bool = False
    #: right in the workspace that a person needs (`owner.authority.WORKSPACE`); empty: no people
    right: str = ""
    #: whether anybody may use it
    public: bool = False
    #: model of the body; `str` is YAML text; None is no body
    takes: type | None = None
    #: model of the query string
    query: type[msgspec.Struct] | None = None
    #: model of the reply; None where it is not JSON
    gives: type | None = None
    #: statuses of success, and those of them that come without a body
    statuses: tuple[int, ...] = (200,)
    empty: tuple[int, ...] = ()
    #: statuses of problems beyond those that follow from the other fields
    problems: tuple[int, ...] = ()
    #: statuses of refusals that come in the model of the reply, because its protocol says so
    refusals: tuple[int, ...] = ()
    media_type: str = "application/json"

    @property
    def name(self) -> str:
        """Its operation's name: method and address in words."""
        words = self.path.strip("/").replace("{", "").replace("}", "").replace("-", "_")
        words = words.replace("/", "_").replace(".", "_").removeprefix("v1_")
        return f"{self.method.lower()}_{words}"

    @property
    def changes(self) -> bool:
        """Whether it is meant to change anything."""
        return self.method not in ("GET", "HEAD")


def encoded(reply: Any) -> bytes:
    """A reply model as JSON."""
    return _ENCODER.encode(reply)


def answer(reply: Any, status: int = 200, *, headers: dict[str, str] | None = None) -> Response:
    """A reply model as a JSON response."""
    return Response(encoded(reply), status, headers=headers, media_type="application/json")
