"""The inbox: what needs this person, what their queues hold, what waits for others, what is over."""

from starlette.requests import Request
from starlette.responses import Response

from pullcord.console.frame import frame, house_of, signed_in_viewer
from pullcord.console.rendering import page
from pullcord.store.port import Filter

TABS = (
    ("needs_me", "Needs me"),
    ("queues", "Queues"),
    ("waiting", "Waiting on others"),
    ("decided", "Decided"),
)
WORD_MAX = 200


async def show(request: Request) -> Response:
    """`GET /`."""
    session, viewer = await signed_in_viewer(request)
    asked = request.query_params
    tab = asked.get("tab", "needs_me")
    wanted = Filter(agent=_word(asked.get("agent")), ladder=_word(asked.get("ladder")))
    view = await house_of(request).views.inbox(
        session.workspace,
        session.person,
        tab=tab if tab in dict(TABS) else "needs_me",
        cursor=asked.get("cursor", "")[:500],
        wanted=wanted,
    )
    values = frame(request, session, viewer)
    return page(
        "inbox.html",
        {**values, "view": view, "tabs": TABS, "wanted": wanted},
    )


def _word(text: str | None) -> str:
    return (text or "").strip()[:WORD_MAX]
