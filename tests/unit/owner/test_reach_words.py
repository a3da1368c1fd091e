"""A person's rules as they type them: read back as written, refused where they mean nothing."""

import re
from datetime import time, timedelta

import pytest

from pullcord.owner.reach import QuietHours, Reach, ReachStep
from pullcord.owner.reach_words import (
    TIME_LOOK,
    quiet_of,
    quiet_words,
    steps_of,
    summary,
    time_of,
    words_of,
)


@pytest.mark.parametrize(
    ("typed", "steps", "shown"),
    [
        ("", (), ""),
        (" , ", (), ""),
        ("slack", (ReachStep("slack"),), "slack"),
        (
            "Slack,  voice  after 5 m",
            (ReachStep("slack"), ReachStep("voice", timedelta(minutes=5))),
            "slack, voice after 5m",
        ),
        ("sms after 90s", (ReachStep("sms", timedelta(seconds=90)),), "sms after 90s"),
        ("sms after 120m", (ReachStep("sms", timedelta(hours=2)),), "sms after 2h"),
    ],
)
def test_steps_are_read_and_shown_again(
    typed: str, steps: tuple[ReachStep, ...], shown: str
) -> None:
    """What the form shows is what will happen."""
    assert steps_of(typed) == steps
    assert words_of(steps) == shown


@pytest.mark.parametrize(
    "typed", ["call me", "sms after", "sms after 24h", ", ".join("abcdefghijk")]
)
def test_steps_that_mean_nothing_are_refused(typed: str) -> None:
    """Somebody who believes they are called must hear that they are not."""
    with pytest.raises(ValueError, match="slack, voice after 5m"):
        steps_of(typed)


def test_quiet_hours_are_read_and_shown_again() -> None:
    """Over midnight is the usual case."""
    quiet = QuietHours(time(22), time(7, 30))

    assert quiet_of(" 22:00 - 07:30 ") == quiet
    assert quiet_words(quiet) == "22:00-07:30"
    assert quiet_of("") is None
    assert quiet_words(None) == ""


@pytest.mark.parametrize("typed", ["22-7", "22:00", "25:00-07:00"])
def test_quiet_hours_that_mean_nothing_are_refused(typed: str) -> None:
    """A typo must not leave somebody awake, or unreachable."""
    with pytest.raises(ValueError, match="22:00-07:00"):
        quiet_of(typed)


def test_rules_are_summed_up_in_a_line() -> None:
    """A lead sees at a glance who is reached how."""
    full = Reach(
        steps=(ReachStep("slack"),),
        urgent=(ReachStep("voice"),),
        quiet=QuietHours(time(22), time(7)),
        digest_every=timedelta(minutes=90),
        daily_at=time(8, 30),
    )

    assert summary(Reach()) == "every quiet way at once"
    assert summary(full) == (
        "slack; urgent: voice; quiet 22:00-07:00, below high; news every 1.5 h; "
        "a daily letter at 08:30"
    )


@pytest.mark.parametrize(("text", "at"), [("", None), (" ", None), (" 07:30 ", time(7, 30))])
def test_a_time_of_day_is_read_from_words(text: str, at: time | None) -> None:
    """An empty field is no time, not midnight."""
    assert time_of(text) == at


@pytest.mark.parametrize("text", ["7.30", "24:00", "half past seven"])
def test_what_is_no_time_of_day_says_how_one_looks(text: str) -> None:
    """The form shows it beside the field."""
    with pytest.raises(ValueError, match=re.escape(TIME_LOOK)):
        time_of(text)
