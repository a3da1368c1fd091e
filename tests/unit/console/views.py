"""Views as the engine hands them to the console, with only what a test is about."""

from datetime import UTC, datetime
from typing import Any

from pullcord.wire.replies import PersonOut
from pullcord.wire.views import DetailView, FormField, InboxRow

NOON = datetime(2027, 1, 5, 12, tzinfo=UTC)
MARIA = PersonOut(id="maria", shown_as="Maria Lopez")


def row(**values: Any) -> InboxRow:
    """One line of the inbox."""
    plain: dict[str, Any] = {
        "id": "esc_1",
        "question": "Refund EUR 480.00?",
        "agent": "support",
        "environment": "production",
        "tool": "issue_refund",
        "rule": "refund-over-limit",
        "severity": "high",
        "ask_kind": "approve",
        "status": "open",
        "standing": "you are being asked",
        "owner": MARIA,
        "opened_at": NOON,
        "due_at": NOON,
        "decide_by": NOON,
        "fallback": "nobody decides → reject",
        "elapsed": 0.5,
        "is_irreversible": True,
        "is_mine": False,
        "is_offered_to_me": True,
        "completeness": 11,
    }
    return InboxRow(**{**plain, **values})


def field(path: str, kind: str, value: Any, **values: Any) -> FormField:
    """One typed field."""
    return FormField(path=path, label=path, kind=kind, value=value, **values)


def detail(**values: Any) -> DetailView:
    """The page of one escalation."""
    args = values.pop("args", {"order": "8812", "amount": 480.0})
    plain: dict[str, Any] = {
        "row": row(),
        "version": 1,
        "generation": 3,
        "shown_digest": "0" * 64,
        "question": "Refund EUR 480.00?",
        "situation": "",
        "situation_source": "",
        "consequence": "",
        "reversible": "no",
        "money": "",
        "tool_is_registered": True,
        "args": args,
        "args_text": "",
        "fields": [field("order", "text", "8812"), field("amount", "number", 480.0)],
        "options": [],
        "answer_schema": None,
        "hits": [],
        "facts": [],
        "claims": [],
        "unknowns": [],
        "done": [],
        "conversation": [],
        "cut_messages": 0,
        "notes": [],
        "pending_question": None,
        "offer": None,
        "owner": MARIA,
        "owner_reason": "",
        "next_up": "",
        "accept_by": None,
        "hold_until": None,
        "decide_by": None,
        "promise_by": None,
        "fallback": "",
        "extendable_seconds": 0,
        "votes_needed": 1,
        "votes_given": 0,
        "control": "agent",
        "decided": None,
        "report": "",
        "drift": [],
        "acts": [],
        "limits": [],
        "people": [],
        "timeline": [],
        "receipts": [],
        "completeness_score": 96,
        "missing": [],
        "hostile_marks": [],
        "status_url": "",
        "follows": "",
        "trace": "",
    }
    return DetailView(**{**plain, **values})
