"""One verdict a call: the strictest rule that fired decides, and errors never mean yes."""

from typing import Any

import pytest

from pullcord.trigger.evaluate import SELECTIONS_MAX, CompiledPolicy, InvalidRule
from pullcord.trigger.rules import RULES_MAX, Mode, Policy, Rule, ToolTerms, Verdict
from pullcord.trigger.signals import Call


def policy(*rules: Rule, **tools: ToolTerms) -> CompiledPolicy:
    """A compiled policy of these rules."""
    return CompiledPolicy(Policy("p_1", rules, tools))


def call(tool: str = "issue_refund", **values: Any) -> Call:
    """A call of a support agent in production."""
    return Call("production", "support", tool, **{"args": {"amount": 480}, **values})


OVER_LIMIT = Rule("over-limit", when="args.amount > 250", steward="maria")


def test_a_call_over_the_limit_stops_and_says_why() -> None:
    """Whoever is asked sees rule, version, limit and observed value."""
    judgement = policy(OVER_LIMIT).judge(call())

    assert judgement.verdict is Verdict.GATE
    assert judgement.rule == "over-limit"
    assert judgement.policy_version == "p_1"
    assert judgement.reason == (
        "rule over-limit of policy p_1: args.amount > 250 (observed 480, limit > 250)"
    )
    (hit,) = judgement.hits
    assert (hit.threshold, hit.observed, hit.steward) == ("> 250", "480", "maria")
    assert not hit.is_error


def test_a_call_below_the_limit_runs() -> None:
    """An allow costs nothing and hides nothing: no hit, no rule."""
    judgement = policy(OVER_LIMIT).judge(call(args={"amount": 20}))

    assert judgement.verdict is Verdict.ALLOW
    assert judgement.hits == ()
    assert judgement.rule == ""
    assert judgement.reason == "no rule fired"


def test_all_rules_are_evaluated_and_the_strictest_decides() -> None:
    """Learning needs every hit; acting needs one verdict."""
    judgement = policy(
        Rule("watch", Mode.OBSERVE, when="true"),
        Rule("ask", Mode.GATE, when="args.amount > 1"),
        Rule("never", Mode.DENY, when="args.amount > 400"),
        Rule("quiet", Mode.GATE, when="args.amount > 1000"),
    ).judge(call())

    assert judgement.verdict is Verdict.DENY
    assert judgement.rule == "never"
    assert [hit.rule for hit in judgement.hits] == ["watch", "ask", "never"]


def test_a_rule_without_a_test_always_fires() -> None:
    """`tool: drop_table` alone means: always ask."""
    judgement = policy(Rule("always")).judge(call())

    assert judgement.verdict is Verdict.GATE
    assert judgement.hits[0].detail == "always"


@pytest.mark.parametrize(
    ("when", "told"),
    [
        ("args.missing > 5", "there is no 'missing'"),
        ("args.amount < 'x'", "a number and text have no order"),
        ("args.amount / 0 == 1", "division by zero"),
        ("args.amount", "a number is neither true nor false"),
        ("args.none.x == 1", "'x' was asked of something that has no fields"),
        ("args.list[9] == 1", "there is no element 9"),
        ("args.amount.matches('4')", "matches of a number"),
        ("args.half.matches('4')", "matches of text with half a character in it"),
        ("args.amount.contains('4')", "contains of a number and text"),
        ("size(args.amount) > 1", "a number has no size"),
        ("-args.list == 1", "a list has no sign"),
        ("args.list + 1 == 1", "'+' of a list and a number"),
        ("'a' in args.amount", "'in' was asked of a number, which holds nothing"),
        ("args.vast + 0.5 > 1", "the number is too large to calculate with"),
        ("args.amount * args.most > 1", "the number does not fit 64 bits"),
        ("args.none < 1", "nothing and a number have no order"),
        ("has(args.none.x)", "'x' was asked of something that has no fields"),
        ("money > 5", "there is no 'money'"),
    ],
)
def test_a_rule_without_an_answer_asks_a_person(when: str, told: str) -> None:
    """Everything fails closed: an error is neither a yes nor a no, and it is named."""
    args = {"amount": 7, "none": None, "list": [1], "half": "\ud800", "vast": 10**400}
    args["most"] = 2**63 - 1

    judgement = policy(Rule("r", when=when)).judge(call(args=args))

    assert judgement.verdict is Verdict.GATE
    (hit,) = judgement.hits
    assert hit.is_error
    assert hit.detail == f"{when}: {told}; treated as gate"


