"""The public test kit: a clock to turn, repeatable ids, a house to run, scripted people."""

from pullcord.testing.clock import NOON, SeededIds, TurnableClock
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
    "never",
    "rejects",
    "running_house",
]
