"""What others build on: exactly the names we keep, and an import that costs an agent little."""

import importlib
import json
import os
import subprocess
import sys

import pytest

from tests.tidy.sources import ROOT

#: the public surfaces; a new name is a decision, a lost one breaks somebody
PUBLIC: dict[str, tuple[str, ...]] = {
    "pullcord": (
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
    ),
    "pullcord.testing": (
        "Live",
        "NOON",
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
    ),
}

#: what an agent's process must never load: the server's side, and what only it needs
HEAVY = (
    "argon2",
    "jinja2",
    "prometheus_client",
    "pullcord.channels",
    "pullcord.cli",
    "pullcord.config",
    "pullcord.console",
    "pullcord.engine",
    "pullcord.owner",
    "pullcord.path",
    "pullcord.server",
    "pullcord.store",
    "rich",
    "ruamel",
    "sqlite3",
    "starlette",
    "structlog",
    "typer",
    "uvicorn",
)


@pytest.mark.parametrize("package", sorted(PUBLIC))
def test_public_names_are_exactly_the_ones_we_keep(package: str) -> None:
    """Public is what `__all__` says; whoever adds or drops a name changes this list too."""
    module = importlib.import_module(package)

    assert sorted(module.__all__) == sorted(PUBLIC[package])


@pytest.mark.parametrize("package", sorted(PUBLIC))
def test_every_public_name_is_there(package: str) -> None:
    """A name that is promised and missing fails where somebody else's program starts."""
    module = importlib.import_module(package)

    missing = [name for name in module.__all__ if not hasattr(module, name)]

    assert not missing


def test_importing_pullcord_loads_the_client_only() -> None:
    """An agent pays for the SDK, not for a server it never runs."""
    program = "import json, sys, pullcord; print(json.dumps(sorted(sys.modules)))"

    # without the tracing of a measured run, which loads modules of its own
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, env=env
    )

    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout)
    heavy = [name for name in loaded if name.split(".")[0] in HEAVY or name in HEAVY]
    assert not heavy, f"import these where they are used: {heavy}"


def test_the_package_says_that_it_is_typed() -> None:
    """Type checkers read our annotations only where this file lies."""
    marker = ROOT / "src/pullcord/py.typed"

    assert marker.is_file()
