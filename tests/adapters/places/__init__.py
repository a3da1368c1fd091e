"""One place a framework: the shop's agent built with it, driven the same way by every test."""

import importlib
import importlib.util
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pullcord import Decision
from pullcord.adapters.calls import Framework
from tests.adapters.shop import Script

#: framework by name: the module that must be there, and the module of its place
FRAMEWORKS = {
    "langgraph": ("langgraph", "tests.adapters.places.langgraph_place"),
    "pydantic_ai": ("pydantic_ai", "tests.adapters.places.pydantic_ai_place"),
    "openai_agents": ("agents", "tests.adapters.places.openai_agents_place"),
    "claude_agent": ("claude_agent_sdk", "tests.adapters.places.claude_agent_place"),
}
#: the framework an environment is made for; then it must be there
WANTED = os.environ.get("PULLCORD_ADAPTER", "")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a run stands: what it said last, and what its model was told by tools."""

    is_over: bool
    said: str = ""
    heard: list[str] = field(default_factory=list)

    @property
    def all(self) -> str:
        """Everything the model was told."""
        return "\n".join(self.heard)


class Place(Protocol):
    """An agent of one framework in the shop."""

    framework: Framework

    def run(self, script: Script, thread: str) -> Outcome:
        """Begin a conversation, until it ends or pauses."""

    def resume(self) -> Outcome | None:
        """Work until nothing decided is left; where the last run that went on stands."""

    def deliver(self, decision: Decision) -> bool:
        """Hand over one decision, perhaps again."""

    def decisions(self) -> list[Decision]:
        """What is decided and not taken."""

    def close(self) -> None:
        """Let go of everything, as at the end of a process."""


@dataclass(frozen=True, slots=True)
class Build:
    """How the shop's agent is built this time."""

    folder: Path
    #: the refund tool wants a currency: another schema than before
    is_changed: bool = False
    #: nothing is under guard: what the framework costs by itself
    is_bare: bool = False
    #: calls go through a second agent
    is_nested: bool = False
    #: seconds a stopped call waits in place
    wait: str = "0s"
    patience: str = "1s"
    extra: dict[str, Any] = field(default_factory=dict)


def available() -> list[str]:
    """Frameworks that this environment has; the one it is made for is always among them."""
    if WANTED:
        return [WANTED]
    return [name for name, (module, _) in FRAMEWORKS.items() if importlib.util.find_spec(module)]


def open_place(name: str, build: Build) -> Place:
    """The shop's agent built with this framework."""
    module = importlib.import_module(FRAMEWORKS[name][1])
    found: Place = module.open_place(build)
    return found


def keep_script(folder: Path, script: Script) -> None:
    """Keep what the model says, for another process."""
    (folder / "script.json").write_text(script.text())


def kept_script(folder: Path) -> Script:
    """What the model says."""
    return Script.read((folder / "script.json").read_text())
