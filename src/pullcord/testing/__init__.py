"""The public test kit: a clock to turn, repeatable ids, a house to run, scripted people."""

from pullcord.testing.clock import NOON, RunningClock, SeededIds, TurnableClock
from pullcord.testing.live import Live, Operator, live_server
from pullcord.testing.people import (
    Script,
    accepts,
    answers,
    approves,
    chooses,
    declines,
    edits,
    never,
    rejects,
)
from pullcord.testing.town import Someone, Town, running_house

__all__ = [
    "NOON",
    "Live",
    "Operator",
    "RunningClock",
    "Script",
    "SeededIds",
    "Someone",
    "Town",
    "TurnableClock",
    "accepts",
    "answers",
    "approves",
    "chooses",
    "declines",
    "edits",
    "live_server",
    "never",
    "rejects",
    "running_house",
]
