"""The policies of the simulation: the admin replaces one by another in mid-flight."""

PEOPLE = ("maria", "tom", "ines", "omar", "dana", "dev")
#: who operates; dev made the agents' keys and only looks, except outside production
OPERATORS = ("maria", "tom", "ines", "omar", "dana")
AGENTS = ("support", "infra")
WORKSPACE = "shop"

_HEAD = """
workspace: shop
timezone: Europe/Berlin
people:
  maria: {name: Maria Lopez, shown_as: Maria, email: maria@example.com}
  tom:   {name: Tom Ode, shown_as: Tom, email: tom@example.com, capacity: 30}
  ines:  {name: Ines Roy, shown_as: Ines, email: ines@example.com, capacity: 30}
  omar:  {name: Omar Fay, shown_as: Omar, email: omar@example.com, role: lead, capacity: 30}
  dana:  {name: Dana Weiss, shown_as: Dana, email: dana@example.com, role: admin}
  dev:   {name: Dev Rao, shown_as: Dev, email: dev@example.com, role: developer}
teams:
  desk: {members: [maria, tom, ines], lead: omar}
schedules:
  billing: {rotate: hourly, people: [maria, tom, ines], hand_off: "00:00"}
tools:
  refund: {reversible: no, money: args.amount, currency: EUR}
  restart: {reversible: partly}
"""

_LADDERS = {
    "long": """
ladders:
  billing:
    rungs:
      - {ask: schedule/billing, accept_within: 4m}
      - {ask: team/desk, accept_within: 5m, wake: true}
      - {ask: person/omar, accept_within: 4m}
    catch_all: person/dana
    remind_every: 6m
  ops:
    rungs:
      - {ask: person/tom, accept_within: 3m}
      - {ask: person/omar, accept_within: 3m}
    catch_all: person/dana
""",
    "short": """
ladders:
  ops:
    rungs: [{ask: person/ines, accept_within: 2m}]
    catch_all: person/dana
    remind_every: 5m
  billing:
    rungs: [{ask: person/omar, accept_within: 3m}, {ask: team/desk, accept_within: 6m}]
    catch_all: person/dana
""",
}

_RULES = """
agents:
  support: {{ladder: billing, contact: tom}}
  infra: {{ladder: ops}}
defaults:
  mode: gate
  decide_within: {within}
  hold_for: 6m
  fallback: reject
  collect_within: 90m
  report_within: 15m
  extend_at_most: 30m
  reassign_within: 3m
  call_back_every: 10m
rules:
  - {{id: huge, tool: refund, when: args.amount > 9000, mode: deny}}
  - {{id: large, tool: refund, when: args.amount > {large}, severity: high, quorum: 2}}
  - {{id: over, tool: refund, when: args.amount > {limit}, ask: "Refund {{args.amount}}?"}}
  - {{id: restarts, tool: restart, when: args.force, fallback: approve}}
  - {{id: patient, tool: restart, when: args.nodes > 3, fallback: keep_waiting}}
  - id: which
    tool: route
    ask_kind: choose
    options:
      - {{id: hold, label: Hold it, safe: true}}
      - {{id: ship, label: Ship it}}
  - {{id: unclear, tool: clarify, ask_kind: answer, ask: "What did they mean?"}}
  - {{id: person, tool: talk, ask_kind: take_over, fallback: keep_waiting}}
"""


def _policy(ladders: str, *, within: str, limit: int, large: int) -> str:
    rules = _RULES.format(within=within, limit=limit, large=large)
    return _HEAD + _LADDERS[ladders] + rules


#: the first is in force at the beginning
POLICIES = (
    _policy("long", within="40m", limit=250, large=2000),
    _policy("short", within="25m", limit=250, large=3000),
    _policy("long", within="15m", limit=100, large=4000),
)
