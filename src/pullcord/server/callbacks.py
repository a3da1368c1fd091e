"""Where providers of channels call back: raw bytes in, whatever the provider expects out.

Anybody may send here; nothing is believed that the provider did not sign, and what is believed goes
through the same desk as every other act.
"""

from starlette.responses import Response

from pullcord.server.bodies import bytes_of
from pullcord.server.route import Route, Visit

#: bytes of the largest callback: a form with a few long texts
CALLBACK_BYTES_MAX = 262_144


async def called(visit: Visit) -> Response:
    """One request of a provider."""
    request, house = visit.request, visit.house
    query = request.url.query
    reply = await house.inbound.called(
        request.path_params["channel"],
        method=request.method,
        url=f"{house.settings.public_url}{request.url.path}{'?' if query else ''}{query}",
        query=query,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await bytes_of(request, most=CALLBACK_BYTES_MAX),
    )
    return Response(reply.body, reply.status, media_type=reply.media_type)


ROUTES = (
    Route(
        "POST",
        "/callbacks/{channel}",
        called,
        "Callbacks of a channel's provider, signed by it",
        public=True,
        problems=(403, 413),
        media_type="*/*",
    ),
)
