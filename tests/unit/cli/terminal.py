"""The command line in this process: what a user types, and what they get to see."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from pullcord.cli import app

#: no variable of whoever runs the tests changes what they find
CLEAN = {name: None for name in os.environ if name.startswith("PULLCORD_")}


@dataclass(frozen=True, slots=True)
class Typed:
    """What became of one command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON value it must be."""
        return json.loads(self.out)


def typed(*words: str | Path, env: Mapping[str, str] | None = None) -> Typed:
    """Type `pullcord` and these words."""
    result = CliRunner().invoke(
        app, [str(each) for each in words], env={**CLEAN, "COLUMNS": "200", **(env or {})}
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Typed(result.exit_code, result.stdout, result.stderr)


def well(*words: str | Path, env: Mapping[str, str] | None = None) -> Typed:
    """The same, when it must succeed."""
    found = typed(*words, env=env)
    assert found.code == 0, found.err or found.out
    return found


POLICY = """
workspace: shop
timezone: Europe/Berlin
people:
  maria: {name: Maria Lopez, email: maria@example.com}
  tom: {name: Tom Ode, email: tom@example.com}
  dana: {name: Dana Weiss, email: dana@example.com, role: lead}
schedules:
  billing: {rotate: daily, hand_off: "02:30", people: [maria, tom]}
ladders:
  billing:
    rungs:
      - {ask: schedule/billing, accept_within: 10m}
    catch_all: person/dana
agents:
  support: {ladder: billing, contact: tom}
tools:
  issue_refund: {money: args.amount, currency: EUR}
rules:
  - {id: never-negative, tool: issue_refund, mode: deny, when: args.amount < 0}
  - {id: refund-over-limit, tool: issue_refund, when: args.amount > 250}
"""


@dataclass(frozen=True, slots=True)
class Desk:
    """A directory with a policy file and, after `apply`, a database."""

    folder: Path

    @property
    def file(self) -> Path:
        """The policy file."""
        return self.folder / "pullcord.yaml"

    @property
    def db(self) -> Path:
        """The database."""
        return self.folder / "pullcord.db"

    def write(self, policy: str = POLICY) -> Path:
        """Write the policy file."""
        self.file.write_text(policy, encoding="utf-8")
        return self.file

    def apply(self, policy: str = POLICY) -> str:
        """Apply a policy; its version."""
        version: str = well("apply", self.write(policy), "--db", self.db, "--json").json["version"]
        return version
