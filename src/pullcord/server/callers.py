"""Who is calling: an agent by its key, a person by their session, or nobody.

Keys are remembered for a few seconds, so that the hot path reads no database; a revoked key is
refused at the latest when they are over.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request

from pullcord.engine.house import House
from pullcord.errors import NotAllowed, NotSignedIn
from pullcord.server.limits import Buckets, Rates
from pullcord.server.route import Route
from pullcord.server.sessions import address_of, check_csrf, require_session, signed_in
from pullcord.store.port import AgentKey, Session

#: how long a key is believed without asking the store
BELIEVED_FOR = timedelta(seconds=3)
#: keys believed at once; beyond it all are asked again
BELIEVED_MAX = 10_000

SCHEME = "bearer "


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent a request; both empty is nobody."""

    key: AgentKey | None = None
    session: Session | None = None


NOBODY = Caller()


class Callers:
    """Recognises callers and holds them to their rates."""

    def __init__(self, house: House, rates: Rates) -> None:
        self._house = house
        self._believed: dict[bytes, tuple[datetime, AgentKey]] = {}

        def now() -> float:
            return house.clock.now().timestamp()

        self._keys = Buckets(rates.key, now, what="requests with this key")
        self._people = Buckets(rates.person, now, what="requests of this person")
        self._addresses = Buckets(rates.address, now, what="requests from this address")
        self.sign_ins = Buckets(rates.sign_in, now, what="attempts to sign in")
        self.accounts = Buckets(rates.account, now, what="attempts to sign in as this person")

    async def admit(self, route: Route, request: Request) -> Caller:
        """Who this is, when they may use this route now.

        Raises:
            NotSignedIn, NotAllowed, TooMuch: says what is missing.
        """
        if route.public:
            self._addresses.take(address_of(request))
            return NOBODY
        shown = request.headers.get("authorization")
        if shown is not None:
            return Caller(key=await self._agent(route, request, shown))
        session = await signed_in(request)
        if session is None:
            self._addresses.take(address_of(request))
            raise NotSignedIn(
                "no API key and no session came with the request; send "
                "`Authorization: Bearer pk_…`, or sign in."
            )
        return Caller(session=await self._person(route, request, session))

    async def _agent(self, route: Route, request: Request, shown: str) -> AgentKey:
        if not shown.lower().startswith(SCHEME):
            raise NotSignedIn("the Authorization header must be `Bearer pk_…`.")
        key = await self.key_of(request, shown[len(SCHEME) :].strip())
        self._keys.take(key.id)
        if not route.agents:
            raise NotAllowed(
                "an agent's key may open, read its own, wait, add context, reply, collect, "
                "report and withdraw; this needs a signed-in person."
            )
        return key

    async def again(self, request: Request) -> None:
        """Whether the caller of a long stream may still read.

        Raises:
            NotSignedIn, NotAllowed: the key was revoked, the session ended.
        """
        shown = request.headers.get("authorization")
        if shown is not None:
            await self.key_of(request, shown[len(SCHEME) :].strip())
            return
        session = await require_session(request)
        await self._house.office.allow(session.workspace, session.person, "read")

    async def key_of(self, request: Request, shown: str) -> AgentKey:
        """The key a client sent, believed for a few seconds.

        Raises:
            NotSignedIn: unknown, altered or revoked.
            TooMuch: this address sent too many such keys.
        """
        now = self._house.clock.now()
        name = hashlib.sha256(shown.encode()).digest()
        believed = self._believed.get(name)
        if believed is not None and abs(now - believed[0]) < BELIEVED_FOR:
            return believed[1]
        self.sign_ins.check(address_of(request))
        try:
            key = await self._house.office.key_of(shown)
        except NotSignedIn:
            self._believed.pop(name, None)
            self.sign_ins.take(address_of(request))
            raise
        if len(self._believed) >= BELIEVED_MAX:
            self._believed.clear()
        self._believed[name] = (now, key)
        return key

    async def _person(self, route: Route, request: Request, session: Session) -> Session:
        self._people.take(f"{session.workspace}/{session.person}")
        if route.changes:
            check_csrf(request, session)
        if not route.right:
            raise NotAllowed("only an agent's key may do this; people act in the console.")
        await self._house.office.allow(session.workspace, session.person, route.right)
        return session
