"""What stands for a call that is made again: its name, whether it is spent, and what is said of it.

Whoever calls a tool through a gateway or a hook is told "asked Tom, call it again". The host may
name the repeated call anew, so a call is known by its session, tool and arguments. What was
carried out once never covers a second time: then the next call like it is asked about anew.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pullcord.wire.replies import DecisionOut, EscalationOut

#: how long a no answers the same call again without asking anew
NO_STANDS_FOR = timedelta(hours=1)

Now = Callable[[], datetime]


def utc_now() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


def is_spent(standing: EscalationOut, now: datetime) -> bool:
    """Whether an escalation was carried out, taken back or is over, so that it answers no more."""
    if standing.status == "withdrawn":
        return True
    decision = standing.decision
    if decision is None or standing.status not in ("collected", "closed"):
        return False
    if is_no(decision):
        return standing.status == "closed" and now - decision.at >= NO_STANDS_FOR
    return True


def is_no(decision: DecisionOut) -> bool:
    """Whether the decision was that it must not run."""
    return decision.kind == "reject" or (
        decision.kind == "nobody_decided" and decision.applied != "approve"
    )


def asked(standing: EscalationOut, tool: str, again: str) -> str:
    """What the model is told about a call that waits: who is asked, since when, and what to do."""
    offered = [each.shown_as for each in standing.offer.candidates] if standing.offer else []
    has_it = standing.status == "accepted"
    who = standing.owner.shown_as if has_it or not offered else _listed(offered)
    until = f" They have until {_at(standing.decide_by)} to decide." if standing.decide_by else ""
    has = f" {standing.owner.shown_as} has it." if has_it else ""
    return (
        f"Asked {who} at {_at(standing.opened_at)} ({standing.id}); it is not decided yet.{has} "
        f"{tool} has NOT run.{until} {again}"
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _at(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
