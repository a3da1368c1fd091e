"""From an answer to a value, or to the error it names; nothing unread ever counts as yes."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from pullcord import errors
from pullcord.client.plans import Answer, Plan
from pullcord.wire.replies import ProblemOut

T = TypeVar("T")

_PROBLEM = msgspec.json.Decoder(ProblemOut)
_PREFIX = "urn:pullcord:problem:"
#: seconds asked for by Retry-After that are believed at most
RETRY_AFTER_MAX = 60.0

Make = Callable[[ProblemOut, float | None], errors.PullcordError]


class NotModified(Exception):
    """304: what is in hand still holds."""


def read(plan: Plan[T], answer: Answer) -> T:
    """The value of a good answer.

    Raises:
        NotModified: the server has nothing newer.
        PullcordError: what the problem names; whatever cannot be read is `ServerUnreachable`.
    """
    if answer.status == 304:
        raise NotModified
    if 300 <= answer.status < 400:
        raise errors.InvalidInput(
            "PULLCORD_URL",
            value=answer.headers.get("location", ""),
            limit="the address the server itself answers at; redirects are not followed",
            remedy="Set the final address, with https:// where the server uses it.",
        )
    if answer.status >= 400:
        raise problem(answer)
    try:
        return msgspec.json.decode(answer.body, type=plan.gives)
    except msgspec.DecodeError as error:
        raise errors.ServerUnreachable(
            f"{plan.method} {plan.path} was answered with something this version of the client "
            f"cannot read ({error}); nothing was concluded from it. Is PULLCORD_URL right?"
        ) from None


def problem(answer: Answer) -> errors.PullcordError:
    """The error a refusal stands for."""
    retry_after = retry_after_of(answer.headers)
    try:
        said = _PROBLEM.decode(answer.body)
    except msgspec.DecodeError:
        return _unknown(answer.status, f"HTTP {answer.status} without a problem document")
    make = _MAKERS.get(said.kind.removeprefix(_PREFIX))
    if make is not None:
        return make(said, retry_after)
    return _unknown(answer.status, said.detail or said.title)


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header, bounded; None when there is none or it is a date."""
    text = headers.get("retry-after", "")
    try:
        return min(max(0.0, float(text)), RETRY_AFTER_MAX)
    except ValueError:
        return None


def _unknown(status: int, detail: str) -> errors.PullcordError:
    if status >= 500:
        return errors.ServerUnreachable(f"the Pullcord server could not answer: {detail}")
    return errors.CallerIsWrong(f"the Pullcord server refused: {detail}")


def _invalid(said: ProblemOut, _: float | None) -> errors.PullcordError:
    error = errors.InvalidInput(said.field or "request", limit=said.limit, remedy=said.remedy)
    error.value = said.value
    error.args = (said.detail,)
    return error


def _plain(kind: type[errors.PullcordError]) -> Make:
    return lambda said, _: kind(said.detail or said.title)


_MAKERS: dict[str, Make] = {
    kind.problem: _plain(kind)
    for kind in (
        errors.CallerIsWrong,
        errors.NotAllowed,
        errors.NotFound,
        errors.NotSignedIn,
        errors.KeyReused,
        errors.WorldMovedOn,
        errors.AlreadyWithdrawn,
        errors.AlreadyClosed,
        errors.NotYetDecided,
        errors.NotCollected,
        errors.NotAccepted,
        errors.StaleView,
        errors.DecisionExpired,
        errors.Stopped,
        errors.OutsideFailed,
        errors.ChannelDown,
        errors.StoreBusy,
        errors.Held,
        errors.CommitUnknown,
        errors.ServerUnreachable,
    )
}
_MAKERS |= {
    errors.InvalidInput.problem: _invalid,
    errors.TooMuch.problem: lambda said, after: errors.TooMuch(said.detail, retry_after=after),
    errors.AlreadyDecided.problem: lambda said, _: errors.AlreadyDecided(said.detail, by=said.by),
    errors.AlreadyAccepted.problem: lambda said, _: errors.AlreadyAccepted(said.detail, by=said.by),
    errors.AlreadyCollected.problem: lambda said, _: errors.AlreadyCollected(
        said.detail, attempt=said.attempt
    ),
    errors.RunTakenOver.problem: lambda said, _: errors.RunTakenOver(said.detail, by=said.by),
}
