"""Templates become pages: always escaped, with a policy that lets no foreign code run.

Every text from agents and end users goes through `shown`, which marks hidden and reordering
characters instead of printing them; no template may mark text as safe (a test holds that).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from pullcord.briefing.plain import marks, safe_text
from pullcord.console import moments
from pullcord.console.assets import address

#: characters of one text that a page shows; longer ones end in an ellipsis
SHOWN_MAX = 20_000

_COMMON = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
#: the console runs scripts of ours and nothing else
CONSOLE_POLICY = (
    f"{_COMMON}; script-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
    "require-trusted-types-for 'script'; trusted-types pullcord pullcord-worker"
)
#: the end user's page runs no script at all
STATUS_POLICY = _COMMON

HEADERS: Mapping[str, str] = {
    "content-security-policy": CONSOLE_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
#: the address of a status page is its key: it must not travel to other sites
STATUS_HEADERS: Mapping[str, str] = {
    **HEADERS,
    "content-security-policy": STATUS_POLICY,
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex, nofollow",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """The time of one rendering, in the zone of the person who reads it."""

    now: datetime
    zone: tzinfo

    def relative(self, at: datetime) -> str:
        """How far away from now."""
        return moments.relative(at, self.now)

    def absolute(self, at: datetime) -> str:
        """The hour of the reader's day."""
        return moments.absolute(at, self.now, self.zone)

    def is_past(self, at: datetime) -> bool:
        """Whether it is over."""
        return at <= self.now


def shown(text: object, limit: int = SHOWN_MAX) -> str:
    """Untrusted text with hidden and reordering characters made visible; still to be escaped."""
    return safe_text(str(text), limit)


def sentence(text: str) -> str:
    """The same text beginning with a capital letter."""
    return text[:1].upper() + text[1:]


def has_hidden(text: object) -> bool:
    """Whether a text holds characters that hide or reorder it."""
    return bool(marks(str(text)))


@cache
def environment() -> Environment:
    """The one template environment."""
    templates = Environment(
        loader=PackageLoader("pullcord.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(
        exact=moments.exact, stamp=moments.stamp, span=moments.span, shown=shown, sentence=sentence
    )
    templates.tests["hidden"] = has_hidden
    templates.globals["asset"] = address
    return templates


def page(
    template: str,
    values: Mapping[str, Any],
    *,
    status: int = 200,
    headers: Mapping[str, str] = HEADERS,
) -> HTMLResponse:
    """One page as a response."""
    text = environment().get_template(template).render(values)
    return HTMLResponse(text, status_code=status, headers=dict(headers))


def see_other(url: str) -> Response:
    """After a form: go and look at the result, so that reloading never sends it twice."""
    return RedirectResponse(url, status_code=303, headers={"cache-control": "no-store"})
