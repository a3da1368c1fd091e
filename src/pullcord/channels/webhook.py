"""A signed webhook: every letter as a CloudEvents 1.0 JSON body, signed as Standard Webhooks say.

The body carries ids, deadlines and names of rules, never what the agent or end user wrote.
"""

import base64
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC
from typing import Any

import httpx2
from standardwebhooks import Webhook

from pullcord.channels.answers import refused, unanswered
from pullcord.channels.offered import Option
from pullcord.channels.outward import Outward, address
from pullcord.channels.port import Abilities, FoundBy, Letter, Outcome, Sent
from pullcord.errors import InvalidInput

#: bytes a secret has at least; the standard says 24 to 64
SECRET_BYTES_MIN = 24
#: secrets at once: the next one and the one it replaces
SECRETS_MAX = 2

#: what it is told
OPTIONS = (
    Option("url", "Where signed messages are posted"),
    Option("secret", "whsec_…; two with a space between while it changes", is_secret=True),
    Option("answers", "Addresses under which a requester may be answered", is_needed=False),
)


class WebhookChannel:
    """Posts letters to one address, with `webhook-id`, `webhook-timestamp`, `webhook-signature`.

    `secret` is a `whsec_…` value; the receiver checks it with any Standard Webhooks library. Two
    with a space between sign both, so that a receiver changes from one to the other in its time.
    Redirects are not followed and addresses inside are not called; see `outward`.

    Raises:
        InvalidInput: the address or a secret is none.
    """

    name = "webhook"
    can = Abilities(found_by=FoundBy.EVERYBODY)

    def __init__(
        self, url: str, secret: str, *, internal: Iterable[str] = (), answers: Iterable[str] = ()
    ) -> None:
        self._url = address(url, "webhook_url")
        self._answers = [address(each, "webhook_answers") for each in answers]
        self.can = replace(self.can, answers=bool(self._answers))
        self._signers = signers(secret)
        self._outward = Outward(internal=internal)

    async def send(self, letter: Letter) -> Sent:
        """Post once and read what the receiver made of it."""
        body = json.dumps(event_of(letter), separators=(",", ":"), sort_keys=True)
        headers = {
            "content-type": "application/cloudevents+json",
            "webhook-id": letter.id,
            "webhook-timestamp": str(int(letter.at.timestamp())),
            "webhook-signature": " ".join(
                each.sign(letter.id, letter.at, body) for each in self._signers
            ),
        }
        try:
            url = letter.address if self.may_answer(letter.address) else self._url
            reply = await self._outward.post(url, content=body.encode(), headers=headers)
        except httpx2.HTTPError as error:
            return unanswered(error)
        if reply.is_success:
            return Sent(Outcome.ACCEPTED, f"answered {reply.status_code}")
        return refused(reply, "check the address and the receiver", now=letter.at)

    def may_answer(self, address: str) -> bool:
        """Whether it lies under one of the places the operator named for answers."""
        return any(_lies_under(address, each) for each in self._answers)

    def places(self) -> str:
        """The places for answers."""
        return "an address under " + ", ".join(self._answers)

    async def close(self) -> None:
        """Let go of connections."""
        await self._outward.close()


def _lies_under(url: str, place: str) -> bool:
    """Whether an address has the place's origin and begins with its path, at a whole segment."""
    try:
        found, named = httpx2.URL(url), httpx2.URL(place)
    except httpx2.InvalidURL:
        return False
    is_same = (found.scheme, found.host, found.port) == (named.scheme, named.host, named.port)
    path, stem = found.path, named.path.rstrip("/")
    is_plain = not found.userinfo and ".." not in path.split("/")
    return is_same and is_plain and (path == stem or path.startswith(f"{stem}/"))


def signers(secrets: str) -> list[Webhook]:
    """What signs with these secrets, one or two with a space between.

    Raises:
        InvalidInput: one is no secret, or there are too many; the message repeats none.
    """
    found = [signer(each) for each in secrets.split()] or [signer("")]
    if len(found) > SECRETS_MAX:
        raise InvalidInput("webhook_secret", value="…", limit=f"{SECRETS_MAX} secrets at most")
    return found


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
