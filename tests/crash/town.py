"""A real server and a real agent as processes of their own, and people who decide over HTTP."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from pullcord.engine.house import House, furnish
from tests.keeping import Kept

WORKSPACE = "shop"
POLICY = """
workspace: shop
people:
  maria: {name: Maria Lopez, email: maria@example.com, capacity: 1000}
  tom: {name: Tom Ode, email: tom@example.com, capacity: 1000}
teams:
  desk: {members: [maria, tom]}
ladders:
  billing:
    rungs: [{ask: team/desk, accept_within: 1h}]
    catch_all: person/tom
agents:
  support: {ladder: billing}
tools:
  refund: {reversible: no, money: args.amount}
defaults: {mode: gate, decide_within: 2h}
rules:
  - {id: over, tool: refund, when: args.amount > 250, ask: "Refund {args.amount}?"}
"""
PEOPLE = ("maria", "tom")
#: seconds a server may need until it answers
START_SECONDS = 30.0
AGENT = Path(__file__).with_name("agent.py")
SERVE = "from pullcord.cli import main; main()"


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def house_of(kept: Kept) -> House:
    """A house on the database, for setting up before and looking afterwards."""
    return furnish(kept.store(), master=kept.master)


@dataclass(slots=True)
class Told:
    """What a client was told and must find again: escalation, version, decision if there is one."""

    escalation: str
    version: int
    decision: tuple[str, str, str] | None


@dataclass
class Town:
    """The folder everything lives in, the processes, and the people."""

    folder: Path
    kept: Kept
    port: int = field(default_factory=free_port)
    told: list[Told] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    key: str = ""
    sessions: dict[str, tuple[str, str]] = field(default_factory=dict)
    server: subprocess.Popen[bytes] | None = None
    agent: subprocess.Popen[bytes] | None = None
    lives: int = 0

    @property
    def url(self) -> str:
        """Where the server answers."""
        return f"http://127.0.0.1:{self.port}"

    # --- setting up ---------------------------------------------------------------------------
    async def furnish(self) -> None:
        """Policy, one agent's key, and a session for everybody."""
        house = house_of(self.kept)
        await house.store.start()
        await house.office.apply(POLICY, by="test")
        self.key, _ = await house.office.mint_key(
            WORKSPACE, agent="support", environment="production", creator="tom"
        )
        for who in PEOPLE:
            link = await house.office.invite(WORKSPACE, who, purpose="demo")
            token, session = await house.office.redeem_demo(link)
            self.sessions[who] = (token, session.csrf)
        await house.store.close()

    # --- processes ----------------------------------------------------------------------------
    def start_server(self) -> None:
        """Start `pullcord serve` and return; whoever needs it waits for it."""
        command = [sys.executable, "-c", SERVE, "serve", "--port", str(self.port)]
        environment = {**_quiet(), **self.kept.environ}
        self.server = self._started("server", [*command, "--db", self.kept.db], environment)

    def start_agent(self) -> None:
        """Start the next life of the agent."""
        self.lives += 1
        environment = {**_quiet(), "PULLCORD_URL": self.url, "PULLCORD_KEY": self.key}
        command = [sys.executable, str(AGENT), str(self.folder), str(self.lives)]
        self.agent = self._started("agent", command, environment)

    def _started(
        self, name: str, command: list[str], environment: dict[str, str]
    ) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log, env=environment)

    def await_server(self) -> None:
        """Until it answers; fails when it ends or takes too long."""
        assert self.server is not None, "no server was started"
        pause = threading.Event()
        for _ in range(int(START_SECONDS / 0.05)):
            assert self.server.poll() is None, self.log("server")
            try:
                httpx2.get(f"{self.url}/livez", timeout=1, trust_env=False)
            except httpx2.HTTPError:
                pause.wait(0.05)
            else:
                return
        raise AssertionError(f"no answer within {START_SECONDS} s:\n{self.log('server')}")

    def log(self, name: str) -> str:
        """The last lines a process wrote."""
        return "\n".join((self.folder / f"{name}.log").read_text().splitlines()[-20:])

    def end(self, *, gently: bool) -> None:
        """Stop both processes."""
        for process in (self.agent, self.server):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM if gently else signal.SIGKILL)
                process.wait(timeout=30)

    # --- people -------------------------------------------------------------------------------
    def people(self) -> list[threading.Thread]:
        """Two people who decide whatever they see, both at once."""
        threads = [
            threading.Thread(target=self._decides, args=(who, seed), daemon=True)
            for seed, who in enumerate(PEOPLE)
        ]
        for each in threads:
            each.start()
        return threads

    def _decides(self, who: str, seed: int) -> None:
        rng = random.Random(seed)
        token, csrf = self.sessions[who]
        headers = {"cookie": f"pullcord_session={token}", "x-csrf-token": csrf}
        with httpx2.Client(base_url=self.url, headers=headers, timeout=5, trust_env=False) as wire:
            while not self.stop.wait(0.02):
                try:
                    page = wire.get(
                        "/v1/escalations", params={"status": "open,accepted", "limit": 20}
                    )
                    for told in page.json().get("escalations", ()):
                        self._decide(wire, told["id"], rng)
                except (httpx2.HTTPError, ValueError):
                    self.stop.wait(0.1)

    def _decide(self, wire: httpx2.Client, escalation: str, rng: random.Random) -> None:
        body: dict[str, Any] = {"kind": rng.choice(("approve", "approve", "reject"))}
        if rng.random() < 0.3:
            order = wire.get(f"/v1/escalations/{escalation}").json().get("call", "")
            body = {"kind": "edit", "args": {"order": order, "amount": 90.5}}
        reply = wire.post(f"/v1/escalations/{escalation}/decide", json=body)
        if reply.status_code == 200:
            self.told.append(told_of(reply.json()))
        elif reply.status_code not in (409, 503):
            self.odd.append(f"{escalation}: {reply.status_code} {reply.text[:300]}")


def told_of(reply: dict[str, Any]) -> Told:
    """A reply about one escalation, as a client remembers it."""
    decision = reply["decision"]
    facts = (decision["kind"], decision["by"]["id"], decision["at"]) if decision else None
    return Told(reply["id"], reply["version"], facts)


def _quiet() -> dict[str, str]:
    """The environment without what measures coverage: a killed process writes none."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COV")}


def furnished(folder: Path, kept: Kept) -> Town:
    """A town whose server runs."""
    town = Town(folder, kept)
    asyncio.run(town.furnish())
    town.start_server()
    town.await_server()
    return town
