"""`pullcord mcp`, `mcp-proxy` and `hook`: guards for agents whose code nobody changes."""

import os
from pathlib import Path
from typing import Annotated

import typer

from pullcord.cli.voice import caution, command, out, well
from pullcord.gateway.command import Wait, mcp, mcp_proxy

hook = typer.Typer(
    help=(
        "Guard a coding agent that calls a command before it uses a tool.\n\n"
        "Without a command of its own it judges one call: the host's JSON comes in, its answer "
        "goes out. The agent is PULLCORD_URL and PULLCORD_KEY. It ends with 0 when the host may "
        "go on, with 2 when the tool is blocked, whatever the reason, and with 1 when only a "
        "report of what has run was lost."
    ),
    invoke_without_command=True,
)

Settings = Annotated[
    Path | None,
    typer.Option("--settings", help="Settings file; else the user's own, or the project's."),
]
Project = Annotated[
    bool, typer.Option("--project", help="The project's settings in .claude/settings.json.")
]
Print = Annotated[
    bool, typer.Option("--print", help="Print what the settings would be, and change nothing.")
]
HostName = Annotated[str, typer.Argument(help="The host: claude-code.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command(name="mcp")(command(mcp))
    app.command(name="mcp-proxy")(command(mcp_proxy))
    app.add_typer(hook, name="hook")


# --- the hook -------------------------------------------------------------------------------------
@hook.callback()
def _judge(context: typer.Context, wait: Wait = "20s") -> None:
    """Judge one tool call: a host's JSON comes in, its answer goes out; exit 2 blocks the tool.

    The agent is PULLCORD_URL and PULLCORD_KEY. Whatever fails, the tool does not run.
    """
    if context.invoked_subcommand is None:
        from pullcord.hook.process import run

        run(["--wait", wait])


@hook.command(name="install")
@command
async def install(
    host: HostName,
    *,
    settings: Settings = None,
    project: Project = False,
    matcher: Annotated[
        str, typer.Option(help="Tools to guard, as the host matches them; empty is all.")
    ] = "",
    wait: Wait = "20s",
    show: Print = False,
) -> None:
    """Put the hook into a coding agent's settings; safe to repeat."""
    from pullcord.hook.install import installed, path_for, save, settings_of, shown

    path = path_for(host, settings=settings, project=project)
    before = settings_of(path)
    after = installed(before, matcher=matcher, wait=wait)
    if show:
        out.print(shown(after), markup=False, highlight=False, soft_wrap=True)
    elif after == before:
        well(f"{path} has the hook already")
    else:
        save(path, after)
        well(f"{path} has the hook; every tool call of {host} is judged from its next start on")
        if not (os.environ.get("PULLCORD_URL") and os.environ.get("PULLCORD_KEY")):
            caution("PULLCORD_URL and PULLCORD_KEY are not set here; without them all is denied")


@hook.command(name="uninstall")
@command
async def uninstall(
    host: HostName, *, settings: Settings = None, project: Project = False, show: Print = False
) -> None:
    """Take the hook out of a coding agent's settings again."""
    from pullcord.hook.install import path_for, save, settings_of, shown, uninstalled

    path = path_for(host, settings=settings, project=project)
    before = settings_of(path)
    after = uninstalled(before)
    if show:
        out.print(shown(after), markup=False, highlight=False, soft_wrap=True)
    elif after == before:
        well(f"{path} has no hook of Pullcord's")
    else:
        save(path, after)
        well(f"the hook is out of {path}")
