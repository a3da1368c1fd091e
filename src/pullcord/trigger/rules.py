"""Rules and policies as plain values, and the short texts a rule asks with."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

#: rules one policy may have; longest question a rule may ask, in characters
RULES_MAX = 2_000
QUESTION_MAX = 140

_PLACE = re.compile(r"\{([A-Za-z_][\w.]{0,100})\}")


class Mode(StrEnum):
    """What a rule does when it fires."""

    GATE = "gate"  #: wait for a person
    VETO = "veto"  #: runs at a stated time unless a person stops it
    SAMPLE = "sample"  #: runs; a random share is reviewed afterwards
    DENY = "deny"  #: refuse, wake nobody
    OBSERVE = "observe"  #: record only


class Verdict(StrEnum):
    """What may happen to one guarded call, from the strictest to the freest."""

    DENY = "deny"
    GATE = "gate"
    VETO = "veto"
    SAMPLE = "sample"
    OBSERVE = "observe"
    GRANTED = "granted"
    ALLOW = "allow"


STRICTNESS = {verdict: index for index, verdict in enumerate(Verdict)}


def stricter(one: Verdict, other: Verdict) -> Verdict:
    """The stricter of two verdicts."""
    return min(one, other, key=STRICTNESS.__getitem__)


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a rule that asks to choose."""

    id: str
    label: str
    consequence: str = ""
    is_safe: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to stop. Empty spans and texts take the policy's defaults."""

    id: str
    mode: Mode = Mode.GATE
    when: str = ""
    tools: tuple[str, ...] = ("*",)
    agents: tuple[str, ...] = ("*",)
    environments: tuple[str, ...] = ("*",)
    ask: str = ""
    ask_kind: str = "approve"
    fallback: str = ""
    severity: str = "normal"
    ladder: str = ""
    decide_within: timedelta | None = None
    hold_for: timedelta | None = None
    extend_at_most: timedelta | None = None
    quorum: int = 1
    options: tuple[Option, ...] = ()
    steward: str = ""
    #: what an evaluation error counts as: fail closed unless the policy says otherwise
    on_error: Mode = Mode.GATE


@dataclass(frozen=True, slots=True)
class ToolTerms:
    """What is known about a tool from configuration, never from an agent."""

    name: str
    reversible: str = "no"
    #: path of the amount at stake, such as `args.amount`
    money: str = ""
    currency: str = ""
    zones: tuple[str, ...] = ()
    version: str = ""
    #: what happens on approval, for people
    consequence: str = ""
    schema: Mapping[str, Any] | None = None
    writes: bool = True


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules of a workspace and what is known about its tools."""

    version: str
    rules: tuple[Rule, ...]
    tools: Mapping[str, ToolTerms] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hit:
    """One firing: the rule, its limit, what was observed; `is_error` when it had no answer."""

    rule: str
    mode: Mode
    policy_version: str
    threshold: str = ""
    observed: str = ""
    detail: str = ""
    steward: str = ""
    is_error: bool = False


def applies(rule: Rule, *, tool: str, agent: str, environment: str) -> bool:
    """Whether a rule concerns this tool, agent and environment at all."""
    return (
        any(fnmatchcase(tool, each) for each in rule.tools)
        and any(fnmatchcase(agent, each) for each in rule.agents)
        and any(fnmatchcase(environment, each) for each in rule.environments)
    )


def places_in(template: str) -> list[str]:
    """The fields a text refers to, in order."""
    return _PLACE.findall(template)


def rendered(template: str, scope: Mapping[str, Any], *, limit: int = QUESTION_MAX) -> str:
    """A text with its {fields} filled in; a missing field reads "?"; cut to `limit`."""

    def value_of(match: re.Match[str]) -> str:
        value: Any = scope
        for name in match.group(1).split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return _said(value)

    text = " ".join(_PLACE.sub(value_of, template).split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _said(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return "?"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and abs(value) < 1e15 and round(value, 2) == value:
        return f"{value:.2f}"
    return str(value)[:200]
