"""`pullcord mcp`, `mcp-proxy` and `hook`: guards for agents whose code nobody changes."""

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from pullcord.cli.voice import FAILED, caution, command, err, out, well
from pullcord.errors import InvalidInput

hook = typer.Typer(
    help="Guard a coding agent that calls a command before it uses a tool.",
    invoke_without_command=True,
)

Wait = Annotated[
    str, typer.Option("--wait", help="How long a stopped call waits for a person: 0s to 10m.")
]
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
    app.command(name="mcp")(mcp)
    app.command(name="mcp-proxy")(mcp_proxy)
    app.add_typer(hook, name="hook")


@command
async def mcp() -> None:
    """Give an agent the tools to ask people, over standard input and output.

    The server is PULLCORD_URL and the agent PULLCORD_KEY. The same tools are served over HTTP at
    /mcp of every Pullcord server.
    """
    from pullcord.client.address import address_of
    from pullcord.gateway.lines import Host
    from pullcord.gateway.proxying import bridged
    from pullcord.gateway.remote import Remote

    address = address_of(None, None, os.environ)
    host = await Host.on_standard_streams()
    headers = {"authorization": f"Bearer {address.key}", "user-agent": address.user_agent}
    await bridged(host, Remote(f"{address.url}/mcp", headers))


@command
async def mcp_proxy(
    server: Annotated[
        list[str] | None,
        typer.Argument(help="The MCP server's own command, after --.", show_default=False),
    ] = None,
    *,
    url: Annotated[str, typer.Option("--url", help="Or the address of an MCP server.")] = "",
    header: Annotated[
        list[str] | None,
        typer.Option("--header", help="With --url: `Name: value` to send; may be repeated."),
    ] = None,
    wait: Wait = "20s",
    prefix: Annotated[
        str, typer.Option(help="Goes before every tool's name, as rules and people see it.")
    ] = "",
    session: Annotated[
        str,
        typer.Option(
            envvar="PULLCORD_SESSION",
            help="Name of the conversation; else made of this machine, user, folder and server.",
        ),
    ] = "",
    pins: Annotated[
        Path | None, typer.Option(help="File with the tools as they were first seen.")
    ] = None,
) -> None:
    """Stand before an MCP server and let its tools be called only as rules and people allow.

    Neither the agent nor the server is changed. `pullcord mcp-proxy -- COMMAND …` starts the
    server as a command; `--url` reaches one over HTTP. The agent is PULLCORD_URL and PULLCORD_KEY.
    """
    from pullcord.client.cord import AsyncPullcord
    from pullcord.client.spans import seconds_of
    from pullcord.gateway.gateway import Gateway, Send
    from pullcord.gateway.lines import Command, Host, ServerGone
    from pullcord.gateway.pins import Pins
    from pullcord.gateway.proxying import pins_path, proxied, session_of
    from pullcord.gateway.remote import Remote

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="pullcord: %(message)s")
    named = _server_of(server, url)
    seconds = seconds_of("wait", wait)
    cord = AsyncPullcord()
    pinned = Pins(pins or pins_path(named))

    def build(to_host: Send, to_server: Send) -> Gateway:
        return Gateway(
            cord,
            session=session or session_of(named),
            wait=seconds,
            to_host=to_host,
            to_server=to_server,
            pins=pinned,
            prefix=prefix,
        )

    try:
        behind = Remote(url, _headers(header or [])) if url else await Command.started(server or [])
    except ServerGone as gone:
        raise InvalidInput("command", value=named, remedy=str(gone)) from None
    host = await Host.on_standard_streams()
    code = await proxied(host, behind, cord, build)
    if code:
        err.print("pullcord: the MCP server ended", markup=False)
        raise typer.Exit(FAILED)


def _server_of(server: Sequence[str] | None, url: str) -> str:
    """The one server behind the gateway, as text.

    Raises:
        InvalidInput: none is named, or two are.
    """
    if bool(server) == bool(url):
        raise InvalidInput(
            "server",
            value=url or None,
            limit="a command after --, or --url",
            remedy="Write pullcord mcp-proxy -- COMMAND …, or pullcord mcp-proxy --url URL.",
        )
    return url or "\0".join(server or [])


def _headers(given: Sequence[str]) -> dict[str, str]:
    found = {}
    for each in given:
        name, colon, value = each.partition(":")
        if not colon or not name.strip().isascii() or "\n" in each:
            raise InvalidInput("header", value=name, limit="Name: value", remedy="Correct it.")
        found[name.strip().lower()] = value.strip()
    return found


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
