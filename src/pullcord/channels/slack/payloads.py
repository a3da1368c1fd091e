"""What Slack tells: presses, forms, commands and messages, the same by socket and by HTTP.

Identity is workspace and user id, never a name: "T123/U456".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs

from pullcord.channels.port import (
    Began,
    Callback,
    CallbackRefused,
    Commanded,
    Event,
    Pressed,
    Wrote,
)
from pullcord.channels.slack import forms
from pullcord.channels.slack.markup import typed

#: what somebody who types nothing after the slash command wants
HELP = "help"


class Kind(StrEnum):
    """What a payload is, by what it is answered with."""

    PRESS = "press"  #: answered with a private message, or with a form
    FORM = "form"  #: answered with what the form does next
    COMMAND = "command"  #: answered with a private text
    MESSAGE = "message"  #: answered where it was written
    CHALLENGE = "challenge"  #: answered with itself
    NOTHING = "nothing"  #: nothing of ours


@dataclass(frozen=True, slots=True)
class Heard:
    """One payload: what happened, and where to answer whom."""

    kind: Kind
    team: str = ""
    user: str = ""
    event: Event | None = None
    channel: str = ""
    thread: str = ""
    #: opens a modal within three seconds
    trigger: str = ""
    #: the same at every try of Slack to tell it
    id: str = ""
    #: the modal that came back
    view: Mapping[str, Any] = field(default_factory=dict)
    challenge: str = ""
    #: the user's own name for themselves, where the payload holds one
    name: str = ""


NOTHING = Heard(Kind.NOTHING)


def heard_over_http(callback: Callback) -> Heard:
    """The payload of a request whose signature holds.

    Raises:
        CallbackRefused: it is none of Slack's shapes.
    """
    try:
        text = callback.body.decode()
        if callback.headers.get("content-type", "").startswith("application/json"):
            return heard("events_api", json.loads(text))
        form = {name: values[-1] for name, values in parse_qs(text, strict_parsing=True).items()}
        if "payload" in form:
            return heard("interactive", json.loads(form["payload"]))
        return heard("slash_commands", form)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise CallbackRefused("it is none of Slack's shapes") from None


def heard(source: str, payload: Mapping[str, Any]) -> Heard:
    """What a payload tells; `source` is the envelope's type.

    Raises:
        KeyError, TypeError, AttributeError: it is none of Slack's shapes.
    """
    if source == "slash_commands":
        return _command(payload)
    if source == "events_api":
        return _event(payload)
    if source == "interactive" and payload["type"] == "block_actions":
        return _press(payload)
    if source == "interactive" and payload["type"] == "view_submission":
        return _form(payload)
    return NOTHING


def _press(payload: Mapping[str, Any]) -> Heard:
    """A button of a message; one that only opens a page is none."""
    action = payload["actions"][0]
    how = str(action.get("action_id", "")).partition(":")[0]
    token = action.get("value")
    if how not in ("press", "form") or not isinstance(token, str):
        return NOTHING
    team, user = _who(payload)
    account = f"{team}/{user}"
    container = payload.get("container", {})
    return Heard(
        Kind.PRESS,
        team=team,
        user=user,
        event=Began(account, token) if how == "form" else Pressed(account, token),
        channel=str(payload.get("channel", {}).get("id") or container.get("channel_id") or ""),
        thread=str(container.get("thread_ts") or container.get("message_ts") or ""),
        trigger=str(payload.get("trigger_id", "")),
    )


def _form(payload: Mapping[str, Any]) -> Heard:
    """A modal of ours, filled in."""
    view = payload["view"]
    kept = forms.kept_in(view)
    if "token" not in kept:
        return NOTHING
    team, user = _who(payload)
    return Heard(
        Kind.FORM,
        team=team,
        user=user,
        event=Pressed(f"{team}/{user}", kept["token"], forms.values_in(view)),
        channel=kept.get("channel", ""),
        thread=kept.get("thread", ""),
        view=view,
    )


def _who(payload: Mapping[str, Any]) -> tuple[str, str]:
    """(workspace, user): a user of another workspace in a shared channel is of theirs."""
    user = payload["user"]
    team = user.get("team_id") or (payload.get("team") or {}).get("id")
    return str(team or ""), str(user["id"])


def _command(payload: Mapping[str, Any]) -> Heard:
    """`/pullcord on-call`, typed anywhere."""
    team, user = str(payload["team_id"]), str(payload["user_id"])
    words = typed(str(payload.get("text", ""))).strip() or HELP
    name = str(payload.get("user_name", ""))
    return Heard(
        Kind.COMMAND,
        team=team,
        user=user,
        event=Commanded(f"{team}/{user}", words, name=name, address=user),
        channel=str(payload.get("channel_id", "")),
        name=name,
    )


def _event(payload: Mapping[str, Any]) -> Heard:
    """A message somebody wrote to the app: in a thread a comment, else a command."""
    if payload["type"] == "url_verification":
        return Heard(Kind.CHALLENGE, challenge=str(payload["challenge"]))
    event = payload.get("event", {})
    is_written = event.get("type") == "message" and event.get("channel_type") == "im"
    if not is_written or event.get("subtype") or event.get("bot_id") or not event.get("user"):
        return NOTHING
    team, user = str(event.get("user_team") or payload["team_id"]), str(event["user"])
    account, channel, text = f"{team}/{user}", str(event["channel"]), typed(str(event["text"]))
    thread = str(event.get("thread_ts") or "")
    named = str(payload.get("event_id", ""))
    said: Event = Commanded(account, text.strip(), address=user)
    if thread:
        said = Wrote(account, f"{channel}/{thread}", text, key=named)
    return Heard(
        Kind.MESSAGE,
        team=team,
        user=user,
        event=said,
        channel=channel,
        thread=thread,
        id=named,
    )
