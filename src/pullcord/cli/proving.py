"""`pullcord export` and `pullcord verify`: what happened, provable without the database."""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

import typer

from pullcord.cli.office import COMMAND_LINE
from pullcord.cli.opening import house_of, workspace_of
from pullcord.cli.places import DB_DEFAULT
from pullcord.cli.voice import (
    FAILED,
    AsJson,
    Db,
    KeyFile,
    Workspace,
    caution,
    command,
    err,
    out,
    print_json,
    refuse,
    well,
)
from pullcord.engine.proof import Checker, Exporter, Proof, checked
from pullcord.errors import InvalidInput, NotFound

#: characters of one line of an export
LINE_CHARS_MAX = 64 * 1_048_576


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
    key_file: KeyFile = None,
    workspace: Workspace = "",
) -> None:
    """Write timelines as JSON lines that `pullcord verify` proves offline."""
    async with house_of(db, key_file=key_file) as house:
        named = await workspace_of(house, workspace)
        if escalation and await house.store.load(named, escalation) is None:
            raise NotFound(f"there is no escalation {escalation!r} in workspace {named!r}.")
        await house.office.record(
            named,
            "exported",
            COMMAND_LINE,
            facts={"escalation": escalation, "contents": contents},
        )
        exporter = Exporter(house.store, house.vault, house.signer)
        count = 0
        with _target(to) as target:
            async for line in exporter.lines(
                named, house.clock.now(), only=escalation, with_contents=contents
            ):
                count += line["type"] == "link"
                target.write(json.dumps(line, ensure_ascii=False) + "\n")
        key = f"{house.signer.key_id}={house.signer.public_key}"
    err.print(f"{count} entries exported{f' to {to}' if to else ''}", markup=False)
    err.print(f"prove them: pullcord verify FILE --public-key {key}", markup=False, soft_wrap=True)


@contextmanager
def _target(to: Path | None) -> Iterator[IO[str]]:
    """The screen, or a file that only its owner reads and that is there when it is whole."""
    if to is None:
        yield sys.stdout
        return
    if not to.parent.is_dir():
        raise InvalidInput("to", value=str(to), limit="a file in a directory that is there")
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=to.parent, prefix=to.name, delete=False
    ) as file:
        try:
            yield file
            Path(file.name).replace(to)
        except BaseException:
            Path(file.name).unlink()
            raise


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
    key_file: KeyFile = None,
    workspace: Workspace = "",
    as_json: AsJson = False,
) -> None:
    """Prove every timeline: chains, rows, decisions' signatures, contents. Exit 1 if one fails."""
    trusted = _trusted(public_key or [])
    if file is None:
        proof = await _verify_database(db, workspace, trusted, key_file=key_file)
    elif file.is_file():
        with file.open(encoding="utf-8", errors="replace") as text:
            proof = checked(_lines(text), public_keys=trusted)
    else:
        raise InvalidInput("file", value=str(file), limit="an export file")
    _tell(proof, as_json=as_json)
    if file is not None and trusted is None:
        caution(
            "signatures were checked with the key in the file itself; with --public-key from "
            "elsewhere they prove who signed"
        )
    if not proof.holds:
        raise typer.Exit(FAILED)


def _lines(text: IO[str]) -> Iterator[str]:
    """Lines that are not blank, in constant memory: a longer one is cut and found damaged."""
    while line := text.readline(LINE_CHARS_MAX):
        if line.strip():
            yield line


def _trusted(given: list[str]) -> dict[str, str] | None:
    pairs = [each.partition("=") for each in given]
    for key_id, equals, key in pairs:
        if not (key_id and equals and key):
            limit = "ID=KEY, as export prints it and /v1/policy gives it"
            raise InvalidInput("public-key", value=key_id, limit=limit)
    return {key_id: key for key_id, _, key in pairs} or None


async def _verify_database(
    db: str, workspace: str, trusted: dict[str, str] | None, *, key_file: Path | None
) -> Proof:
    async with house_of(db, key_file=key_file) as house:
        named = await workspace_of(house, workspace)
        own = {house.signer.key_id: house.signer.public_key}
        checker = Checker(public_keys=trusted or own)
        exporter = Exporter(house.store, house.vault, house.signer)
        async for line in exporter.lines(named, house.clock.now(), with_contents=True):
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
        refuse(fault)
    if proof.more_faults:
        err.print(f"… and {proof.more_faults} more")
    counts = (
        f"{proof.workspace}: {proof.chains} timelines, {proof.links} entries, "
        f"{proof.decisions} signed decisions, {proof.contents} contents"
    )
    if proof.holds:
        well(f"holds  {counts}")
    else:
        refuse(f"does not hold  {counts}", to=out)
    out.print(f"  heads {proof.heads}", markup=False, soft_wrap=True)
