"""A signed webhook: every letter as a CloudEvents 1.0 JSON body, signed as Standard Webhooks say.

The body carries ids, deadlines and names of rules, never what the agent or end user wrote.
"""

import json
from datetime import UTC
from typing import Any

import httpx2
from standardwebhooks import Webhook

from pullcord.channels.port import Letter, Outcome, Sent

#: seconds for one try, connecting included
TRY_SECONDS = 10.0
#: bytes of a reply that are read; the rest is cut off
REPLY_BYTES_MAX = 65_536
#: replies after which another try makes sense
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


class WebhookChannel:
    """Posts letters to one address, with `webhook-id`, `webhook-timestamp`, `webhook-signature`.

    `secret` is a `whsec_…` value; the receiver checks it with any Standard Webhooks library.
    """

    name = "webhook"
    wakes = False

    def __init__(self, url: str, secret: str, *, transport: Any = None) -> None:
        self._url = url
        self._signer = Webhook(secret)
        self._client = httpx2.AsyncClient(
            timeout=TRY_SECONDS, follow_redirects=False, transport=transport, trust_env=False
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
                return _read(reply.status_code, reply.headers.get("retry-after", ""))
        except httpx2.HTTPError as error:
            return Sent(Outcome.RETRY, f"no answer: {type(error).__name__}")

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.aclose()


def _read(status: int, retry_after: str) -> Sent:
    if 200 <= status < 300:
        return Sent(Outcome.ACCEPTED, f"answered {status}")
    if status in RETRIED:
        wait = float(retry_after) if retry_after.isdigit() else None
        return Sent(Outcome.RETRY, f"answered {status}", retry_after=wait)
    return Sent(Outcome.FAILED, f"answered {status}; check the address and the receiver")


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
