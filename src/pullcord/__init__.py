"""Pullcord: an agent stops, a named person decides, the agent resumes with exactly that decision.

Names are loaded when they are first used, and none of them loads the server.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pullcord.client.carrying_out import current_proof
    from pullcord.client.cord import AsyncPullcord, Pullcord
    from pullcord.client.decisions import Decision, Told
    from pullcord.client.escalating import Option
    from pullcord.client.runs import Claims, EndUser, ReplyTo, Run
    from pullcord.client.verifying import Proof, Verified, verify
    from pullcord.errors import (
        AlreadyCollected,
        DeniedByPolicy,
        Drifted,
        Halted,
        InvalidInput,
        NobodyDecided,
        NotDone,
        Parked,
        PullcordError,
        RejectedByPerson,
        TakenOver,
        Unreachable,
    )

__all__ = [
    "AlreadyCollected",
    "AsyncPullcord",
    "Claims",
    "Decision",
    "DeniedByPolicy",
    "Drifted",
    "EndUser",
    "Halted",
    "InvalidInput",
    "NobodyDecided",
    "NotDone",
    "Option",
    "Parked",
    "Proof",
    "Pullcord",
    "PullcordError",
    "RejectedByPerson",
    "ReplyTo",
    "Run",
    "TakenOver",
    "Told",
    "Unreachable",
    "Verified",
    "current_proof",
    "verify",
]

_HOMES = {
    "AsyncPullcord": "pullcord.client.cord",
    "Claims": "pullcord.client.runs",
    "Decision": "pullcord.client.decisions",
    "EndUser": "pullcord.client.runs",
    "Option": "pullcord.client.escalating",
    "Proof": "pullcord.client.verifying",
    "Pullcord": "pullcord.client.cord",
    "ReplyTo": "pullcord.client.runs",
    "Run": "pullcord.client.runs",
    "Told": "pullcord.client.decisions",
    "Verified": "pullcord.client.verifying",
    "current_proof": "pullcord.client.carrying_out",
    "verify": "pullcord.client.verifying",
}


def __getattr__(name: str) -> Any:
    """A public name, from the room it lives in."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415  # slow, and seldom asked for

        return version("pullcord")
    if name not in __all__:
        raise AttributeError(f"module 'pullcord' has no attribute {name!r}")
    found = getattr(import_module(_HOMES.get(name, "pullcord.errors")), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
