"""What a provider's HTTP answer means for a letter: taken, to be tried again, or gone."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from socket import gaierror

import httpx2

from pullcord.channels.port import Outcome, Sent

#: seconds for one try, connecting included
TRY_SECONDS = 10.0
#: replies after which another try makes sense
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


class Barred(httpx2.TransportError):
    """This address is not to be called, or is not who it says; says what to do."""


def unanswered(error: httpx2.HTTPError) -> Sent:
    """Nobody knows what became of it: another try makes sense, and the key is the same.

    What is barred stays so until somebody mends it.
    """
    if isinstance(error, Barred):
        return Sent(Outcome.FAILED, str(error))
    return Sent(Outcome.RETRY, f"no answer: {why_none(error)}")


def why_none(error: BaseException) -> str:
    """Why a connection gave nothing, in words for whoever looks at it at night."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ConnectionRefusedError):
            return "the connection was refused"
        if isinstance(seen, gaierror) or "has no address" in str(seen):
            return "its name has no address"
        seen = seen.__cause__ or seen.__context__
    if isinstance(error, httpx2.ConnectTimeout | httpx2.ConnectError):
        return "no connection"
    is_slow = isinstance(error, httpx2.TimeoutException | TimeoutError)
    return "it took too long" if is_slow else "the connection broke off"


def refused(reply: httpx2.Response, remedy: str, *, now: datetime) -> Sent:
    """An answer that is no success: a passing trouble, or the end with what to do about it."""
    status = reply.status_code
    if status in RETRIED:
        after = seconds_of(reply.headers.get("retry-after", ""), now)
        return Sent(Outcome.RETRY, f"answered {status}", retry_after=after)
    return Sent(Outcome.FAILED, f"answered {status}; {remedy}")


def seconds_of(retry_after: str, now: datetime) -> float | None:
    """Seconds of a Retry-After header (RFC 9110: a number or a date); None when it has none."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max((until - now).total_seconds(), 0.0)
