"""How people are reached, as the policy file says it."""

from datetime import time, timedelta

import pytest

from pullcord.config.read import read
from pullcord.owner.reach import QuietHours, Reach, ReachStep
from tests.unit.config.policies import small, told

ANN = "{{ann: {{name: Ann, email: a@b.c, reach: {reach}}}}}"


def reach_of(text: str) -> Reach:
    return read(small(people=ANN.format(reach=text))).people["ann"].reach


def test_a_person_without_rules_has_the_usual_ones() -> None:
    """Nobody has to write anything to be reached."""
    found = read(small(people="{ann: {name: Ann, email: a@b.c}}")).people["ann"].reach

    assert found == Reach()


def test_every_rule_of_a_person_is_read() -> None:
    """What they wrote is what holds when they are asked at night."""
    found = reach_of(
        "{steps: [{by: slack}, {by: voice, after: 5m}], urgent: [{by: voice}], "
        "quiet: '22:00-07:00', quiet_below: critical, wakes_per_day: 3, wakes_per_night: 0, "
        "digest_every: 4h, daily_at: '08:00'}"
    )

    assert found == Reach(
        steps=(ReachStep("slack"), ReachStep("voice", timedelta(minutes=5))),
        urgent=(ReachStep("voice"),),
        quiet=QuietHours(time(22), time(7)),
        quiet_below="critical",
        wakes_per_day=3,
        wakes_per_night=0,
        digest_every=timedelta(hours=4),
        daily_at=time(8),
    )


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{quiet: '22-7'}", "people.ann.reach.quiet"),
        ("{digest_every: 5m}", "people.ann.reach.digest_every"),
        ("{daily_at: '8 am'}", "people.ann.reach.daily_at"),
        ("{digest_every: 2d}", "people.ann.reach.digest_every"),
        ("{steps: [{by: slack, after: 2d}]}", "people.ann.reach.steps[0].after"),
        ("{steps: [{after: 5m}]}", "people.ann.reach.steps[0].by"),
    ],
)
def test_a_mistake_in_a_rule_names_its_field(text: str, field: str) -> None:
    """Somebody who believes they are called at night must hear now that they are not."""
    assert field in "\n".join(told(small(people=ANN.format(reach=text))))


def test_a_rung_may_say_by_which_ways_it_asks() -> None:
    """The ladder of a risky tool does not depend on everybody's own settings."""
    ladders = (
        "{all: {rungs: [{ask: person/ann, accept_within: 10m, reach: [{by: sms, after: 9m}]}], "
        "catch_all: person/ann}}"
    )

    rung = read(small(ladders=ladders)).ladders["all"].rungs[0]

    assert rung.reach == (ReachStep("sms", timedelta(minutes=9)),)


def test_a_step_that_comes_after_the_rung_is_refused() -> None:
    """A call that would come when somebody else is asked already never comes."""
    ladders = (
        "{all: {rungs: [{ask: person/ann, accept_within: 10m, reach: [{by: sms, after: 10m}]}], "
        "catch_all: person/ann}}"
    )

    assert "ladders.all.rungs[0].reach[0].after" in "\n".join(told(small(ladders=ladders)))
