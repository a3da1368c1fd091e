"""guard: what the guard adds to a tool call that needs nobody, and no network."""

import tempfile
from pathlib import Path

from pullcord import EndUser, Pullcord
from pullcord.bench.figure import Figure, Setting
from pullcord.bench.rules import call, cpu_of, rules_of
from pullcord.bench.town import HOST, POLICY, served
from pullcord.trigger.rules import Rule

#: microseconds of processor time to stay below
REACH = 60.0


async def guard(setting: Setting) -> list[Figure]:
    """A guarded function beside the bare one, 20 more rules in the policy."""
    with tempfile.TemporaryDirectory(dir=setting.folder) as folder:
        async with served(Path(folder), policy=POLICY + _more_rules()) as place:
            cord = Pullcord(url=f"http://{HOST}:{place.port}", key=place.key)

            subject = call()
            args = dict(subject.args)

            def issue_refund(**args: object) -> int:
                return len(args)

            guarded = cord.guard(issue_refund)
            someone = EndUser("u_7", name="Anna", tier="gold")
            with cord.run("bench", end_user=someone, signals=subject.signals):
                guarded(**args)
                own = cpu_of(lambda: guarded(**args), 2_000)
                bare = cpu_of(lambda: issue_refund(**args), 20_000)
            cord.close()
    added = (own - bare) * 1e6
    return [
        Figure(
            name="guard",
            value=added,
            unit="µs CPU",
            n=10_000,
            floor=bare * 1e6,
            peer="the bare function",
            reach=f"≤ {REACH:.0f} µs",
            has_reached=added <= REACH,
        )
    ]


def _more_rules() -> str:
    return "".join(_yaml(rule) for rule in rules_of(20))


def _yaml(rule: Rule) -> str:
    when = rule.when.replace("\\", "\\\\").replace('"', '\\"')
    return f'  - {{id: {rule.id}, tool: issue_refund, when: "{when}"}}\n'
