"""The shop's agent in the real Claude Code, which talks to a scripted API on loopback."""

from pathlib import Path
from typing import Any

from claude_agent_sdk import (
    AgentDefinition,
    ClaudeAgentOptions,
    create_sdk_mcp_server,
    tool,
)

from pullcord.adapters.claude_agent import CLAUDE, Sessions
from pullcord.adapters.parking import SqliteShelf
from tests.adapters.places import Build, Outcome, keep_script, kept_script
from tests.adapters.places.messages_api import MessagesApi, heard, told_to_repeat
from tests.adapters.places.running import AsyncPlace
from tests.adapters.places.tools import Tools
from tests.adapters.shop import Proposed, Script

#: names of the shop's tools as Claude Code has them
PREFIX = "mcp__shop__"
ASKING = {"ask_team": "mcp__pullcord__ask_people", "choose_team": "mcp__pullcord__ask_people"}


def name_of(tool_name: str) -> str:
    """A tool's name there."""
    own = ("Agent", "Task")
    return tool_name if tool_name in own else ASKING.get(tool_name, f"{PREFIX}{tool_name}")


class ClaudeAgentPlace(AsyncPlace):
    """Sessions on disk in the folder."""

    framework = CLAUDE

    def __init__(self, build: Build) -> None:
        super().__init__(build)
        self.api = MessagesApi(self._say)

    def _say(self, conversation: list[dict[str, Any]], tools: list[str]) -> list[dict[str, Any]]:
        script = kept_script(self.build.folder)
        if self.build.is_nested and "hello" in str(conversation[0]):
            script = outer_script(tools)
        called = [
            block
            for message in conversation
            if message["role"] == "assistant" and isinstance(message["content"], list)
            for block in message["content"]
            if block["type"] == "tool_use"
        ]
        done = {each["id"] for each in called}
        for turn in script.turns:
            if any(id_ not in done for _, _, id_ in turn):
                return [_block(*each) for each in turn]
        repeat = told_to_repeat(conversation)
        again = [each for each in called if each["id"].startswith("again_")]
        left = repeat[_since_told(conversation) :]
        if left:
            proposed = {name_of(name): args for name, args, _ in everything(self.build.folder)}
            id_ = f"again_{len(again) + 1}"
            return [{"type": "tool_use", "id": id_, "name": left[0], "input": proposed[left[0]]}]
        return [{"type": "text", "text": script.last}]

    def adapter(self) -> Sessions:
        build = self.build
        names = {name for turn in kept_script(build.folder).turns for name, _, _ in turn}
        options = build.extra.get("choices", ())
        return Sessions(
            self.cord,
            self._options(),
            SqliteShelf(build.folder / "shelf.db"),
            wait=build.wait,
            asks=bool(names & set(ASKING)),
            choices=options if "choose_team" in names else (),
            on_result=lambda _, result: self.results.append(result),
        )

    def _options(self) -> ClaudeAgentOptions:
        home = self.build.folder / "home"
        home.mkdir(exist_ok=True)
        env = {
            "HOME": str(home),
            "CLAUDE_CONFIG_DIR": str(home / ".claude"),
            "ANTHROPIC_BASE_URL": self.api.url,
            "ANTHROPIC_API_KEY": "not-a-key",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "IS_SANDBOX": "1",
        }
        agents = None
        if self.build.is_nested:
            agents = {
                "specialist": AgentDefinition(
                    description="Refunds.", prompt="You refund.", model="inherit"
                )
            }
        return ClaudeAgentOptions(
            mcp_servers={"shop": create_sdk_mcp_server("shop", tools=self._tools())},
            allowed_tools=[f"{PREFIX}*"],
            env=env,
            cwd=str(home),
            setting_sources=[],
            model="claude-sonnet-4-5",
            agents=agents,
        )

    def _tools(self) -> list[Any]:
        tools = Tools(self.build.folder)
        kinds: dict[str, Any] = {"order": str, "amount": float}
        if self.build.is_changed:
            kinds["currency"] = str

        @tool("issue_refund", "Refund an order.", kinds)
        async def issue_refund(args: dict[str, Any]) -> dict[str, Any]:
            act: Any = tools.issue_refund_in if self.build.is_changed else tools.issue_refund
            return _text(act(**args))

        @tool("close_account", "Close an account.", {"account": str})
        async def close_account(args: dict[str, Any]) -> dict[str, Any]:
            return _text(tools.close_account(**args))

        @tool("look_up", "Look an order up.", {"order": str})
        async def look_up(args: dict[str, Any]) -> dict[str, Any]:
            return _text(tools.look_up(**args))

        return [issue_refund, close_account, look_up]

    def run(self, script: Script, thread: str) -> Outcome:
        keep_script(self.build.folder, script)

        async def begin() -> Any:
            return await self.adapter().run("hello", thread=thread)

        return self.outcome(self.on(begin()))

    def outcome(self, result: Any) -> Outcome:
        is_over = result.stop_reason != "tool_deferred"
        return Outcome(is_over, result.result or "", heard(self.api.conversation))

    def close(self) -> None:
        super().close()
        self.api.close()


def _block(name: str, args: dict[str, Any], id_: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": id_, "name": name_of(name), "input": args}


def everything(folder: Path) -> list[Proposed]:
    """Every call of the kept script."""
    return [each for turn in kept_script(folder).turns for each in turn]


def outer_script(tools: list[str]) -> Script:
    """The front agent hands its task to the specialist."""
    name = "Agent" if "Agent" in tools else "Task"
    task = {
        "description": "refund",
        "prompt": "refund",
        "subagent_type": "specialist",
        "run_in_background": False,
    }
    return Script((((name, task, "outer_1"),),))


def _since_told(conversation: list[dict[str, Any]]) -> int:
    """How many calls the model has made since people's decision was told."""
    count = 0
    for message in reversed(conversation):
        if message["role"] == "user" and "Now call" in str(message["content"]):
            break
        if message["role"] == "assistant" and isinstance(message["content"], list):
            count += sum(1 for each in message["content"] if each["type"] == "tool_use")
    return count


def _text(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}]}


def open_place(build: Build) -> ClaudeAgentPlace:
    """The shop's agent."""
    return ClaudeAgentPlace(build)
