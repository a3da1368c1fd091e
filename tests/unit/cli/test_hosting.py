"""Where a house listens: a port that is taken is told before anything is done."""

import socket

import pytest

from pullcord.console.hosting import LOOPBACK, free_port, listening, proxies_of, url_of
from pullcord.errors import InvalidInput


def test_port_zero_takes_any_that_is_free() -> None:
    """Two servers on one machine need no agreement."""
    with listening(LOOPBACK, 0) as first, listening(LOOPBACK, 0) as second:
        assert url_of(first) != url_of(second)
        assert url_of(first).startswith("http://127.0.0.1:")


def test_a_port_that_is_taken_is_refused_with_what_to_do() -> None:
    """The commonest mistake of the first minute."""
    with (
        listening(LOOPBACK, 0) as listener,
        pytest.raises(InvalidInput, match=r"port: \d+ .*taken; choose another, or 0 for any"),
    ):
        listening(LOOPBACK, listener.getsockname()[1])


@pytest.mark.parametrize("host", ["203.0.113.7", "no such host", "x" * 300])
def test_an_address_that_is_none_of_this_machine_is_refused(host: str) -> None:
    """Before the database is touched."""
    with pytest.raises(InvalidInput, match="an address of this machine"):
        listening(host, 0)


def test_a_port_that_may_not_be_used_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ports below 1024 belong to root on most machines."""

    def refused(self: socket.socket, address: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refused)

    with pytest.raises(InvalidInput, match="It is Permission denied"):
        listening(LOOPBACK, 80)


@pytest.mark.parametrize(
    ("host", "begins"),
    [("0.0.0.0", "http://127.0.0.1:"), ("::1", "http://[::1]:"), ("::", "http://[::1]:")],
)
def test_the_address_told_is_one_that_can_be_opened(host: str, begins: str) -> None:
    """Nobody can open 0.0.0.0, and an IPv6 address wants its brackets."""
    with listening(host, 0) as listener:
        assert url_of(listener).startswith(begins)


def test_a_free_port_can_be_listened_on() -> None:
    """For a process that is told its port."""
    with listening(LOOPBACK, free_port()) as listener:
        assert listener.getsockname()[1] > 0


@pytest.mark.parametrize("named", ["10.0.0.7", "10.0.0.0/24", "::1", "fd00::/8"])
def test_a_proxy_is_trusted_by_its_address(named: str) -> None:
    """An address or a network: what arrives from elsewhere is not believed."""
    assert proxies_of([named]) == [named]


@pytest.mark.parametrize("named", ["*", "", "proxy.example", "10.0.0.7/24", "10.0.0.300"])
def test_a_proxy_that_could_be_anybody_is_refused(named: str) -> None:
    """Whoever may name any address is held by no limit."""
    with pytest.raises(InvalidInput, match="an address or network"):
        proxies_of([named])
