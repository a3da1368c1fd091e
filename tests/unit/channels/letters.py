"""A letter as the courier hands it to a channel."""

from datetime import UTC, datetime
from typing import Any

from pullcord.channels.port import Letter

#: receivers compare the time of a signature with their own clock
NOW = datetime.now(UTC).replace(microsecond=0)


def letter(**changes: Any) -> Letter:
    """Maria is asked about a refund."""
    fields: dict[str, Any] = {
        "id": "msg_1.webhook",
        "kind": "asked",
        "workspace": "shop",
        "escalation": "esc_1",
        "to": "person:maria",
        "address": "maria",
        # at this moment: a signature is good for five minutes
        "at": datetime.now(UTC).replace(microsecond=0),
        "severity": "high",
        "tool": "issue_refund",
        "agent": "support",
        "environment": "production",
        "rule": "refund-over-limit",
        "status": "open",
        "owner": "Maria from Billing",
        "due_at": NOW,
        "url": "https://pull.example/escalations/esc_1",
        "wakes": True,
        "generation": 3,
        **changes,
    }
    return Letter(**fields)
