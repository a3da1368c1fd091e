"""The policy of the design document as people write it, and small changes to it."""

# ruff: noqa: E501 - the text stands here as the documentation has it

from pullcord.config.configuration import Configuration
from pullcord.config.read import read
from pullcord.errors import InvalidPolicies, InvalidPolicy

#: the face to keep: exactly what the documentation shows
SHOP = """\
workspace: example-shop
timezone: Europe/Berlin
people:          # seeds: contacts, absences, overrides then live in the console; apply never deletes a person
  maria: {name: Maria Lopez, shown_as: Maria from Billing, email: maria@example.com}
  tom:   {name: Tom Ode, email: tom@example.com, phone: "+491510000001"}
  dana:  {name: Dana Weiss, email: dana@example.com, role: lead}
schedules:
  billing: {rotate: weekly, hand_off: "Mon 09:00", people: [maria, tom]}
ladders:
  billing:
    rungs:
      - {ask: schedule/billing, accept_within: 10m}
      - {ask: person/tom, accept_within: 10m, wake: true}
    catch_all: person/dana
agents:
  support: {ladder: billing, contact: tom}
tools:
  issue_refund: {reversible: no, money: args.amount}
defaults: {mode: gate, decide_within: 2h, hold_for: 30m, fallback: reject}
rules:
  - id: refund-over-limit
    tool: issue_refund
    when: args.amount > 250
    ask: "Refund EUR {args.amount} to {end_user.name}?"
  - id: wants-a-person
    when: end_user.asks_for_person
    ask_kind: take_over
    fallback: keep_waiting
"""

#: the smallest policy there is
SMALL = """\
workspace: small
people:
  ann: {name: Ann, email: ann@example.com}
ladders:
  all: {rungs: [{ask: person/ann}], catch_all: person/ann}
"""


def small(**sections: str) -> str:
    """The smallest policy with more, or other, sections; each written in YAML flow style."""
    kept = [line for line in SMALL.splitlines() if line.split(":")[0] not in sections]
    if "ladders" in sections:
        kept = [line for line in kept if not line.startswith("  all:")]
    if "people" in sections:
        kept = [line for line in kept if not line.startswith("  ann:")]
    return "\n".join([*kept, *(f"{name}: {text}" for name, text in sections.items())]) + "\n"


def with_rule(**fields: str) -> str:
    """The smallest policy with one rule."""
    said = ", ".join(f"{name}: {text}" for name, text in {"id": "r", **fields}.items())
    return small(rules=f"[{{{said}}}]")


def read_rule(**fields: str) -> Configuration:
    """The smallest policy with one rule, read."""
    return read(with_rule(**fields))


def told(source: str) -> list[str]:
    """What somebody is told about a policy that is wrong; nothing when it is right."""
    try:
        read(source)
    except InvalidPolicies as several:
        return [str(each) for each in several.problems]
    except InvalidPolicy as one:
        return [str(one)]
    return []
