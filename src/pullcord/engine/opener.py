"""From an agent's request to an opening: judged by the policy, pinned, and briefed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pullcord.briefing.briefing import assemble, kept_messages
from pullcord.briefing.digest import Proposal, body_digest, digest
from pullcord.briefing.forms import fields
from pullcord.briefing.redaction import redact_value
from pullcord.engine.clock import Clock, Ids
from pullcord.engine.policies import Configured, Policies
from pullcord.errors import InvalidInput
from pullcord.path.escalation import AskKind, Escalation, Json
from pullcord.seal.keys import token
from pullcord.store.port import AgentKey
from pullcord.trigger.evaluate import CompiledPolicy, Judgement
from pullcord.trigger.rules import Rule, Verdict, rendered, stricter
from pullcord.trigger.signals import Call, asks_for_person, money_of, run_signals, scope_of
from pullcord.wire.requests import EndUserIn, ExplainIn, HitIn, OpenIn

STOPS = frozenset({Verdict.GATE, Verdict.VETO})


@dataclass(frozen=True, slots=True)
class Ready:
    """A judged request; `blank` and `shown` are there when a person must be asked."""

    judgement: Judgement
    body: str
    blank: Escalation | None = None
    shown: Mapping[str, Json] | None = None
    status_token: str = ""


class Opener:
    """Judges requests and prepares openings."""

    def __init__(self, clock: Clock, ids: Ids, policies: Policies) -> None:
        self._clock = clock
        self._ids = ids
        self._policies = policies

    async def prepare(self, key: AgentKey, request: OpenIn) -> Ready:
        """Judge a request and, when a person must be asked, make the opening ready."""
        ask = _plain_ask(request)
        body = body_digest(request.tool, request.args, ask)
        configured = await self._policies.current(key.workspace)
        call = call_of(configured, key, request)
        judgement = _stricter(configured.compiled, configured.compiled.judge(call), request.hits)
        if request.ask is None and judgement.verdict not in STOPS:
            return Ready(judgement, body)
        stops = judgement.verdict in STOPS
        rule = configured.compiled.rule(judgement.rule) if stops else None
        if request.ask is not None and judgement.verdict is Verdict.DENY and request.tool:
            return Ready(judgement, body)
        return self._opening(key, request, configured, call, judgement, rule, body)

    def _opening(
        self,
        key: AgentKey,
        request: OpenIn,
        configured: Configured,
        call: Call,
        judgement: Judgement,
        rule: Rule | None,
        body: str,
    ) -> Ready:
        configuration = configured.configuration
        own = request.ask
        kind = AskKind(own.kind if own is not None else rule.ask_kind if rule else "approve")
        terms = configuration.terms_for(rule, kind)
        options = _options(kind, own, rule)
        if kind is AskKind.CHOOSE and terms.safe_option is None:
            safe = next((each["id"] for each in options if each["is_safe"]), None)
            if safe is None:
                raise InvalidInput(
                    "ask.options",
                    value=len(options),
                    limit="two or more, one with is_safe",
                    remedy="Mark the option that is right when nobody decides.",
                )
            terms = _with_safe(terms, safe)
        tool = configuration.policy.tools.get(request.tool)
        escalation_id = self._ids.new("esc")
        nonce = self._ids.chance(16).hex()
        proposal = Proposal(
            workspace=key.workspace,
            environment=key.environment,
            agent=key.agent,
            tool=request.tool,
            tool_version=tool.version if tool else "",
            args=request.args,
            policy_version=configured.version,
            escalation=escalation_id,
            nonce=nonce,
        )
        document = proposal.document()
        status_token, status_digest = token(self._ids.chance)
        agent_terms = configuration.agents.get(key.agent)
        blank = Escalation(
            workspace=key.workspace,
            id=escalation_id,
            environment=key.environment,
            agent=key.agent,
            agent_key=key.id,
            key=request.key,
            opened_at=self._clock.now(),
            tool=request.tool,
            ask_kind=kind,
            severity=rule.severity if rule else "normal",
            rule=rule.id if rule else "",
            policy_version=configured.version,
            ladder=configuration.ladder_for(rule, key.agent),
            terms=terms,
            body_digest=body,
            shown_digest=digest(document),
            nonce=nonce,
            requester=key.creator,
            run=request.run,
            call=request.call,
            turn=request.turn,
            tool_version=tool.version if tool else "",
            end_user=request.end_user.id if request.end_user else "",
            contact=agent_terms.contact if agent_terms else "",
            status_digest=status_digest,
            trace=request.trace,
        )
        shown = self._shown(request, configured, call, judgement, rule, blank, document, options)
        return Ready(judgement, body, blank, {**shown, "status_token": status_token}, status_token)

    def _shown(
        self,
        request: OpenIn,
        configured: Configured,
        call: Call,
        judgement: Judgement,
        rule: Rule | None,
        blank: Escalation,
        document: dict[str, Json],
        options: list[dict[str, Json]],
    ) -> dict[str, Json]:
        """The content people are shown, and everything needed to judge an edit of it."""
        scope = scope_of(call, configured.configuration.policy)
        question = _question(request, rule, scope)
        tool = configured.configuration.policy.tools.get(request.tool)
        messages, cut = kept_messages(request.messages)
        hits = [
            {
                "rule": hit.rule,
                "mode": str(hit.mode),
                "threshold": hit.threshold,
                "observed": hit.observed,
                "detail": hit.detail,
                "policy_version": hit.policy_version,
                "steward": hit.steward,
            }
            for hit in judgement.hits
        ]
        ask = {
            "kind": str(blank.ask_kind),
            "question": question,
            "schema": request.ask.schema if request.ask else None,
            "options": options,
        }
        claims = _plain(request.claims)
        money = money_of(tool, request.args)
        briefing = assemble(
            severity={
                "level": blank.severity,
                "reversible": tool.reversible if tool else "no",
                "money": money,
            },
            ask={"kind": ask["kind"], "question": question},
            hits=hits,
            messages=request.messages,
            end_user=call.end_user if request.end_user else {},
            run=request.run,
            claims=claims,
            options=options,
            deadline={"fallback": str(blank.terms.fallback)},
        )
        return {
            "document": document,
            "ask": ask,
            "briefing": briefing,
            "messages": messages,
            "cut_messages": cut,
            "end_user": dict(call.end_user) if request.end_user else {},
            "hits": hits,
            "claims": redact_value(claims),
            "scope": {"run": dict(call.run), "signals": dict(call.signals)},
            "excluded": list(request.excluded),
            "money": money,
            "currency": tool.currency if tool else "",
            "reversible": tool.reversible if tool else "no",
            "consequence": tool.consequence if tool else "",
            "tool_schema": dict(tool.schema) if tool and tool.schema else None,
            "is_registered": tool is not None,
            "fields": [each.path for each in fields(tool.schema if tool else None, request.args)],
        }


def call_of(configured: Configured, key: AgentKey, request: OpenIn | ExplainIn) -> Call:
    """A request as rules see it."""
    tools = configured.configuration.policy.tools
    writes = frozenset(name for name, terms in tools.items() if terms.writes)
    return Call(
        environment=key.environment,
        agent=key.agent,
        tool=request.tool,
        args=request.args,
        end_user=_end_user(request.end_user, request.messages),
        run=run_signals(request.messages, run=request.run, writes=writes),
        signals=request.signals,
    )


def _stricter(compiled: CompiledPolicy, own: Judgement, hits: Sequence[HitIn]) -> Judgement:
    """The SDK's verdict where it is stricter and its rule is known: an agent may stop itself."""
    for hit in hits:
        rule = compiled.rule(hit.rule)
        if rule is None or hit.mode not in ("gate", "veto", "deny"):
            continue
        verdict = Verdict(hit.mode)
        if stricter(verdict, own.verdict) is not own.verdict:
            reason = f"rule {rule.id} fired where the agent runs: {rule.when or 'always'}"
            own = replace(own, verdict=verdict, rule=rule.id, reason=reason)
    return own


