"""A checked configuration as plain values: what the engine, the SDK and the console work with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pullcord.owner.ladder import Ladder
from pullcord.owner.roster import Person, Team
from pullcord.owner.schedule import Schedule
from pullcord.path.escalation import Fallback, Terms
from pullcord.trigger.rules import Policy, Rule


@dataclass(frozen=True, slots=True)
class AgentTerms:
    """What configuration says of one agent."""

    id: str
    ladder: str
    #: person told when the agent goes missing
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a rule takes when it says nothing itself."""

    decide_within: timedelta = timedelta(hours=2)
    hold_for: timedelta = timedelta(minutes=30)
    fallback: str = "reject"
    collect_within: timedelta = timedelta(days=7)
    report_within: timedelta = timedelta(hours=1)
    extend_at_most: timedelta = timedelta(hours=24)
    reassign_within: timedelta = timedelta(minutes=10)
    call_back_every: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Configuration:
    """One pullcord.yaml, checked."""

    workspace: str
    name: str
    timezone: str
    people: Mapping[str, Person]
    teams: Mapping[str, Team]
    schedules: Mapping[str, Schedule]
    ladders: Mapping[str, Ladder]
    agents: Mapping[str, AgentTerms]
    policy: Policy
    defaults: Defaults
    #: the checked file as JSON values: what is stored, digested and given to SDKs
    document: Mapping[str, Any]
    warnings: tuple[str, ...] = ()

    def terms_for(self, rule: Rule | None, ask_kind: str) -> Terms:
        """The deadlines and rules an escalation of this rule is opened under."""
        defaults = self.defaults
        named = rule.fallback if rule else ""
        fits = named in FALLBACKS[ask_kind]
        fallback = named if fits else fallback_for(ask_kind, defaults.fallback)
        options = rule.options if rule else ()
        return Terms(
            fallback=Fallback(fallback),
            decide_within=(rule and rule.decide_within) or defaults.decide_within,
            hold_for=(rule and rule.hold_for) or defaults.hold_for,
            collect_within=defaults.collect_within,
            report_within=defaults.report_within,
            extend_at_most=(rule and rule.extend_at_most) or defaults.extend_at_most,
            reassign_within=defaults.reassign_within,
            call_back_every=defaults.call_back_every,
            quorum=rule.quorum if rule else 1,
            safe_option=next((each.id for each in options if each.is_safe), None),
        )

    def ladder_for(self, rule: Rule | None, agent: str) -> Ladder:
        """The rule's ladder, else the agent's, else the first one."""
        terms = self.agents.get(agent)
        name = (rule.ladder if rule else "") or (terms.ladder if terms else "")
        return self.ladders.get(name) or next(iter(self.ladders.values()))


#: what nobody deciding means for each kind of ask, unless the rule says otherwise
FALLBACKS: Mapping[str, tuple[str, ...]] = {
    "approve": ("reject", "keep_waiting", "approve"),
    "answer": ("no_answer", "keep_waiting"),
    "choose": ("safe_option", "keep_waiting"),
    "take_over": ("keep_waiting", "no_answer"),
}


def fallback_for(ask_kind: str, default: str) -> str:
    """The default where it fits the kind of ask, else the kind's own; never approve by default."""
    allowed = FALLBACKS[ask_kind]
    return default if default in allowed and default != "approve" else allowed[0]


def rules_for_agent(configuration: Configuration, agent: str, environment: str) -> dict[str, Any]:
    """What an SDK needs to judge calls by itself: rules and tools; no people, no contacts."""
    document = configuration.document
    return {
        "rules": list(document.get("rules", [])),
        "tools": dict(document.get("tools", {})),
        "version": configuration.policy.version,
        "agent": agent,
        "environment": environment,
    }
