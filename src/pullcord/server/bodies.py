"""What comes in: bounded while it streams, read strictly, checked against its model.

A body over the limit is refused at the limit: what follows is never kept. JSON that two parties
would read differently (a key twice, NUL, lone surrogates, integers that are not exact) is refused
before any model sees it.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request

from pullcord.briefing.digest import NotCanonical, strict_loads
from pullcord.errors import InvalidInput, TooMuch
from pullcord.server.problems import invalid
from pullcord.wire.bounds import BODY_BYTES_MAX

Model = TypeVar("Model")

JSON_TYPES = ("application/json",)
YAML_TYPES = ("text/yaml", "application/yaml", "text/x-yaml", "application/x-yaml")

#: query strings longer than this hold no question of ours, in bytes
QUERY_BYTES_MAX = 4_096

_PLACE = re.compile(r"^(.*?)(?: - at `\$?(.*)`)?$", re.DOTALL)
_NAMED = re.compile(r"(?:unknown|required) field `(.*?)`")
_STEP = re.compile(r"\[(\d+)\]|\.?([^.\[\]]+)|(\[\.\.\.\])")


async def raw(request: Request, media_types: tuple[str, ...]) -> bytes:
    """The bytes of a body, at most `BODY_BYTES_MAX`, of one of these media types.

    Raises:
        TooMuch: it is longer; nothing beyond the limit was kept.
        HTTPException: 415 when its type is none of these.
    """
    _expect(request, media_types)
    return await bytes_of(request)


async def bytes_of(request: Request, *, most: int = BODY_BYTES_MAX) -> bytes:
    """The bytes of a body of whatever type, at most so many.

    Raises:
        TooMuch: it is longer; nothing beyond the limit was kept.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        raise _too_long(int(declared), most)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise _too_long(size, most)
        chunks.append(chunk)
    return b"".join(chunks)


def _expect(request: Request, media_types: tuple[str, ...]) -> None:
    sent = request.headers.get("content-type", "")
    if sent.partition(";")[0].strip().lower() not in media_types:
        detail = f"the body must come as {media_types[0]}, not {sent!r}; set Content-Type."
        raise HTTPException(415, detail)


def _too_long(size: int, most: int) -> TooMuch:
    return TooMuch(
        f"the body has {size} bytes or more; at most {most} are accepted. "
        "Send less context, or cut it into several additions."
    )


async def model(request: Request, kind: type[Model]) -> Model:
    """The body as a model.

    Raises:
        TooMuch, InvalidInput: nothing was changed; says field, value, limit and remedy.
        HTTPException: 400 when it is no JSON, 415 when it does not claim to be.
    """
    return parsed(await raw(request, JSON_TYPES), kind)


def parsed(body: bytes, kind: type[Model]) -> Model:
    """Bytes as a model; see `model`."""
    if not body:
        raise HTTPException(400, "the body is empty; send a JSON object.")
    try:
        value = strict_loads(body)
    except NotCanonical as error:
        if str(error).startswith("not JSON"):
            raise HTTPException(400, f"the body is {error}") from None
        raise invalid(error) from None
    return converted(value, kind)


async def text(request: Request) -> str:
    """The body as YAML text.

    Raises:
        TooMuch, InvalidInput: it is too long, or no UTF-8 text.
        HTTPException: 415 when it does not claim to be YAML.
    """
    body = await raw(request, YAML_TYPES)
    try:
        found = body.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("body", limit="UTF-8 text", remedy=str(error)) from None
    if "\0" in found:
        raise InvalidInput("body", value="NUL", limit="text without NUL", remedy="Remove it.")
    return found


def query(request: Request, kind: type[Model]) -> Model:
    """The query string as a model: numbers may stand as text, everything else is strict.

    Raises:
        InvalidInput: an unknown or repeated name, or a value out of its limits.
    """
    given = request.query_params.multi_items()
    found = dict(given)
    if len(request.scope["query_string"]) > QUERY_BYTES_MAX:
        raise InvalidInput("query", limit=f"{QUERY_BYTES_MAX} bytes", remedy="Ask for less.")
    if len(found) != len(given):
        names = [name for name, _ in given]
        again = next(name for at, name in enumerate(names) if name in names[:at])
        raise InvalidInput(again, value=found[again], limit="once", remedy="Send it once.")
    for name, value in found.items():
        if "\0" in value:
            raise InvalidInput(name, value=value, limit="text without NUL", remedy="Remove it.")
    return converted(found, kind, strict=False)


def converted(value: Any, kind: type[Model], *, strict: bool = True) -> Model:
    """Plain values as a model.

    Raises:
        InvalidInput: names the field by its path, its value, what is allowed and what to do.
    """
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), value, kind) from None


def _refusal(message: str, value: Any, kind: type) -> InvalidInput:
    found = _PLACE.match(message)
    assert found is not None, f"{message!r} has no place"
    said, path = found.group(1), (found.group(2) or "").lstrip(".")
    named = _NAMED.search(said)
    field = ".".join(part for part in (path, named.group(1) if named else "") if part)
    if "unknown field" in said:
        known = ", ".join(_known(kind)) if not path else "the fields of the reference"
        return InvalidInput(field, value=_at(value, field), limit=known, remedy="Leave it out.")
    if "missing required" in said:
        return InvalidInput(field, value=None, limit="a value is needed", remedy="Send it.")
    limit = said.removeprefix("Expected ").partition(", got ")[0].replace("`", "")
    remedy = "Send a value within the limit."
    return InvalidInput(field or "body", value=_at(value, path), limit=limit, remedy=remedy)


def _known(kind: type) -> tuple[str, ...]:
    return tuple(getattr(kind, "__struct_encode_fields__", ()))


def _at(value: Any, path: str) -> Any:
    """The value a message is about, as far as the path leads."""
    for index, name, _ in _STEP.findall(path):
        if index and isinstance(value, list):
            value = value[int(index)]
        elif name and isinstance(value, Mapping) and name in value:
            value = value[name]
        else:
            break
    return value
