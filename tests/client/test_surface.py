"""The face others build on: names, signatures, and what importing costs."""

import inspect
import subprocess
import sys
from typing import Any

import pytest

import pullcord
from pullcord import AsyncPullcord, Pullcord

VERBS = (
    "add_context",
    "call",
    "close",
    "decisions",
    "escalate",
    "escalation",
    "explain",
    "flush",
    "guard",
    "open_for",
    "reply",
    "report",
    "resume",
    "run",
    "stop",
    "withdraw",
)


def verbs(face: type[Any]) -> set[str]:
    """The public verbs of a face."""
    return {name for name in dir(face) if not name.startswith("_")}


def test_both_faces_have_the_same_verbs() -> None:
    """Whoever learns one knows the other; `aclose` is the blocking face's word in a coroutine."""
    assert verbs(AsyncPullcord) == set(VERBS)
    assert verbs(Pullcord) == {*VERBS, "aclose"}


@pytest.mark.parametrize("verb", VERBS)
def test_both_faces_take_the_same_arguments(verb: str) -> None:
    """Moving from one to the other is adding `await`."""
    one, other = (inspect.signature(getattr(face, verb)) for face in (Pullcord, AsyncPullcord))

    assert one.parameters == other.parameters


def test_an_unknown_name_is_an_ordinary_error() -> None:
    """Lazy names must not hide a typing mistake."""
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = pullcord.nothing_like_it

    assert set(pullcord.__all__) < set(dir(pullcord))
    assert pullcord.__version__


def test_errors_are_at_hand_without_the_client() -> None:
    """A web framework that only catches them loads neither network nor rules."""
    program = "import sys; from pullcord import Parked; print('msgspec' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    assert done.stdout.strip() == "False"


def test_the_client_loads_no_network_before_it_is_needed() -> None:
    """Making a client and guarding tools happens at import time of an agent."""
    program = (
        "import sys; from pullcord import Pullcord; cord = Pullcord('http://127.0.0.1:9', 'pk_x')\n"
        "@cord.guard\ndef tool(x: int) -> int: return x\n"
        "names = ('httpx2', 'asyncio', 'cryptography', 'pullcord.path', 'pullcord.engine')\n"
        "print([name for name in names if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    assert done.stdout.strip() == "[]"
