"""A signed webhook: every letter as a CloudEvents 1.0 JSON body, signed as Standard Webhooks say.

The body carries ids, deadlines and names of rules, never what the agent or end user wrote.
"""

import base64
import json
from datetime import UTC
from typing import Any

import httpx2
from standardwebhooks import Webhook

from pullcord.channels.answers import TRY_SECONDS, refused, unanswered
from pullcord.channels.port import Abilities, FoundBy, Letter, Outcome, Sent
from pullcord.errors import InvalidInput

#: bytes a secret has at least; the standard says 24 to 64
SECRET_BYTES_MIN = 24
PORT_MAX = 65_535


class WebhookChannel:
    """Posts letters to one address, with `webhook-id`, `webhook-timestamp`, `webhook-signature`.

    `secret` is a `whsec_…` value; the receiver checks it with any Standard Webhooks library.
    Redirects are not followed and replies are not read beyond their status and headers.

    Raises:
        InvalidInput: the address or the secret is none.
    """

    name = "webhook"
    can = Abilities(found_by=FoundBy.EVERYBODY)

    def __init__(self, url: str, secret: str) -> None:
        self._url = address(url, "webhook_url")
        self._signer = signer(secret)
        self._client = httpx2.AsyncClient(
            timeout=TRY_SECONDS, follow_redirects=False, trust_env=False
        )

    async def send(self, letter: Letter) -> Sent:
        """Post once and read what the receiver made of it."""
        body = json.dumps(event_of(letter), separators=(",", ":"), sort_keys=True)
        headers = {
            "content-type": "application/cloudevents+json",
            "webhook-id": letter.id,
            "webhook-timestamp": str(int(letter.at.timestamp())),
            "webhook-signature": self._signer.sign(letter.id, letter.at, body),
        }
        try:
            async with self._client.stream(
                "POST", self._url, content=body, headers=headers
            ) as reply:
                if reply.is_success:
                    return Sent(Outcome.ACCEPTED, f"answered {reply.status_code}")
                return refused(reply, "check the address and the receiver", now=letter.at)
        except httpx2.HTTPError as error:
            return unanswered(error)

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.aclose()


def address(url: str, field: str) -> str:
    """The address, if it is one that can be called.

    Raises:
        InvalidInput: it is no http or https address.
    """
    try:
        found = httpx2.URL(url)
    except httpx2.InvalidURL:
        found = httpx2.URL("")
    is_web = found.scheme in ("http", "https") and bool(found.host)
    if not is_web or (found.port or 0) > PORT_MAX:
        raise InvalidInput(field, value=url, limit="an http:// or https:// address")
    return url


def signer(secret: str) -> Webhook:
    """What signs with this secret.

    Raises:
        InvalidInput: it is no secret of enough bytes; the message does not repeat it.
    """
    problem = InvalidInput(
        "webhook_secret",
        value="…",
        limit=f"whsec_ and at least {SECRET_BYTES_MIN} bytes in base64",
        remedy="Make one with: echo whsec_$(openssl rand -base64 32)",
    )
    bare = secret.removeprefix("whsec_")
    try:
        key = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except ValueError:
        raise problem from None
    if len(key) < SECRET_BYTES_MIN:
        raise problem
    return Webhook(key)


def event_of(letter: Letter) -> dict[str, Any]:
    """The CloudEvents body of a letter."""
    due = letter.due_at.astimezone(UTC).isoformat() if letter.due_at else None
    return {
        "specversion": "1.0",
        "id": letter.id,
        "source": f"/pullcord/{letter.workspace}",
        "type": f"pullcord.escalation.{letter.kind}",
        "subject": letter.escalation,
        "time": letter.at.astimezone(UTC).isoformat(),
        "datacontenttype": "application/json",
        "data": {
            "escalation": letter.escalation,
            "kind": letter.kind,
            "to": letter.to,
            "owner": letter.owner,
            "status": letter.status,
            "severity": letter.severity,
            "agent": letter.agent,
            "environment": letter.environment,
            "tool": letter.tool,
            "rule": letter.rule,
            "due_at": due,
            "wakes": letter.wakes,
            "generation": letter.generation,
            "url": letter.url,
        },
    }
