"""What a replay found, counted in constant memory: stops, people, decisions, and how long."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

#: durations kept of one stage; beyond it a fair sample of all of them (reservoir, algorithm R)
SAMPLE_MAX = 4_096


class Durations:
    """Seconds of one stage: a bounded fair sample, and the true count and maximum."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)  # noqa: S311  # a sample, not a secret
        self._sample: list[float] = []
        self.count = 0
        self.longest = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.count += 1
        self.longest = max(self.longest, seconds)
        if len(self._sample) < SAMPLE_MAX:
            self._sample.append(seconds)
            return
        at = self._random.randrange(self.count)
        if at < SAMPLE_MAX:
            self._sample[at] = seconds

    def share(self, share: float) -> float:
        """The duration that this share of all stayed below, in seconds; 0 without any."""
        if not self._sample:
            return 0.0
        ordered = sorted(self._sample)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


#: what lies between two kinds of entries of a timeline
STAGES: Mapping[str, tuple[str, str]] = {
    "opened → accepted": ("opened", "accepted"),
    "accepted → decided": ("accepted", "decided"),
    "decided → collected": ("decided", "collected"),
    "opened → decided": ("opened", "decided"),
}


@dataclass(slots=True)
class Tally:
    """Counts of one replay."""

    runs: int = 0
    calls: int = 0
    #: stops whose call had parked, and that went on after the last recording
    resumed: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    deciders: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    advanced: int = 0
    declined: int = 0
    #: whether timelines were read; an agent's key alone sees verdicts only
    has_timelines: bool = False
    stages: dict[str, Durations] = field(
        default_factory=lambda: {name: Durations() for name in STAGES}
    )

    @property
    def stops(self) -> int:
        """Escalations that were opened."""
        return sum(self.rules.values())

    def stopped(self, rule: str) -> None:
        """One escalation more."""
        self.rules[rule or "asked by itself"] += 1

    def told(self, entries: list[tuple[str, datetime, Mapping[str, Any]]]) -> None:
        """Count a finished timeline: (kind, at, body) of its entries in order."""
        first: dict[str, datetime] = {}
        for kind, at, body in entries:
            first.setdefault(kind, at)
            facts = body.get("facts", {})
            if kind == "asked":
                self.asked.update(facts.get("people", []))
            elif kind == "rung_expired":
                self.advanced += 1
            elif kind == "declined":
                self.declined += 1
            elif kind == "decided":
                self.decisions[str(facts.get("kind"))] += 1
                self.deciders[str(body.get("by", "")).partition(":")[2] or "rule"] += 1
            closed_as = body.get("sets", {}).get("closed_as")
            if closed_as:
                self.outcomes[str(closed_as)] += 1
        for name, (begins, ends) in STAGES.items():
            if begins in first and ends in first:
                self.stages[name].add((first[ends] - first[begins]).total_seconds())

    def _seen(self) -> dict[str, Any]:
        """What the agents themselves saw."""
        return {
            "runs": self.runs,
            "calls": self.calls,
            "verdicts": dict(self.verdicts),
        }

    def plain(self) -> dict[str, Any]:
        """The result as JSON values; spans in seconds."""
        if not self.has_timelines:
            return self._seen()
        return {
            **self._seen(),
            "resumed": self.resumed,
            "stops": self.stops,
            "rules": dict(self.rules.most_common()),
            "asked": dict(self.asked.most_common()),
            "deciders": dict(self.deciders.most_common()),
            "decisions": dict(self.decisions.most_common()),
            "outcomes": dict(self.outcomes.most_common()),
            "rungs_expired": self.advanced,
            "declined": self.declined,
            "stages": {
                name: {
                    "count": each.count,
                    "p50": round(each.share(0.5), 4),
                    "p90": round(each.share(0.9), 4),
                    "longest": round(each.longest, 4),
                }
                for name, each in self.stages.items()
            },
        }
