"""One verdict per guarded call: all rules are evaluated, the strictest that fired decides."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pullcord.trigger.check import check
from pullcord.trigger.compile import Tests, compile_tests
from pullcord.trigger.expression import (
    Binary,
    Field,
    InvalidExpression,
    Literal,
    Logic,
    Node,
    parse,
)
from pullcord.trigger.meaning import Undecided, evaluate, truth
from pullcord.trigger.rules import (
    RULES_MAX,
    STRICTNESS,
    Hit,
    Mode,
    Policy,
    Rule,
    Verdict,
    applies,
)
from pullcord.trigger.signals import Call, scope_of

_ALWAYS = Literal(True, 0)
#: modes in which a rule without an answer stops nothing
_HARMLESS = frozenset({Mode.OBSERVE, Mode.SAMPLE})
#: (tool, agent, environment) combinations whose rules are kept compiled
SELECTIONS_MAX = 1_000
#: characters of an observed value that a hit keeps
OBSERVED_MAX = 80
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


class InvalidRule(ValueError):
    """A rule cannot be used: names it, the column and what to write instead."""

    def __init__(self, rule: str, message: str, column: int = 0) -> None:
        super().__init__(f"rule {rule!r}, {message}")
        self.rule = rule
        self.column = column
        self.message = message


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one call and every hit behind it; `rule` decided, empty when none did."""

    verdict: Verdict
    hits: tuple[Hit, ...]
    rule: str
    policy_version: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Selection:
    rules: tuple[int, ...]
    tests: Tests


class CompiledPolicy:
    """A policy ready to judge calls; safe to share between threads."""

    def __init__(self, policy: Policy) -> None:
        if len(policy.rules) > RULES_MAX:
            raise InvalidRule(policy.rules[RULES_MAX].id, f"is one more than {RULES_MAX} rules")
        self.policy = policy
        self._nodes = tuple(_node(rule) for rule in policy.rules)
        self._by_id = {rule.id: rule for rule in policy.rules}
        self._selections: dict[tuple[str, str, str], _Selection] = {}
        self._compiled: dict[tuple[int, ...], Tests] = {}
        self._allowed = Judgement(Verdict.ALLOW, (), "", policy.version, "no rule fired")

    def rule(self, rule_id: str) -> Rule | None:
        """A rule by id."""
        return self._by_id.get(rule_id)

    def judge(self, call: Call) -> Judgement:
        """The verdict on a call, with every rule that fired or had no answer."""
        selection = self._selected(call)
        scope = scope_of(call, self.policy)
        outcomes = selection.tests(scope)
        if not outcomes:
            return self._allowed
        found = (self._hit(selection.rules[at], holds, scope) for at, holds in outcomes)
        return self._decided(tuple(hit for hit in found if hit is not None))

    def _selected(self, call: Call) -> _Selection:
        """The rules that concern a call, compiled once for all calls they concern together."""
        key = (call.tool, call.agent, call.environment)
        found = self._selections.get(key)
        if found is None:
            chosen = self._chosen(call)
            tests = self._compiled.get(chosen)
            if tests is None:
                tests = compile_tests([self._nodes[index] for index in chosen])
                _keep(self._compiled, chosen, tests)
            found = _Selection(chosen, tests)
            _keep(self._selections, key, found)
        return found

    def _chosen(self, call: Call) -> tuple[int, ...]:
        tool, agent, environment = call.tool, call.agent, call.environment
        return tuple(
            index
            for index, rule in enumerate(self.policy.rules)
            if applies(rule, tool=tool, agent=agent, environment=environment)
        )

    def _hit(self, index: int, outcome: bool | None, scope: dict[str, Any]) -> Hit | None:
        """A firing with its evidence; what the fast path could not tell is looked at exactly."""
        rule, node = self.policy.rules[index], self._nodes[index]
        version = self.policy.version
        if outcome is None:
            try:
                if not truth(evaluate(node, scope)):
                    return None
            except Undecided as problem:
                mode = rule.mode if rule.mode in _HARMLESS else rule.on_error
                detail = f"{rule.when}: {problem}; treated as {mode}"
                return Hit(
                    rule.id, mode, version, detail=detail, steward=rule.steward, is_error=True
                )
        threshold, observed = _evidence(node, scope, holds=True)
        detail = rule.when or "always"
        return Hit(rule.id, rule.mode, version, threshold, observed, detail, rule.steward)

    def _decided(self, hits: tuple[Hit, ...]) -> Judgement:
        version = self.policy.version
        if not hits:
            return self._allowed
        first = min(hits, key=lambda hit: STRICTNESS[Verdict(hit.mode)])
        said = f" (observed {first.observed}, limit {first.threshold})" if first.threshold else ""
        reason = f"rule {first.rule} of policy {version}: {first.detail}{said}"
        return Judgement(Verdict(first.mode), hits, first.rule, version, reason)

    def explain(self, call: Call) -> list[str]:
        """One line a rule: did not apply, did not fire, fired, or had no answer."""
        scope = scope_of(call, self.policy)
        fired = {hit.rule: hit for hit in self.judge(call).hits}
        chosen = set(self._selected(call).rules)
        lines: list[str] = []
        for index, rule in enumerate(self.policy.rules):
            if index not in chosen:
                lines.append(f"{rule.id}: does not concern this tool, agent or environment")
            elif rule.id in fired:
                hit = fired[rule.id]
                word = "has no answer" if hit.is_error else "fires"
                lines.append(f"{rule.id}: {word}, {hit.mode}: {hit.detail}")
            else:
                threshold, observed = _evidence(self._nodes[index], scope, holds=False)
                seen = f" (observed {observed}, limit {threshold})" if threshold else ""
                lines.append(f"{rule.id}: does not fire: {rule.when}{seen}")
        return lines


