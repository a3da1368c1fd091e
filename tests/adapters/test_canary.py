"""The canary says in words what a framework has changed, and what is lost by it."""

import subprocess
import sys

import pytest

from tests.adapters import canary
from tests.adapters.canary import Need, changes
from tests.adapters.places import FRAMEWORKS

NEEDS = (
    Need("json:dumps", ("obj", "indent")),
    Need("json:dumps", ("obj", "response_schema"), without="answers are not checked"),
    Need("json:Gone", without="nothing can be parked"),
    Need("nowhere.at_all:Thing", without="it cannot be imported"),
    Need("json:JSONEncoder", has=("encode", "resume"), without="runs do not go on"),
)


def test_every_change_is_one_sentence_with_its_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite of failing tests says that something broke; this says what."""
    monkeypatch.setitem(canary.NEEDS, "langgraph", NEEDS)

    found = list(changes("langgraph"))

    assert found == [
        "json.dumps no longer takes or has 'response_schema': answers are not checked.",
        "json.Gone is gone: nothing can be parked.",
        "nowhere.at_all.Thing is gone: it cannot be imported.",
        "json.JSONEncoder no longer has 'resume': runs do not go on.",
    ]


def test_a_change_fails_the_build() -> None:
    """Where the framework is missing altogether, everything has changed."""
    code = "import sys; sys.modules['agents'] = None; from tests.adapters.canary import main; "
    program = f"{code} sys.argv = ['canary', 'openai_agents']; sys.exit(main())"

    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "agents.FunctionTool is gone: tools cannot be put under guard." in done.stdout


def test_every_adapter_has_its_needs_written_down() -> None:
    """An adapter without a canary breaks in silence."""
    assert set(canary.NEEDS) == set(FRAMEWORKS)