def test_an_error_that_cannot_matter_is_no_error() -> None:
    """`missing || true` is true and `missing && false` is false, as in CEL."""
    compiled = policy(
        Rule("yes", when="args.missing > 1 || args.amount > 1"),
        Rule("no", when="args.missing > 1 && args.amount < 1"),
    )

    judgement = compiled.judge(call())

    assert [(hit.rule, hit.is_error) for hit in judgement.hits] == [("yes", False)]


def test_when_only_a_doubt_turns_out_false_the_call_runs() -> None:
    """The fast path may raise where the exact answer is no; then it is no."""
    judgement = policy(Rule("no", when="args.missing > 1 && false")).judge(call())

    assert judgement.verdict is Verdict.ALLOW
    assert judgement.hits == ()


@pytest.mark.parametrize(
    ("mode", "on_error", "verdict"),
    [
        (Mode.GATE, Mode.GATE, Verdict.GATE),
        (Mode.GATE, Mode.DENY, Verdict.DENY),
        (Mode.GATE, Mode.OBSERVE, Verdict.OBSERVE),
        (Mode.VETO, Mode.GATE, Verdict.GATE),
        (Mode.DENY, Mode.GATE, Verdict.GATE),
        (Mode.OBSERVE, Mode.GATE, Verdict.OBSERVE),
        (Mode.SAMPLE, Mode.DENY, Verdict.SAMPLE),
    ],
)
def test_what_an_error_counts_as_is_named_by_the_rule(
    mode: Mode, on_error: Mode, verdict: Verdict
) -> None:
    """A rule that only watches must not stop anybody because its test broke."""
    judgement = policy(Rule("r", mode, when="args.missing", on_error=on_error)).judge(call())

    assert judgement.verdict is verdict


@pytest.mark.parametrize(
    ("when", "threshold", "observed"),
    [
        ("250 < args.amount", "> 250", "480"),
        ("500 >= args.amount", "<= 500", "480"),
        ("args.amount > 900 || args.tier == 'gold'", "== gold", "gold"),
        ("args.amount > 100 && args.tier != 'blue'", "> 100", "480"),
        ("args.missing > 1 || args.amount > 100", "> 100", "480"),
        ("args.none == null", "== null", "null"),
        ("args.is_new == true", "== true", "true"),
        ("args.rows != 5", "!= 5", '[{"sku": "é"}]'),
        ("args.amount > args.none || true", "", ""),
        ("has(args.amount)", "", ""),
        ("args.amount + 1 > 5", "", ""),
    ],
)
def test_a_hit_shows_the_comparison_that_made_it(when: str, threshold: str, observed: str) -> None:
    """The limit reads as a person would say it: the observed value first."""
    args = {"amount": 480, "tier": "gold", "none": None, "is_new": True, "rows": [{"sku": "é"}]}

    (hit,) = policy(Rule("r", when=when)).judge(call(args=args)).hits

    assert (hit.threshold, hit.observed) == (threshold, observed)


def test_an_observed_value_is_cut() -> None:
    """A megabyte of argument does not become a megabyte of reason."""
    (hit,) = policy(Rule("r", when="args.text != 'x'")).judge(call(args={"text": "a" * 500})).hits

    assert hit.observed == "a" * 80


def test_rules_concern_only_their_tools_agents_and_environments() -> None:
    """A rule for refunds must not stop a search, nor one for production a test."""
    compiled = policy(
        Rule("refunds", tools=("issue_*",)),
        Rule("other-agent", agents=("claims",)),
        Rule("staging", environments=("staging",)),
    )

    assert [hit.rule for hit in compiled.judge(call()).hits] == ["refunds"]
    assert compiled.judge(call("search")).verdict is Verdict.ALLOW


def test_names_nobody_expected_do_not_fill_the_memory() -> None:
    """An agent may call its tools as it likes; each new name must stay cheap."""
    compiled = policy(OVER_LIMIT)

    verdicts = {compiled.judge(call(f"tool_{at}")).verdict for at in range(SELECTIONS_MAX + 5)}

    assert verdicts == {Verdict.GATE}
    assert len(compiled._selections) <= SELECTIONS_MAX
    assert len(compiled._compiled) == 1


