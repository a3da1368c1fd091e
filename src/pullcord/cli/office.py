"""`pullcord keys`, `invite` and `drill`: acts on a workspace from its own machine."""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from pullcord.cli.opening import house_of, workspace_of
from pullcord.cli.places import DB_DEFAULT
from pullcord.cli.voice import (
    AsJson,
    Db,
    KeyFile,
    Workspace,
    command,
    err,
    out,
    print_json,
    well,
)
from pullcord.engine.house import House
from pullcord.engine.settings import Settings
from pullcord.path.escalation import Actor, ActorKind

keys = typer.Typer(help="API keys of agents: mint, list, revoke.", no_args_is_help=True)

COMMAND_LINE = Actor(ActorKind.ENGINE, "command line")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(keys, name="keys")
    app.command(name="invite")(invite)
    app.command(name="drill")(drill)


@keys.command(name="mint")
@command
async def mint(
    *,
    agent: Annotated[str, typer.Option(help="Agent the key is for.")],
    creator: Annotated[
        str, typer.Option(help="Person who answers for it; else the agent's contact.")
    ] = "",
    environment: Annotated[str, typer.Option(help="Where it is used.")] = "production",
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
    db: Db = DB_DEFAULT,
    key_file: KeyFile = None,
    workspace: Workspace = "",
    as_json: AsJson = False,
) -> None:
    """Make a key; it is shown once and only its hash is kept."""
    async with house_of(db, key_file=key_file) as house:
        named = await workspace_of(house, workspace)
        shown, key = await house.office.mint_key(
            named,
            agent=agent,
            environment=environment,
            creator=creator or await _contact(house, named, agent),
            note=note,
        )
    if as_json:
        print_json({"key": shown, "id": key.id, "agent": agent, "environment": environment})
        return
    err.print("This key is shown once; keep it where the agent finds it (PULLCORD_KEY):")
    out.print(shown, markup=False, soft_wrap=True)


async def _contact(house: House, workspace: str, agent: str) -> str:
    """The agent's technical contact, who answers for its key unless somebody else is named."""
    terms = (await house.policies.current(workspace)).configuration.agents.get(agent)
    return terms.contact if terms else ""


@keys.command(name="list")
@command
async def list_keys(
    *,
    db: Db = DB_DEFAULT,
    key_file: KeyFile = None,
    workspace: Workspace = "",
    as_json: AsJson = False,
) -> None:
    """List keys, newest first; the keys themselves are never shown again."""
    async with house_of(db, key_file=key_file) as house:
        named = await workspace_of(house, workspace)
        found = await house.store.keys(named)
    if as_json:
        print_json(
            [
                {
                    "id": each.id,
                    "agent": each.agent,
                    "environment": each.environment,
                    "creator": each.creator,
                    "created_at": each.created_at.isoformat(),
                    "revoked_at": each.revoked_at.isoformat() if each.revoked_at else None,
                    "note": each.note,
                }
                for each in found
            ]
        )
        return
    if not found:
        out.print("no keys yet; make one with `pullcord keys mint --agent … --creator …`")
        return
    table = Table("id", "agent", "environment", "creator", "created (UTC)", "state", "note")
    for each in found:
        state = f"revoked {each.revoked_at:%Y-%m-%d}" if each.revoked_at else "valid"
        created = f"{each.created_at:%Y-%m-%d %H:%M}"
        table.add_row(
            each.id, each.agent, each.environment, each.creator, created, state, Text(each.note)
        )
    out.print(table)


@keys.command(name="revoke")
@command
async def revoke(
    key: Annotated[str, typer.Argument(help="The key's id.")],
    *,
    db: Db = DB_DEFAULT,
    key_file: KeyFile = None,
    workspace: Workspace = "",
) -> None:
    """Refuse a key from now on; a running server follows within seconds."""
    async with house_of(db, key_file=key_file) as house:
        named = await workspace_of(house, workspace)
        await house.office.revoke_key(named, key, by="command line")
    well(f"{key} is revoked")


@command
async def invite(
    person: Annotated[str, typer.Argument(help="Person of the policy file.")],
    *,
    url: Annotated[
        str, typer.Option(envvar="PULLCORD_PUBLIC_URL", help="Address of the console.")
    ] = "http://127.0.0.1:8710",
    db: Db = DB_DEFAULT,
    key_file: KeyFile = None,
    workspace: Workspace = "",
    as_json: AsJson = False,
) -> None:
    """Print a one-time link with which a person chooses a password and signs in."""
    async with house_of(db, key_file=key_file, settings=Settings(public_url=url)) as house:
        named = await workspace_of(house, workspace)
        token = await house.office.invite(named, person, by=COMMAND_LINE)
    link = f"{url.rstrip('/')}/setup/{token}"
    if as_json:
        print_json({"person": person, "link": link})
        return
    err.print(f"One-time link for {person}, valid 24 hours:")
    out.print(link, markup=False, soft_wrap=True)


@command
async def drill(
    ladder: Annotated[str, typer.Argument(help="Ladder to try.")],
    *,
    by: Annotated[str, typer.Option(help="Person who asks for the drill.")],
    db: Db = DB_DEFAULT,
    key_file: KeyFile = None,
    workspace: Workspace = "",
    as_json: AsJson = False,
) -> None:
    """Send a marked test escalation through a real ladder; a running server carries it on."""
    async with house_of(db, key_file=key_file) as house:
        named = await workspace_of(house, workspace)
        row = await house.desk.drill(named, by, ladder=ladder)
    found = row.escalation
    if as_json:
        print_json({"escalation": found.id, "owner": found.owner})
        return
    well(f"{found.id} asks {found.owner}; watch it in the console")
