"""What people are shown of a stop: question, briefing, transcript, what an edit is judged by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pullcord.briefing.briefing import assemble, kept_messages
from pullcord.briefing.redaction import redact_value
from pullcord.path.escalation import AskKind, Escalation, Json
from pullcord.trigger.evaluate import Judgement
from pullcord.trigger.rules import Hit, Policy, Rule, rendered
from pullcord.trigger.signals import Call, money_of, scope_of
from pullcord.wire.requests import AskIn, OpenIn

#: characters of a question that an agent asks by itself
QUESTION_MAX = 140


@dataclass(frozen=True, slots=True)
class Asked:
    """A judged request on its way to people."""

    request: OpenIn
    call: Call
    judgement: Judgement
    rule: Rule | None
    options: Sequence[Mapping[str, Any]]


def shown_of(
    asked: Asked, blank: Escalation, policy: Policy, document: Mapping[str, Json]
) -> dict[str, Json]:
    """The content that is sealed as `shown` and kept for as long as the escalation."""
    request = asked.request
    tool = policy.tools.get(request.tool)
    messages, cut = kept_messages(request.messages)
    claims = plain_struct(request.claims)
    end_user = dict(asked.call.end_user) if request.end_user else {}
    hits = [_plain_hit(hit) for hit in asked.judgement.hits]
    money = money_of(tool, request.args)
    ask = {
        "kind": str(blank.ask_kind),
        "question": _question(asked, policy),
        "schema": request.ask.schema if request.ask else None,
        "options": list(asked.options),
    }
    reversible = tool.reversible if tool else "no"
    briefing = assemble(
        severity={"level": blank.severity, "reversible": reversible, "money": money},
        ask={"kind": ask["kind"], "question": ask["question"]},
        hits=hits,
        messages=request.messages,
        end_user=end_user,
        run=request.run,
        claims=claims,
        options=asked.options,
        deadline={"fallback": str(blank.terms.fallback)},
    )
    return {
        "document": dict(document),
        "ask": ask,
        "briefing": briefing,
        "messages": messages,
        "cut_messages": cut,
        "end_user": end_user,
        "hits": hits,
        "claims": redact_value(claims),
        "scope": {"run": dict(asked.call.run), "signals": dict(asked.call.signals)},
        "excluded": list(request.excluded),
        "turn_size": request.turn_size,
        "capabilities": None if request.capabilities is None else list(request.capabilities),
        "money": money,
        "currency": tool.currency if tool else "",
        "reversible": reversible,
        "consequence": tool.consequence if tool else "",
        "tool_schema": dict(tool.schema) if tool and tool.schema else None,
        "is_registered": tool is not None,
    }


def _plain_hit(hit: Hit) -> dict[str, Json]:
    return {
        "rule": hit.rule,
        "mode": str(hit.mode),
        "threshold": hit.threshold,
        "observed": hit.observed,
        "detail": hit.detail,
        "policy_version": hit.policy_version,
        "steward": hit.steward,
    }


def can(shown: Mapping[str, Any], capability: str) -> bool:
    """Whether the agent that asks can do this with a decision; it can where it said nothing."""
    declared = shown.get("capabilities")
    return declared is None or capability in declared


def plain_struct(struct: Any) -> dict[str, Any]:
    """The fields of a wire model as they are; empty for none."""
    if struct is None:
        return {}
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def _question(asked: Asked, policy: Policy) -> str:
    request, rule = asked.request, asked.rule
    if request.ask is not None and request.ask.question:
        return " ".join(request.ask.question.split())[:QUESTION_MAX]
    scope = scope_of(asked.call, policy)
    if rule is not None and rule.ask:
        return rendered(rule.ask, scope)
    if rule is not None and rule.ask_kind == "take_over":
        return rendered("{end_user.name} wishes to talk to a person", scope)
    words = request.tool.replace("_", " ") or "continue"
    return rendered(f"May the agent {{agent}} {words}?", scope)


def options_of(kind: AskKind, own: AskIn | None, rule: Rule | None) -> list[dict[str, Any]]:
    """The options of an ask: the agent's own, the rule's, or to approve and to reject."""
    if own is not None and own.options:
        return [plain_struct(each) for each in own.options]
    if rule is not None and rule.options:
        return [
            {
                "id": each.id,
                "label": each.label,
                "consequence": each.consequence,
                "is_safe": each.is_safe,
            }
            for each in rule.options
        ]
    if kind is not AskKind.APPROVE:
        return []
    approve = {"id": "approve", "label": "Approve", "consequence": "", "is_safe": False}
    reject = {"id": "reject", "label": "Reject", "consequence": "Nothing runs.", "is_safe": True}
    return [approve, reject]
