"""The hook's ordinary way to the server: repeated while it fails, never believed blindly."""

from contextlib import closing

import pytest

from pullcord.client import plans
from pullcord.client.address import Address
from pullcord.client.flows import ask
from pullcord.client.transport import Blocking
from pullcord.errors import ServerUnreachable
from pullcord.hook import line
from pullcord.hook.asking import Timer
from pullcord.hook.line import Line, driven, sender_of
from tests.hook.test_short_way import ALLOWED, answering, good

PLAN = plans.rules(etag="e1")
BUSY = good(b"{}", b"content-length: 2", b"retry-after: 0", status=b"503 Busy")


def test_a_busy_server_is_asked_again() -> None:
    """A server that restarts must not cost a tool call."""
    page = plans.page(limit=5, run="s")
    with answering(BUSY, good(b'{"escalations":[]}')) as server:
        way = Line(server.address)
        with closing(way._connection):
            found = driven(ask(page, Timer(), patience=5.0), way.send)

    assert found.escalations == []
    assert len(server.asked) == 2


def test_a_server_that_is_away_is_named_with_what_to_check() -> None:
    """The model reads it, and so does the person at the keyboard."""
    address = Address("http://127.0.0.1:9", "pk_secret")

    with pytest.raises(ServerUnreachable) as away:
        driven(ask(PLAN, Timer(), patience=0.0), Line(address).send)

    assert "http://127.0.0.1:9" in str(away.value)
    assert "is PULLCORD_URL its address?" in str(away.value)
    assert "pk_secret" not in f"{away.value} {address!r}"


def test_an_answer_without_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever answers could otherwise fill the memory."""
    monkeypatch.setattr(line, "ANSWER_BYTES_MAX", 10)
    with answering(good(ALLOWED)) as server:
        way = Line(server.address)
        with closing(way._connection), pytest.raises(ServerUnreachable, match="more than 10"):
            way.send(PLAN)


def test_behind_a_proxy_the_client_that_knows_proxies_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A company's machine reaches nothing else."""
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")

    away = sender_of(Address("https://pullcord.example", "pk_x"))
    here = sender_of(Address("http://127.0.0.1:9", "pk_x", is_loopback=True))

    assert isinstance(getattr(away, "__self__", None), Blocking)
    assert isinstance(getattr(here, "__self__", None), Line)
