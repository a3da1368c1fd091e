"""PagerDuty's Events API v2 on loopback: one incident for each key, and what became of it."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from tests.conformance.channels.double import Arrived, Fault
from tests.conformance.channels.http_double import HttpDouble
from tests.conformance.channels.loopback import Answered, Asked

KEY = "0123456789abcdef0123456789abcdef"
SUMMARY_MAX, DEDUP_MAX, EVENT_MAX = 1_024, 255, 512 * 1024
STATES = {"trigger": "triggered", "acknowledge": "acknowledged", "resolve": "resolved"}
NEEDED = frozenset({"summary", "source", "severity"})
SEVERITIES = frozenset({"critical", "error", "warning", "info"})


class PagerDutyDouble(HttpDouble):
    """One integration."""

    edits: ClassVar[bool] = True
    names_retry: ClassVar[bool] = False
    kind = "pagerduty"
    answers: ClassVar[Mapping[Fault, Answered]] = {
        Fault.BUSY: Answered(500),
        Fault.LIMITED: Answered(429, b'{"status": "throttle exceeded"}'),
        Fault.GONE: Answered(
            400, b'{"status": "invalid event", "errors": ["Invalid routing key"]}'
        ),
        Fault.HANGS_UP: Answered(0),
    }

    def __init__(self) -> None:
        super().__init__()
        self.secrets = (KEY,)
        #: how each incident stands
        self.incidents: dict[str, str] = {}
        self.events: list[dict[str, Any]] = []

    def options(self) -> Mapping[str, str]:
        return {"routing_key": KEY, "api_url": f"{self.url}/v2/enqueue"}

    def taken(self, asked: Asked) -> Answered:
        event = json.loads(asked.body)
        problem = _problem(event, len(asked.body))
        if asked.path != "/v2/enqueue" or problem:
            told = {"status": "invalid event", "message": "Event object is invalid"}
            return Answered(400, json.dumps({**told, "errors": [problem]}).encode())
        incident, action = event["dedup_key"], event["event_action"]
        was = self.incidents.get(incident)
        if action == "trigger" or was is not None:
            is_seen = action == "trigger" and was == "acknowledged"
            self.incidents[incident] = "acknowledged" if is_seen else STATES[action]
        self.events.append(event)
        text = json.dumps(event.get("payload", {}), ensure_ascii=False)
        links = " ".join(each["href"] for each in event.get("links", ()))
        key = event["dedup_key"]
        is_edit = action != "trigger" or was is not None
        self._arrived.append(Arrived(key, f"{text} {links}", key, is_edit=is_edit))
        told = {"status": "success", "message": "Event processed", "dedup_key": incident}
        return Answered(202, json.dumps(told).encode())


def _problem(event: dict[str, Any], size: int) -> str:
    """What PagerDuty would say about an event; empty for nothing."""
    payload = event.get("payload", {})
    if event.get("routing_key") != KEY:
        return "Invalid routing key"
    if event.get("event_action") not in STATES:
        return "'event_action' is invalid"
    if not 1 <= len(event.get("dedup_key", "")) <= DEDUP_MAX:
        return "Length of 'dedup_key' is incorrect"
    if size > EVENT_MAX:
        return "Event is too large"
    if event["event_action"] == "trigger" and not payload.keys() >= NEEDED:
        return "'payload' is missing or incomplete"
    if payload and payload["severity"] not in SEVERITIES:
        return "'payload.severity' is invalid"
    return "Length of 'payload.summary' is incorrect" if _is_long(payload) else ""


def _is_long(payload: dict[str, Any]) -> bool:
    return len(payload.get("summary", "x")) > SUMMARY_MAX or not payload.get("summary", "x")
