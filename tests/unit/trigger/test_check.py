"""Mistakes found before a rule runs: names nobody defined, comparisons that cannot hold."""

import pytest

from pullcord.trigger.check import check, kind_of, unknown
from pullcord.trigger.expression import InvalidExpression, parse


def refusal(source: str) -> str:
    """What somebody who wrote this is told."""
    with pytest.raises(InvalidExpression) as caught:
        check(parse(source))
    return str(caught.value)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("agrs.amount > 5", "column 1: there is no 'agrs.amount'; did you mean 'agent'?"),
        ("end_user.nmae == 'x'", "did you mean 'end_user.name'?"),
        ("tool.name == 'x'", "there is no 'tool.name'"),
        ("xyzzy", "there is no 'xyzzy'; known: agent, args,"),
        ("tool == 5", "column 6: text is compared with number"),
        ("tool > 5", "text is compared with number"),
        ("run.n_calls == 'many'", "number is compared with text"),
        ("end_user.asks_for_person == 'yes'", "true/false is compared with text"),
        ("true < false", "'<' takes numbers or text"),
        ("zones > zones", "'>' takes numbers or text"),
        ("tool && true", "'&&' takes true/false, this is text"),
        ("true || run.n_calls", "column 9: '||' takes true/false, this is number"),
        ("!tool", "'!' takes true/false, this is text"),
        ("-tool == 1", "'-' takes number, this is text"),
        ("tool ? 1 : 2", "'?' takes true/false, this is text"),
        ("tool + 1 == 'x'", "'+' takes number, this is text"),
        ("1 + tool == 'x'", "'+' takes number, this is text"),
        ("args.a * 'x' > 1", "'*' takes number, this is text"),
        ("'a' in tool", "'in' takes a list or map, this is text"),
        ("tool[0] == 'a'", "'[…]' takes a list or map, this is text"),
        ("zones[tool] == 'a'", "'[…]' of a list takes number, this is text"),
        ("end_user[0] == 'a'", "'[…]' of a map takes text, this is number"),
        ("has(zones.x)", "'x' takes map, this is list"),
        ("zones[0].x.y == size(1)", "size() of number"),
        ("(tool + 'x').y == 1", "'y' takes map, this is text"),
        ("size(tool, tool) > 1", "size() takes 1 values, not 2"),
        ("tool.size(1) > 1", "size() takes 1 values, not 2"),
        ("tool.startsWith()", "startsWith() takes 2 values, not 1"),
        ("tool.startsWith(5)", "startsWith() takes text, this is number"),
        ("run.n_calls.contains('a')", "contains() takes text, this is number"),
        ("tool.matches(agent)", "matches() takes a pattern written in the rule itself"),
        ("tool.matches('(')", "the pattern '(' does not compile"),
        ("tool.matches('(?=a)')", "does not compile"),
        ("tool.matches('((a{1000}){1000}){1000}')", "does not compile"),
        (f"tool.matches('{'a' * 513}')", "a pattern has at most 512 characters"),
    ],
)
def test_what_cannot_work_is_refused_with_its_reason(source: str, told: str) -> None:
    """A rule that can never fire looks like safety; better no rule than that one."""
    assert told in refusal(source)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("args.amount > 250 && tool == 'x'", "true/false"),
        ("money < 1", "true/false"),
        ("size(zones) + 1", "number"),
        ("tool + agent", "text"),
        ("zones + ['x']", "list"),
        ("args.a + 'x'", "dyn"),
        ("args.a + 1", "dyn"),
        ("args.a - 1", "number"),
        ("args.rows[0].sku", "dyn"),
        ("end_user", "map"),
        ("end_user[tool]", "dyn"),
        ("size(end_user)", "number"),
        ("null", "dyn"),
        ("true ? 1 : 2", "number"),
        ("true ? 1 : 'x'", "dyn"),
        ("-run.n_calls", "number"),
        ("!end_user.asks_for_person", "true/false"),
        ("has(signals.x)", "true/false"),
        ("'a' in args", "true/false"),
        ("tool.matches('^a')", "true/false"),
        ("[1, 'a'] == zones", "true/false"),
    ],
)
def test_the_type_of_an_expression_is_known(source: str, kind: str) -> None:
    """Types are what the checks above stand on."""
    assert check(parse(source)) == kind


def test_arguments_and_signals_may_have_any_field() -> None:
    """They come from tools and agents; nobody can list them beforehand."""
    assert kind_of(("args", "a", "b")) == "dyn"
    assert kind_of(("signals",)) == "dyn"
    assert kind_of(("run", "n_calls")) == "number"
    assert kind_of(("run",)) == "map"
    assert kind_of(("run", "n_cals")) is None
    assert "did you mean 'run.n_calls'?" in unknown(("run", "n_cals"))
