"""Coverage ahead: when would a ladder have nobody but its catch-all?"""

from datetime import UTC, datetime, timedelta

import pytest

from pullcord.cli import coverage
from pullcord.cli.coverage import Gap, gaps_of
from pullcord.config.read import read

NOW = datetime(2027, 3, 22, 12, tzinfo=UTC)
WEEK = timedelta(days=7)

POLICY = """
workspace: shop
timezone: Europe/Berlin
people:
  maria: {name: Maria, email: m@example.com, absences: [ABSENCE]}
  tom: {name: Tom, email: t@example.com}
  dana: {name: Dana, email: d@example.com, role: lead}
schedules:
  days: {rotate: weekly, hand_off: "Mon 09:00", people: [PEOPLE]}
ladders:
  billing: {rungs: [{ask: schedule/days}], catch_all: person/dana}
  direct: {rungs: [{ask: person/tom}], catch_all: person/dana}
agents:
  support: {ladder: billing, contact: tom}
"""


def gaps(people: str, absence: str = "", *, ahead: timedelta = WEEK) -> list[Gap]:
    policy = POLICY.replace("PEOPLE", people).replace("ABSENCE", absence)
    return gaps_of(read(policy), NOW, ahead)


def test_somebody_always_there_is_no_gap() -> None:
    """The plain case."""
    assert gaps("maria, tom") == []


def test_an_absence_nobody_stands_in_for_is_a_gap_with_its_reason() -> None:
    """Seen two weeks ahead instead of in the night itself."""
    (gap,) = gaps("maria", "{from: 2027-03-24T00:00Z, until: 2027-03-26T00:00Z}")

    assert gap.ladder == "billing"
    assert gap.start_at == datetime(2027, 3, 24, tzinfo=UTC)
    assert gap.end_at == datetime(2027, 3, 26, tzinfo=UTC)
    assert "schedule/days" in gap.why


def test_a_gap_over_several_shifts_is_told_once() -> None:
    """One sentence for one holiday."""
    away = "{from: 2027-03-01T00:00Z, until: 2027-05-01T00:00Z}"

    found = gaps("maria", away, ahead=timedelta(days=21))

    assert [(each.start_at, each.end_at) for each in found] == [
        (NOW, NOW + timedelta(days=21)),
    ]


def test_a_gap_ends_where_somebody_else_comes_on_duty() -> None:
    """The hand-over on Monday at nine is ten minutes of work and not a whole week."""
    away = "{from: 2027-03-01T00:00Z, until: 2027-05-01T00:00Z}"

    found = gaps("maria, tom", away, ahead=timedelta(days=6))
    later = gaps("maria, tom", away, ahead=timedelta(days=13))

    monday = datetime(2027, 3, 29, 7, tzinfo=UTC)
    assert [(each.start_at, each.end_at) for each in found] == [(NOW, NOW + timedelta(days=6))]
    assert [(each.start_at, each.end_at) for each in later] == [(NOW, monday)]


def test_looks_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A schedule that changes all the time must not make the check endless."""
    monkeypatch.setattr(coverage, "LOOKS_MAX", 3)

    assert gaps("maria, tom", ahead=timedelta(days=365)) == []
