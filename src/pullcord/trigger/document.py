"""Rules and tools from the JSON document of a checked policy: the same for server and SDK."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pullcord.trigger.rules import Mode, Option, Policy, Rule, ToolTerms


def policy_of(document: Mapping[str, Any]) -> Policy:
    """The rules and tools of a checked document; the SDK uses it too."""
    tools = {name: _tool(name, value or {}) for name, value in document.get("tools", {}).items()}
    rules = tuple(_rule(value) for value in document.get("rules", []))
    return Policy(version=str(document.get("version", "")), rules=rules, tools=tools)


def _tool(name: str, value: Mapping[str, Any]) -> ToolTerms:
    return ToolTerms(
        name=name,
        reversible=str(value.get("reversible", "no")),
        money=str(value.get("money", "")),
        currency=str(value.get("currency", "")),
        zones=tuple(value.get("zones", ())),
        version=str(value.get("version", "")),
        consequence=str(value.get("consequence", "")),
        schema=value.get("schema"),
        writes=bool(value.get("writes", True)),
    )


def _rule(value: Mapping[str, Any]) -> Rule:
    spans: dict[str, Any] = {
        name: timedelta(seconds=value[name])
        for name in ("decide_within", "hold_for", "extend_at_most")
        if name in value
    }
    rule = Rule(
        id=value["id"],
        mode=Mode(value["mode"]),
        when=value.get("when", ""),
        tools=tuple(value.get("tools", ("*",))),
        agents=tuple(value.get("agents", ("*",))),
        environments=tuple(value.get("environments", ("*",))),
        ask=value.get("ask", ""),
        ask_kind=value.get("ask_kind", "approve"),
        fallback=value.get("fallback", ""),
        severity=value.get("severity", "normal"),
        ladder=value.get("ladder", ""),
        quorum=value.get("quorum", 1),
        options=tuple(Option(**each) for each in value.get("options", ())),
        steward=value.get("steward", ""),
        on_error=Mode(value.get("on_error", "gate")),
    )
    return replace(rule, **spans)
