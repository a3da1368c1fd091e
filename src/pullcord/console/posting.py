"""Forms that come in: bounded, plain text fields, checked to come from our own pages."""

from urllib.parse import parse_qsl

from starlette.requests import Request

from pullcord.errors import InvalidInput
from pullcord.server.bodies import raw
from pullcord.server.sessions import check_csrf
from pullcord.store.port import Session

FORM_TYPES = ("application/x-www-form-urlencoded",)
#: more fields than the largest form of ours has
FIELDS_MAX = 400


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form; the last of a name that comes twice. Read once, kept for a refusal.

    Raises:
        TooMuch: it is longer than any form of ours.
        InvalidInput: it has too many fields, or text no page can send.
    """
    kept: dict[str, str] | None = getattr(request.state, "form", None)
    if kept is not None:
        return kept
    body = await raw(request, FORM_TYPES)
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=FIELDS_MAX,
            errors="strict",
        )
    except ValueError:
        raise InvalidInput(
            "form", limit=f"UTF-8 text, {FIELDS_MAX} fields", remedy="Send it from the page."
        ) from None
    form = {name: value.replace("\r\n", "\n") for name, value in pairs if "\0" not in value}
    request.state.form = form
    return form


async def own_form_of(request: Request, session: Session) -> dict[str, str]:
    """The fields of a form of our own pages, sent in this very session.

    Raises:
        NotAllowed: another page or another session sent it.
    """
    form = await form_of(request)
    check_csrf(request, session, form)
    return form
