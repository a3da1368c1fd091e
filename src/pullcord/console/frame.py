"""What every page of the console carries: who looks, from where, at what time, and the rooms."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from pullcord.console.moments import zone_of
from pullcord.console.rendering import Moment
from pullcord.engine.house import House
from pullcord.server.sessions import require_session
from pullcord.store.port import Session
from pullcord.wire.views import ViewerOut

#: name, address and drawing of each room
ROOMS = (
    ("Inbox", "/", "inbox"),
    ("On call", "/on-call", "call"),
    ("People", "/people", "people"),
    ("Channels", "/channels", "link"),
    ("Policy", "/policy", "policy"),
    ("Keys", "/keys", "key"),
)

#: what a redirect may say at the top of the next page, by the word in `?did=`
DID: Mapping[str, str] = {
    "accept": "You have it.",
    "decline": "The next person is being asked.",
    "release": "Given back; the others are being asked.",
    "reassign": "They are being asked. Until they accept you stay responsible.",
    "snooze": "It stays yours for longer.",
    "extend": "More time; the end user is promised the new time.",
    "ask": "Your question is on its way.",
    "comment": "Noted.",
    "context": "Added to the briefing.",
    "take-over": "You have the conversation.",
    "hand-back": "Handed back to the agent.",
    "decide": "Decided. The agent goes on with exactly this.",
    "vote": "Your vote counts; others must agree before it stands.",
    "decide-late": "This one is fresh, and it is yours.",
    "link": "Linked. Send yourself a test to be sure.",
    "unlink": "Unlinked. Nothing goes there any more.",
    "reach": "Saved. It holds from the next message on.",
    "revoke": "The key is revoked.",
    "let-go": "Everything goes on. What was due meanwhile happens now.",
    "roll-back": "That version is in force now.",
}


def house_of(request: Request) -> House:
    """The house this request is served from."""
    house: House = request.app.state.house
    return house


async def signed_in_viewer(request: Request) -> tuple[Session, ViewerOut]:
    """Who looks at this page.

    Raises:
        NotSignedIn: nobody is; the page sends them to the sign-in.
    """
    session = await require_session(request)
    viewer = await house_of(request).views.viewer(session.workspace, session.person)
    return session, viewer


def frame(request: Request, session: Session, viewer: ViewerOut) -> dict[str, Any]:
    """The values every page's template needs."""
    house = house_of(request)
    return {
        "rooms": ROOMS,
        "here": request.url.path,
        "viewer": viewer,
        "csrf": session.csrf,
        "moment": Moment(house.clock.now(), zone_of(viewer.timezone)),
        "flash": DID.get(request.query_params.get("did", ""), ""),
    }
