"""The peer of policy evaluation: each rule a program of cel-expr-python, errors apart."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cel_expr_python import cel

from pullcord.trigger.rules import Rule


def judge_with_oracle(rules: Sequence[Rule], scope: Mapping[str, Any]) -> Callable[[], int]:
    """A function that evaluates every rule once and counts those that fire."""
    env = cel.NewEnv(variables=dict.fromkeys(scope, cel.Type.DYN))
    programs = [env.compile(rule.when, disable_check=True) for rule in rules]
    values = dict(scope)

    def judge() -> int:
        activation = env.Activation(values)
        fired = 0
        for program in programs:
            value = program.eval(activation)
            fired += value.type() == cel.Type.BOOL and bool(value.value())
        return fired

    return judge
