"""What an escalation is opened under, and what an SDK is given."""

from datetime import timedelta

import pytest

from pullcord.config.configuration import fallback_for, rules_for_agent
from pullcord.config.read import read
from pullcord.path.escalation import Fallback, Terms
from tests.unit.config.policies import SHOP, small


def test_a_rule_that_says_nothing_takes_the_defaults() -> None:
    """Every escalation has all its deadlines from the first instant."""
    shop = read(SHOP)

    assert shop.terms_for(shop.policy.rules[0], "approve") == Terms()
    assert shop.terms_for(None, "approve") == Terms()


def test_what_a_rule_says_holds() -> None:
    """Its spans, its quorum and its safe option are pinned."""
    found = read(
        small(
            rules="[{id: r, ask_kind: choose, decide_within: 1h, hold_for: 5m, "
            "extend_at_most: 2h, quorum: 2, "
            "options: [{id: wait, label: Wait, safe: yes}, {id: go, label: Go}]}]"
        )
    )

    terms = found.terms_for(found.policy.rules[0], "choose")

    assert terms.decide_within == timedelta(hours=1)
    assert terms.hold_for == timedelta(minutes=5)
    assert terms.extend_at_most == timedelta(hours=2)
    assert (terms.quorum, terms.safe_option) == (2, "wait")
    assert terms.fallback is Fallback.SAFE_OPTION


@pytest.mark.parametrize(
    ("ask_kind", "default", "fallback"),
    [
        ("approve", "reject", "reject"),
        ("approve", "keep_waiting", "keep_waiting"),
        ("approve", "approve", "reject"),
        ("answer", "reject", "no_answer"),
        ("answer", "keep_waiting", "keep_waiting"),
        ("choose", "reject", "safe_option"),
        ("take_over", "reject", "keep_waiting"),
    ],
)
def test_nobody_deciding_never_approves_by_default(
    ask_kind: str, default: str, fallback: str
) -> None:
    """Silence is never consent unless a rule names it."""
    assert fallback_for(ask_kind, default) == fallback


def test_a_rules_fallback_holds_only_for_the_kind_of_ask_it_fits() -> None:
    """An agent that asks its own question under a rule must not get `approve` as an answer."""
    found = read(small(rules="[{id: r, fallback: approve}]"))
    (rule,) = found.policy.rules

    assert found.terms_for(rule, "approve").fallback is Fallback.APPROVE
    assert found.terms_for(rule, "answer").fallback is Fallback.NO_ANSWER


def test_the_ladder_of_the_rule_then_of_the_agent_then_the_first() -> None:
    """There is always a ladder, so there is always somebody."""
    ladder = "rungs: [{ask: person/ann}], catch_all: person/ann"
    found = read(
        small(
            ladders=f"{{first: {{{ladder}}}, second: {{{ladder}}}, third: {{{ladder}}}}}",
            agents="{bot: {ladder: second}}",
            rules="[{id: a, ladder: third}, {id: b}]",
        )
    )
    own, other = found.policy.rules

    assert found.ladder_for(own, "bot").id == "third"
    assert found.ladder_for(other, "bot").id == "second"
    assert found.ladder_for(None, "unknown").id == "first"


def test_an_sdk_is_given_rules_and_tools_and_no_people() -> None:
    """Contacts never leave the server."""
    given = rules_for_agent(read(SHOP), "support", "test")

    assert sorted(given) == ["agent", "environment", "rules", "tools", "version"]
    assert given["version"] == read(SHOP).policy.version
    assert "maria" not in str(given)
