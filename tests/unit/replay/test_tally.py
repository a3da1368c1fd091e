"""What a replay counts, in memory that does not grow with the file."""

from datetime import timedelta
from typing import Any

import pytest

from pullcord.replay import tally as tally_module
from pullcord.replay.tally import Durations, Tally
from pullcord.testing import NOON


def entry(name: str, after: float, /, *, by: str = "engine", **facts: Any) -> tuple[str, Any, Any]:
    """An entry of a timeline; `closed_as` is what its row is set to."""
    sets = {"closed_as": facts.pop("closed_as")} if "closed_as" in facts else {}
    return name, NOON + timedelta(seconds=after), {"by": by, "facts": facts, "sets": sets}


STORY = [
    entry("opened", 0),
    entry("asked", 0, people=["maria"]),
    entry("rung_expired", 2),
    entry("asked", 2, people=["tom", "dana"]),
    entry("declined", 3),
    entry("accepted", 4, by="person:tom"),
    entry("decided", 6, by="person:tom", kind="edit"),
    entry("collected", 7),
    entry("reported", 8, closed_as="executed"),
]


def test_a_story_becomes_counts_and_spans() -> None:
    """Who was asked, who decided, how it ended, and how long each stage took."""
    tally = Tally(has_timelines=True)

    tally.stopped("certificate")
    tally.told(STORY)

    plain = tally.plain()
    assert plain["stops"] == 1
    assert plain["rules"] == {"certificate": 1}
    assert plain["asked"] == {"maria": 1, "tom": 1, "dana": 1}
    assert plain["deciders"] == {"tom": 1}
    assert plain["decisions"] == {"edit": 1}
    assert plain["outcomes"] == {"executed": 1}
    assert (plain["rungs_expired"], plain["declined"]) == (1, 1)
    assert {name: each["longest"] for name, each in plain["stages"].items()} == {
        "opened → accepted": 4.0,
        "accepted → decided": 2.0,
        "decided → collected": 1.0,
        "opened → decided": 6.0,
    }


def test_an_agent_that_asked_and_a_rule_that_decided_have_names_of_their_own() -> None:
    """No rule and no person are facts, not empty cells."""
    tally = Tally(has_timelines=True)

    tally.stopped("")
    tally.told([entry("opened", 0), entry("decided", 1, kind="nobody_decided")])

    assert tally.plain()["rules"] == {"asked by itself": 1}
    assert tally.plain()["deciders"] == {"rule": 1}


def test_without_timelines_only_what_the_agents_saw_is_told() -> None:
    """An agent's key alone does not know who was asked; a zero would be a lie."""
    tally = Tally(runs=2, calls=9)
    tally.verdicts["ran"] = 9

    assert tally.plain() == {"runs": 2, "calls": 9, "verdicts": {"ran": 9}}


def test_spans_are_a_fair_sample_with_the_true_count_and_maximum(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A million stops cost no more memory than four thousand."""
    monkeypatch.setattr(tally_module, "SAMPLE_MAX", 100)
    durations = Durations()

    for number in range(10_000):
        durations.add(number / 10_000)

    assert durations.count == 10_000
    assert durations.longest == 0.9999
    assert len(durations._sample) == 100
    assert 0.3 < durations.share(0.5) < 0.7
    assert durations.share(0.9) > durations.share(0.5)
    assert Durations().share(0.5) == 0
