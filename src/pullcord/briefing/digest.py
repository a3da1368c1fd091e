"""What digests are over: they bind what was shown to what is executed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pullcord.briefing.canonical import (
    BYTES_MAX,
    DEPTH_MAX,
    INTEGER_MAX,
    NotCanonical,
    canonical,
    digest,
    number,
    strict_loads,
)

__all__ = [
    "BYTES_MAX",
    "DEPTH_MAX",
    "INTEGER_MAX",
    "NotCanonical",
    "Proposal",
    "body_digest",
    "canonical",
    "digest",
    "number",
    "strict_loads",
    "with_args",
]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an agent wants to do, as people are shown it; its digest binds screen and effect."""

    workspace: str
    environment: str
    agent: str
    tool: str
    tool_version: str
    args: Mapping[str, Any]
    policy_version: str
    escalation: str
    nonce: str

    def document(self) -> dict[str, Any]:
        """The canonical document that is shown, kept and digested."""
        return {
            "workspace": self.workspace,
            "environment": self.environment,
            "agent": self.agent,
            "tool": self.tool,
            "tool_version": self.tool_version,
            "args": dict(self.args),
            "policy_version": self.policy_version,
            "escalation": self.escalation,
            "nonce": self.nonce,
        }


def with_args(document: Mapping[str, Any], args: Mapping[str, Any]) -> dict[str, Any]:
    """The same document with other arguments: what an edited decision is over."""
    return {**document, "args": dict(args)}


def body_digest(tool: str, args: Mapping[str, Any], ask: Mapping[str, Any] | None) -> str:
    """The identity of an opening under its key: action and ask; context is left out."""
    return digest({"tool": tool, "args": dict(args), "ask": dict(ask) if ask else None})