def test_a_rule_is_found_by_its_id() -> None:
    """Whoever opens an escalation needs the rule behind the verdict."""
    compiled = policy(OVER_LIMIT)

    assert compiled.rule("over-limit") is OVER_LIMIT
    assert compiled.rule("unknown") is None


@pytest.mark.parametrize(
    ("when", "told"),
    [
        ("args.amount >", "rule 'r', column 14: expected a value before 'the end'"),
        ("agrs.amount > 1", "rule 'r', column 1: there is no 'agrs.amount'"),
        ("args.amount - 1", "rule 'r', column 1: gives number; a rule must give true or false"),
        ("tool", "gives text; a rule must give true or false"),
    ],
)
def test_a_rule_that_cannot_be_used_is_named(when: str, told: str) -> None:
    """The policy is refused whole; nobody finds out in the middle of the night."""
    with pytest.raises(InvalidRule) as caught:
        policy(Rule("r", when=when))

    assert told in str(caught.value)
    assert caught.value.rule == "r"


def test_a_policy_has_a_limit_of_rules() -> None:
    """Judging a call costs time for each rule."""
    rules = tuple(Rule(f"r{at}") for at in range(RULES_MAX + 1))

    with pytest.raises(InvalidRule, match="rule 'r2000', is one more than 2000 rules"):
        policy(*rules)


def test_five_hundred_alternatives_and_forty_levels_compile_and_run() -> None:
    """Whatever the parser lets through must also run, at the edge of every limit."""
    widest = "||".join(["false"] * 500) + "||args.amount>1"
    highest = "1" + "+1" * 38 + " > 0"
    deepest = "(" * 31 + "args.amount > 1" + ")" * 31
    choices = "(args.a?false:" * 15 + "true" + ")" * 15
    negated = "!" * 32 + "args.is_new"

    judgement = policy(
        *(
            Rule(f"r{at}", when=w)
            for at, w in enumerate((widest, highest, deepest, choices, negated))
        )
    ).judge(call(args={"amount": 5, "a": False, "is_new": True}))

    assert [hit.rule for hit in judgement.hits] == ["r0", "r1", "r2", "r3", "r4"]
    assert not any(hit.is_error for hit in judgement.hits)


def test_a_hostile_pattern_is_linear_in_its_text() -> None:
    """`(a+)+$` hangs other engines; here a million letters are read once."""
    compiled = policy(Rule("r", when='args.text.matches("(a+)+$")'))

    judgement = compiled.judge(call(args={"text": "a" * 1_000_000 + "!"}))

    assert judgement.verdict is Verdict.ALLOW


def test_equal_patterns_are_compiled_once() -> None:
    """Two hundred rules that look for the same words share the pattern."""
    when = 'args.text.matches("refund")'

    judgement = policy(Rule("a", when=when), Rule("b", when=when)).judge(
        call(args={"text": "a refund"})
    )

    assert [hit.rule for hit in judgement.hits] == ["a", "b"]


def test_what_configuration_knows_of_a_tool_can_be_asked() -> None:
    """`money`, `reversible` and `zones` come from configuration, never from an agent."""
    terms = ToolTerms("issue_refund", reversible="partly", money="args.amount", zones=("pii",))
    compiled = policy(
        Rule("money", when="money > 250 && reversible != 'yes' && 'pii' in zones"),
        issue_refund=terms,
    )

    assert compiled.judge(call()).verdict is Verdict.GATE
    assert compiled.judge(call(args={"amount": 10})).verdict is Verdict.ALLOW
    assert compiled.judge(call(args={"amount": "ten"})).hits[0].is_error


def test_explaining_tells_a_line_for_every_rule() -> None:
    """`pullcord explain` shows why nothing happened, too."""
    lines = policy(
        Rule("fires", when="args.amount > 250"),
        Rule("calm", when="args.amount > 900"),
        Rule("broken", when="args.missing > 1"),
        Rule("flag", when="args.is_new"),
        Rule("elsewhere", tools=("search",)),
    ).explain(call(args={"amount": 480, "is_new": False}))

    assert lines == [
        "fires: fires, gate: args.amount > 250",
        "calm: does not fire: args.amount > 900 (observed 480, limit > 900)",
        "broken: has no answer, gate: args.missing > 1: there is no 'missing'; treated as gate",
        "flag: does not fire: args.is_new",
        "elsewhere: does not concern this tool, agent or environment",
    ]
