"""What may be meant as it is written, and is worth a second look."""

import pytest

from pullcord.config.read import read
from tests.unit.config.policies import read_rule, small


def warned(**sections: str) -> tuple[str, ...]:
    """The warnings of the smallest policy with these sections."""
    return read(small(**sections)).warnings


LADDER = "{all: {rungs: [{ask: person/ann, accept_within: 1h}], catch_all: person/ann}}"


def test_a_ladder_that_outlasts_the_promise_is_named() -> None:
    """The catch-all would be asked when it no longer matters."""
    assert warned(ladders=LADDER, defaults="{decide_within: 1h}") == (
        "ladder all: its rungs take 1:00:00 in all, so the catch-all is asked only after "
        "decide_within (1:00:00) has passed",
    )
    assert warned(ladders=LADDER, rules="[{id: r, decide_within: 30m}]") == (
        "rule r: ladder all: its rungs take 1:00:00 in all, so the catch-all is asked only after "
        "decide_within (0:30:00) has passed",
    )
    assert warned(ladders=LADDER, rules="[{id: r, mode: deny, decide_within: 30m}]") == ()
    assert warned(ladders=LADDER, rules="[{id: r, decide_within: 61m}]") == ()


@pytest.mark.parametrize(
    ("tool", "warning"),
    [
        ("issue_refund", ()),
        ("'*'", ()),
        ("'issue_*'", ()),
        (
            "isue_refund",
            (
                "rule r: isue_refund is not under tools:, so it is shown raw; "
                "did you mean issue_refund?",
            ),
        ),
        ("search", ("rule r: search is not under tools:, so it is shown raw",)),
        ("'refund_*'", ("rule r: refund_* fits no tool under tools:",)),
    ],
)
def test_a_rule_about_an_unknown_tool_is_named(tool: str, warning: tuple[str, ...]) -> None:
    """A rule with a misspelt tool looks like safety and is none."""
    assert warned(tools="{issue_refund: }", rules=f"[{{id: r, tool: {tool}}}]") == warning


def test_a_rule_about_an_unknown_agent_is_named() -> None:
    """The same for agents."""
    agents = "{support: {ladder: all}}"

    assert warned(agents=agents, rules="[{id: r, agents: [support, 's*', '*']}]") == ()
    assert warned(agents=agents, rules="[{id: r, agents: [suport]}]") == (
        "rule r: suport fits no agent under agents:",
    )


def test_silence_that_approves_what_cannot_be_undone_is_named() -> None:
    """It is allowed where a rule names it; somebody should have seen it."""
    tools = "{pay: , look: {reversible: yes}, other: {reversible: partly}}"

    assert warned(tools=tools, rules="[{id: r, tools: [pay, look], fallback: approve}]") == (
        "rule r: when nobody decides, pay runs, which cannot be fully undone (fallback: approve)",
    )


def test_a_careful_policy_has_no_warnings() -> None:
    """Warnings that always come are read by nobody."""
    assert read_rule(when="money > 5").warnings == ()
