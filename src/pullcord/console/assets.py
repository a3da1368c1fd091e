"""Style sheets, script and icon: served with the hash of their content, so browsers keep them."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

#: what is served, by name; anything else does not exist
TYPES = {
    "console.css": "text/css; charset=utf-8",
    "status.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "push.js": "text/javascript; charset=utf-8",
    "worker.js": "text/javascript; charset=utf-8",
    "app.webmanifest": "application/manifest+json",
    "icon.svg": "image/svg+xml",
    "icon-192.png": "image/png",
    "icon-512.png": "image/png",
}
#: a service worker sees to the pages below its own address, so it is served at the root; it may
#: speak with our server and do nothing else
WORKER = "worker.js"
WORKER_POLICY = "default-src 'none'; connect-src 'self'; img-src 'self'; frame-ancestors 'none'"
FOREVER = "public, max-age=31536000, immutable"
#: without the right hash it may have changed: ask again
ASK_AGAIN = "no-cache"


@dataclass(frozen=True, slots=True)
class Asset:
    """One static file: its bytes and the hash that names this content."""

    content: bytes
    digest: str


@cache
def asset(name: str) -> Asset:
    """A static file of the package."""
    content = files("pullcord.console").joinpath("static", name).read_bytes()
    return Asset(content, hashlib.sha256(content).hexdigest()[:16])


def address(name: str) -> str:
    """The address of a static file, with the hash of what it holds now."""
    return f"/static/{name}?v={asset(name).digest}"


async def serve(request: Request) -> Response:
    """`GET /static/{name}`, and `GET /worker.js`."""
    name = request.path_params.get("name", WORKER)
    if name not in TYPES:
        return PlainTextResponse("There is no such file.\n", status_code=404)
    found = asset(name)
    is_exact = request.query_params.get("v") == found.digest
    headers = {
        "cache-control": FOREVER if is_exact else ASK_AGAIN,
        "etag": f'"{found.digest}"',
        "x-content-type-options": "nosniff",
    }
    if name == WORKER:
        headers["content-security-policy"] = WORKER_POLICY
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=TYPES[name], headers=headers)
