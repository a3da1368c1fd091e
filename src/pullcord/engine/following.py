"""Escalations the engine opens itself: after a late decision, after drift, and as a drill."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pullcord.briefing.digest import body_digest, digest
from pullcord.engine.clock import Clock, Ids
from pullcord.engine.policies import Configured
from pullcord.owner.ladder import Ladder
from pullcord.path.ending import Fresh
from pullcord.path.escalation import AskKind, Escalation, Fallback, Json, Purpose
from pullcord.seal.keys import token
from pullcord.wire.requests import ReportIn


class Follower:
    """Makes identity and content of escalations that no agent asked for."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids

    def again(self, ended: Escalation, shown: Mapping[str, Any]) -> Fresh:
        """The same question once more, for a person who decides late."""
        return self._fresh(ended, shown, shown["document"]["args"], {})

    def drifted(self, ended: Escalation, shown: Mapping[str, Any], told: ReportIn) -> Fresh:
        """The question what to do about something else having run than was decided."""
        args = told.args or {}
        question = f"{ended.tool or 'The agent'} ran with other arguments than decided. What now?"
        ask: dict[str, Any] = {
            "kind": "answer",
            "question": question[:140],
            "schema": None,
            "options": [],
        }
        facts = {
            "drift": {"decided": shown["document"]["args"], "executed": args},
            "consequence": "It has already run; nothing is undone by itself.",
        }
        return self._fresh(ended, shown, args, {"ask": ask, **facts})

    def _fresh(
        self,
        ended: Escalation,
        shown: Mapping[str, Any],
        args: Mapping[str, Any],
        changes: Mapping[str, Any],
    ) -> Fresh:
        escalation_id = self._ids.new("esc")
        nonce = self._ids.chance(16).hex()
        document = {
            **shown["document"],
            "args": dict(args),
            "escalation": escalation_id,
            "nonce": nonce,
        }
        status_token, status_digest = token(self._ids.chance)
        content = {**shown, **changes, "document": document, "status_token": status_token}
        return Fresh(
            id=escalation_id,
            nonce=nonce,
            body_digest=body_digest(ended.tool, args, content["ask"]),
            shown_digest=digest(document),
            status_digest=status_digest,
            shown=content,
        )

    def drill(
        self, configured: Configured, who: str, ladder: Ladder
    ) -> tuple[Escalation, dict[str, Json]]:
        """A test escalation through a real ladder: (blank, what people are shown)."""
        configuration = configured.configuration
        escalation_id = self._ids.new("esc")
        nonce = self._ids.chance(16).hex()
        status_token, status_digest = token(self._ids.chance)
        question = f"Drill of the ladder {ladder.id}: answer that you have seen it."
        ask: dict[str, Any] = {
            "kind": "answer",
            "question": question,
            "schema": None,
            "options": [],
        }
        document = {
            "workspace": configuration.workspace,
            "environment": "production",
            "agent": "drill",
            "tool": "",
            "tool_version": "",
            "args": {},
            "policy_version": configured.version,
            "escalation": escalation_id,
            "nonce": nonce,
        }
        terms = configuration.terms_for(None, AskKind.ANSWER)
        blank = Escalation(
            workspace=configuration.workspace,
            id=escalation_id,
            environment="production",
            agent="drill",
            agent_key=f"~drill/{who}",
            key=f"~drill/{escalation_id}",
            opened_at=self._clock.now(),
            tool="",
            ask_kind=AskKind.ANSWER,
            severity="low",
            rule="",
            policy_version=configured.version,
            ladder=ladder,
            terms=replace(terms, fallback=Fallback.NO_ANSWER),
            body_digest=body_digest("", {}, ask),
            shown_digest=digest(document),
            nonce=nonce,
            requester=who,
            purpose=Purpose.DRILL,
            status_digest=status_digest,
            is_awaited=False,
        )
        return blank, _drill_content(ask, document, status_token)


def _drill_content(
    ask: Mapping[str, Any], document: Mapping[str, Any], status_token: str
) -> dict[str, Json]:
    return {
        "document": dict(document),
        "ask": dict(ask),
        "briefing": {
            "severity": {"source": "policy", "level": "low", "reversible": "yes", "money": None},
            "ask": {"source": "policy", "kind": "answer", "question": ask["question"]},
            "situation": {"source": "system", "text": "This is a drill; nothing is at stake."},
        },
        "messages": [],
        "cut_messages": 0,
        "end_user": {},
        "hits": [],
        "claims": {},
        "scope": {"run": {}, "signals": {}},
        "excluded": [],
        "money": None,
        "currency": "",
        "reversible": "yes",
        "consequence": "Nothing happens; the time until somebody answers is what counts.",
        "tool_schema": None,
        "is_registered": True,
        "fields": [],
        "status_token": status_token,
    }