def _node(rule: Rule) -> Node:
    if not rule.when:
        return _ALWAYS
    try:
        node = parse(rule.when)
        kind = check(node)
    except InvalidExpression as error:
        raise InvalidRule(rule.id, str(error), error.position) from None
    if kind not in ("true/false", "dyn"):
        raise InvalidRule(rule.id, f"column 1: gives {kind}; a rule must give true or false")
    return node


def _keep(kept: dict[Any, Any], key: Any, value: Any) -> None:
    """Remember it; when names nobody expected fill the memory, begin anew."""
    if len(kept) >= SELECTIONS_MAX:
        kept.clear()
    kept[key] = value


def _evidence(node: Node, scope: dict[str, Any], *, holds: bool) -> tuple[str, str]:
    """Limit and observed value of the comparison that made a test hold, or fail.

    The first simple comparison with that outcome speaks; else the first simple comparison.
    """
    first = ("", "")
    for field, op, limit in _comparisons(node):
        try:
            observed = _said(evaluate(field, scope))
            is_so = evaluate(Binary(op, field, limit, 0), scope) is holds
        except Undecided:
            continue
        seen = (f"{op} {_said(limit.value)}", observed)
        if is_so:
            return seen
        first = first if first[0] else seen
    return first


def _comparisons(node: Node) -> Iterator[tuple[Field, str, Literal]]:
    """The comparisons of a field with a constant that stand in a test, the field first."""
    if isinstance(node, Logic):
        for part in node.parts:
            yield from _comparisons(part)
    elif isinstance(node, Binary) and node.op in _MIRRORED:
        if isinstance(node.left, Field) and isinstance(node.right, Literal):
            yield node.left, node.op, node.right
        elif isinstance(node.left, Literal) and isinstance(node.right, Field):
            yield node.right, _MIRRORED[node.op], node.left


def _said(value: Any) -> str:
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False, default=str, skipkeys=True)
    return str(value)[:OBSERVED_MAX]
