"""Slack: letters with buttons and forms, answered from the message itself.

Socket Mode needs no public address; where there is one, Slack may call back over HTTP instead.
Nothing of slack-sdk is imported until a house is set up with it.
"""

from collections.abc import Mapping

from pullcord.channels.offered import Option, Surroundings
from pullcord.channels.port import Channel
from pullcord.errors import InvalidInput

#: what `pip install 'pullcord[slack]'` brings
LIBRARIES = frozenset({"slack_sdk", "websockets"})
#: how tokens of each kind begin
TOKENS: Mapping[str, str] = {"token": "xoxb-", "app_token": "xapp-"}

OPTIONS = (
    Option("token", "Bot token of the installed app, xoxb-…", is_secret=True),
    Option("app_token", "App-level token for Socket Mode, xapp-…", False, is_secret=True),
    Option("signing_secret", "Signing secret, where Slack calls back over HTTP", False, True),
    Option("api_url", "Slack's Web API", is_needed=False, default="https://slack.com/api/"),
)


def make(options: Mapping[str, str], surroundings: Surroundings) -> Channel:
    """The channel: it listens by Socket Mode with an app-level token, else Slack calls back.

    Raises:
        InvalidInput: a token is none, both ways back are missing, or the libraries are.
    """
    for name, start in TOKENS.items():
        if options[name] and not options[name].startswith(start):
            raise InvalidInput(
                f"PULLCORD_SLACK_{name.upper()}",
                value="…",
                limit=f"a token that starts with {start}",
                remedy="Copy it from the app's page at api.slack.com/apps.",
            )
    if not options["app_token"] and not options["signing_secret"]:
        raise InvalidInput(
            "PULLCORD_SLACK_APP_TOKEN",
            value="",
            limit="an app-level token (Socket Mode) or PULLCORD_SLACK_SIGNING_SECRET (HTTP)",
            remedy="Without one of them nobody could answer from Slack.",
        )
    try:
        from pullcord.channels.slack.channel import LiveSlackChannel, SlackChannel
    except ModuleNotFoundError as missing:
        if missing.name not in LIBRARIES:
            raise
        raise InvalidInput(
            "slack",
            value=f"no module {missing.name}",
            limit="slack-sdk and websockets installed",
            remedy="Run: pip install 'pullcord[slack]'",
        ) from None
    kind = LiveSlackChannel if options["app_token"] else SlackChannel
    return kind(options, surroundings)
