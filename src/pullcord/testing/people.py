"""Scripted people: what somebody does some time after they are asked, the same in every run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pullcord.wire import requests as wire

AT_ONCE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Script:
    """What a person does each time they are asked; `act` None is somebody who never answers."""

    act: wire.Act | None = None
    #: by the house's clock, counted from the moment they are asked
    after: timedelta = AT_ONCE
    #: arguments of the call that are replaced when `act` is an edit
    changes: Mapping[str, Any] = field(default_factory=dict)


def approves(*, after: timedelta = AT_ONCE, note: str = "") -> Script:
    """Approves the call as it is."""
    return Script(wire.DecideIn(kind="approve", note=note), after)


def edits(*, after: timedelta = AT_ONCE, note: str = "", **changes: Any) -> Script:
    """Approves with these arguments changed."""
    return Script(wire.DecideIn(kind="edit", note=note), after, changes)


def rejects(*, after: timedelta = AT_ONCE, note: str = "") -> Script:
    """Says no."""
    return Script(wire.DecideIn(kind="reject", note=note), after)


def answers(answer: Any, *, after: timedelta = AT_ONCE, note: str = "") -> Script:
    """Answers the question."""
    return Script(wire.DecideIn(kind="answer", answer=answer, note=note), after)


def chooses(option: str, *, after: timedelta = AT_ONCE, note: str = "") -> Script:
    """Takes this option."""
    return Script(wire.DecideIn(kind="choose", option=option, note=note), after)


def declines(*, after: timedelta = AT_ONCE, reason: str = "") -> Script:
    """Says "not me"."""
    return Script(wire.DeclineIn(reason=reason), after)


def accepts(*, after: timedelta = AT_ONCE) -> Script:
    """Says "I have it" and then thinks about it for ever."""
    return Script(wire.AcceptIn(), after)


def never() -> Script:
    """Does not answer."""
    return Script()
