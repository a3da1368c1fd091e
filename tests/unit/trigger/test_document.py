"""A checked policy as JSON, and back: server and SDK hold the same rules."""

from datetime import timedelta

from pullcord.trigger.document import policy_of
from pullcord.trigger.rules import Mode, Option, Rule, ToolTerms


def test_an_empty_document_is_an_empty_policy() -> None:
    """Nothing is invented."""
    policy = policy_of({})

    assert (policy.version, policy.rules, policy.tools) == ("", (), {})


def test_a_rule_keeps_every_field() -> None:
    """What is not carried over would be lost on one side only."""
    document = {
        "version": "p_7",
        "rules": [
            {
                "id": "r",
                "mode": "veto",
                "when": "true",
                "tools": ["a"],
                "agents": ["b"],
                "environments": ["c"],
                "ask": "May it?",
                "ask_kind": "choose",
                "fallback": "safe_option",
                "severity": "high",
                "ladder": "billing",
                "decide_within": 60,
                "hold_for": 30,
                "extend_at_most": 90,
                "quorum": 2,
                "options": [{"id": "x", "label": "X", "consequence": "", "is_safe": True}],
                "steward": "maria",
                "on_error": "deny",
            }
        ],
    }

    policy = policy_of(document)

    assert policy.version == "p_7"
    assert policy.rules == (
        Rule(
            id="r",
            mode=Mode.VETO,
            when="true",
            tools=("a",),
            agents=("b",),
            environments=("c",),
            ask="May it?",
            ask_kind="choose",
            fallback="safe_option",
            severity="high",
            ladder="billing",
            decide_within=timedelta(minutes=1),
            hold_for=timedelta(seconds=30),
            extend_at_most=timedelta(seconds=90),
            quorum=2,
            options=(Option("x", "X", "", is_safe=True),),
            steward="maria",
            on_error=Mode.DENY,
        ),
    )


def test_a_tool_keeps_every_field_and_may_say_nothing() -> None:
    """A tool nobody described is taken as irreversible and writing."""
    tools = policy_of(
        {
            "tools": {
                "pay": {
                    "reversible": "partly",
                    "money": "args.sum",
                    "currency": "EUR",
                    "zones": ["money"],
                    "version": "2",
                    "consequence": "Money leaves.",
                    "schema": {"type": "object"},
                    "writes": False,
                },
                "plain": None,
            }
        }
    ).tools

    assert tools == {
        "pay": ToolTerms(
            name="pay",
            reversible="partly",
            money="args.sum",
            currency="EUR",
            zones=("money",),
            version="2",
            consequence="Money leaves.",
            schema={"type": "object"},
            writes=False,
        ),
        "plain": ToolTerms(name="plain"),
    }
    assert (tools["plain"].reversible, tools["plain"].writes) == ("no", True)
