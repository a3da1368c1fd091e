"""The public test kit: a clock to turn, repeatable ids, a house in memory, scripted people."""

from pullcord.testing.clock import NOON, SeededIds, TurnableClock

__all__ = ["NOON", "SeededIds", "TurnableClock"]
