"""From an error to an answer: one table of status codes, RFC 9457 problems, nothing leaked.

What a problem says is what the error says: the field, the value, the limit, the remedy. An error
that is not in the tree of `pullcord.errors` is a bug and becomes a bare 500 with the request's id.
"""

import math
import re
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pullcord import errors
from pullcord.briefing.digest import NotCanonical
from pullcord.wire.replies import ProblemOut

MEDIA_TYPE = "application/problem+json"
#: seconds after which a request that failed outside may be sent again
RETRY_AFTER = 1

#: error class to status; a class that is not here takes the status of its parent
STATUSES: Mapping[type[errors.PullcordError], int] = {
    errors.CallerIsWrong: 400,
    errors.InvalidInput: 422,
    errors.InvalidPolicies: 422,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.NotSignedIn: 401,
    errors.KeyReused: 409,
    errors.TooMuch: 413,
    errors.WorldMovedOn: 409,
    errors.DecisionExpired: 410,
    errors.Stopped: 423,
    errors.OutsideFailed: 503,
}
#: a `TooMuch` that passes with time is a rate, one that never does is a size
TOO_MANY = 429

#: what the router itself refuses: status to the stable name of the problem
BARE: Mapping[int, str] = {
    400: "malformed-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-much",
    415: "unsupported-media-type",
    500: "internal",
}

#: fields of errors that a problem repeats under the same name
REPEATED = ("field", "value", "limit", "remedy", "by", "attempt")

_ENCODER = msgspec.json.Encoder()
_REFUSED = re.compile(r"^(?:(\$[^:]*): )?(.*?)(?:; (.*))?$", re.DOTALL)


def status_of(error: errors.PullcordError) -> int:
    """The status code that stands for an error."""
    if isinstance(error, errors.TooMuch) and error.retry_after is not None:
        return TOO_MANY
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def problem_of(error: errors.PullcordError) -> ProblemOut:
    """An error as a problem document."""
    repeated = {name: str(getattr(error, name, "") or "") for name in REPEATED}
    return ProblemOut(
        kind=f"urn:pullcord:problem:{error.problem}",
        title=error.problem.replace("-", " ").capitalize(),
        status=status_of(error),
        detail=str(error),
        **repeated,
    )


def answer_to(error: errors.PullcordError) -> Response:
    """The response that tells a caller of an error."""
    problem = problem_of(error)
    headers: dict[str, str] = {}
    if isinstance(error, errors.NotSignedIn):
        headers["www-authenticate"] = 'Bearer realm="pullcord"'
    elif isinstance(error, errors.TooMuch) and error.retry_after is not None:
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after)))
    elif isinstance(error, errors.Held):
        headers["retry-after"] = str(math.ceil(error.retry_after))
    elif isinstance(error, errors.OutsideFailed):
        headers["retry-after"] = str(RETRY_AFTER)
    return written(problem, headers)


def written(problem: ProblemOut, headers: Mapping[str, str] | None = None) -> Response:
    """A problem document as a response."""
    body = _ENCODER.encode(problem)
    return Response(body, problem.status, headers=headers, media_type=MEDIA_TYPE)


def bare(status: int, detail: str) -> ProblemOut:
    """A problem of the router: no route, no such method, no JSON."""
    name = BARE.get(status, "refused")
    return ProblemOut(
        kind=f"urn:pullcord:problem:{name}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
    )


def invalid(error: NotCanonical) -> errors.InvalidInput:
    """A refusal of the strict reader as an error with field, limit and remedy."""
    found = _REFUSED.match(str(error))
    assert found is not None, f"{error} says nothing"
    place, holds, remedy = found.groups("")
    field = place.lstrip("$.") or "body"
    return errors.InvalidInput(field, value=holds, remedy=remedy or "Correct it and send it again.")


async def told(request: Request, error: Exception) -> Response:
    """Starlette's handler for errors of the tree that come out of any route."""
    assert isinstance(error, errors.PullcordError), f"{error!r} is not an error of the tree"
    return answer_to(error)


async def refused(request: Request, error: Exception) -> Response:
    """Starlette's handler for what the router or a form parser refuses."""
    assert isinstance(error, HTTPException), f"{error!r} is not a refusal of the router"
    detail = error.detail
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = "there is no such address; /openapi.json lists them all."
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "")
        detail = f"{request.method} is not possible here; allowed: {allowed}."
    return written(bare(error.status_code, detail), error.headers)
