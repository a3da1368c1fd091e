"""Rules as values, and the short texts they ask with."""

import pytest

from pullcord.trigger.rules import Rule, Verdict, applies, places_in, rendered, stricter


def test_the_stricter_of_two_verdicts_wins() -> None:
    """SDK and server judge the same call; neither can soften the other."""
    assert stricter(Verdict.ALLOW, Verdict.GATE) is Verdict.GATE
    assert stricter(Verdict.DENY, Verdict.GATE) is Verdict.DENY
    assert stricter(Verdict.SAMPLE, Verdict.OBSERVE) is Verdict.SAMPLE


@pytest.mark.parametrize(
    ("tool", "agent", "environment", "concerned"),
    [
        ("issue_refund", "support", "production", True),
        ("issue_credit", "support", "production", True),
        ("ISSUE_refund", "support", "production", False),
        ("issue_refund", "claims", "production", False),
        ("issue_refund", "support", "test", False),
    ],
)
def test_a_rule_names_what_it_concerns(
    tool: str, agent: str, environment: str, concerned: bool
) -> None:
    """Patterns are matched exactly, upper and lower case apart, on every machine."""
    rule = Rule("r", tools=("issue_*",), agents=("support",), environments=("prod*",))

    assert applies(rule, tool=tool, agent=agent, environment=environment) is concerned


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Refund EUR {args.amount}?", "Refund EUR 480.00?"),
        ("{args.rate} percent", "2.50 percent"),
        ("risk {args.small}", "risk 0.004"),
        ("{args.large}", "1e+22"),
        ("{args.count} times", "3 times"),
        ("for {end_user.name}", "for Anna"),
        ("new: {args.is_new}, old: {args.is_old}", "new: yes, old: no"),
        ("{args.missing} and {args.none} and {args.map} and {args.list}", "? and ? and ? and ?"),
        ("{args.count.deeper}", "?"),
        ("no { braces }", "no { braces }"),
        ("{args.inner}", "{args.amount}"),
        ("{args.lines}", "one two"),
    ],
)
def test_a_question_is_filled_in_as_people_write(template: str, text: str) -> None:
    """The question is the first thing a tired person reads."""
    args = {
        "amount": 480.0,
        "rate": 2.5,
        "small": 0.004,
        "large": 1e22,
        "count": 3,
        "is_new": True,
        "is_old": False,
        "none": None,
        "map": {"a": 1},
        "list": [1],
        "inner": "{args.amount}",
        "lines": "one\n\n  two",
    }

    assert rendered(template, {"args": args, "end_user": {"name": "Anna"}}) == text


def test_a_long_question_is_cut() -> None:
    """140 characters fit the lock screen of a phone."""
    text = rendered("{args.text}", {"args": {"text": "word " * 100}})

    assert len(text) <= 140
    assert text.endswith("word…")


def test_the_places_of_a_question_are_known() -> None:
    """Configuration checks them before anybody is asked."""
    assert places_in("Refund {args.amount} to {end_user.name} {}") == [
        "args.amount",
        "end_user.name",
    ]
