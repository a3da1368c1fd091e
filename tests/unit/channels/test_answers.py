"""What became of a letter that nobody answered, in words a person can act upon."""

from socket import gaierror

import httpx2
import pytest

from pullcord.channels.answers import unanswered
from pullcord.channels.port import Outcome


def _caused(error: httpx2.HTTPError, cause: BaseException) -> httpx2.HTTPError:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            _caused(httpx2.ConnectError("x"), ConnectionRefusedError()),
            "no answer: the connection was refused",
        ),
        (_caused(httpx2.ConnectError("x"), gaierror()), "no answer: its name has no address"),
        (httpx2.ConnectError("hooks.example has no address"), "no answer: its name has no address"),
        (httpx2.ConnectError("x"), "no answer: no connection"),
        (httpx2.ConnectTimeout("x"), "no answer: no connection"),
        (httpx2.ReadTimeout("x"), "no answer: it took too long"),
        (httpx2.RemoteProtocolError("x"), "no answer: the connection broke off"),
    ],
)
def test_no_answer_says_why_in_words(error: httpx2.HTTPError, says: str) -> None:
    """At night a firewall, a wrong name and a slow provider are mended by different people."""
    sent = unanswered(error)

    assert (sent.outcome, sent.detail) == (Outcome.RETRY, says)
