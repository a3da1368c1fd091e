"""The channels this house can have, and what each needs to be told to exist.

A channel is one module with `OPTIONS` and `make`; it is imported only where it is set up. Its
options come from the environment as PULLCORD_<CHANNEL>_<OPTION>.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from pullcord.channels.port import Channel
from pullcord.errors import InvalidInput

#: the module of each channel besides the console and the webhook; one line a channel
OFFERED: Mapping[str, str] = {
    "apprise": "pullcord.channels.apprise",
    "email": "pullcord.channels.email",
    "pagerduty": "pullcord.channels.pagerduty",
    "slack": "pullcord.channels.slack",
    "sms": "pullcord.channels.sms",
    "teams": "pullcord.channels.teams",
    "voice": "pullcord.channels.voice",
    "webpush": "pullcord.channels.webpush",
}


@dataclass(frozen=True, slots=True)
class Option:
    """One thing a channel is told: its name, what it is for, whether nothing works without it."""

    name: str
    help: str
    is_needed: bool = True
    is_secret: bool = False
    default: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a channel may know of the house: where it is reached, what time it is."""

    public_url: str
    now: Callable[[], datetime]
    #: hosts inside that may be called: names, addresses, networks; see `outward`
    internal_hosts: tuple[str, ...] = ()
    #: this house's secret for what channels sign themselves; the same in each of its processes
    key: bytes = b""


Make = Callable[[Mapping[str, str], Surroundings], Channel]


def options_of(channel: str) -> tuple[Option, ...]:
    """What a channel is told."""
    module = importlib.import_module(OFFERED[channel])
    return cast(tuple[Option, ...], module.OPTIONS)


def options_in(environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The options of every channel of which any is set in an environment."""
    found: dict[str, dict[str, str]] = {}
    for channel in OFFERED:
        prefix = f"PULLCORD_{channel.upper()}_"
        given = {
            name.removeprefix(prefix).lower(): value
            for name, value in environ.items()
            if name.startswith(prefix) and value
        }
        if given:
            found[channel] = given
    return found


def made(channel: str, given: Mapping[str, str], surroundings: Surroundings) -> Channel:
    """A channel with these options.

    Raises:
        InvalidInput: there is no such channel, or an option is missing, unknown or wrong.
    """
    if channel not in OFFERED:
        known = ", ".join(sorted(OFFERED)) or "none"
        raise InvalidInput("channel", value=channel, limit=known, remedy="Name one of these.")
    known_options = {each.name: each for each in options_of(channel)}
    for name in given:
        if name not in known_options:
            limit = ", ".join(known_options)
            raise InvalidInput(variable_of(channel, name), limit=limit, remedy="Leave it out.")
    for option in known_options.values():
        if option.is_needed and not given.get(option.name):
            raise InvalidInput(
                variable_of(channel, option.name), value="", limit=option.help, remedy="Set it."
            )
    options = {each.name: given.get(each.name, each.default) for each in known_options.values()}
    make = cast(Make, importlib.import_module(OFFERED[channel]).make)
    return make(options, surroundings)


def variable_of(channel: str, option: str) -> str:
    """The environment variable an option is read from."""
    return f"PULLCORD_{channel.upper()}_{option.upper()}"
