"""The shop that every adapter's agent works in: its rules, its people, and what its tools did."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from pullcord.store.port import Row
from pullcord.testing import Live, approves, live_server
from pullcord.testing import Script as People
from tests.client.stage import Faults

POLICY = """
workspace: shop
timezone: Europe/Berlin
people:
  maria: {name: Maria Lopez, shown_as: Maria from Billing, email: maria@example.com, capacity: 1000}
  tom: {name: Tom Ode, shown_as: Tom from Accounts, email: tom@example.com, capacity: 1000}
  dana: {name: Dana Weiss, email: dana@example.com, role: lead}
ladders:
  billing:
    rungs: [{ask: person/maria, accept_within: 10m}]
    catch_all: person/dana
  accounts:
    rungs: [{ask: person/tom, accept_within: 10m}]
    catch_all: person/dana
agents:
  support: {ladder: billing, contact: tom}
tools:
  issue_refund: {reversible: no, money: args.amount}
  close_account: {reversible: no}
defaults: {decide_within: 2h, collect_within: 1d}
rules:
  - {id: far-too-much, mode: deny, tool: "*issue_refund", when: args.amount > 10000}
  - {id: refund-over-limit, tool: "*issue_refund", when: args.amount > 250}
  - {id: closing, tool: "*close_account", ladder: accounts}
"""

#: a call of the scripted model: tool, arguments, id
Proposed = tuple[str, dict[str, Any], str]


@dataclass(frozen=True, slots=True)
class Script:
    """What the scripted model says: calls turn by turn, then its last words."""

    turns: tuple[tuple[Proposed, ...], ...]
    last: str = "done"

    def text(self) -> str:
        """As it is handed to another process."""
        return json.dumps({"turns": self.turns, "last": self.last})

    @classmethod
    def read(cls, text: str) -> "Script":
        """The same again."""
        found = json.loads(text)
        turns = tuple(tuple((t, a, i) for t, a, i in turn) for turn in found["turns"])
        return cls(turns, found["last"])


def says(*turns: list[Proposed], last: str = "done") -> Script:
    """A script of these turns."""
    return Script(tuple(tuple(turn) for turn in turns), last)


def refund(amount: float = 480.0, order: str = "A-17", id: str = "call_1") -> Proposed:
    """The call that is stopped above 250."""
    return ("issue_refund", {"order": order, "amount": amount}, id)


def close(account: str = "K-9", id: str = "call_2") -> Proposed:
    """The call that Tom is asked about."""
    return ("close_account", {"account": account}, id)


@dataclass(frozen=True, slots=True)
class Effects:
    """What tools really did, in a file that every process writes to."""

    path: Path

    def note(self, tool: str, **args: Any) -> None:
        """It happened."""
        with self.path.open("a") as file:
            file.write(json.dumps([tool, args]) + "\n")

    @property
    def all(self) -> list[Any]:
        """Everything that happened, in order."""
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text().splitlines()]


@dataclass(slots=True)
class Stage:
    """A server with its people, a folder that outlives a process, and what happened."""

    live: Live
    folder: Path
    #: what goes wrong on the way to the server
    faults: Faults
    key: str = ""

    @property
    def effects(self) -> Effects:
        """What the tools did."""
        return Effects(self.folder / "effects.jsonl")

    def rows(self, **wanted: Any) -> list[Row]:
        """This key's escalations, newest first."""
        if self.key:
            wanted["agent_key"] = self.key.split("_")[1][4:]
        return self.live.call(self.live.town.escalations(**wanted))

    def waiting(self, tool: str = "") -> list[str]:
        """Ids of what waits for people, oldest first."""
        found = [each.escalation for each in self.rows() if each.escalation.is_living]
        ordered = sorted(found, key=lambda each: each.opened_at)
        return [each.id for each in ordered if tool in ("", each.tool)]

    def only(self, tool: str = "") -> str:
        """The one that waits."""
        (found,) = self.waiting(tool)
        return found

    def row(self, escalation: str) -> Row:
        """One as it stands."""
        return self.live.call(self.live.town.row(escalation))

    def latest(self, tool: str = "") -> str:
        """The one that was opened last, whatever became of it."""
        found = [each.escalation for each in self.rows() if tool in ("", each.escalation.tool)]
        return max(found, key=lambda each: each.opened_at).id

    def closed_as(self, escalation: str) -> str:
        """How it ended."""
        return str(self.row(escalation).escalation.closed_as or "")

    def report(self, escalation: str) -> dict[str, Any]:
        """What the agent reported, unsealed."""
        row = self.row(escalation).escalation
        town = self.live.town
        links = self.live.call(town.timeline(escalation))
        bodies = [json.loads(link.body) for link in links]
        names = [name for body in bodies for name in body["sealed"] if "report/" in name]
        found: dict[str, Any] = self.live.call(
            town.house.contents.one(row.workspace, escalation, names[-1])
        )
        return found

    @contextmanager
    def lenient(self) -> Iterator[None]:
        """For a while the policy stops nothing."""
        office = self.live.town.house.office
        rules = POLICY.index("rules:")
        self.live.call(office.apply(POLICY[:rules] + "rules: []\n", by="dana"))
        try:
            yield
        finally:
            self.live.call(office.apply(POLICY, by="dana"))

    def approving(self) -> People:
        """A person who says yes at once."""
        return approves()

    def person(self, who: str) -> "Person":
        """Somebody of the shop."""
        return Person(self, who)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who decides at the desk, as the console would."""

    stage: Stage
    id: str

    def does(self, verb: str, escalation: str, *args: Any, **more: Any) -> None:
        """Any verb a person has."""
        someone = self.stage.live.town.person(self.id)
        self.stage.live.call(getattr(someone, verb)(escalation, *args, **more))

    def approve(self, escalation: str, note: str = "") -> None:
        """Let it run as it is."""
        self.does("approve", escalation, note)

    def edit(self, escalation: str, changes: dict[str, Any], note: str = "") -> None:
        """Let it run with these arguments changed."""
        self.does("edit", escalation, note, **changes)

    def reject(self, escalation: str, note: str = "") -> None:
        """Say no."""
        self.does("reject", escalation, note)


@contextmanager
def open_shop(folder: Path) -> Iterator[Stage]:
    """The shop with its server running."""
    walls: list[Faults] = []

    def wrap(app: ASGIApp) -> ASGIApp:
        # a server that is started again keeps what is planned to go wrong
        walls.append(Faults(app))
        if len(walls) > 1:
            walls[-1].planned = walls[0].planned
        return walls[-1]

    with live_server(POLICY, wrap=wrap) as live:
        yield Stage(live, folder, walls[0])
