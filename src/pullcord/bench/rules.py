"""policy_20, policy_200 and guard: what judging one call costs in processor time."""

import time
from collections.abc import Callable
from typing import Any

from pullcord.bench.figure import Figure, Setting
from pullcord.trigger.evaluate import CompiledPolicy
from pullcord.trigger.rules import Policy, Rule
from pullcord.trigger.signals import Call

#: 20 conditions of the kinds people write; `{n}` makes ten constants of each. None of them fires.
TEMPLATES = (
    "args.amount > 9000{n}.0",
    "args.amount > 500{n}.0 && args.currency == 'USD'",
    "args.currency in ['CHF', 'JPY', 'X{n}']",
    "end_user.tier == 'tier-{n}'",
    "run.n_errors > 7{n}",
    "run.n_calls > 4{n} && run.n_repeats > 2",
    "signals.confidence < 0.0{n}1",
    "signals.toxicity > 0.9 || signals.toxicity > 0.8{n}",
    "has(args.coupon) && args.coupon == 'C{n}'",
    "args.reason.matches('(?i)chargeback|lawyer {n}')",
    "args.reason.contains('attorney {n}')",
    "args.customer.country != 'DE' && args.customer.age_days < {n}",
    "size(args.items) > 40{n}",
    "args.order.startsWith('X{n}')",
    "!(args.amount <= 99999{n}.0)",
    "args.amount * 1.19 > 90000{n}.0",
    "run.n_writes >= 3{n} && end_user.asks_for_person",
    "signals.retries > 2{n} ? args.amount > 1.0 : false",
    "environment == 'production' && args.amount > 7000{n}.0",
    "args.customer.email.endsWith('@blocked{n}.example')",
)

ROUNDS = 5
PEER = "cel-expr-python, one program a rule"


def rules_of(count: int) -> tuple[Rule, ...]:
    """So many rules: the templates with other constants."""
    return tuple(
        Rule(id=f"r{at}", when=TEMPLATES[at % len(TEMPLATES)].replace("{n}", str(at // 20)))
        for at in range(count)
    )


def call() -> Call:
    """The call that is judged: nothing about it is remarkable."""
    return Call(
        environment="production",
        agent="support",
        tool="issue_refund",
        args={
            "amount": 180.0,
            "currency": "EUR",
            "order": "H-8812",
            "reason": "customer says the item arrived broken",
            "customer": {"country": "DE", "age_days": 412, "email": "ann@example.com"},
            "items": [{"sku": f"A-{at}", "qty": at + 1} for at in range(6)],
        },
        end_user={"id": "u_7", "name": "Anna", "tier": "gold", "asks_for_person": False},
        run={"id": "r1", "n_messages": 12, "n_calls": 3, "n_errors": 0, "n_repeats": 0},
        signals={"confidence": 0.62, "toxicity": 0.02, "retries": 2},
    )


async def policy_20(_: Setting) -> list[Figure]:
    """One judgement over 20 rules, none fires."""
    return [_policy(20)]


async def policy_200(_: Setting) -> list[Figure]:
    """One judgement over 200 rules, none fires."""
    return [_policy(200)]


def _policy(count: int) -> Figure:
    compiled = CompiledPolicy(Policy("bench", rules_of(count)))
    subject = call()
    assert not compiled.judge(subject).hits, "a rule of the benchmark fired"
    n = 40_000 // count
    own = cpu_of(lambda: compiled.judge(subject), n)
    other = _oracle(count, n)
    ratio = other / own if other else None
    return Figure(
        name=f"policy_{count}",
        value=own * 1e6,
        unit="µs CPU",
        n=n * ROUNDS,
        floor=other * 1e6 if other else None,
        ratio=ratio,
        peer=PEER if other else "cel-expr-python is not installed",
        reach="≤ 0.5 × the peer's CPU (ratio ≥ 2)",
        has_reached=None if ratio is None else ratio >= 2,
    )


def cpu_of(work: Callable[[], object], n: int) -> float:
    """Processor seconds of one call: the best of five rounds of `n`."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(n):
            work()
        best = min(best, (time.process_time() - started) / n)
    return best


def _oracle(count: int, n: int) -> float | None:
    """The same with a C++ implementation of the language, where it is installed."""
    try:
        from pullcord.bench.oracle import judge_with_oracle  # noqa: PLC0415  # may be missing
    except ImportError:
        return None
    return cpu_of(judge_with_oracle(rules_of(count), scope()), max(n // 4, 1))


def scope() -> dict[str, Any]:
    """What the rules read, as plain values."""
    subject = call()
    return {
        "environment": subject.environment,
        "agent": subject.agent,
        "tool": subject.tool,
        "args": dict(subject.args),
        "end_user": dict(subject.end_user),
        "run": {**subject.run, "n_writes": 0},
        "signals": dict(subject.signals),
    }
