"""`pullcord init`, `check`, `apply` and `explain`: everything about the policy file."""

import difflib
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.text import Text

from pullcord.briefing.digest import NotCanonical, strict_loads
from pullcord.cli.coverage import Gap, gaps_of
from pullcord.cli.opening import house_of, workspace_of
from pullcord.cli.places import DB_DEFAULT, master_of, store_of
from pullcord.cli.voice import (
    FAILED,
    AsJson,
    Db,
    KeyFile,
    Workspace,
    caution,
    command,
    out,
    print_json,
    refuse,
    well,
)
from pullcord.config.configuration import Configuration
from pullcord.config.read import read_path
from pullcord.config.schema import json_schema
from pullcord.engine.house import furnish, opened
from pullcord.errors import InvalidInput
from pullcord.owner.floor import Floor
from pullcord.owner.resolve import resolve
from pullcord.path.wording import Reader
from pullcord.trigger.evaluate import CompiledPolicy
from pullcord.trigger.rules import Verdict
from pullcord.trigger.signals import Call

STARTERS = ("support", "coding", "infra")
DAYS_MAX = 366

PolicyFile = Annotated[Path, typer.Argument(help="pullcord.yaml, or a directory of such files.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for name, work in (("init", init), ("check", check), ("apply", apply), ("explain", explain)):
        app.command(name=name)(work)


@command
async def init(
    directory: Annotated[Path, typer.Argument(help="Where to write.")] = Path(),
    *,
    purpose: Annotated[
        str, typer.Option("--for", help="What the agent does: support, coding or infra.")
    ] = "support",
) -> None:
    """Write a policy file to start from, and its JSON Schema for editors."""
    if purpose not in STARTERS:
        raise InvalidInput("for", value=purpose, limit=", ".join(STARTERS))
    target = directory / "pullcord.yaml"
    if target.exists():
        raise InvalidInput(
            "pullcord.yaml", value=str(target), limit="a new file", remedy="Move the old one away."
        )
    directory.mkdir(parents=True, exist_ok=True)
    starter = files("pullcord.cli").joinpath("starters", f"{purpose}.yaml")
    target.write_text(starter.read_text(encoding="utf-8"), encoding="utf-8")
    schema = directory / "pullcord.schema.json"
    schema.write_text(json.dumps(json_schema(), indent=2) + "\n", encoding="utf-8")
    well(f"wrote {target} and {schema}")
    out.print(
        "\nNext:\n"
        f"  1. put your own people into it, then  pullcord check {target}\n"
        f"  2. pullcord serve --config {target}\n"
        "  3. open the one-time link it prints and choose a password",
        markup=False,
        soft_wrap=True,
    )


@command
async def check(
    file: Annotated[
        Path | None, typer.Argument(help="pullcord.yaml, or a directory of such files.")
    ] = None,
    *,
    days: Annotated[int, typer.Option(min=1, max=DAYS_MAX, help="Days to look ahead.")] = 14,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read the file, then look ahead: does every ladder have somebody, at every hour?"""
    if schema:
        print_json(json_schema())
        return
    if file is None:
        raise InvalidInput("file", value=None, limit="a policy file", remedy="Name it.")
    configuration, _ = read_path(file, environ=os.environ)
    now = datetime.now(UTC)
    gaps = gaps_of(configuration, now, timedelta(days=days))
    if as_json:
        print_json(_found(configuration, gaps))
    else:
        _tell(configuration, gaps, days)
    if gaps:
        raise typer.Exit(FAILED)


def _found(configuration: Configuration, gaps: list[Gap]) -> dict[str, Any]:
    return {
        "workspace": configuration.workspace,
        "version": configuration.policy.version,
        "rules": len(configuration.policy.rules),
        "people": len(configuration.people),
        "warnings": list(configuration.warnings),
        "gaps": [
            {
                "ladder": each.ladder,
                "from": each.start_at.isoformat(),
                "until": each.end_at.isoformat(),
                "why": each.why,
            }
            for each in gaps
        ],
    }


def _some(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _tell(configuration: Configuration, gaps: list[Gap], days: int) -> None:
    counts = (
        _some(len(configuration.policy.rules), "rule", "rules"),
        _some(len(configuration.people), "person", "people"),
        _some(len(configuration.ladders), "ladder", "ladders"),
    )
    well(f"{configuration.workspace} {configuration.policy.version}: {', '.join(counts)}")
    for warning in configuration.warnings:
        caution(warning, to=out)
    for each in gaps:
        refuse(
            f"ladder {each.ladder}: only the catch-all from {each.start_at:%a %Y-%m-%d %H:%M} to "
            f"{each.end_at:%a %Y-%m-%d %H:%M} UTC ({each.why})",
            to=out,
        )
    if not gaps:
        well(f"every ladder has somebody on a rung for the next {days} days")


@command
async def apply(
    file: Annotated[
        Path | None, typer.Argument(help="pullcord.yaml, or a directory of such files.")
    ] = None,
    *,
    roll_back: Annotated[
        str, typer.Option("--roll-back", help="Version to make the one in force again.")
    ] = "",
    by: Annotated[str, typer.Option(help="Who applies it, for the record.")] = "command line",
    db: Db = DB_DEFAULT,
    key_file: KeyFile = None,
    workspace: Workspace = "",
    as_json: AsJson = False,
) -> None:
    """Make a policy the one in force; a running server takes it up within seconds."""
    if (file is None) == (not roll_back):
        raise InvalidInput(
            "file", value=None, limit="a policy file, or --roll-back VERSION", remedy="Name one."
        )
    if file is not None:
        applied = await _applied(file, db, key_file=key_file, by=by)
    else:
        async with house_of(db, key_file=key_file) as house:
            named = await workspace_of(house, workspace)
            applied = await house.office.roll_back(named, roll_back, by=by)
    if as_json:
        print_json(_found(applied, []))
        return
    for warning in applied.warnings:
        caution(warning)
    well(f"{applied.workspace}: policy {applied.policy.version} is in force")


async def _applied(file: Path, db: str, *, key_file: Path | None, by: str) -> Configuration:
    """Apply a file that can be read, on a database that is made where there is none."""
    _, source = read_path(file, environ=os.environ)
    house = furnish(store_of(db), master=master_of(db, key_file=key_file))
    async with opened(house, runs=False):
        return await house.office.apply(source, by=by, file=str(file), environ=os.environ)


@dataclass(frozen=True, slots=True)
class Explained:
    """What a policy would do with one call."""

    verdict: Verdict
    rule: str
    reason: str
    lines: list[str]
    owner: str
    owner_reason: str


@command
async def explain(
    file: PolicyFile,
    *,
    tool: Annotated[str, typer.Option(help="Tool that is called.")],
    args: Annotated[str, typer.Option(help="Its arguments as JSON.")] = "{}",
    agent: Annotated[str, typer.Option(help="Agent that calls it.")] = "",
    environment: Annotated[str, typer.Option(help="Where it runs.")] = "production",
    at: Annotated[str, typer.Option(help="When, such as 2027-03-28T02:30+01:00.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say what the policy would do with a call, rule by rule, and who would be asked."""
    configuration, _ = read_path(file, environ=os.environ)
    moment = _moment(at)
    call = Call(
        environment=environment,
        agent=agent or next(iter(configuration.agents), "agent"),
        tool=tool,
        args=_arguments(args),
    )
    found = explained(configuration, call, moment)
    if tool not in configuration.policy.tools:
        near = difflib.get_close_matches(tool, configuration.policy.tools, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        caution(f"{tool} is not under tools:, so nothing is known about it{hint}")
    if as_json:
        print_json(
            {
                "verdict": str(found.verdict),
                "rule": found.rule,
                "reason": found.reason,
                "lines": found.lines,
                "owner": found.owner,
                "owner_reason": found.owner_reason,
            }
        )
        return
    out.print(Text.assemble((found.verdict, "bold"), f"  {found.reason}"), soft_wrap=True)
    for line in found.lines:
        out.print(Text(f"  {line}"), soft_wrap=True)
    if found.owner:
        out.print(Text(f"asked first: {found.owner}: {found.owner_reason}"), soft_wrap=True)


def explained(configuration: Configuration, call: Call, at: datetime) -> Explained:
    """What the policy does with a call, and who would be asked at that instant."""
    compiled = CompiledPolicy(configuration.policy)
    judgement = compiled.judge(call)
    owner = reason = ""
    if judgement.verdict in (Verdict.GATE, Verdict.VETO):
        ladder = configuration.ladder_for(compiled.rule(judgement.rule), call.agent)
        floor = Floor(
            version=0,
            at=at,
            people=configuration.people,
            teams=configuration.teams,
            schedules=configuration.schedules,
            workspace_catch_all=ladder.catch_all,
        )
        resolution = resolve(ladder, floor, at)
        names = {who: someone.name for who, someone in configuration.people.items()}
        reader = Reader(names, ZoneInfo(configuration.timezone), at)
        owner, reason = resolution.owner, reader.local(resolution.reason)
    lines = compiled.explain(call)
    return Explained(judgement.verdict, judgement.rule, judgement.reason, lines, owner, reason)


def _arguments(text: str) -> dict[str, Any]:
    try:
        value = strict_loads(text)
    except NotCanonical as problem:
        raise InvalidInput("args", value=text, limit="a JSON object", remedy=str(problem)) from None
    if not isinstance(value, dict):
        raise InvalidInput("args", value=text, limit="a JSON object")
    return value


def _moment(text: str) -> datetime:
    if not text:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InvalidInput(
            "at", value=text, limit="an instant with its zone", remedy="Write 2027-03-28T02:30Z."
        )
    return found.astimezone(UTC)
