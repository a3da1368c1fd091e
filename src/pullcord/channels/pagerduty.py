"""PagerDuty: hands every ask over as an incident, acknowledges and resolves it as people act.

One escalation is one incident, whoever is asked: PagerDuty pages by its own schedules. Nothing
comes back; whoever was paged opens the page and acts there.
"""

import json
from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any

import httpx2

from pullcord.briefing.plain import cut
from pullcord.channels.answers import refused, unanswered
from pullcord.channels.offered import Option, Surroundings
from pullcord.channels.outward import Outward, address
from pullcord.channels.port import Abilities, FoundBy, Letter, Limits, Outcome, Rate, Sent
from pullcord.errors import InvalidInput

SUMMARY_MAX = 1_024
KEY_LENGTH = 32

OPTIONS = (
    Option(
        "routing_key",
        "Integration key of the service, 32 characters, of an Events API v2 integration",
        is_secret=True,
    ),
    Option(
        "api_url",
        "Where events go; https://events.eu.pagerduty.com/v2/enqueue in Europe",
        is_needed=False,
        default="https://events.pagerduty.com/v2/enqueue",
    ),
)

#: what PagerDuty calls how bad it is
SEVERITIES: Mapping[str, str] = {
    "low": "info",
    "normal": "warning",
    "high": "error",
    "critical": "critical",
}
#: what becomes of the incident; in every other state it is triggered
ACTIONS: Mapping[str, str] = {
    "accepted": "acknowledge",
    "decided": "resolve",
    "collected": "resolve",
    "closed": "resolve",
    "withdrawn": "resolve",
}


class PagerDutyChannel:
    """Events of one PagerDuty integration.

    Raises:
        InvalidInput: the key or the address is none; the key is not repeated.
    """

    name = "pagerduty"
    can = Abilities(
        only_asks=True,
        found_by=FoundBy.EVERYBODY,
        limits=Limits(line=SUMMARY_MAX),
        rates=(Rate(120, timedelta(minutes=1)),),
    )

    def __init__(self, key: str, url: str, *, internal: tuple[str, ...] = ()) -> None:
        if len(key) != KEY_LENGTH or not key.isalnum():
            raise InvalidInput(
                "PULLCORD_PAGERDUTY_ROUTING_KEY",
                value="…",
                limit=f"{KEY_LENGTH} letters and digits",
                remedy="Copy it from the service's Integrations page.",
            )
        self._key = key
        self._url = address(url, "PULLCORD_PAGERDUTY_API_URL")
        self._outward = Outward(internal=internal)

    async def send(self, letter: Letter) -> Sent:
        """Trigger the incident of the escalation; a second letter about it changes nothing."""
        return await self._post(letter, incident_of(letter), "trigger")

    async def edit(self, reference: str, letter: Letter) -> Sent:
        """Acknowledge the incident when somebody has it, resolve it when it is over."""
        return await self._post(letter, reference, ACTIONS.get(letter.status, "trigger"))

    async def _post(self, letter: Letter, incident: str, action: str) -> Sent:
        event = {"routing_key": self._key, **event_of(letter, incident, action)}
        headers = {"content-type": "application/json"}
        body = json.dumps(event, ensure_ascii=False).encode()
        try:
            reply = await self._outward.post(self._url, content=body, headers=headers)
        except httpx2.HTTPError as error:
            return unanswered(error)
        if reply.is_success and _is_taken(reply):
            return Sent(Outcome.ACCEPTED, f"{action}: taken", reference=incident)
        if reply.is_success:
            return Sent(Outcome.RETRY, f"answered {reply.status_code}, but not that it was taken")
        remedy = "check the integration key; the integration must be Events API v2"
        return refused(reply, remedy, now=letter.at)

    async def close(self) -> None:
        """Let go of connections."""
        await self._outward.close()


def make(options: Mapping[str, str], surroundings: Surroundings) -> PagerDutyChannel:
    """The channel with these options."""
    return PagerDutyChannel(
        options["routing_key"], options["api_url"], internal=surroundings.internal_hosts
    )


def incident_of(letter: Letter) -> str:
    """The key by which PagerDuty knows the incident: one for each escalation."""
    return f"pullcord/{letter.workspace}/{letter.escalation or letter.id}"


def event_of(letter: Letter, incident: str, action: str) -> dict[str, Any]:
    """The event, without the key that sends it."""
    lines = {f"{n}": each.text for n, each in enumerate(letter.lines, 1)}
    details = {
        "standing": letter.standing,
        "at stake": letter.stake,
        "deadline": letter.deadline,
        "if nobody decides": letter.fallback,
        "rule": letter.rule,
        "agent": letter.agent,
        "environment": letter.environment,
        **lines,
    }
    summary = letter.headline if action == "trigger" else letter.standing or letter.headline
    return {
        "event_action": action,
        "dedup_key": incident,
        "payload": {
            "summary": cut(summary, SUMMARY_MAX),
            "source": letter.workspace_name or letter.workspace,
            "severity": SEVERITIES.get(letter.severity, "warning"),
            "timestamp": letter.at.astimezone(UTC).isoformat(),
            "component": letter.agent or "pullcord",
            "group": letter.environment or "pullcord",
            "class": letter.rule or letter.kind,
            "custom_details": {name: text for name, text in details.items() if text},
        },
        "links": [{"href": letter.url, "text": "Open in Pullcord"}],
        "client": "Pullcord",
        "client_url": letter.url,
    }


def _is_taken(reply: httpx2.Response) -> bool:
    """Whether it is PagerDuty who answers, and took the event."""
    try:
        told = reply.json()
    except ValueError:
        return False
    return isinstance(told, dict) and told.get("status") == "success"
