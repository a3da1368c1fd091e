"""Sets the stage of the demo: a fresh file, its people and keys, the day before, three agents."""

from dataclasses import dataclass
from importlib.resources import files

from pullcord.demo.agents import DemoAgent
from pullcord.demo.history import remember
from pullcord.demo.story import LIVE
from pullcord.engine.house import House
from pullcord.engine.office import DEMO
from pullcord.store.port import AgentKey

VISITOR = "you"
AGENTS = ("refunds", "operations", "claims")


@dataclass(frozen=True, slots=True)
class Stage:
    """What the demo needs to begin."""

    workspace: str
    #: agent name to its API key, as an agent is given it
    keys: dict[str, str]
    #: one-time token that signs the visitor in
    welcome: str
    #: escalations of the day before
    remembered: int


def policy() -> str:
    """The demo's policy file."""
    return files("pullcord.demo").joinpath("pullcord.yaml").read_text(encoding="utf-8")


async def set_up(house: House, master: bytes) -> Stage:
    """Apply the policy, mint keys, live through the day before, invite the visitor.

    On a file that knows the demo already only new keys and a new invitation are made.
    """
    is_fresh = not await house.store.workspaces()
    configuration = await house.office.apply(policy(), by=VISITOR, file="demo")
    workspace = configuration.workspace
    shown: dict[str, str] = {}
    kept: dict[str, AgentKey] = {}
    for name in AGENTS:
        shown[name], kept[name] = await house.office.mint_key(
            workspace, agent=name, environment="production", creator="noor", note="demo"
        )
    remembered = await remember(house.store, master, kept) if is_fresh else 0
    welcome = await house.office.invite(workspace, VISITOR, purpose=DEMO)
    return Stage(workspace, shown, welcome, remembered)


def agents_of(stage: Stage, url: str) -> list[DemoAgent]:
    """The three agents, not started yet."""
    return [
        DemoAgent(
            name,
            url=url,
            key=stage.keys[name],
            story=[each for each in LIVE if each.agent == name],
        )
        for name in AGENTS
    ]
