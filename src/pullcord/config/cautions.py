"""What may be meant as it is written, and is worth a second look."""

import difflib
from collections.abc import Iterator
from datetime import timedelta
from fnmatch import fnmatchcase

from pullcord.config.configuration import Configuration
from pullcord.owner.ladder import Ladder
from pullcord.trigger.rules import Mode, Rule

_PATTERN = frozenset("*?[")
#: modes that ask a person
_ASKS = frozenset({Mode.GATE, Mode.VETO})


def cautions(configuration: Configuration) -> Iterator[str]:
    """One sentence for each."""
    for ladder in configuration.ladders.values():
        yield from _too_slow(f"ladder {ladder.id}", ladder, configuration.defaults.decide_within)
    for rule in configuration.policy.rules:
        yield from _unknown_tools(rule, configuration)
        yield from _unknown_agents(rule, configuration)
        if rule.decide_within is not None and rule.mode in _ASKS:
            ladder = configuration.ladder_for(rule, rule.agents[0])
            yield from _too_slow(f"rule {rule.id}: ladder {ladder.id}", ladder, rule.decide_within)
        if rule.fallback == "approve":
            yield from _approved_by_silence(rule, configuration)


def _too_slow(what: str, ladder: Ladder, decide_within: timedelta) -> Iterator[str]:
    whole = sum((rung.accept_within for rung in ladder.rungs), timedelta())
    if whole >= decide_within:
        yield (
            f"{what}: its rungs take {whole} in all, so the catch-all is asked only after "
            f"decide_within ({decide_within}) has passed"
        )


def _unknown_tools(rule: Rule, configuration: Configuration) -> Iterator[str]:
    tools = configuration.policy.tools
    for name in rule.tools:
        if _PATTERN.intersection(name):
            if name != "*" and not any(fnmatchcase(tool, name) for tool in tools):
                yield f"rule {rule.id}: {name} fits no tool under tools:"
        elif name not in tools:
            near = difflib.get_close_matches(name, tools, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield f"rule {rule.id}: {name} is not under tools:, so it is shown raw{hint}"


def _unknown_agents(rule: Rule, configuration: Configuration) -> Iterator[str]:
    agents = configuration.agents
    for name in rule.agents:
        if not any(fnmatchcase(agent, name) for agent in agents) and name != "*":
            yield f"rule {rule.id}: {name} fits no agent under agents:"


def _approved_by_silence(rule: Rule, configuration: Configuration) -> Iterator[str]:
    tools = configuration.policy.tools.values()
    for tool in tools:
        if tool.reversible != "yes" and any(fnmatchcase(tool.name, each) for each in rule.tools):
            yield (
                f"rule {rule.id}: when nobody decides, {tool.name} runs, which cannot be fully "
                f"undone (fallback: approve)"
            )
