"""The inbox: what needs this person, what the queues hold, what waits for agents, what is over."""

from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from pullcord.console.frame import frame, house_of, signed_in_viewer
from pullcord.console.rendering import page
from pullcord.store.port import Filter
from pullcord.wire.views import InboxRow

TABS = (
    ("needs_me", "Needs me"),
    ("queues", "Queues"),
    ("waiting", "Waiting on others"),
    ("decided", "Decided"),
)
WORD_MAX = 200
ROWS_MAX = 100
#: tabs whose rows still need somebody: the most severe first, then what is due first
LIVING_TABS = frozenset({"needs_me", "queues"})
SEVERITIES = ("critical", "high", "normal", "low")


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
        limit=ROWS_MAX,
        wanted=wanted,
    )
    if view.tab in LIVING_TABS:
        view = msgspec.structs.replace(view, rows=sorted(view.rows, key=_urgency))
    values = frame(request, session, viewer)
    return page(
        "inbox.html",
        {**values, "view": view, "tabs": TABS, "wanted": wanted},
    )


def _urgency(row: InboxRow) -> tuple[int, datetime]:
    rank = SEVERITIES.index(row.severity) if row.severity in SEVERITIES else len(SEVERITIES)
    return rank, row.due_at or row.opened_at


def _word(text: str | None) -> str:
    return (text or "").strip()[:WORD_MAX]
