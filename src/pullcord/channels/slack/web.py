"""Slack's Web API: slack-sdk makes the calls, we carry them, and what went wrong is told.

slack-sdk's own asynchronous client brings a second HTTP library, its other one a thread a call. Its
methods still name and check the arguments here; only the transport is ours, as for every channel.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import httpx2
from slack_sdk.web import WebClient

from pullcord.channels.answers import refused, seconds_of, unanswered
from pullcord.channels.outward import Outward, address
from pullcord.channels.port import Outcome, Sent

AGAIN = "Install the app to the workspace again and set the new token."
#: what Slack says, and what to do about it
REMEDIES: Mapping[str, str] = {
    "invalid_auth": f"Slack does not know the token. {AGAIN}",
    "not_authed": f"Slack got no token. {AGAIN}",
    "account_inactive": f"The app was removed from the workspace. {AGAIN}",
    "token_revoked": f"The token was revoked. {AGAIN}",
    "token_expired": f"The token is too old. {AGAIN}",
    "not_allowed_token_type": "This call needs another kind of token: xoxb- for the bot.",
    "missing_scope": "The app may not do this. Take over the scopes of the manifest, then "
    "install the app again.",
    "channel_not_found": "Slack does not know this place. Link the account again, or invite the "
    "app to the channel.",
    "user_not_found": "Slack does not know this account. Unlink it, then link the right one.",
    "user_disabled": "This Slack account was deactivated. Unlink it and link another way.",
    "user_not_visible": "The app may not see this account: it is of another workspace.",
    "cannot_dm_bot": "A bot cannot be written to. Link a person's account.",
    "messages_tab_disabled": "Switch on the Messages tab in the app's App Home.",
    "not_in_channel": "Invite the app to the channel: /invite @Pullcord",
    "is_archived": "The channel was archived. Name another one.",
    "restricted_action": "An admin of the workspace does not let apps post there. Ask them.",
    "restricted_action_thread_locked": "The thread is locked. Start another one.",
    "msg_too_long": "The message is too long for Slack.",
    "msg_blocks_too_long": "The message is too long for Slack.",
    "invalid_blocks": "Slack did not take the layout of the message.",
    "message_not_found": "The message is gone; somebody deleted it.",
    "cant_update_message": "The message was sent by another app or token.",
    "edit_window_closed": "The workspace lets no message be changed so late.",
    "expired_trigger_id": "The form came too late; press the button again.",
    "exchanged_trigger_id": "The form is open already.",
}
#: passing troubles of Slack's own
PASSING = frozenset(
    {"internal_error", "fatal_error", "request_timeout", "service_unavailable", "ratelimited"}
    | {"rate_limited", "team_added_to_org", "accesslimited"}
)
#: bytes of a reply: Slack says the whole message again, six bytes for an Arabic letter
READ_MAX = 1_048_576
JSON = "application/json; charset=utf-8"
#: characters of an error's name we repeat
NAME_MAX = 60


class Unsent(Exception):
    """Slack did not do it; `sent` says what that means for a letter."""

    def __init__(self, sent: Sent) -> None:
        super().__init__(sent.detail)
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a method, ready to be carried."""

    method: str
    json: Mapping[str, Any] | None = None
    form: Mapping[str, Any] = field(default_factory=dict)


class Calls(WebClient):
    """slack-sdk's methods, each of which gives a `Call` instead of making it."""

    def api_call(self, api_method: str, **parts: Any) -> Any:
        """The call as slack-sdk put it together."""
        given: Mapping[str, Any] = parts.get("params") or {}
        form = {name: str(value) for name, value in given.items() if value is not None}
        return Call(api_method, json=parts.get("json"), form=form)


class Web:
    """Carries calls with a token, once each.

    Raises:
        InvalidInput: the address of the API is none.
    """

    def __init__(self, token: str, api_url: str, *, internal: tuple[str, ...] = ()) -> None:
        self._token = token
        url = address(api_url, "PULLCORD_SLACK_API_URL")
        self._url = url if url.endswith("/") else f"{url}/"
        #: makes the calls: `web.calls.chat_postMessage(channel=…)`
        self.calls = Calls()
        self._outward = Outward(internal=internal, read_max=READ_MAX)

    async def carry(self, call: object, *, at: datetime) -> Mapping[str, Any]:
        """What Slack answered.

        Raises:
            Unsent: nobody knows, or Slack did not do it.
        """
        assert isinstance(call, Call), f"{call!r} is no call"
        form = dict(call.form)
        kind, body = "application/x-www-form-urlencoded", b""
        token = form.pop("token", self._token)
        if call.json is not None:
            kind, body = JSON, json.dumps(call.json, ensure_ascii=False).encode()
        else:
            body = urlencode(form).encode()
        headers = {"authorization": f"Bearer {token}", "content-type": kind}
        try:
            reply = await self._outward.post(self._url + call.method, content=body, headers=headers)
        except httpx2.HTTPError as error:
            raise Unsent(unanswered(error)) from None
        return _said(reply, at=at)

    async def close(self) -> None:
        """Let go of connections."""
        await self._outward.close()


def _said(reply: httpx2.Response, *, at: datetime) -> Mapping[str, Any]:
    if not reply.is_success:
        raise Unsent(refused(reply, "check PULLCORD_SLACK_API_URL", now=at))
    try:
        said = reply.json()
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise Unsent(Sent(Outcome.RETRY, "answered without JSON"))
    if said.get("ok") is True:
        return said
    error = "".join(each for each in str(said.get("error")) if each.isalnum() or each == "_")
    after = seconds_of(reply.headers.get("retry-after", ""), at)
    raise Unsent(meaning(error[:NAME_MAX], str(said.get("needed", "")), after=after))


def meaning(error: str, needed: str = "", *, after: float | None = None) -> Sent:
    """What an error of Slack's means for a letter, with what to do about it."""
    if error in PASSING:
        return Sent(Outcome.RETRY, f"Slack said {error}", retry_after=after)
    scope = "".join(each for each in needed if each.isalnum() or each in ":,._")[:NAME_MAX]
    lacking = f" Missing: {scope}." if scope else ""
    remedy = REMEDIES.get(error, "Look it up in Slack's reference of errors.")
    return Sent(Outcome.FAILED, f"Slack said {error}. {remedy}{lacking}")
