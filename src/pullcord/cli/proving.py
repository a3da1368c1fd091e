"""`pullcord export` and `pullcord verify`: what happened, provable without the database."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pullcord.cli.opening import house_of, workspace_of
from pullcord.cli.places import DB_DEFAULT
from pullcord.cli.voice import FAILED, AsJson, Db, Workspace, command, err, out, print_json
from pullcord.engine.proof import Checker, Exporter, Proof, checked
from pullcord.errors import InvalidInput
from pullcord.path.escalation import Actor, ActorKind


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command(name="export")(export)
    app.command(name="verify")(verify)


@command
async def export(
    escalation: Annotated[str, typer.Argument(help="One escalation; all when left out.")] = "",
    *,
    to: Annotated[Path | None, typer.Option("--to", help="File to write; else the screen.")] = None,
    contents: Annotated[
        bool, typer.Option("--contents", help="With sealed contents, readable for the reader.")
    ] = False,
    db: Db = DB_DEFAULT,
    workspace: Workspace = "",
) -> None:
    """Write timelines as JSON lines that `pullcord verify` proves offline."""
    async with house_of(db) as house:
        named = await workspace_of(house, workspace)
        exporter = Exporter(house.store, house.vault, house.signer)
        await house.office.record(
            named,
            "exported",
            Actor(ActorKind.ENGINE, "command line"),
            facts={"escalation": escalation, "contents": contents},
        )
        target = to.open("w", encoding="utf-8") if to else sys.stdout
        count = 0
        try:
            lines = exporter.lines(
                named, datetime.now(UTC), only=escalation, with_contents=contents
            )
            async for line in lines:
                count += line["type"] == "link"
                target.write(json.dumps(line, ensure_ascii=False) + "\n")
        finally:
            if to:
                target.close()
        err.print(f"{count} entries exported{f' to {to}' if to else ''}")


@command
async def verify(
    file: Annotated[
        Path | None, typer.Argument(help="An export; the database itself when left out.")
    ] = None,
    *,
    public_key: Annotated[
        list[str] | None,
        typer.Option("--public-key", help="Trust only this key: ID=KEY. May be repeated."),
    ] = None,
    db: Db = DB_DEFAULT,
    workspace: Workspace = "",
    as_json: AsJson = False,
) -> None:
    """Prove every timeline: chains, rows, decisions' signatures, contents. Exit 1 if one fails."""
    trusted = _trusted(public_key or [])
    if file is None:
        proof = await _verify_database(db, workspace, trusted)
    elif file.is_file():
        with file.open(encoding="utf-8") as lines:
            proof = checked(_bounded(lines), public_keys=trusted)
    else:
        raise InvalidInput("file", value=str(file), limit="an export file")
    _tell(proof, as_json=as_json)
    if not proof.holds:
        raise typer.Exit(FAILED)


def _bounded(lines: Iterator[str]) -> Iterator[str]:
    return (line for line in lines if line.strip())


def _trusted(given: list[str]) -> dict[str, str] | None:
    pairs = [each.partition("=") for each in given]
    for key_id, equals, key in pairs:
        if not (key_id and equals and key):
            raise InvalidInput("public-key", value=key_id, limit="ID=KEY as /v1/policy gives it")
    return {key_id: key for key_id, _, key in pairs} or None


async def _verify_database(db: str, workspace: str, trusted: dict[str, str] | None) -> Proof:
    async with house_of(db) as house:
        named = await workspace_of(house, workspace)
        own = {house.signer.key_id: house.signer.public_key}
        checker = Checker(public_keys=trusted or own)
        exporter = Exporter(house.store, house.vault, house.signer)
        async for line in exporter.lines(named, datetime.now(UTC), with_contents=True):
            checker.take(line)
        return checker.proof()


def _tell(proof: Proof, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "holds": proof.holds,
                "workspace": proof.workspace,
                "chains": proof.chains,
                "entries": proof.links,
                "decisions": proof.decisions,
                "contents": proof.contents,
                "heads": proof.heads,
                "faults": proof.faults,
                "more_faults": proof.more_faults,
            }
        )
        return
    for fault in proof.faults:
        err.print(f"[bold red]✗[/] {fault}", markup=True)
    if proof.more_faults:
        err.print(f"… and {proof.more_faults} more")
    mark = "[green]✓ holds[/]" if proof.holds else "[bold red]✗ does not hold[/]"
    out.print(
        f"{mark}  {proof.workspace}: {proof.chains} timelines, {proof.links} entries, "
        f"{proof.decisions} signed decisions, {proof.contents} contents\n  heads {proof.heads}"
    )