def _end_user(end_user: EndUserIn | None, messages: list[dict[str, Any]]) -> dict[str, Any]:
    found = _plain(end_user)
    if not found.get("asks_for_person"):
        found["asks_for_person"] = asks_for_person(messages)
    return found


def _plain(struct: Any) -> dict[str, Any]:
    if struct is None:
        return {}
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def _plain_ask(request: OpenIn) -> dict[str, Any] | None:
    ask = request.ask
    if ask is None:
        return None
    return {**_plain(ask), "options": [_plain(each) for each in ask.options]}


def _question(request: OpenIn, rule: Rule | None, scope: Mapping[str, Any]) -> str:
    if request.ask is not None and request.ask.question:
        return " ".join(request.ask.question.split())[:140]
    template = rule.ask if rule and rule.ask else ""
    if template:
        return rendered(template, scope)
    if rule is not None and rule.ask_kind == "take_over":
        return rendered("{end_user.name} wishes to talk to a person", scope)
    words = request.tool.replace("_", " ") or "continue"
    return rendered(f"May the agent {{agent}} {words}?", scope)


def _options(kind: AskKind, own: Any, rule: Rule | None) -> list[dict[str, Any]]:
    if own is not None and own.options:
        return [_plain(each) for each in own.options]
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


def _with_safe(terms: Any, safe: str) -> Any:
    return replace(terms, safe_option=safe)
