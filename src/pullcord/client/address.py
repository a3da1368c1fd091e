"""Where the server is and which key opens it: from arguments, else from the environment.

This module loads next to nothing: a hook that runs before every tool call pays for it each time.
"""

import sys
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from pullcord.errors import InvalidInput

URL, KEY = "PULLCORD_URL", "PULLCORD_KEY"


class Address(NamedTuple):
    """A server's address and an agent's key; the key is never shown."""

    url: str
    key: str
    is_loopback: bool = False
    user_agent: str = "pullcord"

    def __repr__(self) -> str:
        """Without the key, wherever it is printed."""
        return f"Address(url={self.url!r}, is_loopback={self.is_loopback})"


def address_of(url: str | None, key: str | None, environ: Mapping[str, str]) -> Address:
    """The address to use.

    Raises:
        InvalidInput: one of the two is missing or no good; says where to set it.
    """
    found = (url or environ.get(URL, "")).strip().rstrip("/")
    if not found:
        raise InvalidInput(
            URL,
            value=found,
            limit="the address of your Pullcord server, such as http://127.0.0.1:8710",
            remedy=f"Set {URL}, or write Pullcord(url=...). `pullcord serve` prints it.",
        )
    secret = (key or environ.get(KEY, "")).strip()
    if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise InvalidInput(
            KEY,
            value="" if not secret else "(text that cannot be a key)",
            limit="an agent's API key, which begins with pk_",
            remedy=f"Set {KEY}, or write Pullcord(key=...). `pullcord keys` makes one.",
        )
    parts = urlsplit(found)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise InvalidInput(
            URL, value=found, limit="http://host:port or https://host", remedy=f"Correct {URL}."
        )
    is_local = _is_loopback(parts.hostname)
    if parts.scheme == "http" and not is_local:
        import logging  # noqa: PLC0415  # only a warning pays for it

        log = logging.getLogger("pullcord")
        log.warning("PULLCORD_URL is %s: the key travels unencrypted; use https://", found)
    version = ".".join(str(each) for each in sys.version_info[:3])
    return Address(found, secret, is_local, f"pullcord python/{version}")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    from ipaddress import ip_address  # noqa: PLC0415  # a name that is known needs no look

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
