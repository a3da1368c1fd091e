"""From what a person sends to what is decided: bound to the document they were shown.

Changed arguments are judged by the policy the escalation is pinned to: a person may change what
the agent asked for, but not into something the policy refuses or would ask other people about.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pullcord.briefing.digest import NotCanonical, digest, with_args
from pullcord.engine.showing import can
from pullcord.errors import InvalidInput
from pullcord.path.deciding import Ruling
from pullcord.path.escalation import AskKind, DecisionKind, Escalation
from pullcord.trigger.evaluate import CompiledPolicy
from pullcord.trigger.rules import Rule, Verdict
from pullcord.trigger.signals import Call
from pullcord.wire.requests import DecideIn

#: severities from the least to the most severe
SEVERITIES = ("low", "normal", "high", "critical")


def ruling_of(
    escalation: Escalation,
    request: DecideIn,
    shown: Mapping[str, Any],
    compiled: CompiledPolicy,
    *,
    via: str,
    nonce: str,
) -> Ruling:
    """What a person's request decides.

    Raises:
        InvalidInput: arguments, answer or option do not fit what was asked; says what would.
    """
    kind = DecisionKind(request.kind)
    content: dict[str, Any] = {
        "args": None,
        "answer": None,
        "option": None,
        "note": request.note,
        "document": None,
    }
    ruling = Ruling(kind=kind, via=via, nonce=nonce, has_note=bool(request.note))
    if kind in (DecisionKind.APPROVE, DecisionKind.EDIT):
        return _to_run(escalation, request, shown, compiled, ruling, content)
    if kind is DecisionKind.ANSWER:
        content["answer"] = _answer(request)
    elif kind is DecisionKind.CHOOSE:
        content["option"] = _option(request, shown)
        ruling = replace(ruling, option=request.option)
    return replace(ruling, content=content)


def _to_run(
    escalation: Escalation,
    request: DecideIn,
    shown: Mapping[str, Any],
    compiled: CompiledPolicy,
    ruling: Ruling,
    content: dict[str, Any],
) -> Ruling:
    document: dict[str, Any] = dict(shown["document"])
    proposed = document["args"]
    args = proposed if request.args is None else request.args
    if ruling.kind is DecisionKind.EDIT and request.args is None:
        raise InvalidInput("args", value=None, remedy="Send the whole changed arguments.")
    if ruling.kind is DecisionKind.APPROVE and args != proposed:
        raise InvalidInput(
            "args",
            value=args,
            limit="exactly what was proposed",
            remedy="Decide with kind edit to change the arguments.",
        )
    decided = with_args(document, args)
    decided_digest = _digest(decided)
    if decided_digest == escalation.shown_digest:
        ruling = replace(ruling, kind=DecisionKind.APPROVE)
    elif escalation.ask_kind is AskKind.APPROVE:
        _may_run(escalation, args, shown, compiled)
    return replace(
        ruling, digest=decided_digest, content={**content, "args": args, "document": decided}
    )


def _digest(document: dict[str, Any]) -> str:
    try:
        return digest(document)
    except NotCanonical as problem:
        raise InvalidInput("args", value=str(problem), remedy="Change that value.") from None


def _may_run(
    escalation: Escalation,
    args: Mapping[str, Any],
    shown: Mapping[str, Any],
    compiled: CompiledPolicy,
) -> None:
    """Refuse a change into what the pinned policy denies or asks other people about."""
    if not can(shown, "edit_args"):
        raise InvalidInput(
            "args",
            value=dict(args),
            limit="exactly what was proposed, because this agent cannot take changed arguments",
            remedy="Approve as it is, or reject and say what to do instead.",
        )
    scope = shown.get("scope", {})
    call = Call(
        environment=escalation.environment,
        agent=escalation.agent,
        tool=escalation.tool,
        args=args,
        end_user=shown.get("end_user", {}),
        run=scope.get("run", {}),
        signals=scope.get("signals", {}),
    )
    judgement = compiled.judge(call)
    if judgement.verdict is Verdict.DENY:
        raise InvalidInput(
            "args",
            value=dict(args),
            limit=judgement.reason,
            remedy="Change the arguments so that no rule refuses them, or reject.",
        )
    for hit in judgement.hits:
        rule = compiled.rule(hit.rule)
        if rule is not None and _asks_for_more(rule, escalation):
            raise InvalidInput(
                "args",
                value=dict(args),
                limit=f"rule {rule.id} asks for more than {escalation.rule or 'this ask'} does",
                remedy="Reject with a note, so that the agent asks again under that rule.",
            )


def _asks_for_more(rule: Rule, escalation: Escalation) -> bool:
    if rule.id == escalation.rule or Verdict(rule.mode) not in (Verdict.GATE, Verdict.VETO):
        return False
    is_severer = SEVERITIES.index(rule.severity) > SEVERITIES.index(escalation.severity)
    is_elsewhere = bool(rule.ladder) and rule.ladder != escalation.ladder.id.partition("~")[0]
    return is_severer or is_elsewhere or rule.quorum > escalation.terms.quorum


def _answer(request: DecideIn) -> Any:
    if request.answer in (None, ""):
        raise InvalidInput("answer", value=request.answer, remedy="Write the answer.")
    return request.answer


def _option(request: DecideIn, shown: Mapping[str, Any]) -> str:
    options = [each["id"] for each in shown["ask"]["options"]]
    if request.option not in options:
        raise InvalidInput(
            "option",
            value=request.option,
            limit=", ".join(options),
            remedy="Choose one of the options that were shown.",
        )
    return request.option
