"""The ways outward of one process: the console always, every other where it is set up."""

from collections.abc import Callable
from datetime import datetime

from pullcord.channels.console import ConsoleChannel
from pullcord.channels.offered import Surroundings, made
from pullcord.channels.port import Channel
from pullcord.channels.webhook import WebhookChannel
from pullcord.engine.settings import Settings


def usual_channels(
    settings: Settings, *, now: Callable[[], datetime], key: bytes = b""
) -> dict[str, Channel]:
    """The channels these settings ask for.

    Raises:
        InvalidInput: an option is missing, unknown or wrong; says which.
    """
    channels: dict[str, Channel] = {"console": ConsoleChannel()}
    if settings.webhook_url:
        channels["webhook"] = WebhookChannel(
            settings.webhook_url,
            settings.webhook_secret,
            internal=settings.internal_hosts,
            answers=settings.webhook_answers,
        )
    surroundings = Surroundings(settings.public_url, now, settings.internal_hosts, key)
    for name, options in settings.channels.items():
        channels[name] = made(name, options, surroundings)
    return channels
