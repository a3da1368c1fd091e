"""From an agent's request to an opening: judged by the policy, pinned, and briefed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pullcord.briefing.digest import Proposal, body_digest, digest
from pullcord.engine.clock import Clock, Ids
from pullcord.engine.policies import Configured, Policies
from pullcord.engine.showing import Asked, options_of, plain_struct, shown_of
from pullcord.errors import InvalidInput
from pullcord.path.escalation import AskKind, Escalation, Json, Terms
from pullcord.seal.keys import token
from pullcord.store.port import AgentKey
from pullcord.trigger.evaluate import CompiledPolicy, Judgement
from pullcord.trigger.rules import Rule, Verdict, stricter
from pullcord.trigger.signals import Call, asks_for_person, run_signals
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
        if request.ask is not None and judgement.verdict is Verdict.DENY and request.tool:
            return Ready(judgement, body)
        return self._opening(key, request, configured, call, judgement, body)

    def _opening(
        self,
        key: AgentKey,
        request: OpenIn,
        configured: Configured,
        call: Call,
        judgement: Judgement,
        body: str,
    ) -> Ready:
        """Everything an opening pins, and everything people will be shown."""
        stops = judgement.verdict in STOPS
        rule = configured.compiled.rule(judgement.rule) if stops else None
        own = request.ask
        kind = AskKind(own.kind if own is not None else rule.ask_kind if rule else "approve")
        options = options_of(kind, own, rule)
        terms = _terms(configured, rule, kind, options)
        document = self._document(key, request, configured)
        status_token, status_digest = token(self._ids.chance)
        agent_terms = configured.configuration.agents.get(key.agent)
        blank = Escalation(
            workspace=key.workspace,
            id=document["escalation"],
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
            ladder=configured.configuration.ladder_for(rule, key.agent),
            terms=terms,
            body_digest=body,
            shown_digest=digest(document),
            nonce=document["nonce"],
            requester=key.creator,
            run=request.run,
            call=request.call,
            turn=request.turn,
            tool_version=document["tool_version"],
            end_user=request.end_user.id if request.end_user else "",
            contact=agent_terms.contact if agent_terms else "",
            status_digest=status_digest,
            trace=request.trace,
        )
        asked = Asked(request, call, judgement, rule, options)
        shown = shown_of(asked, blank, configured.configuration.policy, document)
        if request.reply_to is not None:
            shown["reply_to"] = plain_struct(request.reply_to)
        return Ready(judgement, body, blank, {**shown, "status_token": status_token}, status_token)

    def _document(self, key: AgentKey, request: OpenIn, configured: Configured) -> dict[str, Json]:
        """The canonical document that is shown, kept and digested."""
        tool = configured.configuration.policy.tools.get(request.tool)
        proposal = Proposal(
            workspace=key.workspace,
            environment=key.environment,
            agent=key.agent,
            tool=request.tool,
            tool_version=tool.version if tool else "",
            args=request.args,
            policy_version=configured.version,
            escalation=self._ids.new("esc"),
            nonce=self._ids.chance(16).hex(),
        )
        return proposal.document()


def _terms(
    configured: Configured, rule: Rule | None, kind: AskKind, options: Sequence[Mapping[str, Any]]
) -> Terms:
    """Deadlines and fallback; an ask to choose needs the option that holds when nobody does.

    Raises:
        InvalidInput: no option is marked as safe.
    """
    terms = configured.configuration.terms_for(rule, kind)
    if kind is not AskKind.CHOOSE or terms.safe_option is not None:
        return terms
    safe: str | None = next((each["id"] for each in options if each["is_safe"]), None)
    if safe is None:
        raise InvalidInput(
            "ask.options",
            value=len(options),
            limit="two or more, one with is_safe",
            remedy="Mark the option that is right when nobody decides.",
        )
    return replace(terms, safe_option=safe)


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
    found = plain_struct(end_user)
    if not found.get("asks_for_person"):
        found["asks_for_person"] = asks_for_person(messages)
    return found


def _plain_ask(request: OpenIn) -> dict[str, Any] | None:
    ask = request.ask
    if ask is None:
        return None
    return {**plain_struct(ask), "options": [plain_struct(each) for each in ask.options]}
