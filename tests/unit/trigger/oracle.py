"""Google's CEL as the judge of ours: what an expression gives, with errors told apart from values.

The library returns errors as truthy text, so the type is looked at before the value.
"""

from collections.abc import Mapping
from typing import Any

from cel_expr_python import cel

from pullcord.trigger.compile import compile_tests
from pullcord.trigger.expression import parse
from pullcord.trigger.meaning import Undecided, evaluate, truth

#: what a test can give; an error is neither true nor false
Outcome = bool | str
ERROR = "error"


class Oracle:
    """Expressions over one set of values, judged by the reference implementation."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._env = cel.NewEnv(variables=dict.fromkeys(values, cel.Type.DYN))
        self._values = self._env.Activation(dict(values))

    def says(self, expression: str) -> Outcome:
        """True, False or an error; types are checked while it runs, as ours are."""
        value = self._env.compile(expression, disable_check=True).eval(self._values)
        if value.type() == cel.Type.BOOL:
            return bool(value.value())
        return ERROR


def ours(expression: str, values: Mapping[str, Any]) -> Outcome:
    """What our compiled function says; where it has no answer, what our reference says."""
    outcomes = compile_tests([parse(expression)])(values)
    if not outcomes:
        return False
    if outcomes[0][1] is True:
        return True
    return reference(expression, values)


def reference(expression: str, values: Mapping[str, Any]) -> Outcome:
    """What our walk over the tree says, without the compiled function."""
    try:
        return truth(evaluate(parse(expression), values))
    except Undecided:
        return ERROR
