"""Recorded runs through a real server: what stops, who decides, and that all of it proves."""

import json
from pathlib import Path

import pytest

from tests.acceptance.served import pullcord
from tests.keeping import Kept

RECORDINGS = Path(__file__).with_name("recordings.jsonl")
POLICY = """
workspace: replayed
people:
  maria: {name: Maria Lopez, email: maria@example.com}
  dana: {name: Dana Weiss, email: dana@example.com, role: lead}
ladders:
  billing: {rungs: [{ask: person/maria, accept_within: 1s}], catch_all: person/dana}
agents:
  support: {ladder: billing, contact: dana}
tools:
  issue_refund: {money: args.amount, currency: EUR}
  hand_over: {reversible: yes, writes: false}
  get_order: {reversible: yes, writes: false}
rules:
  - {id: never-negative, tool: issue_refund, mode: deny, when: args.amount < 0}
  - {id: refund-over-limit, tool: issue_refund, when: args.amount > 250}
  - {id: wants-a-person, tool: hand_over, ask_kind: take_over, fallback: keep_waiting}
"""


@pytest.mark.promise("replay-end-to-end")
def test_recorded_runs_are_replayed_answered_and_proved(tmp_path: Path, kept: Kept) -> None:
    """The question before every roll-out: what would have happened with these rules?"""
    policy = tmp_path / "replay.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    words = ("replay", RECORDINGS, "--policy", policy)

    first = json.loads(pullcord(*words, "--json", kept=kept).stdout)
    again = pullcord(*words, kept=kept)
    proof = json.loads(pullcord("verify", "--json", kept=kept).stdout)

    assert (first["runs"], first["calls"], first["stops"]) == (5, 7, 4)
    assert first["rules"] == {"refund-over-limit": 3, "wants-a-person": 1}
    assert first["verdicts"]["denied-by-policy"] == 1
    assert sum(first["verdicts"].values()) == 7
    assert not [each for each in first["verdicts"] if each.startswith("error")]
    assert sum(first["decisions"].values()) == first["stages"]["opened → decided"]["count"] == 4
    assert set(first["asked"]) <= {"maria", "dana"}
    assert sum(first["outcomes"].values()) == 4
    assert "5 runs, 7 guarded calls, 4 stops" in again.stdout
    assert proof["holds"] is True
    assert proof["decisions"] == 8


@pytest.mark.promise("replay-end-to-end")
def test_what_parks_in_a_replay_goes_on_once_it_is_decided(tmp_path: Path, kept: Kept) -> None:
    """A call that did not wait long enough leaves no decision behind that nobody collects."""
    policy = tmp_path / "replay.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    words = ("replay", RECORDINGS, "--policy", policy, "--wait", "0s", "--json")

    found = json.loads(pullcord(*words, kept=kept).stdout)

    assert found["verdicts"]["parked"] == found["stops"] == found["resumed"] == 4
    assert found["stages"]["decided → collected"]["count"] == 4
    assert sum(found["outcomes"].values()) == 4
    assert "uncollected" not in found["outcomes"]


@pytest.mark.promise("replay-end-to-end")
def test_a_broken_recording_is_named_before_anything_else(tmp_path: Path) -> None:
    """The line, what it holds, and what it should."""
    policy = tmp_path / "replay.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    broken = tmp_path / "runs.jsonl"
    broken.write_text(RECORDINGS.read_text(encoding="utf-8") + "{\n", encoding="utf-8")

    done = pullcord("replay", broken, "--policy", policy, code=2)

    assert "line 6" in done.stderr
    assert "one JSON object a line" in done.stderr
    assert "Traceback" not in done.stderr
