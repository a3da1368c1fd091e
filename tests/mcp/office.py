"""The office of the MCP and hook tests: a real server, its people, and the official client."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from starlette.types import ASGIApp

from pullcord.store.port import Row
from pullcord.testing import Live, live_server
from tests.client.stage import Faults

POLICY = """
workspace: office
timezone: Europe/Berlin
people:
  maria: {name: Maria Lopez, shown_as: Maria from Releases, email: maria@example.com, capacity: 900}
  tom: {name: Tom Ode, email: tom@example.com, capacity: 900}
  dana: {name: Dana Weiss, email: dana@example.com, role: lead}
ladders:
  releases:
    rungs: [{ask: person/maria, accept_within: 10m}]
    catch_all: person/dana
agents:
  coder: {ladder: releases, contact: tom}
  other: {ladder: releases, contact: tom}
tools:
  git_create_branch: {reversible: yes}
  git_commit: {reversible: no}
defaults: {decide_within: 2h, collect_within: 1d}
rules:
  - {id: branches, tool: "*git_create_branch"}
  - {id: no-resets, tool: git_reset, mode: deny}
  - {id: spends, tool: spend, when: args.amount > 100}
  - {id: orders, tool: order, when: args.amount > 100}
  - {id: pushes, tool: Bash, when: 'args.command.contains("push")'}
  - {id: no-wipes, tool: Bash, mode: deny, when: 'args.command.contains("rm -rf")'}
"""

#: the generations of the protocol, as the SDK's client names them
GENERATIONS = ("legacy", "auto")
COMMAND = (sys.executable, "-m", "pullcord")
#: Python for programs of others: what they run is not measured, which halves their start
PLAIN = ("env", "-u", "COVERAGE_PROCESS_CONFIG", "-u", "COVERAGE_PROCESS_START", sys.executable)


@dataclass(slots=True)
class Office:
    """A server with its people, a folder, and what goes wrong on the way to the server."""

    live: Live
    folder: Path
    faults: Faults
    key: str = ""

    def with_key(self, folder: Path, *, agent: str = "coder") -> "Office":
        """The same office for another agent's process."""
        return Office(self.live, folder, self.faults, self.live.new_key(agent=agent))

    @property
    def environ(self) -> dict[str, str]:
        """What a command of this agent finds in its environment."""
        return {
            "PULLCORD_URL": self.live.url,
            "PULLCORD_KEY": self.key,
            "XDG_STATE_HOME": str(self.folder / "state"),
            **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE")},
        }

    # --- what happened ----------------------------------------------------------------------------
    def rows(self) -> list[Row]:
        """This key's escalations, oldest first."""
        key = self.key.split("_")[1][4:]
        found = self.live.call(self.live.town.escalations(agent_key=key))
        return sorted(found, key=lambda row: (row.escalation.opened_at, row.escalation.id))

    def newest(self) -> str:
        """The one that was opened last."""
        return self.rows()[-1].escalation.id

    def row(self, escalation: str) -> Any:
        """One as it stands."""
        return self.live.call(self.live.town.row(escalation)).escalation

    def closed_as(self, escalation: str) -> str:
        """How it ended; empty while it has not."""
        return str(self.row(escalation).closed_as or "")

    # --- people -----------------------------------------------------------------------------------
    def does(self, verb: str, escalation: str, *args: Any, **more: Any) -> None:
        """Maria does something at the desk, as the console would."""
        maria = self.live.town.person("maria")
        self.live.call(getattr(maria, verb)(escalation, *args, **more))

    # --- clients ----------------------------------------------------------------------------------
    @asynccontextmanager
    async def over_http(self, generation: str = "auto") -> AsyncIterator[Client]:
        """The official client at `/mcp`."""
        headers = {"authorization": f"Bearer {self.key}"}
        async with httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http:
            transport = streamable_http_client(f"{self.live.url}/mcp", http_client=http)
            async with Client(transport, mode=generation) as client:
                yield client

    @asynccontextmanager
    async def over_stdio(self, generation: str = "auto") -> AsyncIterator[Client]:
        """The official client at `pullcord mcp`."""
        async with self.command("mcp", generation=generation) as client:
            yield client

    @asynccontextmanager
    async def gateway(
        self,
        *words: str,
        generation: str = "auto",
        wait: str = "0s",
        env: Mapping[str, str] | None = None,
        **terms: Any,
    ) -> AsyncIterator[Client]:
        """The official client at `pullcord mcp-proxy` with these words."""
        proxy = ("mcp-proxy", "--wait", wait, *words)
        async with self.command(*proxy, generation=generation, env=env, **terms) as client:
            yield client

    @asynccontextmanager
    async def command(
        self,
        *words: str,
        generation: str = "auto",
        env: Mapping[str, str] | None = None,
        **terms: Any,
    ) -> AsyncIterator[Client]:
        """The official client at a command of ours."""
        parameters = StdioServerParameters(
            command=COMMAND[0],
            args=[*COMMAND[1:], *words],
            env={**self.environ, **(env or {})},
            cwd=self.folder,
        )
        async with Client(stdio_client(parameters), mode=generation, **terms) as client:
            yield client


@contextmanager
def open_office(folder: Path) -> Iterator[Office]:
    """The office with its server running."""
    walls: list[Faults] = []

    def wrap(app: ASGIApp) -> ASGIApp:
        walls.append(Faults(app))
        if len(walls) > 1:
            walls[-1].planned = walls[0].planned
        return walls[-1]

    with live_server(POLICY, wrap=wrap) as live:
        yield Office(live, folder, walls[0])


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository, and the third-party MCP server that works on it."""

    path: Path

    @classmethod
    def made(cls, folder: Path) -> "Repository":
        """A new one with one commit."""
        path = folder / "repository"
        path.mkdir()
        found = cls(path)
        found.git("init", "-q", "-b", "main")
        found.git("-c", "user.name=A", "-c", "user.email=a@example.com", *FIRST)
        return found

    def git(self, *words: str) -> str:
        """What git says."""
        done = subprocess.run(
            ["git", *words], cwd=self.path, capture_output=True, text=True, check=True
        )
        return done.stdout

    @property
    def branches(self) -> list[str]:
        """What branches there really are."""
        return sorted(self.git("branch", "--format=%(refname:short)").split())

    @property
    def server(self) -> tuple[str, ...]:
        """The words that start `mcp-server-git` on it."""
        return (*PLAIN, "-m", "mcp_server_git", "--repository", str(self.path))

    def branch(self, name: str) -> dict[str, Any]:
        """The arguments of the call that makes a branch."""
        return {"repo_path": str(self.path), "branch_name": name, "base_branch": "main"}


FIRST = ("commit", "-q", "--allow-empty", "-m", "first")


def text(result: Any) -> str:
    """What the model reads of a result."""
    return "\n".join(each.text for each in result.content if each.type == "text")
